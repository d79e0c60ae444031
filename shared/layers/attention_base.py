"""The base of additive and multiplicative attention: memory, masks, weights and state.

With energies ``e`` over the memory positions ``m``:

    weights_m = exp(e_m) / sum_n exp(e_n)    over unmasked positions; 0 at masked positions
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
    """Softmax over the last axis; masked positions are exactly 0, even if all are masked.

    Args:
        energies: ``(batch, time, memory)``, any float dtype.
        mask: Optional bool ``(batch, memory)``, false at masked positions.

    Returns:
        Weights of the same shape; float32 for half precision, in which they would not sum to one.
    """
    energies = ops.cast(energies, keras.backend.result_type(energies.dtype, "float32"))
    if mask is None:
        return tf.nn.softmax(energies)  # Keras' own warns if the memory has one position
    mask = ops.expand_dims(ops.cast(mask, "bool"), 1)
    weights = tf.nn.softmax(ops.where(mask, energies, ops.cast(-1e9, energies.dtype)))
    return weights * ops.cast(mask, weights.dtype)


class Attention(keras.layers.Layer):
    """Base class of attention layers; subclasses compute energies from queries and keys.

    Args:
        coverage: Whether the sum of all past weights is kept as state and is a feature of the
            energies (Tu et al. 2016; See et al. 2017).
        location_filters: Number of filters convolved over the previous weights, whose output is
            a feature of the energies (Chorowski et al. 2015); 0 for none.
        location_width: Width of these filters in memory positions.
        kernel_initializer: Initializer of every projection.

    Additive energies add the projected features inside the tanh, with a bias; multiplicative
    energies add them as a linear term.

    Call arguments:
        queries: ``(batch, time, query_features)``.
        memory: ``(batch, memory, memory_features)``.
        queries_mask: Optional bool ``(batch, time)``.
        memory_mask: Optional bool ``(batch, memory)``. Where a mask is not given, the Keras mask
            of the tensor is used.
        initial_state: Optional dict like that of `initial_state`.

    Returns:
        ``(contexts, weights, state)``, see `sequence`.
    """

    def __init__(
        self,
        coverage: bool = False,
        location_filters: int = 0,
        location_width: int = 31,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True  # the contexts have the queries' mask
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
        """Names of the state's tensors, each ``(batch, memory)``."""
        return ["coverage"] * self.coverage + ["previous_weights"] * bool(self.location_filters)

    @property
    def weights_dtype(self) -> str:
        """Dtype of weights and state, float32 even if the layer computes in half precision."""
        return keras.backend.result_type(self.compute_dtype, "float32")

    def build(self, queries_shape: Any, memory_shape: Any) -> None:
        """Creates the weights for queries and memory of shapes ``(batch, time, features)``."""
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
        """Computes the memory that every step reads, with the projected keys.

        Args:
            values: ``(batch, memory, memory_features)``.
            mask: Optional bool ``(batch, memory)``, false at padding.

        Returns:
            A dict of ``values``; ``keys`` ``(batch, memory, units)``, unless they are the values
            themselves; and ``mask`` if given.
        """
        memory = {"values": ops.cast(values, self.compute_dtype)}
        if self.memory_layer is not None:
            memory["keys"] = self.memory_layer(memory["values"])
        if mask is not None:
            memory["mask"] = ops.cast(mask, "bool")
        return memory

    def initial_state(self, memory: Memory) -> State:
        """Returns the state before the first step: zeros ``(batch, memory)`` by name."""
        shape = ops.shape(memory["values"])[:2]
        return {name: ops.zeros(shape, self.weights_dtype) for name in self.state_names}

    def uncast(self, state: State | None) -> State | None:
        """Casts the state back to its dtype, for Keras casts a layer's arguments."""
        if state is None:
            return None
        return state | {n: ops.cast(state[n], self.weights_dtype) for n in self.state_names}

    def step(self, query: Any, memory: Memory, state: State) -> tuple[Any, Any, State]:
        """Attends with one query.

        Args:
            query: ``(batch, query_features)``.
            memory: From `prepare`; it may have one row for the whole batch.
            state: From `initial_state` or the last step; may hold entries of other layers.

        Returns:
            Context ``(batch, memory_features)``, float32 weights ``(batch, memory)``, new state.
        """
        # Rows that share a memory of one row, as a beam's do, attend at once.
        axis = 0 if memory["values"].shape[0] == 1 and not self.recurrent else 1
        query = self._project(ops.expand_dims(query, axis))
        context, weights, state = self._attend(query, memory, state)
        return ops.squeeze(context, axis), ops.squeeze(weights, axis), state

    def sequence(
        self, queries: Any, memory: Memory, state: State | None = None, mask: Any = None
    ) -> tuple[Any, Any, State]:
        """Attends with every query of a sequence, with the result of repeated calls of `step`.

        All queries attend at once, unless a step depends on earlier weights. Additive energies of
        a whole sequence take ``(batch, time, memory, units)`` numbers.

        Args:
            queries: ``(batch, time, query_features)``.
            memory: From `prepare`.
            state: State before the first step; by default `initial_state`.
            mask: Optional bool ``(batch, time)``; masked steps keep the state, and their contexts
                and weights are zero.

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
        """Attends with a whole sequence to a memory that is not prepared."""
        memory = self.prepare(memory, memory_mask)
        return self.sequence(queries, memory, self.uncast(initial_state), queries_mask)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {
            **super().get_config(),
            "coverage": self.coverage,
            "location_filters": self.location_filters,
            "location_width": self.location_width,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    def _energies(self, queries: Any, memory: Memory, features: Any) -> Any:
        """Computes ``(batch, time, memory)`` from projected queries and features, or None."""
        raise NotImplementedError

    def _initializer(self) -> keras.Initializer:
        """A copy: the same initializer object would give equal shapes equal weights."""
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
        """Attends with projected queries ``(batch, time, units)``; with state, ``time`` is 1."""
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
        """Projected features ``(batch, 1, memory, units or 1)``, or None."""
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
