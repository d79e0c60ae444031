"""Read an archive of ink: all of it in a few arrays of one ``.npz``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from apps.handwriting.cleaning import resample_points
from apps.handwriting.config import KINDS
from apps.handwriting.ink import Ink
from shared.errors import InputError
from shared.readers import read_arrays

_TEXTS = ("label", "kind", "split", "contributor", "source", "style")
_LONGEST = 10  # x-heights of an offset, on average; more is no ink
STORED = (0.6, 60.0)  # how its ink is resampled already


def archive_sources(path: str | Path) -> list[str]:
    """Reads the source of each item of an archive.

    Raises:
        InputError: It is no such file.
    """
    return read_arrays(path, ("source",))["source"].astype(str).tolist()


def read_archive(path: str | Path, arc: float, turning: float) -> tuple[list[Ink], list[str]]:
    """Ink of an archive: the arrays ``offsets``, ``pen_up``, ``start``, ``label``, ``writer``, ...

    ``offsets`` ``(points, 2)`` in x-heights, y up, the first row of an item its place; ``start``
    ``(items + 1,)``.

    Returns:
        The ink, and of each item the name of its split.

    Raises:
        InputError: It is no such file.
    """
    a = read_arrays(path, ("offsets", "pen_up", "start", "writer", "writer_id", *_TEXTS))
    try:
        _check(a)
        texts = {name: a[name].astype(str).tolist() for name in (*_TEXTS, "writer_id")}
    except (ValueError, IndexError, TypeError) as error:
        raise InputError(f"{path}: not an archive of ink ({error}); restore the file") from error
    start, offsets, pen = a["start"], a["offsets"].astype(np.float32), a["pen_up"] > 0
    if (arc, turning) != STORED:
        offsets, pen, start = _resampled(offsets, pen, start, arc, turning)
    rows = np.concatenate([offsets, pen[:, None]], 1).astype(np.float32)
    writers = [texts["writer_id"][number] for number in a["writer"].tolist()]
    columns = [texts[name] for name in ("label", "style", "contributor", "source")]
    items = []
    for k, (text, style, contributor, source) in enumerate(zip(*columns, strict=True)):
        kind = style.lower() if style.lower() in KINDS else ""
        own = rows[start[k] : start[k + 1]]
        word = texts["kind"][k] == "word"
        items.append(Ink(text, own, writers[k], kind, contributor, source, word))
    return items, texts["split"]


def _check(a: dict[str, np.ndarray]) -> None:
    """Raises an error unless the arrays belong together and their ink can be resampled."""
    start, offsets, pen, count = a["start"], a["offsets"], a["pen_up"], len(a["label"])
    if offsets.shape != (len(pen), 2) or offsets.dtype.kind not in "fiu":
        raise ValueError("offsets of another shape")
    if start.shape != (count + 1,) or start.dtype.kind not in "iu":
        raise ValueError("start of another shape")
    if start[0] != 0 or start[-1] != len(offsets) or (np.diff(start.astype(np.int64)) < 1).any():
        raise ValueError("start does not divide the points")
    if pen.ndim != 1 or not (pen[start[1:].astype(np.int64) - 1] > 0).all():
        raise ValueError("an item does not end with the pen lifted")
    if not np.abs(offsets.astype(np.float64)).mean() < _LONGEST:
        raise ValueError("offsets that are no ink")
    if any(a[name].shape != (count,) for name in (*_TEXTS, "writer")):
        raise ValueError("as many labels as items are needed")
    if a["writer"].dtype.kind not in "iu" or not 0 <= a["writer"].min() <= a["writer"].max() < len(
        a["writer_id"]
    ):
        raise ValueError("writers without a name")


def _resampled(
    offsets: np.ndarray, pen: np.ndarray, start: np.ndarray, arc: float, turning: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets, pen and starts of all items at once with another resampling."""
    first = start[:-1]
    total = np.cumsum(offsets, axis=0, dtype=np.float64)
    before = (total[first] - offsets[first])[np.repeat(np.arange(len(first)), np.diff(start))]
    ends = np.flatnonzero(pen) + 1
    lengths = np.diff(ends, prepend=0)
    points, counts = resample_points(total - before, lengths, arc, turning)
    new_ends = np.cumsum(counts)
    new_start = np.concatenate([[0], new_ends[np.searchsorted(ends, start[1:])]])
    new = np.diff(points, axis=0, prepend=0.0)
    new[new_start[:-1]] = points[new_start[:-1]]
    new_pen = np.zeros(len(points), bool)
    new_pen[new_ends - 1] = True
    return new, new_pen, new_start
