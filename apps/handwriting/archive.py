"""Read an archive of ink: all of it in a few arrays of one ``.npz``."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from apps.handwriting.cleaning import resample_points
from apps.handwriting.config import KINDS
from apps.handwriting.ink import Ink
from shared.errors import InputError

STORED = (0.6, 60.0)  # how its ink is resampled already


def read_archive(path: str | Path, split: str, arc: float, turning: float) -> list[Ink]:
    """Ink of an archive: the arrays ``offsets``, ``pen_up``, ``start``, ``label``, ``writer``, ...

    ``offsets`` ``(points, 2)`` in x-heights, y up, the first row of an item its place; ``start``
    ``(items + 1,)``.

    Raises:
        InputError: It is no such file.
    """
    try:
        with np.load(path) as file:
            names = ("offsets", "pen_up", "start", "label", "kind", "split", "writer", "writer_id",
                     "contributor", "source", "style")  # fmt: skip
            a = {name: file[name] for name in names}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not an archive of ink ({error})") from error
    start, offsets, pen = a["start"], a["offsets"].astype(np.float32), a["pen_up"] > 0
    if (arc, turning) != STORED:
        offsets, pen, start = _resampled(offsets, pen, start, arc, turning)
    rows = np.concatenate([offsets, pen[:, None]], 1).astype(np.float32)
    items = []
    for k in range(len(start) - 1):
        if split in ("all", a["split"][k]):
            kind = str(a["style"][k]).lower()
            items.append(
                Ink(
                    str(a["label"][k]),
                    rows[start[k] : start[k + 1]],
                    str(a["writer_id"][a["writer"][k]]),
                    kind if kind in KINDS else "",
                    str(a["contributor"][k]),
                    str(a["source"][k]),
                    a["kind"][k] == "word",
                )
            )
    return items


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
