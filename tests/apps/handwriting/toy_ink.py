"""Ink drawn here: a few letters of straight lines, and files in the formats that are read."""

from __future__ import annotations

import json

import numpy as np

LETTERS = {
    "a": [[(0.8, 0.9), (0.1, 0.8), (0.1, 0.1), (0.8, 0.2)], [(0.8, 1.0), (0.8, 0.0)]],
    "i": [[(0.3, 1.0), (0.3, 0.0)], [(0.3, 1.4), (0.32, 1.45)]],
    "l": [[(0.3, 2.0), (0.3, 0.0)]],
    "n": [[(0.1, 1.0), (0.1, 0.0)], [(0.1, 0.7), (0.5, 1.0), (0.9, 0.7), (0.9, 0.0)]],
    "o": [[(0.5, 1.0), (0.0, 0.5), (0.5, 0.0), (1.0, 0.5), (0.5, 1.0)]],
    "t": [[(0.4, 1.8), (0.4, 0.0)], [(0.0, 1.1), (0.8, 1.1)]],
}
TEXTS = ("to", "an ant", "nail", "a lot", "into oil", "alt", "not on tin", "ill")


def drawn(text, size=1.0, noise=0.0, seed=0):
    """The strokes of a text, y up, ``size`` to an x-height, a point every 0.1 x-heights."""
    rng = np.random.default_rng(seed)
    strokes, x = [], 0.0
    for letter in text:
        for corners in LETTERS.get(letter, ()):
            strokes.append(along(np.array(corners) + [x, 0.0]))
        x += 1.4
    return [(s + rng.normal(size=s.shape) * noise) * size for s in strokes]


def along(corners, step=0.1):
    """Points along a polygon."""
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    wanted = np.linspace(0, length[-1], max(2, round(length[-1] / step) + 1))
    return np.stack([np.interp(wanted, length, corners[:, k]) for k in (0, 1)], 1)


def write_json(path, texts=TEXTS, size=20.0, noise=0.02):
    """A file of JSON strokes, y down."""
    samples = [
        {"text": t, "strokes": [(s * [1, -1]).tolist() for s in drawn(t, size, noise, k)]}
        for k, t in enumerate(texts)
    ]
    path.write_text(json.dumps(samples))
    return path


def unipen_ink(strokes, empty=()):
    """Blocks of a file in the UNIPEN format, empty ones after the strokes that are named."""
    lines = []
    for number, stroke in enumerate(strokes):
        points = [f"{x:.0f} {y:.0f} 7" for x, y in stroke]
        lines += [".PEN_DOWN", *points, ".PEN_UP"]
        if number in empty:
            lines += [".PEN_DOWN", ".PEN_UP"]
    return "\n".join(lines) + "\n"


def write_unipen(root, contributor="aga", texts=TEXTS, writers=3):
    """A folder in UNIPEN's layout: a file for each writer, every text a segment of it."""
    for writer in range(writers):
        strokes, segments, first = [], [], 0
        for number, text in enumerate(texts):
            ink = drawn(text, 40.0, 0.02, seed=writer)
            strokes += [stroke + [0, -200 * number] for stroke in ink]
            last = first + len(ink) - 1
            segments.append(f'.SEGMENT TEXT {first}-{last} ? "{text}"')
            first = last + 1
        name = f"{contributor}/{writer}.dat"
        include = root / "include" / contributor
        include.mkdir(parents=True, exist_ok=True)
        (include / "all.doc").write_text(".COMMENT words\n.COORD X Y P\n")
        (include / f"{writer}.dat").write_text(
            f".INCLUDE {contributor}/all.doc\n.WRITER_ID person{writer}\n.STYLE\tPRINTED\n"
            + unipen_ink(strokes, empty=(1,))
        )
        file = root / "data" / "8" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [".VERSION 1.0", f".INCLUDE {name}", *segments]
        file.write_text("\n".join(lines) + "\n")
    return root
