"""Reads one's own ink: JSON strokes, all by one writer."""

from __future__ import annotations

from pathlib import Path

from apps.handwriting.cleaning import clean, resample, why_rejected, x_height
from apps.handwriting.ink import Ink, read_strokes, symbols, to_rows
from apps.handwriting.spelling import transliterate
from shared.errors import InputError


def read_own(path: str | Path, arc: float, turning: float, fallback: bool = False) -> list[Ink]:
    """Reads the ink of a JSON file, cleaned and resampled.

    Args:
        path: See `apps.handwriting.ink.read_strokes`.
        arc: See `apps.handwriting.cleaning.resample`.
        turning: See `apps.handwriting.cleaning.resample`.
        fallback: Whether to spell the texts in ASCII.

    Raises:
        InputError: The file is bad, or a sample cannot be what its text says.
    """
    samples = read_strokes(path)
    height = x_height([strokes for _, strokes in samples])
    items = []
    for number, (text, strokes) in enumerate(samples):
        text = transliterate(text) if fallback else text
        try:
            symbols(text)
        except InputError as error:
            raise InputError(f"{path}, sample {number}: {error}; spell its text so") from error
        cleaned = clean(strokes, height) if height else []
        if why := why_rejected(text, cleaned):
            raise InputError(f"{path}, sample {number} ({text[:20]!r}): {why}; draw it again")
        rows = to_rows(resample(cleaned, arc, turning))
        items.append(Ink(text, rows, writer=Path(path).stem, source=f"{path}#{number}"))
    return items
