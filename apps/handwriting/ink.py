"""Ink: strokes and their text, as points, offsets and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from apps.handwriting.config import CHARACTERS
from shared.errors import InputError
from shared.readers import read_json

MOST_BYTES = 30_000_000  # of a file of ink
MOST_STROKES = 5_000  # of a sample
_FAR = 1e9  # coordinates beyond it are no ink
Stroke = np.ndarray
"""Points ``(n, 2)`` float, x to the right, y up."""


@dataclass(frozen=True)
class Ink:
    """A handwritten text in units of the writer's x-height, with the baseline at y = 0.

    Attributes:
        text: What is written.
        rows: float32 ``(points, 3)``: dx, dy from the point before, and 1 where the pen is lifted
            after the point. The first point's offset is its place.
        writer: A name for whose hand it is, "" if unknown.
        kind: One of `apps.handwriting.config.KINDS`, or "".
        contributor: Who collected it, "" if unknown.
        source: Where it is from, for messages.
        word: Whether it is a single word, cut out of its line.
    """

    text: str
    rows: np.ndarray
    writer: str = ""
    kind: str = ""
    contributor: str = ""
    source: str = ""
    word: bool = False

    def __len__(self) -> int:
        return len(self.rows)


def to_rows(strokes: Sequence[Stroke]) -> np.ndarray:
    """Converts strokes to offsets ``(points, 3)`` of `Ink`; skips empty strokes."""
    strokes = [np.asarray(stroke, np.float32).reshape(-1, 2) for stroke in strokes]
    strokes = [stroke for stroke in strokes if len(stroke)]
    if not strokes:
        return np.zeros((0, 3), np.float32)
    points = np.concatenate(strokes)
    rows = np.zeros((len(points), 3), np.float32)
    rows[:, :2] = np.diff(points, axis=0, prepend=np.zeros((1, 2), np.float32))
    rows[np.cumsum([len(stroke) for stroke in strokes]) - 1, 2] = 1
    return rows


def to_strokes(rows: np.ndarray) -> list[Stroke]:
    """Converts offsets to strokes; the inverse of `to_rows`."""
    if not len(rows):
        return []
    points = np.cumsum(rows[:, :2].astype(np.float64), axis=0)
    ends = np.flatnonzero(rows[:, 2] > 0.5) + 1
    return [stroke for stroke in np.split(points, ends) if len(stroke)]


def checked_points(points: np.ndarray) -> np.ndarray:
    """Returns the points.

    Raises:
        ValueError: One is not finite, or too far away to be ink.
    """
    if not (np.abs(points) < _FAR).all():
        raise ValueError(f"a point that is not finite and below {_FAR:g}")
    return points


def read_strokes(path: str | Path) -> list[tuple[str, list[Stroke]]]:
    """Reads texts and strokes from JSON, ``[{"text": ..., "strokes": [[[x, y], ...], ...]}]``.

    In the file y points down, as on a screen, unless an item has ``"y": "up"``. The result has y
    up. A single object is read as a list of one.

    Raises:
        InputError: The file is bad; the message names the sample and the stroke.
    """
    content = read_json(path)
    samples = content if isinstance(content, list) else [content]
    if not samples:
        raise InputError(f"{path}: no samples; expected a list of text and strokes")
    return [_sample(sample, f"{path}, sample {number}") for number, sample in enumerate(samples)]


def _sample(sample: Any, where: str) -> tuple[str, list[Stroke]]:
    if not isinstance(sample, dict) or not {"text", "strokes"} <= sample.keys():
        raise InputError(f'{where}: expected {{"text": ..., "strokes": [[[x, y], ...], ...]}}')
    text = sample["text"]
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{where}: its text is empty; say what is written")
    if sample.get("y", "down") not in ("down", "up"):
        raise InputError(f'{where}: its y is {sample["y"]!r}; expected "down" or "up"')
    up = 1.0 if sample.get("y") == "up" else -1.0
    if not isinstance(sample["strokes"], list) or not sample["strokes"]:
        raise InputError(f"{where}: no strokes; expected [[[x, y], ...], ...]")
    if len(sample["strokes"]) > MOST_STROKES:
        raise InputError(f"{where}: more than {MOST_STROKES:,} strokes; a sample is one line")
    strokes = []
    for number, stroke in enumerate(sample["strokes"]):
        try:
            points = np.array(stroke, np.float64)
            if points.ndim != 2 or points.shape[1] < 2:
                raise ValueError
            strokes.append(checked_points(points[:, :2]) * [1.0, up])
        except (TypeError, ValueError, OverflowError):
            raise InputError(
                f"{where}, stroke {number}: expected points [x, y], all finite and below {_FAR:g}"
            ) from None
    return " ".join(text.split()), strokes


def strokes_json(
    items: Sequence[tuple[str, Sequence[Stroke]]], digits: int = 4
) -> list[dict[str, Any]]:
    """Formats strokes with y up as JSON for `read_strokes`, with y down."""
    return [
        {
            "text": text,
            "strokes": [
                np.round(np.asarray(stroke) * [1.0, -1.0] + 0.0, digits).tolist()
                for stroke in strokes
            ],
        }
        for text, strokes in items
    ]


def strange_in(text: str) -> str:
    """Names the characters of a text that cannot be written; "" if all can."""
    return " ".join(f"{c!r} (U+{ord(c):04X})" for c in sorted(set(text) - set(CHARACTERS)))


def symbols(text: str) -> np.ndarray:
    """Encodes a text as symbols, int32 ``(characters,)``.

    Raises:
        InputError: A character cannot be written.
    """
    if strange := strange_in(text):
        raise InputError(f"cannot write {strange}: printable ASCII only")
    return np.array([ord(c) - 31 for c in text], np.int32)


def spelled(text_symbols: np.ndarray) -> str:
    """Decodes symbols to text, without padding; the inverse of `symbols`."""
    return "".join(chr(s + 31) for s in text_symbols if s)
