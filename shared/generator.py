"""The interface of every application: two pure functions with explicit state.

    encode(condition)      -> state
    step(symbol, state)    -> outputs, state

All arguments are dicts of named NumPy arrays whose first axis is the batch. ``state`` holds the
arrays that a step updates (``h`` and ``c`` of an LSTM) and those that it only reads (attention
memory and mask). The signature lists the latter separately, as ``memory``: exported graphs take
them without returning them, and backends pass them on. A generator keeps nothing between calls.

For a model without a condition, ``encode`` takes an empty dict and the number of rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class TensorSpec:
    """Shape, without the batch axis, and NumPy dtype of one named array."""

    shape: tuple[int, ...]
    dtype: str = "float32"


@dataclass(frozen=True)
class Signature:
    """Names, shapes and dtypes of the inputs and outputs of ``encode`` and ``step``."""

    condition: dict[str, TensorSpec]  # inputs of encode; may be empty
    symbol: dict[str, TensorSpec]  # inputs of step, besides the state
    state: dict[str, TensorSpec]  # returned by encode, updated by step
    outputs: dict[str, TensorSpec]  # outputs of step, for the decoder
    memory: dict[str, TensorSpec] = field(default_factory=dict)  # returned by encode, only read

    def to_json(self) -> dict[str, Any]:
        """Returns the signature as JSON values."""
        return {
            part: {n: {"shape": list(s.shape), "dtype": s.dtype} for n, s in specs.items()}
            for part, specs in vars(self).items()
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Signature:
        """Creates a signature from the JSON values of `to_json`."""
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
            batch: Number of rows, if the signature has no condition; ignored otherwise.
        """
        ...

    def step(self, symbol: Mapping[str, np.ndarray], state: Arrays) -> tuple[Arrays, Arrays]:
        """Runs one step; returns its outputs and the next state, memory included."""
        ...


def with_one_memory(state: Arrays, memory: Collection[str], rows: int) -> Arrays:
    """Returns the state of one item for several rows; its memory is not copied but repeated."""
    return {
        name: np.broadcast_to(value[:1], (rows, *value.shape[1:]))
        if name in memory
        else np.repeat(value[:1], rows, axis=0)
        for name, value in state.items()
    }


def select_rows(state: Arrays, rows: np.ndarray) -> Arrays:
    """Returns the state of the given rows of the batch, in that order; rows may repeat."""
    return {name: value[rows] for name, value in state.items()}
