"""The interface of every application: two pure functions with explicit state.

    encode(condition)      -> state
    step(symbol, state)    -> outputs, state

All are dicts of named NumPy arrays whose first axis is the batch. ``state`` holds what a step
replaces (the LSTM's ``h`` and ``c``) and what it only reads (attention memory and mask). The
signature lists the latter apart, as ``memory``: exported graphs take it and do not return it, and
backends pass it on. Nothing is kept between calls.

A model may have no condition. Its ``encode`` is then given an empty dict, and the number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class TensorSpec:
    """Shape without the batch axis, and NumPy dtype name, of one named array."""

    shape: tuple[int, ...]
    dtype: str = "float32"


@dataclass(frozen=True)
class Signature:
    """Names, shapes and dtypes of the inputs and outputs of ``encode`` and ``step``."""

    condition: dict[str, TensorSpec]  # encode's inputs; may be empty
    symbol: dict[str, TensorSpec]  # step's inputs beside the state
    state: dict[str, TensorSpec]  # from encode, replaced by each step
    outputs: dict[str, TensorSpec]  # from step, for the decoder
    memory: dict[str, TensorSpec] = field(default_factory=dict)  # from encode, only read

    def to_json(self) -> dict[str, Any]:
        """The signature as plain JSON values."""
        return {
            part: {n: {"shape": list(s.shape), "dtype": s.dtype} for n, s in specs.items()}
            for part, specs in vars(self).items()
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Signature:
        """The inverse of `to_json`."""
        return cls(
            **{
                part: {n: TensorSpec(tuple(s["shape"]), s["dtype"]) for n, s in specs.items()}
                for part, specs in value.items()
            }
        )


class Generator(Protocol):
    """A model that generates: a Keras model, a SavedModel or a LiteRT file."""

    signature: Signature

    def encode(self, condition: Mapping[str, np.ndarray], batch: int = 1) -> Arrays:
        """Returns the state before the first step, memory included.

        Args:
            condition: The arrays of the signature's ``condition``.
            batch: Number of rows where the signature has no condition; ignored otherwise.
        """
        ...

    def step(self, symbol: Mapping[str, np.ndarray], state: Arrays) -> tuple[Arrays, Arrays]:
        """Runs one step; returns its outputs and the next state, memory included."""
        ...


def select_rows(state: Arrays, rows: np.ndarray) -> Arrays:
    """Returns the state of the given rows of the batch, in that order; rows may repeat."""
    return {name: value[rows] for name, value in state.items()}
