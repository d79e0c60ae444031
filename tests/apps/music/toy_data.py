"""Small chorale-like data, and a model that knows nothing."""

import json

import numpy as np

from apps.music.piece import HOLD, VOCABULARY, metre, piece_from_pitches


def scale_piece(bars=4, shift=0):
    """Parallel scales in C major, a note every beat: four voices, 16 steps a bar."""
    degrees = np.array([0, 2, 4, 5, 7, 9, 11, 12])
    soprano = 60 + shift + np.repeat(degrees[np.arange(4 * bars) % 8], 4)
    return np.stack([soprano, soprano - 5, soprano - 8, soprano - 17], axis=1).tolist()


def primer(upbeat=0, steps=32, **known):
    """A piece of 16ths in 4/4 after an upbeat."""
    pitches = np.array(scale_piece(4))[:steps]
    position, bar_length = metre(steps, 16, upbeat)
    return piece_from_pitches(
        "p", pitches, position=position, bar_length=bar_length, **{"tonic": 0, "mode": 0, **known}
    )


def write_canonical(path, **splits):
    """A file in the canonical format with so many pieces in each split."""
    content = {
        name: [scale_piece(bars=2 + k % 2, shift=k % 3) for k in range(count)]
        for name, count in splits.items()
    }
    path.write_text(json.dumps(content))
    return path


class Uniform:
    """A generator that likes every symbol alike and notes what it was asked."""

    def __init__(self, holds=True):
        self.asked = []
        self.logits = np.zeros(VOCABULARY, np.float32)
        self.logits[HOLD] = 0 if holds else -1e9

    def encode(self, condition):
        self.condition = condition
        self.key = condition["key"]
        return {"none": np.zeros((len(condition["key"]), 1), np.float32)}

    def step(self, symbol, state):
        self.asked.append({name: value.copy() for name, value in symbol.items()})
        return {"logits": np.tile(self.logits, (len(symbol["symbol"]), 1))}, state
