"""Checks the names, dtypes and shapes of the arrays that a backend is given."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from shared.generator import Arrays, Signature, TensorSpec

BATCH = "batch"
"""Input of an exported ``encode`` without a condition, int32 ``(batch,)``; its values do not
matter."""

BEAM_STEP = "beam_step"
"""A third exported function: `step` of a beam's hypotheses at once, which share one memory."""

_kind = functools.cache(np.dtype)  # saves time in every step


def checked(arrays: Mapping[str, Any], specs: Mapping[str, TensorSpec], what: str) -> Arrays:
    """Returns the arrays in the order and dtypes of ``specs``.

    Integers may be cast to another width, and floats too, but not one to the other.

    Raises:
        ValueError: An array is missing, unknown, of a wrong shape or dtype, or of another batch
            size than the others.
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


def encode_inputs(signature: Signature) -> dict[str, TensorSpec]:
    """Inputs of an exported ``encode``: the condition, or `BATCH` where there is none."""
    return signature.condition or {BATCH: TensorSpec((), "int32")}


def encode_outputs(signature: Signature) -> dict[str, TensorSpec]:
    """Outputs of an exported ``encode``: state and memory."""
    return signature.state | signature.memory


def step_inputs(signature: Signature) -> dict[str, TensorSpec]:
    """Inputs of an exported ``step``: symbol, state and memory, in that order."""
    return signature.symbol | signature.state | signature.memory


def beam_rows(signature: Signature, name: str, beam: int) -> int:
    """Rows of a tensor of `BEAM_STEP`: one of memory, otherwise as many as the beam has."""
    return 1 if name in signature.memory else beam


def step_outputs(signature: Signature) -> dict[str, TensorSpec]:
    """Outputs of an exported ``step``: outputs and state, not memory."""
    return signature.outputs | signature.state


def checked_condition(signature: Signature, condition: Mapping[str, Any], batch: int) -> Arrays:
    """Checks the condition and returns all inputs of ``encode``."""
    arrays = checked(condition, signature.condition, "encode")
    return arrays or {BATCH: np.zeros(batch, np.int32)}


def checked_step(
    signature: Signature, symbol: Mapping[str, Any], state: Mapping[str, Any]
) -> Arrays:
    """Checks and returns all inputs of ``step``; their batch sizes must agree."""
    return checked({**symbol, **state}, step_inputs(signature), "step")


def split_step(
    signature: Signature, results: Mapping[str, np.ndarray], state: Arrays
) -> tuple[Arrays, Arrays]:
    """Splits a step's results into outputs and next state; the memory is passed on, not copied."""
    outputs = {name: results[name] for name in signature.outputs}
    following = {name: results[name] for name in signature.state}
    return outputs, following | {name: state[name] for name in signature.memory}
