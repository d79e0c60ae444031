"""The contract that every application meets: two pure functions with explicit state.

    encode(condition)      -> state
    step(symbol, state)    -> outputs, state

Everything is a dict of named NumPy arrays whose first axis is the batch. ``state`` holds both
what a step replaces (the LSTM's ``h`` and ``c``) and what it only reads (attention memory and
mask, which the signature lists apart as ``memory``: exported graphs take them but do not
return them; a backend hands them through). Nothing is kept between calls.
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
    """Names, shapes and dtypes of all that crosses ``encode`` and ``step``."""

    condition: dict[str, TensorSpec]  # encode's inputs
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
    """Whoever answers ``encode`` and ``step``: a Keras model, a SavedModel, a LiteRT file."""

    signature: Signature

    def encode(self, condition: Mapping[str, np.ndarray]) -> Arrays:
        """The first state, memory included, for a batch of conditions."""
        ...

    def step(self, symbol: Mapping[str, np.ndarray], state: Arrays) -> tuple[Arrays, Arrays]:
        """One symbol further: the outputs and the next state, memory handed through."""
        ...


def select_rows(state: Arrays, rows: np.ndarray) -> Arrays:
    """The state of the given batch rows, in that order; rows may repeat."""
    return {name: value[rows] for name, value in state.items()}
