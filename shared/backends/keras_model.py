"""A Keras model as a generator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from shared.backends.arrays import checked, checked_condition, checked_step, split_step
from shared.backends.functions import likeliest_function, tf_functions
from shared.generator import Arrays


class KerasBackend:
    """Runs a built model's ``encode`` and ``step``, each traced once for all batch sizes.

    Later assignments to the model's weights take effect.
    """

    def __init__(self, model: Any) -> None:
        """Wraps the model; the first call of each function traces it."""
        self.model, self.signature = model, model.signature
        self._functions = tf_functions(model)
        self._likeliest: Any = None
        self._held: dict[str, tuple[np.ndarray, tf.Tensor]] = {}  # memory, by name

    def encode(self, condition: Mapping[str, np.ndarray], batch: int = 1) -> Arrays:
        """Implements `shared.generator.Generator.encode`."""
        arrays = checked_condition(self.signature, condition, batch)
        return {n: t.numpy() for n, t in self._functions["encode"](*arrays.values()).items()}

    def step(self, symbol: Mapping[str, np.ndarray], state: Arrays) -> tuple[Arrays, Arrays]:
        """Implements `shared.generator.Generator.step`."""
        arrays = checked_step(self.signature, symbol, state)
        inputs = [self._tensor(name, array) for name, array in arrays.items()]
        tensors = self._functions["step"](*inputs)
        return split_step(self.signature, {n: t.numpy() for n, t in tensors.items()}, state)

    def likeliest(
        self, symbol: Mapping[str, np.ndarray], state: dict[str, Any], count: int
    ) -> tuple[Arrays, dict[str, Any]]:
        """Implements `shared.decoding.ranking.Ranking`; the state stays with TensorFlow."""
        if self._likeliest is None:
            # The concrete function: to look it up takes as long as a small step.
            function = likeliest_function(self.model, self._functions["step"])
            self._likeliest = function.get_concrete_function()
        arrays = checked(symbol, self.signature.symbol, "step")
        given = [tf.constant(count), *map(tf.constant, arrays.values())]
        own = [tf.convert_to_tensor(state[name]) for name in self.signature.state]
        read = {name: tf.convert_to_tensor(state[name]) for name in self.signature.memory}
        results = self._likeliest(*given, *own, *read.values())
        following = {name: results.pop(name) for name in self.signature.state}
        return {name: tensor.numpy() for name, tensor in results.items()}, following | read

    def select(self, state: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
        """Implements `shared.decoding.ranking.Ranking`."""
        places = tf.constant(rows, tf.int32)
        return {name: tf.gather(value, places) for name, value in state.items()}

    def _tensor(self, name: str, array: np.ndarray) -> np.ndarray | tf.Tensor:
        """The array, or the tensor that holds it; memory that is read-only is copied once."""
        if name not in self.signature.memory or array.flags.writeable:
            return array
        if self._held.get(name, (None,))[0] is not array:
            self._held[name] = array, tf.constant(array)
        return self._held[name][1]
