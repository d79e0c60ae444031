"""A cache on disk for the features of the frozen part of the CNN encoder.
    FOLDER/<key>/features.npy   float16 (photos, views, height, width, channels)
    FOLDER/<key>/rows.npy       uint32 (photos,): CRC-32 of each row; 0 if not yet computed
    FOLDER/<key>/cache.json     the parts of the key

Views are the photo, its mirror image, and alternately `varied` crops of the photo and of its mirror
image. The key is a hash of the photos' names and sizes, the views, the cut, the weights up to it
and the preprocessing. A computation that was interrupted or killed anywhere resumes, and rows with
a wrong checksum are computed again. One process computes at a time; any number may read.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from apps.captioning.backbone import Backbone
from apps.captioning.config import CaptioningConfig
from apps.captioning.photos import LEAST_PART, LEAST_TONE, MOST_TONE, open_photo, resize, varied
from shared.files import reserve, write_json
from shared.lock import locked

_BATCH = 32


def cached_features(
    folder: str | Path,
    paths: Sequence[Path],
    backbone: Backbone,
    config: CaptioningConfig,
    parts: int = 0,
) -> np.ndarray:
    """Returns the features of photos, memory-mapped, and computes those that are missing.

    Args:
        folder: Folder of the cache.
        paths: Paths of the photos.
        backbone: The CNN encoder with its weights.
        config: How photos are resized, and the cut.
        parts: Number of views besides the first two.

    Returns:
        Features ``(photos, views, height, width, channels)``, in the order of the paths.

    Raises:
        InputError: A photo cannot be read, or another process is computing the same.
        OSError: There is no room for the files.
    """
    shape = (len(paths), 2 + parts, *backbone.features_shape)
    facts = {
        "cut": config.cut,
        "weights": backbone.digest(),
        "image_size": config.image_size,
        "fit": config.fit,
        "shape": list(shape),
        "parts": [LEAST_PART, LEAST_TONE, MOST_TONE],
        "photos": _names(paths),
    }
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    place = Path(folder) / key
    files = (place / "features.npy", shape, np.float16), (place / "rows.npy", shape[:1], np.uint32)
    features, marks = (_stored(*file) for file in files)
    if features is not None and marks is not None and not _missing(features, marks):
        return features
    with locked(place):
        write_json(place / "cache.json", facts)
        features, marks = (_writable(*file) for file in files)
        _compute(features, marks, paths, backbone, config)
    return np.load(place / "features.npy", mmap_mode="r")


def _missing(features: np.ndarray, marks: np.ndarray) -> list[int]:
    """The rows that are not yet computed, or damaged."""
    return [row for row, mark in enumerate(marks) if not mark or _crc(features[row]) != mark]


def _compute(
    features: np.memmap,
    marks: np.memmap,
    paths: Sequence[Path],
    backbone: Backbone,
    config: CaptioningConfig,
) -> None:
    """Computes the rows that are missing."""
    missing = _missing(features, marks)
    compute = tf.function(lambda photos: backbone.first(tf.cast(photos, tf.float32)))
    for start in range(0, len(missing), _BATCH):
        rows = missing[start : start + _BATCH]
        for view, squares in enumerate(_views(paths, config, features.shape[1], rows)):
            features[rows, view] = compute(squares).numpy()
        marks[rows] = [_crc(features[row]) for row in rows]
        _progress(start + len(rows), len(missing))
    features.flush()
    marks.flush()


def _views(
    paths: Sequence[Path], config: CaptioningConfig, views: int, rows: Sequence[int]
) -> list[np.ndarray]:
    """Loads the photos of some rows in each view, uint8 ``(rows, size, size, 3)``."""
    photos, found = [open_photo(paths[row]) for row in rows], []
    for view in range(views):
        seen = photos
        if view > 1:
            rngs = (np.random.default_rng([row, view]) for row in rows)
            seen = [varied(photo, rng) for photo, rng in zip(photos, rngs, strict=True)]
        squares = np.stack([resize(photo, config.image_size, config.fit) for photo in seen])
        found.append(squares[:, :, :: (1, -1)[view % 2]])
    return found


def _names(paths: Sequence[Path]) -> str:
    """Computes the SHA-256 of the files' names and sizes."""
    found = hashlib.sha256()
    for path in paths:
        found.update(f"{path.name}\t{path.stat().st_size}\n".encode())
    return found.hexdigest()


def _stored(path: Path, shape: tuple[int, ...], kind: type) -> np.memmap | None:
    """The array in a file, read-only; None if there is none, or another."""
    try:
        found = np.lib.format.open_memmap(path, "r")
    except (FileNotFoundError, ValueError):
        return None
    return found if found.shape == shape and found.dtype == kind else None


def _writable(path: Path, shape: tuple[int, ...], kind: type) -> np.memmap:
    """The array in a file; zeros if there is none, or another.

    The room is reserved before the file is mapped: a write to a mapped page that finds none would
    end the process with a signal.
    """
    if _stored(path, shape, kind) is None:
        temporary = path.with_name(f".{path.name}")
        dtype = np.dtype(kind)
        header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
        try:
            with open(temporary, "wb") as file:
                np.lib.format.write_array_header_1_0(file, header)
                reserve(file, math.prod(shape) * dtype.itemsize, path)
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    return np.lib.format.open_memmap(path, "r+")


def _crc(row: np.ndarray) -> int:
    return zlib.crc32(row.tobytes()) or 1


def _progress(done: int, total: int) -> None:
    if done == total or done % (10 * _BATCH) == 0:
        print(f"features of {done}/{total} photos", file=sys.stderr, flush=True)
