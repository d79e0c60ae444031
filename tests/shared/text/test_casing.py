import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.casing import CAPITAL, CAPITALS, JOIN, SYMBOLS, Style, bare, lower, restore

WORDS = st.sampled_from(
    "The door I I'm USA McDonald iPhone DVDs Straße STRASSE ÉTÉ œuvre ǅ İ ı ſ".split()
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_characters=SYMBOLS)),
    st.lists(WORDS).map(" ".join),
    st.text("aAbBiIßéÉ '-"),
)


@given(TEXTS, st.booleans())
def test_case_comes_back(text, proper):
    lowered = lower(text, {"the", "door", "a"} if proper else ())
    assert restore(lowered.text, lowered.style) == text


@given(st.lists(st.text("abcdefgß", min_size=2), min_size=1))
def test_all_cases_reach_the_same_letters(words):
    text = " ".join(words)
    plain = bare(lower(text).text)
    if "ß" not in text:
        assert bare(lower(text.capitalize()).text) == plain
        assert bare(lower(text.upper()).text) == plain


@pytest.mark.parametrize(
    ("text", "expected", "style"),
    [
        ("Close the door.", "close the door.", Style(True)),
        ("close the door.", "close the door.", Style(False)),
        ("WHERE IS THE STATION?", "where is the station?", Style(True, True)),
        ("OK, I see.", f"ok{CAPITALS}, I see.", Style(True)),
        ("Der Hund", f"der hund{CAPITAL}", Style(True)),
        ("My iPhone", f"my i{JOIN}phone{CAPITAL}", Style(True)),
        ("¿Dónde está Ana?", f"¿dónde está ana{CAPITAL}?", Style(True)),
        ("...", "...", Style(False)),
    ],
)
def test_symbols(text, expected, style):
    assert lower(text) == (expected, style)


def test_a_proper_first_word_has_its_symbol():
    assert lower("Hunde bellen.", {"hunde"}).text == f"hunde{CAPITAL} bellen."
    assert restore(f"hunde{CAPITAL} bellen", Style(False)) == "Hunde bellen"


def test_style_of_one_text_on_another():
    assert restore("die straße", Style(True, True)) == "DIE STRASSE"
    assert restore("wo?", Style(True)) == "Wo?"
    assert restore(f"{CAPITAL} a{CAPITALS}{JOIN}", Style(False)) == " A"
