"""A softmax over symbols that shares its weights with their embedding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from shared.training.losses import sequence_loss

IMPOSSIBLE = -1e9
"""Added to the logits of symbols that must not be emitted."""


class TiedSoftmax:
    """Logits from the embedding's own table (Press and Wolf 2017), and their loss.

        logits = x E' + b

    It is no layer and has no weights: the table and the bias stay the model's.

    Args:
        embedding: A built `keras.layers.Embedding`, whose table ``E`` is.
        bias: ``b``, a variable ``(symbols,)``.
        impossible: Symbols that are never emitted.
    """

    def __init__(self, embedding: Any, bias: Any, impossible: Iterable[int] = ()):
        self.embedding = embedding
        self.bias = bias
        self.mask = np.zeros(bias.shape, np.float32)
        self.mask[list(impossible)] = IMPOSSIBLE

    def logits(self, x: Any, masked: bool = False) -> tf.Tensor:
        """Logits of every symbol.

        Args:
            x: ``(..., features)``, as wide as the embedding. The product is computed in its dtype.
            masked: Whether impossible symbols get no probability. A loss does not need it.

        Returns:
            Float32 ``(..., symbols)``.
        """
        # One bias: on 320 hypotheses a pass over the logits takes a tenth of their product's time.
        bias = self._bias + self.mask if masked else self._bias
        product = tf.matmul(x, tf.cast(self._table, x.dtype), transpose_b=True)
        return tf.nn.bias_add(tf.cast(product, tf.float32), bias)

    def loss(
        self, x: Any, targets: Any, mask: Any, label_smoothing: float = 0.0
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean cross-entropy of the targets in nats, padding left out.

        Args:
            x: ``(batch, steps, features)``.
            targets: Int32 ``(batch, steps)``.
            mask: Bool ``(batch, steps)``, false at padding.
            label_smoothing: Share of the target's probability that is spread over all symbols
                (Szegedy et al. 2016).

        Returns:
            The loss with label smoothing, and without it.
        """
        x, targets = tf.boolean_mask(x, mask), tf.boolean_mask(targets, mask)
        nats = sequence_loss(self.logits(x), targets)
        if not label_smoothing:
            return nats, nats
        x = tf.cast(x, tf.float32)
        # Cross-entropy with the uniform distribution minus that with the target: the normalizer
        # cancels out, and of the logits only the target's and their mean are needed.
        wanted = tf.reduce_sum(x * tf.gather(self._table, targets), -1)
        wanted += tf.gather(self._bias, targets)
        mean = tf.linalg.matvec(x, tf.reduce_mean(self._table, 0)) + tf.reduce_mean(self._bias)
        return nats + label_smoothing * tf.reduce_mean(wanted - mean), nats

    @property
    def _table(self) -> tf.Tensor:
        return ops.convert_to_tensor(self.embedding.embeddings)

    @property
    def _bias(self) -> tf.Tensor:
        return ops.convert_to_tensor(self.bias)
