"""Small chorale-like data, made here."""

import json

import numpy as np


def scale_piece(bars=4, shift=0):
    """Parallel scales in C major, a note every beat: four voices, 16 steps a bar."""
    degrees = np.array([0, 2, 4, 5, 7, 9, 11, 12])
    soprano = 60 + shift + np.repeat(degrees[np.arange(4 * bars) % 8], 4)
    return np.stack([soprano, soprano - 5, soprano - 8, soprano - 17], axis=1).tolist()


def write_canonical(path, **splits):
    """A file in the canonical format with so many pieces in each split."""
    content = {
        name: [scale_piece(bars=2 + k % 2, shift=k % 3) for k in range(count)]
        for name, count in splits.items()
    }
    path.write_text(json.dumps(content))
    return path
