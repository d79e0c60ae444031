"""Layers and arrays for the rows of `table.py`."""

import zlib

import numpy as np
import pytest
import tensorflow as tf

from tests.conformance.table import ROWS, SYMBOLS

BATCH = 3


def every(keep=lambda row: True):
    """A test for every row, or for those that ``keep`` says."""
    return pytest.mark.parametrize("row", filter(keep, ROWS.values()), ids=str)


def make(row, dtype="float32"):
    """The layer, built, with the same random weights for every dtype (no gain 1, no bias 0)."""
    layer = row.make(dtype)
    row.build(layer)
    rng = np.random.default_rng(zlib.crc32(row.name.encode()))
    layer.set_weights([rng.normal(size=w.shape, scale=0.5) for w in layer.get_weights()])
    return layer


def values(row, masks=False, dtype="float32"):
    """Inputs and a first state that is not zero; weights kept as state are positive."""
    rng = np.random.default_rng(1)
    made = {
        name: rng.normal(size=(BATCH, *shape)).astype(dtype) for name, shape in row.inputs.items()
    }
    for name in made.keys() & {"coverage", "previous_weights", "position"}:
        made[name] = np.abs(made[name])
    for name, shape in row.symbols.items():
        made[name] = rng.integers(0, SYMBOLS, (BATCH, *shape)).astype("int32")
    if masks:
        made |= {name: mask(name, length) for name, length in row.masks.items()}
    return {name: tf.constant(value) for name, value in made.items()}


def mask(name, length):
    """Over time: a hole, nothing at all, a start that is false. A memory is padded on the right."""
    if name == "memory_mask":
        return np.arange(length)[None] < np.array([[length], [length - 1], [1]])
    lines = np.array([[1, 1, 0, 1, 1], [0, 0, 0, 0, 0], [0, 1, 1, 1, 0]], bool)
    return np.tile(lines, -(-length // 5))[:, :length]


def close(got, expected, tolerance=1e-5, message=""):
    """Same names, same shapes; relative to each array's largest number, at least 1."""
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        a, b = np.asarray(got[name], "float64"), np.asarray(value, "float64")
        assert a.shape == b.shape, name
        bound = tolerance * max(1.0, np.abs(b).max(initial=0))
        np.testing.assert_allclose(a, b, rtol=0, atol=bound, err_msg=f"{name} {message}")
