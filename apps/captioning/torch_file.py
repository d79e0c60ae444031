"""Reads the tensors of an old PyTorch file (``torch.save`` before 1.6) without PyTorch.

Such a file is five pickles, one after the other, and then the storages:

    magic number, protocol, sizes of types, the state dict, keys of storages in order
    for each key: int64 number of values, then the values, little-endian

Unpickling calls nothing but what an ordered dict of tensors is made of, so a file can do no harm. A
tensor is a view of its storage with an offset, a shape and strides, which need not be in C order.
"""

from __future__ import annotations

import collections
import io
import math
import pickle
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from shared.errors import InputError

_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _View(NamedTuple):
    """A tensor whose storage is not read yet; strides count values, not bytes."""

    storage: tuple[str, np.dtype]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _View(
                storage, offset, shape, strides
            )
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of tensors")

    def persistent_load(self, pid: Any) -> tuple[str, np.dtype]:
        _, kind, key, *_ = pid
        return key, kind


def read_tensors(file: BinaryIO, name: str) -> dict[str, np.ndarray]:
    """Reads the tensors as arrays, by name.

    Args:
        file: The file, opened in binary mode.
        name: Name of the file, for messages.

    Raises:
        InputError: The file has another format, or is damaged.
    """
    try:
        magic, _, _, views, keys = (_Unpickler(file).load() for _ in range(5))
        if magic != _MAGIC:
            raise pickle.UnpicklingError("another magic number")
        kinds = {view.storage[0]: view.storage[1] for view in views.values()}
        storages = {}
        for key in keys:
            [count] = np.frombuffer(file.read(8), "<i8")
            size = int(count) * kinds[key].itemsize
            storages[key] = np.frombuffer(file.read(size), kinds[key], int(count))
        return {tensor: _array(storages[view.storage[0]], view) for tensor, view in views.items()}
    except (pickle.UnpicklingError, EOFError, ValueError, KeyError, AttributeError, TypeError,
            IndexError, OverflowError) as error:  # fmt: skip
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{name}: not a PyTorch file of weights ({reason})") from error


def _array(storage: np.ndarray, view: _View) -> np.ndarray:
    last = view.offset + sum((n - 1) * s for n, s in zip(view.shape, view.strides, strict=True))
    inside = view.offset >= 0 and min(view.strides, default=0) >= 0 and last < len(storage)
    if not inside or math.prod(view.shape) > len(storage):
        raise ValueError("a tensor reaches beyond its storage")
    width = storage.itemsize
    strides = [step * width for step in view.strides]
    seen = np.lib.stride_tricks.as_strided(storage[view.offset :], view.shape, strides)
    return np.ascontiguousarray(seen)


def read_bytes(data: bytes, name: str) -> dict[str, np.ndarray]:
    """Does what `read_tensors` does, from the bytes of a file."""
    return read_tensors(io.BytesIO(data), name)
