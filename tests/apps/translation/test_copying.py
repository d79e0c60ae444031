import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.translation.copying import copied
from shared.text import train_tokenizer
from shared.text.casing import CAPITAL


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("t") / "tokenizer.model"
    known = ["my name is Tom", "mein Name ist Maria", "unfortunately he met her", "leider traf er"]
    known += ["это дом"]
    letters = [
        "a b c d e f g h i j k l m n o p q r s t u v w x y z",
        "A D K L O S T U Z 0 1 2 3 5 8",
    ]
    return train_tokenizer(known * 20 + letters, path, 400)


def run(tokenizer, source, translation, pairs, looked=1.0):
    """The text, when the word of each pair looked at the other, subword by subword."""
    ids, symbols = tokenizer.encode(source), tokenizer.encode(translation)

    def places(text):
        ends = [
            len(tokenizer.encode(text[:k])) for k in range(len(text) + 1) if text[k : k + 1] in " "
        ]
        return list(zip([0, *ends], ends, strict=False))

    left, right = places(source), places(translation)
    attention = np.zeros((len(symbols), len(ids)))
    attention[:, 0] = 1 - looked
    for word, at in pairs:
        (start, end), (first, last) = right[word], left[at]
        for k in range(start, end):
            attention[k, min(first + k - start, last - 1)] += looked
    return tokenizer.decode(copied(tokenizer, ids, symbols, attention))


@pytest.mark.parametrize(
    ("source", "translation", "pairs", "expected"),
    [
        ("my name is Kowalski", "mein Name ist Kowaki", [(3, 3)], "mein Name ist Kowalski"),
        ("Kowalski met Zhang", "Kowaxski traf Zhag", [(0, 0), (2, 2)], "Kowalski traf Zhang"),
        ("call 8213 or 555", "ruf 8213 oder 5555", [(1, 1), (3, 3)], "ruf 8213 oder 555"),
        # Letters and pictures of no training text, whatever was made of them.
        ("my name is Şükrü", "mein Name ist leider", [(3, 3)], "mein Name ist Şükrü"),
        ("he met 北京 Tom", "er traf leider Tom", [(2, 2)], "er traf 北京 Tom"),
        ("he met 😀 Tom", "er traf leider Tom", [(2, 2)], "er traf 😀 Tom"),
        ("he met это Tom", "er traf leider Tom", [(2, 2)], "er traf leider Tom"),
        ("he met é Tom", "er traf leider Tom", [(2, 2)], "er traf leider Tom"),
        # A genitive, and what is there already.
        ("Kowalski is Tom", "Kowalskis Tom", [(0, 0)], "Kowalskis Tom"),
        ("Kowalski is Tom", "Kowalski Kowalsk", [(0, 0), (1, 0)], "Kowalski Kowalsk"),
        # No name on either side; known words; another word.
        ("my name is kowalski", "mein Name ist Kowaki", [(3, 3)], "mein Name ist Kowaki"),
        ("my name is Kowalski", "mein Name ist kowaki", [(3, 3)], "mein Name ist kowaki"),
        ("my name is Tom", "mein Name ist Tam", [(3, 3)], "mein Name ist Tam"),
        ("my name is Kowalski", "mein Name ist Uxdo", [(3, 3)], "mein Name ist Uxdo"),
        # The first word is in capitals, whatever it is.
        ("Unfortunately he met her", "Unfortunely traf er", [(0, 0)], "Unfortunely traf er"),
    ],
)
def test_misspelled_names_and_numbers(tokenizer, source, translation, pairs, expected):
    assert run(tokenizer, source, translation, pairs) == expected


def test_where_it_is_not_plain_what_was_copied_nothing_changes(tokenizer):
    words = ("my name is Kowalski", "mein Name ist Kowaki", [(3, 3)])
    assert run(tokenizer, *words, looked=0.6) == "mein Name ist Kowalski"
    assert run(tokenizer, *words, looked=0.2) == "mein Name ist Kowaki"


@settings(max_examples=50, deadline=None)
@given(source=st.text(max_size=30), translation=st.text(max_size=30), seed=st.integers(0, 99))
def test_any_text_is_made_of_the_two(tokenizer, source, translation, seed):
    ids, symbols = tokenizer.encode(source), tokenizer.encode(translation)
    attention = np.random.default_rng(seed).dirichlet(np.ones(max(1, len(ids))), len(symbols))
    result = copied(tokenizer, ids, symbols, attention[:, : len(ids)])
    assert set(result) <= set(ids) | set(symbols)
    same = copied(tokenizer, ids, ids, np.eye(len(ids)))
    assert same == ids


def test_a_marked_word_is_a_name_in_small_letters(tmp_path):
    known = ["my name is tom", "mein name ist maria", "a b c d e f g h i j k l m n o p q r s t z"]
    tokenizer = train_tokenizer(known * 20, tmp_path / "t.model", 380, (), (CAPITAL,))
    source = tokenizer.encode(f"my name is kowalski{CAPITAL}")
    symbols = tokenizer.encode(f"mein name ist kowaski{CAPITAL}")
    attention = np.zeros((len(symbols), len(source)))
    read, written = tokenizer.pieces(source), tokenizer.pieces(symbols)
    last = len(source) - 1
    start = written.index("\u2581ist") + 1
    first = read.index("\u2581is") + 1
    for k in range(start, len(symbols)):
        attention[k, min(first + k - start, last)] = 1
    found = tokenizer.decode(copied(tokenizer, source, symbols, attention, lifted=True))
    assert found == f"mein name ist kowalski{CAPITAL}"
    plain = tokenizer.encode("mein name ist kowaski")
    found = tokenizer.decode(copied(tokenizer, source, plain, attention[:-1], lifted=True))
    assert found == "mein name ist kowalski"  # no subwords make sense of it
