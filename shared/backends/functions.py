"""A Keras model's ``encode`` and ``step`` as TensorFlow functions with named inputs."""

from __future__ import annotations

import re
from typing import Any

import tensorflow as tf

from shared.backends.arrays import step_inputs, step_outputs
from shared.generator import Signature, TensorSpec
from shared.layers import portable

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_DTYPES = ("float32", "int32", "uint8")  # all that LiteRT.js can pass; bool is not


def tf_functions(model: Any, batch: int | None = None) -> dict[str, tf.types.experimental.Callable]:
    """``{"encode": f, "step": f}``, with a free (None) or static batch.

    Both take keyword tensors by the signature's names and return a flat dict: ``encode`` the
    state and memory, ``step`` the outputs and the state. Nothing is traced yet.

    Raises:
        ValueError: a name that is no identifier or that two inputs, or two outputs, share; a
            dtype other than float32, int32 and uint8.
    """
    signature: Signature = model.signature
    _check_specs(signature.condition)
    _check_specs(signature.symbol, signature.state, signature.memory)
    _check_specs(signature.outputs, signature.state)

    def encode(condition: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return _exactly(model.encode(condition), signature.state | signature.memory, "encode")

    def step(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        symbol = {name: tensors[name] for name in signature.symbol}
        state = {name: tensors[name] for name in signature.state | signature.memory}
        outputs, following = model.step(symbol, state)
        following = {n: v for n, v in following.items() if n not in signature.memory}
        return _exactly(outputs | following, step_outputs(signature), "step")

    return {
        "encode": _named(encode, signature.condition, batch),
        "step": _named(step, step_inputs(signature), batch),
    }


def _named(function: Any, specs: dict[str, TensorSpec], batch: int | None) -> Any:
    """``function`` of one dict, as a tf.function of keyword tensors."""
    names = list(specs)
    tensor_specs = [
        tf.TensorSpec((batch, *spec.shape), spec.dtype, name=name) for name, spec in specs.items()
    ]

    def traced(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        with portable():  # the plain loop: the fast one is for training, and XLA's
            return function(dict(zip(names, tensors, strict=True)))

    # Autograph off: what a model writes as Python stays Python, here as in Keras' own export.
    return tf.function(traced, input_signature=tensor_specs, autograph=False)


def _exactly(
    tensors: dict[str, tf.Tensor], specs: dict[str, TensorSpec], what: str
) -> dict[str, tf.Tensor]:
    """The tensors in the signature's order, their dtypes and shapes as it promises."""
    if tensors.keys() != specs.keys():
        raise ValueError(f"{what} returns {sorted(tensors)}, its signature says {sorted(specs)}")
    for name, spec in specs.items():
        tensor = tensors[name]
        if tensor.dtype.name != spec.dtype or not tensor.shape[1:].is_compatible_with(spec.shape):
            raise ValueError(
                f"{what} returns {name!r} as {tensor.dtype.name} {tensor.shape}, its signature "
                f"says {spec.dtype} (batch, {', '.join(map(str, spec.shape))})"
            )
    return {name: tf.identity(tensors[name]) for name in specs}


def _check_specs(*groups: dict[str, TensorSpec]) -> None:
    names = [name for group in groups for name in group]
    for name in names:
        if not _NAME.fullmatch(name) or names.count(name) > 1:
            raise ValueError(f"{name!r}: a tensor's name must be an identifier, and used once")
    for group in groups:
        for name, spec in group.items():
            if spec.dtype not in _DTYPES:
                raise ValueError(f"{name!r} is {spec.dtype}: choose from {', '.join(_DTYPES)}")
