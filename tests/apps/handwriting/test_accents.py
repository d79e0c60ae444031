"""Accents: which letters are composed, and where their marks are drawn."""

import numpy as np
import pytest

from apps.handwriting.accents import add_marks
from apps.handwriting.ink import to_rows, to_strokes
from apps.handwriting.spelling import letters_of, spell

LETTERS = (
    "äöüÄÖÜßẞ àâæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ áéíóúüñÁÉÍÓÚÜÑ¿¡ ąćęłńóśźżĄĆĘŁŃÓŚŹŻ "
    "áčďéěíňóřšťúůýžÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ ãâáàçéêíõôóúÃÂÁÀÇÉÊÍÕÔÓÚ àèéìîòùÀÈÉÌÎÒÙ"
)


def drawn(text):
    """A line of boxes, one stroke each, three x-heights apart, with the dot of every i."""
    strokes, seen = [], []
    for k, letter in enumerate(text):
        box = np.array([(0, 0.5), (0, 0), (0.5, 0), (1, 0), (1, 0.5), (1, 1), (0, 1)])
        parts = [box + [3 * k, 0]] * (letter != " ")
        parts += [np.array([(0.5, 1.5), (0.5, 1.4)]) + [3 * k, 0]] * (letter == "i")
        strokes += parts
        seen += [k] * sum(map(len, parts))
    return to_rows(strokes), np.eye(len(text))[seen]


def added(text, seed=0):
    letters, marks = letters_of(text)
    rows, attention = drawn(letters)
    return to_strokes(rows), to_strokes(add_marks(rows, attention, letters, marks, seed))


def is_in(stroke, strokes):
    return any(len(stroke) == len(s) and np.allclose(stroke, s, atol=1e-4) for s in strokes)


@pytest.mark.parametrize("letter", sorted(set(LETTERS) - {" "}))
def test_every_letter_of_seven_languages_is_composed(letter):
    before, after = added(f"a{letter}a")
    assert letters_of(letter)[0].isascii() and spell(letter + "a", fallback=True) == letter + "a"
    assert letter == "ẞ" or not all(is_in(stroke, before) for stroke in after)


@pytest.mark.parametrize(
    ("letter", "low", "high"),
    [("é", 1.1, 1.9), ("ñ", 1.1, 1.9), ("Ü", 1.1, 1.9), ("í", 1.1, 1.9), ("ł", 0.1, 0.9),
     ("ç", -0.8, 0.2), ("ę", -0.8, 0.2)],
)  # fmt: skip
def test_a_mark_is_over_under_or_across_its_letter(letter, low, high):
    before, after = added(f"a{letter}a")
    points = np.concatenate([stroke for stroke in after if not is_in(stroke, before)])
    assert low < points[:, 1].min() and points[:, 1].max() < high
    assert 2.6 < points[:, 0].min() and points[:, 0].max() < 4.6
    dots = [stroke for stroke in before if len(stroke) == 2]
    assert not any(is_in(dot, after) for dot in dots)


def test_marks_are_slanted_and_vary_with_the_seed_and_only_by_it():
    assert not all(map(is_in, added("é", 1)[1], [added("é", 2)[1]] * 9))
    assert all(map(is_in, added("é", 1)[1], [added("é", 1)[1]] * 9))
    rows, attention = drawn("l")
    slanted = rows @ np.array([[1, 0, 0], [0.5, 1, 0], [0, 0, 1]], np.float32)
    over = []
    for line in (rows, slanted):
        *_, accent = to_strokes(add_marks(line, attention, "l", [(0, "\u0301")], 0))
        over.append(accent[:, 0].mean())
    assert over[1] - over[0] == pytest.approx(0.5 * 1.45, abs=0.2)


def test_joined_letters_touch_and_turned_signs_make_room():
    _, [o, e] = added("œ")
    assert o[:, 0].max() >= e[:, 0].min() > o[:, 0].max() - 0.3
    before, after = added("¡a")
    assert len(after) == len(before) + 2
    assert after[-1][:, 0].max() < before[0][:, 0].max() + 1 and after[0][0, 0] > before[0][0, 0]


def test_a_sharp_s_follows_its_letter_and_moves_what_comes_after():
    [first, second], [kept, sharp, moved] = added("aßa")
    assert is_in(kept, [first]) and is_in(moved, [second + [1.05, 0]])
    assert kept[:, 0].max() < sharp[:, 0].min() and sharp[:, 0].max() < moved[:, 0].min()
    joined = to_rows([np.concatenate([first, second])])
    strokes = to_strokes(add_marks(joined, np.eye(2)[[0] * 10 + [1] * 4], "aa", [(0, "ß")], 0))
    assert len(strokes) == 3 and sum(map(len, strokes)) == 14 + len(sharp)
    assert letters_of("ß aß")[0] == "B a"


def test_what_looks_the_same_by_hand_needs_no_fallback():
    assert spell("« l\u2019\xe9t\xe9\u00ad » \u2013 e\u0301\u2026 \xbf \u4f60") == (
        '"l\'\xe9t\xe9" - \xe9... ? \u4f60'
    )
    assert spell("\xe9 10\xb2 \u2192 \xa3", fallback=True) == "\xe9 10^2 -> GBP"
