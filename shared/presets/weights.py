"""A model's weights in a file: float16 arrays keyed by the path of their variable.

An array with a value beyond float16's range, 65,504, is stored as float32.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import InputError
from shared.readers import read_arrays

_DROPPED = 3  # bits of float16's mantissa


def model_weights(model: Any) -> dict[str, np.ndarray]:
    """A built Keras model's variables by path, without the model's own name.

    Layers need names of their own choice: automatic ones count up within a process.

    Raises:
        ValueError: two variables share a path.
    """
    return {path: np.asarray(variable) for path, variable in _variables(model).items()}


def assign(model: Any, arrays: Mapping[str, np.ndarray], source: str | Path) -> None:
    """Give a built Keras model its weights; names and shapes must match exactly.

    Raises:
        InputError: they do not; the message names ``source`` and what differs.
    """
    variables = _variables(model)
    if arrays.keys() != variables.keys():
        missing, unknown = variables.keys() - arrays.keys(), arrays.keys() - variables.keys()
        raise InputError(
            f"{source}: not this model's weights (lacks {some(missing)}; has unknown "
            f"{some(unknown)}); use the preset's own config, and layers with names"
        )
    for path, variable in variables.items():
        if arrays[path].shape != tuple(variable.shape):
            raise InputError(
                f"{source}: {path} has shape {arrays[path].shape}, the model needs "
                f"{tuple(variable.shape)}; use the preset's own config"
            )
    for path, variable in variables.items():
        variable.assign(arrays[path])


def write_weights(path: str | Path, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Write an ``.npz``: floats as float16, rounded to 8 significant bits, other kinds as they are.

    That is as exact as bfloat16, and rounder than int8 needs; with the last three bits zero the
    file is a sixth smaller, and with bzip2 in place of NumPy's deflate by another tenth.

    Returns:
        The names of the arrays that are beyond float16 and stored as float32.

    Raises:
        InputError: a weight is NaN or infinite.
    """
    halves = {name: rounded(name, np.asarray(array)) for name, array in arrays.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as file:
        for name, array in halves.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return [name for name, array in halves.items() if array.dtype == np.float32]


def read_weights(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays as stored.

    Raises:
        InputError: the file is damaged.
    """
    return read_arrays(path)


def _variables(model: Any) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    for variable in model.weights:
        path = variable.path.removeprefix(f"{model.name}/")
        if path in variables:
            raise ValueError(f"two variables are called {path!r}; give their layers names")
        variables[path] = variable
    return variables


def rounded(name: str, array: np.ndarray) -> np.ndarray:
    """An array as `write_weights` stores it.

    Args:
        name: Name of the weight, for messages.
        array: The weight.

    Raises:
        InputError: The weight is NaN or infinite.
    """
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        return array
    with np.errstate(over="ignore"):
        bits = array.astype(np.float16).view(np.uint16).astype(np.uint32)
    # To nearest, ties to even, in the integers that float16 orders like its values.
    odd = bits >> _DROPPED & 1
    kept = (bits + (1 << _DROPPED - 1) - 1 + odd) >> _DROPPED << _DROPPED
    half = kept.astype(np.uint16).view(np.float16)
    if np.isfinite(half).all():
        return half
    single = array.astype(np.float32)
    if not np.isfinite(single).all():
        raise InputError(f"{name}: weights are NaN or infinite; train again with a lower rate")
    return single


def some(names: Iterable[str]) -> str:
    """The first three names, for messages."""
    ordered = sorted(names)
    return ", ".join(ordered[:3]) + (", ..." if len(ordered) > 3 else "") or "nothing"
