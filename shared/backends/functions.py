"""A Keras model's ``encode`` and ``step`` as TensorFlow functions with named inputs."""

from __future__ import annotations

import re
from typing import Any

import tensorflow as tf

from shared.backends.arrays import (
    BEAM_STEP,
    beam_rows,
    encode_inputs,
    encode_outputs,
    step_inputs,
    step_outputs,
)
from shared.generator import Signature, TensorSpec
from shared.layers import portable

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_DTYPES = ("float32", "int32", "uint8")  # those that LiteRT.js supports


def tf_functions(
    model: Any, batch: int | None = None, beam: int = 0
) -> dict[str, tf.types.experimental.Callable]:
    """Makes the functions that are exported, ``{"encode": f, "step": f}``; does not trace them.

    Both take keyword tensors by the signature's names and return a flat dict: ``encode`` the
    state and memory, ``step`` the outputs and the state.

    What a model's ``encode`` returns may be constant, such as zeros, and may have one row for the
    whole batch; without a condition it always is.

    Args:
        model: Built, with ``signature``, ``encode`` and ``step``.
        batch: Static batch size, or None for any.
        beam: If not 0, there is a third function, `BEAM_STEP`: ``step`` of so many rows that share
            a memory of one row.

    Raises:
        ValueError: A name is no identifier, or two inputs or outputs share it; a dtype is not
            float32, int32 or uint8.
    """
    signature: Signature = model.signature
    _check_specs(encode_inputs(signature))
    _check_specs(signature.symbol, signature.state, signature.memory)
    _check_specs(signature.outputs, signature.state)

    def encode(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        state = model.encode({name: inputs[name] for name in signature.condition})
        state = _exactly(state, encode_outputs(signature), "encode")
        anchor = next(iter(inputs.values()))
        for number, (name, tensor) in enumerate(state.items(), 1):
            constant = not signature.condition or tf.get_static_value(tensor) is not None
            if constant or tensor.shape[0] != batch:
                state[name] = _for_batch(tensor, anchor, number)
        return state

    def step(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        symbol = {name: tensors[name] for name in signature.symbol}
        state = {name: tensors[name] for name in signature.state | signature.memory}
        outputs, following = model.step(symbol, state)
        following = {n: v for n, v in following.items() if n not in signature.memory}
        return _exactly(outputs | following, step_outputs(signature), "step")

    reads = step_inputs(signature)
    functions = {
        "encode": _named(encode, _tensor_specs(encode_inputs(signature), batch)),
        "step": _named(step, _tensor_specs(reads, batch)),
    }
    if beam:
        rows = {name: beam_rows(signature, name, beam) for name in reads}
        functions[BEAM_STEP] = _named(
            step, [_tensor_specs({name: spec}, rows[name])[0] for name, spec in reads.items()]
        )
    return functions


def likeliest_function(model: Any, step: Any) -> tf.types.experimental.Callable:
    """Makes a variant of ``step`` that returns the likeliest symbols in place of ``logits``.

    It takes their number, and the inputs of ``step``. It returns ``symbols`` ``(batch, count)``,
    likeliest first, their ``log_probabilities``, equal to `shared.decoding.sampling.log_softmax` of
    the logits, and all other outputs of ``step``.
    """

    def likeliest(count: tf.Tensor, *tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        results = dict(step(*tensors))
        logits = results.pop("logits")
        values, symbols = largest(logits, count)
        # The softmax is one kernel, an exponential and a sum are three. It is exact for the
        # likeliest symbol; the others follow from the logits.
        first = tf.gather(tf.nn.softmax(logits), symbols[:, :1], batch_dims=1)
        values = values - values[:, :1] + tf.math.log(first)
        return results | {"symbols": symbols, "log_probabilities": values}

    specs = [tf.TensorSpec((), tf.int32), *_tensor_specs(step_inputs(model.signature), None)]
    return tf.function(likeliest, input_signature=specs, autograph=False)


def largest(values: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A `tf.math.top_k` that is faster on long rows, for a small ``count``.

    The ``count`` largest values are in the blocks with the ``count`` largest maxima. The blocks
    keep their order, so that of equal values the first comes first.
    """
    length = values.shape[-1]
    size = max(n for n in range(1, 65) if length % n == 0)
    blocks = tf.reshape(values, (-1, length // size, size))
    chosen = tf.math.top_k(tf.reduce_max(blocks, -1), tf.minimum(count, length // size))[1]
    chosen = tf.sort(chosen, -1)
    inside = tf.gather(blocks, chosen, batch_dims=1)
    best, places = tf.math.top_k(tf.reshape(inside, (tf.shape(values)[0], -1)), count)
    return best, tf.gather(chosen, places // size, batch_dims=1) * size + places % size


def _named(function: Any, specs: list[tf.TensorSpec]) -> Any:
    """Turns a function of a dict into a `tf.function` of keyword tensors."""
    names = [spec.name for spec in specs]

    def traced(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        with portable():  # the fast path is for training, and needs XLA
            return function(dict(zip(names, tensors, strict=True)))

    # Without autograph, as in Keras' own export.
    made = tf.function(traced, input_signature=specs, autograph=False)
    made._omit_frequent_tracing_warning = True  # one trace for each padded length is intended
    return made


def _tensor_specs(specs: dict[str, TensorSpec], batch: int | None) -> list[tf.TensorSpec]:
    return [tf.TensorSpec((batch, *s.shape), s.dtype, name=name) for name, s in specs.items()]


def _for_batch(tensor: tf.Tensor, anchor: tf.Tensor, number: int) -> tf.Tensor:
    """A constant state with the rows of ``anchor``, computed from it.

    Equal constants would become one tensor in LiteRT, and an output would lose its name. So would
    equal computations: the ``number`` is to differ from one state to another.
    """
    column = anchor[(slice(None), *[0] * (anchor.shape.rank - 1))]
    zeros = (tf.cast(column, tensor.dtype) + number) * 0
    return tensor + tf.reshape(zeros, [-1] + [1] * (tensor.shape.rank - 1))


def _exactly(
    tensors: dict[str, tf.Tensor], specs: dict[str, TensorSpec], what: str
) -> dict[str, tf.Tensor]:
    """Checks dtypes and shapes against the signature; returns the tensors in its order."""
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
