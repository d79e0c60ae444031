import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.translation.data import Pair
from apps.translation.lifting import (
    LETTERS,
    WHOLE,
    finished,
    form_of,
    lift_pairs,
    proper_words,
    shown,
)
from shared.text import normalize, train_tokenizer
from shared.text.casing import CAPITAL
from shared.text.placeholders import SYMBOLS

PIECES = st.sampled_from(
    "Hello WORLD Tom I'm $5 3:30 <b> </b> 😀 [Anna] - • (2) a) bob@x.com 北京 iPhone . ! -".split()
)
TEXTS = st.one_of(st.text(), st.lists(PIECES).map(" ".join), st.lists(PIECES).map("".join))


@given(TEXTS)
def test_a_form_is_the_whole_sentence(text):
    form = form_of(text)
    if not form.left:
        assert finished(form, form.text) == normalize(text)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("- Hello, Anna.", "- ", ""),
        ("[Anna] Hello.", "[Anna] ", ""),
        ("<i>Where is it?</i>", "<i>", "</i>"),
        ("I love it! 😀", "", " 😀"),
        ("2) Open the door.", "2) ", ""),
        ("I am here.", "", ""),
    ],
)
def test_what_stands_around_does_not_come_to_the_model(text, before, after):
    form = form_of(text)
    assert (form.before, form.after, form.slots) == (before, after, ())


@pytest.mark.parametrize("text", ["", "...", "$48.87", "3:30 - 4:30", "😀", "https://x.org"])
def test_nothing_to_translate(text):
    assert form_of(text).is_empty


def pair(source, target, languages=("en", "de")):
    return Pair(source, target, *languages)


def test_pairs_share_their_symbols():
    [lifted] = lift_pairs([pair("At 3:30 I saw 5 dogs.", "Um 3:30 sah ich 5 Hunde.")], {})
    a, b = SYMBOLS[:2]
    assert lifted.source == f"at {a} I saw {b} dogs."
    assert lifted.target == f"um {a} sah ich {b} hunde{CAPITAL}."
    [lifted] = lift_pairs([pair("5 of 1,000", "von 1.000 5 wären")], {})
    assert lifted.target == f"von {b} {a} wären"


def test_pairs_with_other_numbers_are_left_out():
    assert lift_pairs([pair("I have 5.", "Ich habe fünf."), pair("At 2:30", "Um 14:30")], {}) == []


def test_drawn_symbols_are_the_same_on_both_sides():
    some = [pair("I saw 5 dogs and 7 cats.", "Ich sah 5 Hunde und 7 Katzen.")] * 200
    lifted = lift_pairs(some, {}, np.random.default_rng(0), bare_rate=0.5)
    used = [[c for c in p.source if c in SYMBOLS] for p in lifted]
    assert used == [[c for c in p.target if c in SYMBOLS] for p in lifted]
    assert {c for two in used for c in two} == set(SYMBOLS[:8])
    assert {p.source[0] for p in lifted} == {"i", "I"}


def test_names_become_things_on_both_sides():
    some = [pair("Anna knows Tom.", "Anna kennt Tom.")] * 100
    lifted = lift_pairs(some, {}, np.random.default_rng(0), thing_rate=1.0)
    assert len(lifted) == 100
    for p in lifted:
        symbols = [sorted(c for c in text if c in SYMBOLS) for text in p[:2]]
        assert symbols[0] == symbols[1] and symbols[0]


def test_proper_words_are_those_with_capitals_inside_sentences():
    pairs = [
        pair("The dog", "Der Hund"), pair("a dog", "Ein Hund"), pair("he", "Er ist da"),
        pair("is he", "ist er da"),
    ]  # fmt: skip
    assert proper_words(pairs) == {"de": frozenset({"hund"})}
    [lifted] = lift_pairs([pair("Dogs.", "Hund.")], proper_words(pairs))
    assert lifted.target == f"hund{CAPITAL}."


def test_symbols_are_one_subword_each(tmp_path):
    texts = [f"a dog{CAPITAL} {SYMBOLS[0]} b", "close the door"] * 20
    tokenizer = train_tokenizer(texts, tmp_path / "t.model", 500, ("<2de>",), WHOLE, LETTERS)
    assert len(tokenizer.pieces(tokenizer.encode("łódź"))) <= 5
    assert tokenizer.symbols == ("<2de>",)
    for symbol in SYMBOLS:
        assert tokenizer.pieces(tokenizer.encode(symbol)) == [f"\u2581{symbol}"]
        assert tokenizer.pieces(tokenizer.encode(f"a{symbol}"))[-1] == symbol
    ids = tokenizer.encode(f"dog{CAPITAL}")
    assert ids[:-1] == tokenizer.encode("dog")
    assert tokenizer.decode(ids) == f"dog{CAPITAL}"


def test_symbols_can_be_read():
    assert shown(f"a{CAPITAL}") == "a⟨Aa⟩" and shown(f"\u2581{SYMBOLS[9]}") == "\u2581⟨thing 2⟩"
    assert len({shown(symbol) for symbol in WHOLE}) == len(WHOLE)
    assert shown("\u2581dog") == "\u2581dog"
