"""A soft window that moves forward over a text (Graves 2013, section 5.1).

With ``K`` Gaussians, a query ``q_t`` and memory positions ``u = 0, 1, ...``:

    a_t, b_t, d_t = exp(q_t W + b)               height, sharpness and step of each Gaussian
    kappa_t       = kappa_{t-1} + d_t            position: forward only
    weights_t[u]  = sum_k a_t[k] exp(-b_t[k] (kappa_t[k] - u)^2)
    context_t     = sum_u weights_t[u] values[u]

The weights are not normalized. Alex Graves, "Generating Sequences With Recurrent Neural Networks".
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from shared.layers.attention_base import Memory, State
from shared.layers.scan import zero_masked

LIMIT = 6.0
"""Limit of the exponents; half precision cannot hold much larger weights."""


@keras.saving.register_keras_serializable("lstm_suite")
class GaussianWindow(keras.layers.Layer):
    """The window as an attention layer, with the interface of `attention_base.Attention`.

    Args:
        components: Number of Gaussians.
        first_step: Initial movement of the window per query, in memory positions; best the inverse
            of the number of queries per position.
        dtype: Dtype or dtype policy; positions and weights are float32 even in half precision.
        trainable: Whether the weights are trainable.
        name: Name of the layer.

    Call arguments:
        queries: ``(batch, time, query_features)``.
        memory: ``(batch, memory, memory_features)``.
        queries_mask: Optional bool ``(batch, time)``.
        memory_mask: Optional bool ``(batch, memory)``.
        initial_state: Optional dict like that of `initial_state`.

    Returns:
        ``(contexts, weights, state)``, see `sequence`.

    Raises:
        ValueError: A size is not positive.
    """

    def __init__(
        self,
        components: int = 10,
        first_step: float = 0.1,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
    ):
        super().__init__(dtype=dtype, trainable=trainable, name=name)
        if components < 1 or first_step <= 0:
            raise ValueError(
                f"`components` and `first_step` must be positive: {components}, {first_step}"
            )
        self.supports_masking = True
        self.components = components
        self.first_step = first_step

    @property
    def weights_dtype(self) -> str:
        """Dtype of weights and state, float32 even if the layer computes in half precision."""
        return keras.backend.result_type(self.compute_dtype, "float32")

    def build(self, queries_shape: Any, memory_shape: Any) -> None:
        """Creates the weights for queries and memory of shapes ``(batch, time, features)``."""
        shape = (queries_shape[-1], 3 * self.components)
        # Small, so that all Gaussians move at the same speed at first.
        small = keras.initializers.RandomNormal(stddev=0.02)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=small)
        self.bias = self.add_weight(name="bias", shape=shape[1:], initializer=self._first_bias)
        self.built = True

    def _first_bias(self, shape: Any, dtype: Any = None) -> Any:
        size = (self.components,)
        height = -math.log(self.components)  # all heights sum to 1
        values = (height, -1.0, math.log(self.first_step))
        return ops.concatenate([ops.full(size, value, dtype=dtype) for value in values])

    def prepare(self, values: Any, mask: Any = None) -> Memory:
        """Returns the memory that every step reads: ``values``, and ``mask`` if given."""
        memory = {"values": ops.cast(values, self.compute_dtype)}
        if mask is not None:
            memory["mask"] = ops.cast(mask, "bool")
        return memory

    def initial_state(self, memory: Memory) -> State:
        """Returns the state before the first step: ``position`` ``(batch, components)``, zeros."""
        shape = (ops.shape(memory["values"])[0], self.components)
        return {"position": ops.zeros(shape, self.weights_dtype)}

    def uncast(self, state: State | None) -> State | None:
        """Casts the state back to its dtype, for Keras casts a layer's arguments."""
        if state is None:
            return None
        return state | {"position": ops.cast(state["position"], self.weights_dtype)}

    def step(self, query: Any, memory: Memory, state: State) -> tuple[Any, Any, State]:
        """Attends with one query.

        Args:
            query: ``(batch, query_features)``.
            memory: From `prepare`.
            state: From `initial_state` or the last step; may hold entries of other layers.

        Returns:
            Context ``(batch, memory_features)``, float32 weights ``(batch, memory)``, new state.
        """
        height, sharpness, move = self._parameters(query)
        position = state["position"] + move
        weights = self._weights(height, sharpness, position, memory)
        values = memory["values"]
        context = tf.einsum("bu,buv->bv", ops.cast(weights, values.dtype), values)
        return context, weights, {"position": position}

    def sequence(
        self, queries: Any, memory: Memory, state: State | None = None, mask: Any = None
    ) -> tuple[Any, Any, State]:
        """Attends with all queries at once, with the result of repeated calls of `step`.

        The positions are cumulative sums.

        Args:
            queries: ``(batch, time, query_features)``.
            memory: From `prepare`.
            state: State before the first step; by default `initial_state`.
            mask: Optional bool ``(batch, time)``; masked steps keep the state, and their contexts
                and weights are zero.

        Returns:
            Contexts ``(batch, time, memory_features)``, float32 weights ``(batch, time, memory)``,
            last state.
        """
        state = self.initial_state(memory) if state is None else state
        if mask is not None:  # masked steps may hold anything, even infinity
            queries = ops.where(ops.cast(mask, "bool")[:, :, None], queries, 0.0)
        height, sharpness, move = self._parameters(queries)
        moved = ops.cumsum(zero_masked(move, mask), axis=1)
        position = state["position"][:, None] + moved
        weights = zero_masked(self._weights(height, sharpness, position, memory), mask)
        values = memory["values"]
        contexts = ops.matmul(ops.cast(weights, values.dtype), values)
        last = state["position"] + ops.sum(zero_masked(move, mask), axis=1)
        return contexts, weights, {"position": last}

    def call(
        self,
        queries: Any,
        memory: Any,
        queries_mask: Any = None,
        memory_mask: Any = None,
        initial_state: State | None = None,
    ) -> tuple[Any, Any, State]:
        """Attends with a whole sequence to a memory that is not prepared."""
        memory = self.prepare(memory, memory_mask)
        return self.sequence(queries, memory, self.uncast(initial_state), queries_mask)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        own = {"components": self.components, "first_step": self.first_step}
        return {**super().get_config(), **own}

    def _parameters(self, query: Any) -> tuple[Any, Any, Any]:
        """Height, sharpness and movement of the Gaussians, each ``(..., components)``."""
        z = ops.matmul(ops.cast(query, self.compute_dtype), self.kernel) + self.bias
        z = ops.clip(ops.cast(z, self.weights_dtype), -LIMIT, LIMIT)
        height, sharpness, move = ops.split(ops.exp(z), 3, axis=-1)
        return height, sharpness, move

    def _weights(self, height: Any, sharpness: Any, position: Any, memory: Memory) -> Any:
        """Weights ``(..., memory)`` from parameters ``(..., components)``."""
        count = ops.shape(memory["values"])[1]
        places = ops.cast(ops.arange(count), self.weights_dtype)
        away = position[..., None] - places
        bells = height[..., None] * ops.exp(-sharpness[..., None] * away * away)
        weights = ops.sum(bells, axis=-2)
        if "mask" not in memory:
            return weights
        mask = ops.cast(memory["mask"], self.weights_dtype)
        return weights * (mask if weights.shape.rank == 2 else mask[:, None])
