import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text import normalize
from shared.text.placeholders import COUNT, MARK, NUMBER, SYMBOL, THING, lift, restore

PIECES = st.sampled_from(
    "a dog, Pay [A] $48.87 3:30 1,000.50 10 000 -5°C 20% <b> </b> <br/> &amp; bob@x.com "
    "https://a.example/b?c=1. www.x.org A4 COVID-19 {name} %s #tag :) \ue010 \ue030".split()
    + ["北京", "😀", "(", ".", "1st", "I'm", " ", "  ", "'", "-", "\u00a0"]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES).map("".join), st.lists(PIECES).map(" ".join))


@given(TEXTS)
def test_what_was_lifted_comes_back(text):
    lifted = lift(text)
    if not lifted.left:
        assert restore(lifted.text, lifted.slots) == normalize(text)


@given(TEXTS)
def test_no_text_fakes_a_placeholder_and_none_shows_a_digit(text):
    lifted = lift(text)
    assert len(SYMBOL.findall(lifted.text)) == len(lifted.slots)
    if not lifted.left:
        assert not any(c.isdecimal() for c in lifted.text)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("It cost $48.87 and 20 % of 1,000.50.", NUMBER, ["$48.87", "20 %", "1,000.50"]),
        ("At 3:30, on 2026-11-27, at 10h30.", NUMBER, ["3:30", "2026-11-27", "10h30"]),
        ("From -5 to 10-20, May 1st, 5km.", NUMBER, ["-5", "10-20", "1", "5"]),
        ("See https://a.example/b.", THING, ["https://a.example/b"]),
        ("Mail bob@x.com, or @bob on x.org.", THING, ["bob@x.com", "@bob", "x.org"]),
        ("An A4 page on COVID-19.", THING, ["A4", "COVID-19"]),
        ("Tom wrote 北京 大学 twice.", THING, ["北京 大学"]),
        ("Tom &amp; {name}", THING, ["&amp;", "{name}"]),
        ('A <a href="x">link</a> 😀 [sic]', MARK, ['<a href="x">', "</a>", "😀", "[sic]"]),
    ],
)
def test_kinds(text, kind, expected):
    assert [slot.text for slot in lift(text).slots if slot.kind == kind] == expected


def test_plain_sentences_stay():
    for text in ("I don't know: is it Tom's?", "¿Dónde está Łódź?", "Well-known (a, b)!", "U.S.A."):
        assert lift(text) == (text, (), 0)


def test_marks_move_with_their_spaces():
    lifted = lift("A <b>red</b> car")
    a, b = (slot.symbol for slot in lifted.slots)
    assert restore(f"Une voiture {a} rouge {b}", lifted.slots) == "Une voiture <b>rouge</b>"
    assert restore("\ue037 Une voiture", lifted.slots) == " Une voiture"


def test_more_than_there_are_symbols():
    lifted = lift(" ".join(str(n) for n in range(COUNT + 3)))
    assert (len(lifted.slots), lifted.left) == (COUNT, 3)


def test_keys_compare_what_languages_write_differently():
    (left,), (right,) = lift("1,000.5 men").slots, lift("1.000,5 Mann").slots
    assert left.key == right.key != lift("1000 Mann").slots[0].key


@pytest.mark.parametrize("text", "a a- AA- a1- - a. a@ <!-- <a 1' É".split())
def test_time_is_linear_in_the_length(text):
    begin = time.process_time()
    lift(text * (100_000 // len(text)))
    assert time.process_time() - begin < 5
