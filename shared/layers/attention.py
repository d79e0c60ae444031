"""Additive and multiplicative attention with explicit state, a step or a whole sequence.

    memory = attention.prepare(values, mask)        # once per source; projects the keys
    state = attention.initial_state(memory)         # {} without coverage and location features
    context, weights, state = attention.step(query, memory, state)
    contexts, weights, state = attention.sequence(queries, memory, state)

``step`` and ``sequence`` are pure functions of ``state``, which changes from step to step, and
``memory``, which does not. Both are dicts of named tensors, so that a model's ``encode`` can return
them and its ``step`` can take them.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from shared.layers.attention_base import Attention, Memory, State, masked_softmax

__all__ = ["Attention", "BahdanauAttention", "LuongAttention", "Memory", "State", "masked_softmax"]


@keras.saving.register_keras_serializable("lstm_suite")
class BahdanauAttention(Attention):
    """Additive attention (Bahdanau, Cho and Bengio 2015).

        e_m = v . tanh(W_q query + W_m values_m)
        e_m = g v/|v| . tanh(W_q query + W_m values_m + b)      with normalize

    The normalized form follows Salimans and Kingma (2016), as in tensorflow-addons. With coverage
    or location features ``f_m``, ``W_f f_m + b_f`` is added inside the tanh.

    Args:
        units: Width of the hidden layer that compares query and memory.
        normalize: Whether to learn the length ``g`` of ``v`` apart from its direction, and a bias
            ``b``.
        **kwargs: Passed to `Attention`.
    """

    def __init__(self, units: int, normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.normalize = normalize
        self.query_layer = self._dense(units, "query_layer")
        self.memory_layer = self._dense(units, "memory_layer")
        if self.recurrent:
            self.feature_layer = self._dense(units, "feature_layer", use_bias=True)

    def build(self, queries_shape: Any, memory_shape: Any) -> None:
        """Creates the weights for queries and memory of shapes ``(batch, time, features)``."""
        initializer = self._initializer()
        self.v = self.add_weight(shape=(self.units,), initializer=initializer, name="v")
        if self.normalize:
            length = keras.initializers.Constant(self.units**-0.5)
            self.g = self.add_weight(shape=(), initializer=length, name="g")
            self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="b")
        super().build(queries_shape, memory_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "units": self.units, "normalize": self.normalize}

    def _energies(self, queries: Any, memory: Memory, features: Any) -> Any:
        keys, v = memory["keys"], ops.convert_to_tensor(self.v)
        if self.normalize:
            v, g = (ops.cast(x, self.weights_dtype) for x in (v, self.g))
            v = g * v * ops.rsqrt(ops.sum(ops.square(v)))
            keys = keys + ops.cast(self.b, keys.dtype)
        return _additive_energies(queries, keys, features, v)


@keras.saving.register_keras_serializable("lstm_suite")
class LuongAttention(Attention):
    """Multiplicative attention (Luong, Pham and Manning 2015), and their concat score.

        dot      e_m = query . values_m                        (widths must be equal)
        general  e_m = query . W values_m
        concat   e_m = v . tanh(W [query; values_m])           (as wide as the query)

    With coverage or location features ``f_m``, ``w . f_m`` is added (inside the tanh for
    concat).

    Args:
        score: "dot", "general" or "concat".
        scale: Whether to multiply the energies by a learned scalar, 1 at first, as the ``scale``
            of tensorflow-addons.
        **kwargs: Passed to `Attention`.

    Raises:
        ValueError: The score is unknown, or "dot" with query and memory of different widths.
    """

    def __init__(self, score: str = "general", scale: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        if score not in ("dot", "general", "concat"):
            raise ValueError(f"score is {score!r}; use 'dot', 'general' or 'concat'")
        self.score = score
        self.scale = scale

    def build(self, queries_shape: Any, memory_shape: Any) -> None:
        """Creates the weights for queries and memory of shapes ``(batch, time, features)``."""
        units = queries_shape[-1]
        if self.score == "dot" and units != memory_shape[-1]:
            raise ValueError(
                f"score 'dot' needs queries and memory of one width, got {units} and "
                f"{memory_shape[-1]}; use 'general'"
            )
        concat = self.score == "concat"
        if self.score != "dot":
            self.memory_layer = self._dense(units, "memory_layer")
        if concat:
            self.query_layer = self._dense(units, "query_layer")
            self.v = self.add_weight(shape=(units,), initializer=self._initializer(), name="v")
        if self.recurrent:
            self.feature_layer = self._dense(units if concat else 1, "feature_layer", concat)
        if self.scale:
            self.g = self.add_weight(shape=(), initializer="ones", name="g")
        super().build(queries_shape, memory_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "score": self.score, "scale": self.scale}

    def _energies(self, queries: Any, memory: Memory, features: Any) -> Any:
        keys = memory.get("keys", memory["values"])
        if self.score == "concat":
            energies = _additive_energies(queries, keys, features, self.v)
        else:
            # Transposes the queries, which are fewer than the keys: a step has one.
            energies = ops.matmul(keys, ops.transpose(queries, (0, 2, 1)))
            energies = ops.transpose(energies, (0, 2, 1))
            if features is not None:
                energies = energies + ops.squeeze(features, -1)
        return energies * ops.cast(self.g, energies.dtype) if self.scale else energies


def _additive_energies(queries: Any, keys: Any, features: Any, v: Any) -> Any:
    """``v . tanh(query + key + feature)`` for every pair: ``(batch, time, memory)``."""
    hidden = ops.expand_dims(queries, 2) + ops.expand_dims(keys, 1)
    if features is not None:
        hidden = hidden + features
    return ops.tensordot(ops.tanh(hidden), ops.cast(v, hidden.dtype), axes=1)
