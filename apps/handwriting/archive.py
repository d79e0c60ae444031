"""Read an archive of ink: all of it in a few arrays of one ``.npz``."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from apps.handwriting.cleaning import resample_points
from apps.handwriting.config import KINDS
from apps.handwriting.ink import Ink
from shared.errors import InputError

STORED = (0.6, 60.0)  # how its ink is resampled already


def archive_sources(path: str | Path) -> list[str]:
    """Reads the source of each item of an archive.

    Raises:
        InputError: It is no such file.
    """
    return _arrays(path, ("source",))["source"].astype(str).tolist()


def _arrays(path: str | Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    try:
        with np.load(path) as file:
            return {name: file[name] for name in names}
    except KeyError as error:
        raise InputError(
            f"{path}: not an archive of ink: {error.args[0]}; check the file"
        ) from error
    except (OSError, EOFError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not an archive of ink, or damaged; restore the file") from error


def read_archive(path: str | Path, arc: float, turning: float) -> tuple[list[Ink], list[str]]:
    """Ink of an archive: the arrays ``offsets``, ``pen_up``, ``start``, ``label``, ``writer``, ...

    ``offsets`` ``(points, 2)`` in x-heights, y up, the first row of an item its place; ``start``
    ``(items + 1,)``.

    Returns:
        The ink, and of each item the name of its split.

    Raises:
        InputError: It is no such file.
    """
    a = _arrays(path, ("offsets", "pen_up", "start", "label", "kind", "split", "writer",
                       "writer_id", "contributor", "source", "style"))  # fmt: skip
    start, offsets, pen = a["start"], a["offsets"].astype(np.float32), a["pen_up"] > 0
    if (arc, turning) != STORED:
        offsets, pen, start = _resampled(offsets, pen, start, arc, turning)
    rows = np.concatenate([offsets, pen[:, None]], 1).astype(np.float32)
    writers = a["writer_id"].astype(str)[a["writer"]].tolist()
    columns = [a[name].astype(str).tolist() for name in ("label", "style", "contributor", "source")]
    items = []
    for k, (text, style, contributor, source) in enumerate(zip(*columns, strict=True)):
        kind = style.lower() if style.lower() in KINDS else ""
        own = rows[start[k] : start[k + 1]]
        word = str(a["kind"][k]) == "word"
        items.append(Ink(text, own, writers[k], kind, contributor, source, word))
    return items, a["split"].astype(str).tolist()


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
