"""The states of a stack of LSTM layers: nested as layers take them, flat as a signature names them.

nested    [[h, c], [h, c], ...]          one pair for each layer, from the bottom up
flat      {"h0": h, "c0": c, "h1": h, ...}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import keras
from keras import ops

from shared.generator import TensorSpec


def flat(states: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """``[h, c]`` of each layer as ``h0, c0, h1, c1, ...``."""
    return {
        f"{name}{number}": value
        for number, pair in enumerate(states)
        for name, value in zip("hc", pair, strict=True)
    }


def nested(tensors: Mapping[str, Any], count: int) -> list[list[Any]]:
    """The inverse of `flat` for ``count`` layers; ``tensors`` may hold more than states."""
    return [[tensors[f"h{number}"], tensors[f"c{number}"]] for number in range(count)]


def specs(cells: Iterable[Any]) -> dict[str, TensorSpec]:
    """The flat states of the cells as part of a `shared.generator.Signature`."""
    return flat([TensorSpec((size,)) for size in cell.state_size] for cell in cells)


def zeros(cells: Iterable[Any], batch: Any, dtype: Any = "float32") -> list[list[Any]]:
    """States before the first step that are zero, ``[h, c]`` for each cell.

    Args:
        cells: LSTM cells.
        batch: Number of rows.
        dtype: Of the states.
    """
    return [[ops.zeros((batch, size), dtype) for size in cell.state_size] for cell in cells]


@keras.saving.register_keras_serializable("lstm_suite")
class FirstStates(keras.layers.Dense):
    """Computes the states before the first step with one dense layer: ``tanh(W x + b)``.

    Args:
        cells: LSTM cells, or their state sizes, ``[h, c]`` for each.
        **kwargs: Passed to `keras.layers.Dense`.

    Call arguments:
        inputs: ``(batch, features)``.

    Returns:
        ``[h, c]`` for each cell.
    """

    def __init__(self, cells: Iterable[Any], **kwargs: Any):
        state_sizes = [list(getattr(cell, "state_size", cell)) for cell in cells]
        super().__init__(sum(map(sum, state_sizes)), **{"activation": "tanh", **kwargs})
        self.state_sizes = state_sizes

    def call(self, inputs: Any) -> list[list[Any]]:
        """Computes the states."""
        *ends, _ = accumulate(size for pair in self.state_sizes for size in pair)
        parts = ops.split(super().call(inputs), ends, axis=-1)
        return [parts[k : k + 2] for k in range(0, len(parts), 2)]

    def compute_output_shape(self, input_shape: Any) -> list[list[tuple[Any, ...]]]:
        """Shapes of what `call` returns."""
        return [[(*input_shape[:-1], size) for size in pair] for pair in self.state_sizes]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        config = super().get_config()
        del config["units"]
        return {"cells": self.state_sizes, **config}


def gates_of(step: Callable[[Any, Any, list[Any]], Any], sequences: Any, state: Any) -> list[Any]:
    """Runs a step over a sequence and collects what the gates of every layer did.

    Args:
        step: ``(inputs, state, trace) -> state``; appends the gates of each layer to ``trace``.
        sequences: ``(batch, timesteps, features)``.
        state: State before the first step.

    Returns:
        For each layer ``(batch, timesteps, 5, units)`` in the order of `GATES`.
    """
    traces = []
    for inputs in ops.unstack(sequences, axis=1):
        trace: list[Any] = []
        state = step(inputs, state, trace)
        traces.append(trace)
    return [ops.stack(layer, axis=1) for layer in zip(*traces, strict=True)]
