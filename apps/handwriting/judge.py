"""Legibility of ink, measured by a recognizer: RapidOCR and character error rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from apps.handwriting.drawing import bitmap
from apps.handwriting.ink import Ink, Stroke, to_strokes
from shared.errors import InputError

Judge = Callable[[Sequence[Stroke]], str]
"""A recognizer, which reads the strokes of a line, y up."""


def rapidocr() -> Judge:
    """Returns RapidOCR's recognizer, without detection, on lines of 64 and strokes of 3 pixels.

    Raises:
        InputError: RapidOCR is not installed.
    """
    try:
        from rapidocr_onnxruntime import RapidOCR
    except ModuleNotFoundError as error:
        raise InputError(
            f"{error.name} is not installed; pip install 'lstm-suite[judge]', or --judge none"
        ) from error
    engine = RapidOCR()

    def read(strokes: Sequence[Stroke]) -> str:
        picture = np.repeat(bitmap(strokes)[:, :, None], 3, axis=2)
        result, _ = engine(picture, use_det=False, use_cls=False, use_rec=True)
        return " ".join(line[0] for line in result or ())

    return read


def compared(text: str) -> str:
    """Reduces a text to letters and digits in one case, on which error rates are computed."""
    return "".join(c for c in text.casefold() if c.isascii() and c.isalnum())


def edits(a: str, b: str) -> int:
    """Computes the edit distance of two texts (Levenshtein 1966)."""
    row = np.arange(len(b) + 1)
    letters = np.array(list(b))
    for k, letter in enumerate(a, 1):
        changed = np.minimum(row[1:] + 1, row[:-1] + (letters != letter))
        new = np.concatenate([[k], changed]) - np.arange(len(b) + 1)
        row = np.minimum.accumulate(new) + np.arange(len(b) + 1)  # insertions
    return int(row[-1])


def error_rate(texts: Sequence[str], read: Sequence[str]) -> float:
    """Computes the character error rate: edits of all lines over characters of all texts."""
    pairs = [(compared(a), compared(b)) for a, b in zip(texts, read, strict=True)]
    return sum(edits(a, b) for a, b in pairs) / max(1, sum(len(a) for a, _ in pairs))


def error_rate_of(items: Sequence[Ink], judge: Judge) -> float:
    """Computes the judge's character error rate on real ink."""
    read = [judge(to_strokes(item.rows)) for item in items]
    return error_rate([item.text for item in items], read)
