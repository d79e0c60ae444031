"""The plain loop over time, for recurrent attention and for the decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from keras import ops

State = dict[str, Any]


def scan(
    step: Callable[[tf.Tensor, State], tuple[Sequence[tf.Tensor], State]],
    inputs: tf.Tensor,
    state: State,
    outputs: Sequence[tuple[Any, tf.TensorShape]],
    mask: tf.Tensor | None = None,
) -> tuple[list[tf.Tensor], State]:
    """Calls ``step`` for every step along axis 1 of ``inputs``.

    Args:
        step: ``(x_t, state) -> (outputs_t, state)``; ``x_t`` is ``(batch, features)``.
        inputs: ``(batch, time, features)``.
        state: Dict of tensors whose first axis is the batch; ``step`` keeps shapes and dtypes.
        outputs: Dtype and shape ``(batch, ...)`` of each output of ``step``.
        mask: Optional bool ``(batch, time)``; masked steps keep the state, and their outputs are
            zero.

    Returns:
        Each output stacked to ``(batch, time, ...)``, and the last state.
    """
    time = tf.shape(inputs)[1]
    # A TensorArray, because the gradient of ``inputs[:, t]`` is a whole sequence at each step.
    source = tf.TensorArray(inputs.dtype, time).unstack(tf.transpose(inputs, (1, 0, 2)))
    marks = None
    if mask is not None:
        marks = tf.TensorArray(tf.bool, time).unstack(tf.transpose(tf.cast(mask, tf.bool)))
    arrays = [tf.TensorArray(dtype, time, element_shape=shape) for dtype, shape in outputs]

    def body(t, state, arrays):
        x = source.read(t)
        x.set_shape((inputs.shape[0], inputs.shape[2]))
        values, new = step(x, state)
        if marks is not None:
            keep = marks.read(t)
            keep.set_shape(inputs.shape[:1])
            new = {name: _where(keep, new[name], state[name]) for name in state}
            values = [_where(keep, value, tf.zeros_like(value)) for value in values]
        return t + 1, new, [array.write(t, v) for array, v in zip(arrays, values, strict=True)]

    _, state, arrays = tf.while_loop(
        lambda t, *_: t < time, body, (0, state, arrays), maximum_iterations=time
    )
    stacked = [array.stack() for array in arrays]
    for value, (_, shape) in zip(stacked, outputs, strict=True):
        value.set_shape([inputs.shape[1], *shape])
    return [tf.transpose(v, [1, 0, *range(2, v.shape.rank)]) for v in stacked], state


def zero_masked(values: Any, mask: Any) -> Any:
    """Sets ``values`` ``(batch, time, features)`` to zero where ``mask`` is false."""
    return values if mask is None else values * ops.cast(mask, values.dtype)[:, :, None]


def _where(keep: tf.Tensor, new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
    """Chooses between the rows of two tensors ``(batch, ...)``."""
    return tf.where(tf.reshape(keep, [-1] + [1] * (new.shape.rank - 1)), new, old)
