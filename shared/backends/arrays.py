"""What every backend does with arrays that come in: names, dtypes and shapes are checked."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from shared.generator import Arrays, Signature, TensorSpec

_kind = functools.cache(np.dtype)  # a step is checked in as little time as it can be


def checked(arrays: Mapping[str, Any], specs: Mapping[str, TensorSpec], what: str) -> Arrays:
    """The arrays in the order and dtypes of ``specs``, with one batch size.

    Integers may be cast to another width and floats too, but not one into the other's place.

    Raises:
        ValueError: names the array that is missing, unknown, or of a wrong shape or dtype.
    """
    if arrays.keys() != specs.keys():
        missing = sorted(specs.keys() - arrays.keys())
        unknown = sorted(arrays.keys() - specs.keys())
        raise ValueError(f"{what}: missing arrays {missing}, unknown arrays {unknown}")
    result = {}
    batch: int | None = None
    for name, spec in specs.items():
        value = np.asarray(arrays[name])
        shape = value.shape
        if not shape or shape[1:] != spec.shape:
            raise ValueError(
                f"{what}: {name!r} has shape {shape}, expected (batch, "
                f"{', '.join(map(str, spec.shape))})"
            )
        batch = shape[0] if batch is None else batch
        if shape[0] != batch:
            raise ValueError(f"{what}: {name!r} has {shape[0]} rows, others have {batch}")
        kind = _kind(spec.dtype)
        if value.dtype != kind:
            if not np.can_cast(value.dtype, kind, "same_kind"):
                raise ValueError(f"{what}: {name!r} is {value.dtype}, expected {spec.dtype}")
            value = value.astype(kind)
        result[name] = value
    return result


def step_inputs(signature: Signature) -> dict[str, TensorSpec]:
    """What a step takes: symbol, state and memory, in that order."""
    return signature.symbol | signature.state | signature.memory


def step_outputs(signature: Signature) -> dict[str, TensorSpec]:
    """What an exported step returns: outputs and state, not memory."""
    return signature.outputs | signature.state


def checked_step(
    signature: Signature, symbol: Mapping[str, Any], state: Mapping[str, Any]
) -> Arrays:
    """All inputs of a step, checked together so that their batch sizes agree."""
    return checked({**symbol, **state}, step_inputs(signature), "step")


def split_step(
    signature: Signature, results: Mapping[str, np.ndarray], state: Arrays
) -> tuple[Arrays, Arrays]:
    """Outputs and the next state; the memory is the very arrays that came in."""
    outputs = {name: results[name] for name in signature.outputs}
    following = {name: results[name] for name in signature.state}
    return outputs, following | {name: state[name] for name in signature.memory}
