"""The Keras model itself as a generator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shared.backends.arrays import checked, checked_step, split_step
from shared.backends.functions import tf_functions
from shared.generator import Arrays


class KerasBackend:
    """A built model with ``signature``, ``encode`` and ``step``, traced once for any batch.

    Assigning to the model's weights afterwards takes effect here too.
    """

    def __init__(self, model: Any) -> None:
        """Wrap the model; the first call of each function traces it."""
        self.model, self.signature = model, model.signature
        self._functions = tf_functions(model)

    def encode(self, condition: Mapping[str, np.ndarray]) -> Arrays:
        """See `shared.generator.Generator.encode`."""
        arrays = checked(condition, self.signature.condition, "encode")
        return {n: t.numpy() for n, t in self._functions["encode"](*arrays.values()).items()}

    def step(self, symbol: Mapping[str, np.ndarray], state: Arrays) -> tuple[Arrays, Arrays]:
        """See `shared.generator.Generator.step`."""
        arrays = checked_step(self.signature, symbol, state)
        tensors = self._functions["step"](*arrays.values())
        return split_step(self.signature, {n: t.numpy() for n, t in tensors.items()}, state)
