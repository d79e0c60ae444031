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

LIMIT = 6.0  # of the exponents: half precision holds no much larger weights


@keras.saving.register_keras_serializable("lstm_suite")
class GaussianWindow(keras.layers.Layer):
    """The window as an attention, with the interface of `shared.layers.attention_base.Attention`.

    Args:
        components: Gaussians.
        first_step: how far the window moves at every query before anything is learned, in memory
            positions; one over the number of queries to a position.
        dtype: as for every Keras layer; positions and weights are float32 in half precision too.
        trainable: as for every Keras layer.
        name: as for every Keras layer.

    Call arguments:
        queries: ``(batch, time, query_features)``.
        memory: ``(batch, memory, memory_features)``.
        queries_mask: optional bool ``(batch, time)``.
        memory_mask: optional bool ``(batch, memory)``.
        initial_state: optional dict as `initial_state` makes it.

    Returns:
        ``(contexts, weights, state)`` as `sequence` does.

    Raises:
        ValueError: a size is not positive.
    """

    def __init__(
        self,
        components: int = 10,
        first_step: float = 0.1,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
    ):
        """See the class."""
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
        """Dtype of weights and state: float32 also where the layer computes in half precision."""
        return keras.backend.result_type(self.compute_dtype, "float32")

    def build(self, queries_shape: Any, memory_shape: Any) -> None:
        """Create the weights; ``(batch, time, features)`` of the queries and of the memory."""
        shape = (queries_shape[-1], 3 * self.components)
        # Small, so that all windows move alike at first.
        small = keras.initializers.RandomNormal(stddev=0.02)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=small)
        self.bias = self.add_weight(name="bias", shape=shape[1:], initializer=self._first_bias)
        self.built = True

    def _first_bias(self, shape: Any, dtype: Any = None) -> Any:
        size = (self.components,)
        height = -math.log(self.components)  # together about 1
        values = (height, -1.0, math.log(self.first_step))
        return ops.concatenate([ops.full(size, value, dtype=dtype) for value in values])

    def prepare(self, values: Any, mask: Any = None) -> Memory:
        """What every step reads: ``values``, and ``mask`` if given."""
        memory = {"values": ops.cast(values, self.compute_dtype)}
        if mask is not None:
            memory["mask"] = ops.cast(mask, "bool")
        return memory

    def initial_state(self, memory: Memory) -> State:
        """The state before the first step: ``position`` ``(batch, components)``, zeros."""
        shape = (ops.shape(memory["values"])[0], self.components)
        return {"position": ops.zeros(shape, self.weights_dtype)}

    def uncast(self, state: State | None) -> State | None:
        """The state in its own dtype: Keras casts what a layer is called with."""
        if state is None:
            return None
        return state | {"position": ops.cast(state["position"], self.weights_dtype)}

    def step(self, query: Any, memory: Memory, state: State) -> tuple[Any, Any, State]:
        """Attend once.

        Args:
            query: ``(batch, query_features)``.
            memory: from `prepare`.
            state: from `initial_state` or the step before; may hold what belongs to others.

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
        """Attend for every query at once, as `step` repeated: the positions are sums.

        Args:
            queries: ``(batch, time, query_features)``.
            memory: from `prepare`.
            state: as for `step`; None for the initial one.
            mask: optional bool ``(batch, time)``; where false the state is held, and contexts and
                weights are zero.

        Returns:
            Contexts ``(batch, time, memory_features)``, float32 weights ``(batch, time, memory)``,
            last state.
        """
        state = self.initial_state(memory) if state is None else state
        if mask is not None:  # what stands at masked steps may be anything, infinity too
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
        """See the class."""
        memory = self.prepare(memory, memory_mask)
        return self.sequence(queries, memory, self.uncast(initial_state), queries_mask)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        own = {"components": self.components, "first_step": self.first_step}
        return {**super().get_config(), **own}

    def _parameters(self, query: Any) -> tuple[Any, Any, Any]:
        """Height, sharpness and step, each ``(..., components)``."""
        z = ops.matmul(ops.cast(query, self.compute_dtype), self.kernel) + self.bias
        z = ops.clip(ops.cast(z, self.weights_dtype), -LIMIT, LIMIT)
        height, sharpness, move = ops.split(ops.exp(z), 3, axis=-1)
        return height, sharpness, move

    def _weights(self, height: Any, sharpness: Any, position: Any, memory: Memory) -> Any:
        """``(..., memory)`` from parameters ``(..., components)``."""
        count = ops.shape(memory["values"])[1]
        places = ops.cast(ops.arange(count), self.weights_dtype)
        away = position[..., None] - places
        bells = height[..., None] * ops.exp(-sharpness[..., None] * away * away)
        weights = ops.sum(bells, axis=-2)
        if "mask" not in memory:
            return weights
        mask = ops.cast(memory["mask"], self.weights_dtype)
        return weights * (mask if weights.shape.rank == 2 else mask[:, None])
