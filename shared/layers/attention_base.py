"""What additive and multiplicative attention share: memory, masks, weights, state, the loop.

With energies ``e`` over the memory positions ``m``:

    weights_m = exp(e_m) / sum_n exp(e_n)    over the unmasked positions, 0 at the masked ones
    context   = sum_m weights_m * values_m
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from shared.layers.scan import scan, zero_masked

Memory = dict[str, Any]
State = dict[str, Any]


def masked_softmax(energies: Any, mask: Any = None) -> Any:
    """Softmax over the last axis; exactly 0 where ``mask`` is false, even in a row without true.

    Args:
        energies: ``(batch, time, memory)``, any float dtype.
        mask: optional bool ``(batch, memory)``.

    Returns:
        Weights of the same shape, float32 for half precision too (they would not sum to one).
    """
    energies = ops.cast(energies, keras.backend.result_type(energies.dtype, "float32"))
    if mask is None:
        return tf.nn.softmax(energies)  # Keras' warns of a memory with one position
    mask = ops.expand_dims(ops.cast(mask, "bool"), 1)
    weights = tf.nn.softmax(ops.where(mask, energies, ops.cast(-1e9, energies.dtype)))
    return weights * ops.cast(mask, weights.dtype)


class Attention(keras.layers.Layer):
    """What all attentions share; subclasses say how a query and a key give an energy.

    Args:
        coverage: the sum of all past weights is state and a feature of the energy
            (Tu et al. 2016; See et al. 2017).
        location_filters: number of filters convolved over the previous weights, whose output is
            a feature of the energy (Chorowski et al. 2015); 0 for none.
        location_width: width of these filters in memory positions.
        kernel_initializer: of every projection.

    Features enter additive energies inside the tanh, with a bias; to multiplicative energies
    they add a linear term.

    Call arguments:
        queries: ``(batch, time, query_features)``.
        memory: ``(batch, memory, memory_features)``.
        queries_mask: optional bool ``(batch, time)``.
        memory_mask: optional bool ``(batch, memory)``. Where a mask is not given, the Keras mask
            of the tensor is taken.
        initial_state: optional dict as `initial_state` makes it.

    Returns:
        ``(contexts, weights, state)`` as `sequence` does.
    """

    def __init__(
        self,
        coverage: bool = False,
        location_filters: int = 0,
        location_width: int = 31,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ):
        """See the class."""
        super().__init__(**kwargs)
        self.supports_masking = True  # the queries' mask goes with the contexts
        self.coverage = coverage
        self.location_filters = location_filters
        self.location_width = location_width
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.query_layer: keras.Layer | None = None
        self.memory_layer: keras.Layer | None = None
        self.feature_layer: keras.Layer | None = None
        if location_filters:
            self.location_layer = keras.layers.Conv1D(
                location_filters,
                location_width,
                padding="same",
                use_bias=False,
                kernel_initializer=self._initializer(),
                dtype=self.dtype_policy,
                name="location_layer",
            )

    @property
    def recurrent(self) -> bool:
        """Whether a step depends on the weights of earlier steps."""
        return self.coverage or self.location_filters > 0

    @property
    def state_names(self) -> list[str]:
        """What the state holds, each ``(batch, memory)``."""
        return ["coverage"] * self.coverage + ["previous_weights"] * bool(self.location_filters)

    @property
    def weights_dtype(self) -> str:
        """Dtype of weights and state: float32 also where the layer computes in half precision."""
        return keras.backend.result_type(self.compute_dtype, "float32")

    def build(self, queries_shape: Any, memory_shape: Any) -> None:
        """Create the weights; ``(batch, time, features)`` of the queries and of the memory."""
        if self.query_layer is not None:
            self.query_layer.build(queries_shape)
        if self.memory_layer is not None:
            self.memory_layer.build(memory_shape)
        if self.location_filters:
            self.location_layer.build((None, None, 1))
        if self.feature_layer is not None:
            self.feature_layer.build((None, None, None, self.location_filters + self.coverage))
        self.built = True

    def prepare(self, values: Any, mask: Any = None) -> Memory:
        """What every step reads, computed once.

        Args:
            values: ``(batch, memory, memory_features)``.
            mask: optional bool ``(batch, memory)``, false at padding.

        Returns:
            ``values``; ``keys`` ``(batch, memory, units)`` unless they are the values themselves;
            ``mask`` if given.
        """
        memory = {"values": ops.cast(values, self.compute_dtype)}
        if self.memory_layer is not None:
            memory["keys"] = self.memory_layer(memory["values"])
        if mask is not None:
            memory["mask"] = ops.cast(mask, "bool")
        return memory

    def initial_state(self, memory: Memory) -> State:
        """The state before the first step: zeros ``(batch, memory)``, by name."""
        shape = ops.shape(memory["values"])[:2]
        return {name: ops.zeros(shape, self.weights_dtype) for name in self.state_names}

    def uncast(self, state: State | None) -> State | None:
        """The state in its own dtype: Keras casts what a layer is called with."""
        if state is None:
            return None
        return state | {n: ops.cast(state[n], self.weights_dtype) for n in self.state_names}

    def step(self, query: Any, memory: Memory, state: State) -> tuple[Any, Any, State]:
        """Attend once.

        Args:
            query: ``(batch, query_features)``.
            memory: from `prepare`.
            state: from `initial_state` or the step before; may hold what belongs to others.

        Returns:
            Context ``(batch, memory_features)``, float32 weights ``(batch, memory)``, new state.
        """
        query = self._project(ops.expand_dims(query, 1))
        context, weights, state = self._attend(query, memory, state)
        return ops.squeeze(context, 1), ops.squeeze(weights, 1), state

    def sequence(
        self, queries: Any, memory: Memory, state: State | None = None, mask: Any = None
    ) -> tuple[Any, Any, State]:
        """Attend for every query, as `step` repeated; at once if no step needs the one before.

        An additive energy over a whole sequence holds ``(batch, time, memory, units)`` numbers.

        Args:
            queries: ``(batch, time, query_features)``.
            memory: from `prepare`.
            state: as for `step`; None for the initial one.
            mask: optional bool ``(batch, time)``; where false the state is held, and contexts and
                weights are zero.

        Returns:
            Contexts ``(batch, time, memory_features)``, float32 weights
            ``(batch, time, memory)``, last state.
        """
        queries = self._project(queries)
        if not self.recurrent:
            contexts, weights, _ = self._attend(queries, memory, {})
            return zero_masked(contexts, mask), zero_masked(weights, mask), {}
        values = memory["values"]
        state = self.initial_state(memory) if state is None else state

        def body(query, state):
            context, weights, state = self._attend(ops.expand_dims(query, 1), memory, state)
            return (ops.squeeze(context, 1), ops.squeeze(weights, 1)), state

        (contexts, weights), state = scan(
            body,
            queries,
            {name: state[name] for name in self.state_names},
            [
                (values.dtype, values.shape[:1] + values.shape[2:]),
                (self.weights_dtype, values.shape[:2]),
            ],
            mask,
        )
        return contexts, weights, state

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
        return {
            **super().get_config(),
            "coverage": self.coverage,
            "location_filters": self.location_filters,
            "location_width": self.location_width,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    def _energies(self, queries: Any, memory: Memory, features: Any) -> Any:
        """``(batch, time, memory)`` from projected queries and, or None, projected features."""
        raise NotImplementedError

    def _initializer(self) -> keras.Initializer:
        """A fresh copy: one initializer object would give equal shapes equal weights."""
        return self.kernel_initializer.clone()

    def _dense(self, units: int, name: str, use_bias: bool = False) -> keras.Layer:
        return keras.layers.Dense(
            units,
            use_bias=use_bias,
            kernel_initializer=self._initializer(),
            dtype=self.dtype_policy,
            name=name,
        )

    def _project(self, queries: Any) -> Any:
        queries = ops.cast(queries, self.compute_dtype)
        return queries if self.query_layer is None else self.query_layer(queries)

    def _attend(self, queries: Any, memory: Memory, state: State) -> tuple[Any, Any, State]:
        """Projected queries ``(batch, time, units)``; with state, ``time`` is 1."""
        energies = self._energies(queries, memory, self._features(state))
        weights = masked_softmax(energies, memory.get("mask"))
        values = memory["values"]
        contexts = ops.matmul(ops.cast(weights, values.dtype), values)
        new = {}
        if self.coverage:
            new["coverage"] = state["coverage"] + ops.squeeze(weights, 1)
        if self.location_filters:
            new["previous_weights"] = ops.squeeze(weights, 1)
        return contexts, weights, new

    def _features(self, state: State) -> Any:
        """``(batch, 1, memory, units or 1)``, or None when there are none."""
        if self.feature_layer is None:
            return None
        features = []
        if self.location_filters:
            previous = ops.cast(state["previous_weights"], self.compute_dtype)
            features.append(self.location_layer(ops.expand_dims(previous, -1)))
        if self.coverage:
            coverage = ops.cast(state["coverage"], self.compute_dtype)
            features.append(ops.expand_dims(coverage, -1))
        return self.feature_layer(ops.expand_dims(ops.concatenate(features, -1), 1))
