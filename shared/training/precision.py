"""The precision in which a training computes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def computed_in(precision: str) -> Iterator[None]:
    """Sets the dtype policy of Keras layers that are made during a ``with`` block.

    Args:
        precision: "float32"; or "bfloat16", with weights in float32 all the same.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
