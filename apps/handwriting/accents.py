"""Adds accents and other marks to the letters of a written line, in the same hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from apps.handwriting.cleaning import baseline
from apps.handwriting.drawing import smooth
from apps.handwriting.ink import Stroke, to_rows, to_strokes
from apps.handwriting.spelling import Mark

Strokes = Sequence[Sequence[tuple[float, float]]]
OGONEK = "\u0328"
_AHEAD = 3  # points that the window is ahead of the pen
_GAP = 0.22  # between a letter and its accent; all lengths are in x-heights
_TALL = 1.5  # a small letter's height over the baseline, at most; higher ink leads to the next one
_ASCENDING = frozenset("bdfhklt") | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_STEEP = 0.3  # height of a step down that shows the slant
_BODY = (0.1, 0.9)  # quantiles of a letter's ink between which it is centered
_DOT = 0.7  # width and height of the dot of an i, at most
_NEAR = 1.0  # its distance from the center of the letter, at most
_OVERLAP = 0.1  # of two letters that are joined
_RING = [(0.17 * np.sin(a), 0.18 + 0.18 * np.cos(a)) for a in np.linspace(0.3, 6.6, 9)]

# Strokes above a letter begin at height 0, over its center; those below end there.
_ABOVE = {
    "\u0300": [[(-0.26, 0.42), (-0.1, 0.22), (0.14, 0.0)]],
    "\u0301": [[(0.26, 0.44), (0.08, 0.2), (-0.12, 0.0)]],
    "\u0302": [[(-0.3, 0.0), (-0.14, 0.2), (0.0, 0.36), (0.14, 0.18), (0.32, 0.02)]],
    "\u0303": [[(-0.38, 0.04), (-0.24, 0.22), (-0.06, 0.18), (0.12, 0.06), (0.26, 0.08),
                (0.38, 0.26)]],
    "\u0304": [[(-0.34, 0.1), (0.34, 0.12)]],
    "\u0306": [[(-0.3, 0.34), (-0.2, 0.1), (0.0, 0.0), (0.2, 0.1), (0.3, 0.36)]],
    "\u0307": [[(0.0, 0.16), (0.02, 0.04)]],
    "\u0308": [[(-0.22, 0.18), (-0.24, 0.04)], [(0.24, 0.2), (0.22, 0.06)]],
    "\u030a": [_RING],
    "\u030b": [[(0.02, 0.42), (-0.2, 0.0)], [(0.36, 0.42), (0.12, 0.02)]],
    "\u030c": [[(-0.3, 0.36), (-0.14, 0.14), (0.0, 0.0), (0.14, 0.18), (0.32, 0.4)]],
}  # fmt: skip
_BELOW = {
    "\u0326": [[(0.06, -0.22), (0.04, -0.36), (-0.1, -0.56)]],
    "\u0327": [[(0.02, 0.04), (-0.02, -0.14), (0.16, -0.2), (0.18, -0.38), (0.0, -0.48),
                (-0.2, -0.42)]],
    OGONEK: [[(0.0, 0.04), (-0.16, -0.14), (-0.18, -0.34), (-0.02, -0.46), (0.16, -0.38)]],
}  # fmt: skip
_ACROSS = {
    "bar": [[(-0.32, -0.16), (0.36, 0.2)]],
    "bars": [[(-0.5, 0.16), (0.16, 0.2)], [(-0.52, -0.16), (0.1, -0.12)]],
}
_SHARP_S = [[(0.0, -0.3), (0.02, 0.5), (0.05, 1.3), (0.17, 1.72), (0.42, 1.82), (0.6, 1.58),
             (0.54, 1.24), (0.28, 0.98), (0.58, 0.84), (0.72, 0.5), (0.62, 0.1), (0.36, -0.04),
             (0.2, 0.06)]]  # fmt: skip
_SHARP_WIDTH = 1.05
_BEFORE = {  # with the room that they take; their origin is on the baseline
    "¿": ([[(0.36, 1.24), (0.37, 1.12)], [(0.36, 0.8), (0.3, 0.42), (0.06, 0.12), (-0.06, -0.2),
          (0.1, -0.5), (0.42, -0.54), (0.64, -0.3)]], 1.0),
    "¡": ([[(0.12, 1.24), (0.13, 1.12)], [(0.12, 0.82), (0.1, 0.2), (0.11, -0.56)]], 0.6),
}  # fmt: skip


def add_marks(
    rows: np.ndarray, attention: np.ndarray, letters: str, marks: Sequence[Mark], seed: int
) -> np.ndarray:
    """Adds marks to the letters of a line.

    A letter's ink is where the window attends to it. Marks have the slant of the line and vary a
    little; each is drawn after the stroke that its letter is in.

    Args:
        rows: Points of the line ``(points, 3)``, see `apps.handwriting.ink.Ink`.
        attention: Weights of its characters at each point ``(points, characters)``.
        letters: The characters.
        marks: What is added to which, see `apps.handwriting.spelling.letters_of`.
        seed: Seed of the variation.
    """
    line = _Line(rows, _owners(rows, attention.argmax(1), letters))
    rng = np.random.default_rng([seed, len(marks)])
    for index, mark in marks:
        line.add(index, letters[index], mark, rng)
    return to_rows(line.strokes)


def _owners(rows: np.ndarray, seen: np.ndarray, letters: str) -> np.ndarray:
    """The index of the letter that each point belongs to, from that of the window's peak.

    The window is ahead of the pen, except where a stroke begins.
    """
    ends = np.flatnonzero(rows[:, 2] > 0.5) + 1
    starts = np.concatenate([[0], ends[ends < len(rows)]])
    starts = np.repeat(starts, np.diff([*starts, len(rows)]))
    owners = seen[np.maximum(np.arange(len(rows)) - _AHEAD, starts)]
    return owners + np.array([letter == " " for letter in letters])[owners]


class _Line:
    """The strokes of a line, and the character that each point belongs to."""

    def __init__(self, rows: np.ndarray, owners: np.ndarray) -> None:
        self.strokes = to_strokes(rows)
        self.owners = np.split(owners, np.cumsum([len(s) for s in self.strokes])[:-1])
        self.baseline = baseline(self.strokes)
        steps = np.concatenate([np.diff(stroke, axis=0) for stroke in self.strokes])
        down = steps[(steps[:, 1] < -_STEEP) & (np.abs(steps[:, 0]) < -steps[:, 1])]
        self.slant = float(down[:, 0] @ down[:, 1]) / max(float((down[:, 1] ** 2).sum()), 1e-6)

    def add(self, index: int, letter: str, mark: str, rng: np.random.Generator) -> None:
        """Adds a mark to a letter; one without ink gets none."""
        if not any((own == index).any() for own in self.owners):
            return
        if mark == "joined":
            left = self._sides(index)[0]
            gap = left - self._sides(index - 1)[1]
            self._move(index, left, -max(gap + _OVERLAP, 0.0))
        elif mark == "ß":
            self._insert(index, rng)
        elif mark in _BEFORE:
            strokes, width = _BEFORE[mark]
            left = self._sides(index)[0]
            self._move(index, left - _GAP, width)
            self._draw(strokes, (left, self._base(left)), index, rng)
        else:
            if letter == "i":
                self._drop_dot(index)
            if mark != "dotless":
                self._draw(*self._placed(index, letter, mark), index, rng)

    def _base(self, x: Any) -> Any:
        """The height of the baseline at one or several places."""
        slope, base = self.baseline
        return base + slope * x

    def _pairs(self) -> list[tuple[Stroke, np.ndarray]]:
        return list(zip(self.strokes, self.owners, strict=True))

    def _ink(self, index: int, letter: str) -> np.ndarray:
        """Points ``(n, 2)`` along the ink of a letter, with the slant removed."""
        parts = [smooth(part) for s, o in self._pairs() if len(part := s[o == index])]
        parts = [part @ [[1.0, 0.0], [-self.slant, 1.0]] for part in parts]
        longest = max(parts, key=len)
        if letter.islower():
            return longest
        left, right = longest[:, 0].min(), longest[:, 0].max()
        return np.concatenate([p for p in parts if left - 0.5 < p[:, 0].mean() < right + 0.5])

    def _placed(self, index: int, letter: str, mark: str) -> tuple[Strokes, tuple[float, float]]:
        """The strokes of a mark, and the place of their origin, with the slant removed."""
        ink = self._ink(index, letter)
        if letter not in _ASCENDING:
            below = ink[:, 1] < self._base(ink[:, 0]) + _TALL
            ink = ink[below] if below.any() else ink
        low, high = ink[:, 1].min(), ink[:, 1].max()
        left, right = np.quantile(ink[:, 0], _BODY)
        middle, half = (left + right) / 2, (low + high) / 2
        if mark in _ABOVE:
            return _ABOVE[mark], (middle, high + _GAP)
        if mark in _BELOW:
            return _BELOW[mark], (right if mark == OGONEK else middle, low)
        if mark == "beside":
            top = ink[ink[:, 1] > high - 0.5, 0].max()
            return [[(0.26, 0.0), (0.14, -0.36)]], (top, high)
        if mark == "slash":
            wide, tall = (right - left) / 2 + 0.15, (high - low) / 2 + 0.15
            return [[(wide, tall), (-wide, -tall)]], (middle, half)
        return _ACROSS[mark], (middle, half)

    def _insert(self, index: int, rng: np.random.Generator) -> None:
        """Draws a sharp s after a letter; strokes that go on from there to the next are cut."""
        for k, (stroke, own) in reversed(list(enumerate(self._pairs()))):
            cut = int(np.argmax(own > index))
            if 0 < cut and (own[:cut] <= index).all() and (own[:cut] >= 0).all():
                self.strokes[k : k + 1] = [stroke[:cut], stroke[cut:]]
                self.owners[k : k + 1] = [own[:cut], own[cut:]]
        right = self._sides(index)[1]
        self._move(index + 1, right, _SHARP_WIDTH)
        self._draw(_SHARP_S, (right + _GAP, self._base(right)), index, rng)

    def _draw(
        self, strokes: Strokes, place: tuple[float, float], index: int, rng: np.random.Generator
    ) -> None:
        """Draws strokes after those of a character, each time a little different."""
        turn, size = rng.normal(0, 0.08), 1 + rng.normal(0, 0.07, 2)
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        origin = place + rng.normal(0, 0.04, 2)
        drawn = []
        for stroke in strokes:
            points = np.array(stroke) + rng.normal(0, 0.015, (len(stroke), 2))
            x, y = (points * size @ rotation + origin).T
            drawn.append(np.stack([x + self.slant * y, y], 1))
        at = 1 + max(k for k, own in enumerate(self.owners) if (own == index).any())
        self.strokes[at:at] = drawn
        self.owners[at:at] = [np.full(len(stroke), -1) for stroke in drawn]

    def _drop_dot(self, index: int) -> None:
        """Drops the dot of an i: the nearest small stroke of its own over the letter."""
        ink = self._ink(index, "i")
        middle = np.median(ink[:, 0])
        found, nearest = None, _NEAR
        for k, (stroke, own) in enumerate(self._pairs()):
            high = stroke[:, 1].min() > self._base(stroke[:, 0].mean()) + 0.9
            if high and own[0] >= 0 and np.ptp(stroke, axis=0).max() < _DOT:
                away = abs(self._upright(stroke).mean() - middle)
                if away < nearest:
                    found, nearest = k, away
        if found is not None:
            del self.strokes[found], self.owners[found]

    def _upright(self, stroke: Stroke) -> np.ndarray:
        """Where points are along the line, with the slant removed."""
        return stroke[:, 0] - self.slant * stroke[:, 1]

    def _sides(self, index: int) -> tuple[float, float]:
        """Left and right end of the longest stroke of a letter; (inf, -inf) without ink."""
        longest = self._upright(max((s[o == index] for s, o in self._pairs()), key=len))
        return float(longest.min(initial=np.inf)), float(longest.max(initial=-np.inf))

    def _move(self, index: int, begin: float, by: float) -> None:
        """Moves a letter, and what follows, but no dot or bar to the left of its beginning."""
        for k, (stroke, own) in enumerate(self._pairs()):
            if np.median(own) >= index and self._upright(stroke).mean() > begin:
                self.strokes[k] = stroke + [by, 0.0]
