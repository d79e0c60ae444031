"""A mixture density for points of a pen: offset, pen lift and end (Graves 2013).

    p(dx, dy, up, end) = sum_m pi_m N(dx, dy | mu_m, sigma_m, rho_m) * p(up) * p(end | up)

The parameters are one vector of ``6 M + 2`` unbounded numbers, the output of a dense layer; `split`
turns them into distributions. Densities are computed in logarithms (log-softmax, logsumexp) and
Bernoulli distributions from logits.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

# Limits without which a component on a single point would have infinite density.
LEAST_LOG_SIGMA = -5.0
MOST_CORRELATION = 0.95


class Mixture(NamedTuple):
    """The distributions' parameters; each of the first six is ``(..., M)``."""

    log_weights: Any
    mean_x: Any
    mean_y: Any
    log_sigma_x: Any
    log_sigma_y: Any
    correlation: Any
    pen_logit: Any  # (...,), that the pen is lifted after this point
    end_logit: Any  # (...,), that the writing ends here, given that the pen is lifted


def mixture_size(components: int) -> int:
    """Number of parameters of a mixture."""
    return 6 * components + 2


def split(parameters: Any) -> Mixture:
    """Splits the vector ``(..., 6 M + 2)`` into distributions.

    ``log sigma`` is at least `LEAST_LOG_SIGMA`, and correlations are within `MOST_CORRELATION`.
    """
    components = (parameters.shape[-1] - 2) // 6
    weights, x, y, sx, sy, rho, rest = tf.split(parameters, [components] * 6 + [2], axis=-1)
    return Mixture(
        tf.nn.log_softmax(weights),
        x,
        y,
        tf.maximum(sx, LEAST_LOG_SIGMA),
        tf.maximum(sy, LEAST_LOG_SIGMA),
        MOST_CORRELATION * tf.tanh(rho),
        rest[..., 0],
        rest[..., 1],
    )


def log_density(mixture: Mixture, offsets: Any) -> Any:
    """Natural logarithm of the density of offsets ``(..., 2)``, ``(...,)``."""
    x = (offsets[..., 0, None] - mixture.mean_x) * tf.exp(-mixture.log_sigma_x)
    y = (offsets[..., 1, None] - mixture.mean_y) * tf.exp(-mixture.log_sigma_y)
    rho = mixture.correlation
    rest = 1.0 - rho * rho
    power = -(x * x + y * y - 2.0 * rho * x * y) / (2.0 * rest)
    scale = (
        math.log(2 * math.pi) + mixture.log_sigma_x + mixture.log_sigma_y + 0.5 * tf.math.log(rest)
    )
    return tf.reduce_logsumexp(mixture.log_weights + power - scale, axis=-1)


def negative_log_likelihood(parameters: Any, offsets: Any, pen_up: Any, end: Any) -> Any:
    """Nats of each point: of its offset, of the pen, and of the end where the pen is lifted.

    Args:
        parameters: ``(..., 6 M + 2)``.
        offsets: ``(..., 2)``, from the last point; their unit is the density's.
        pen_up: ``(...,)``, 1 where the pen is lifted after the point.
        end: ``(...,)``, 1 where the writing ends; there the pen is lifted, too.

    Returns:
        float32 ``(...,)``.
    """
    mixture = split(tf.cast(parameters, tf.float32))
    pen_up, end = tf.cast(pen_up, tf.float32), tf.cast(end, tf.float32)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits
    pen = entropy(labels=pen_up, logits=mixture.pen_logit)
    over = pen_up * entropy(labels=end, logits=mixture.end_logit)
    return pen + over - log_density(mixture, tf.cast(offsets, tf.float32))


@keras.saving.register_keras_serializable("lstm_suite")
class MixtureDensity(keras.layers.Layer):
    """A dense layer whose outputs are the parameters of a `Mixture`.

    Initially the pen is unlikely to be lifted and the writing to end, and the means are spread,
    so that the components learn different things.

    Args:
        components: Number of Gaussians.
        spread: Standard deviation of the initial means, in the unit of the offsets.
        dtype: Dtype or dtype policy.
        trainable: Whether the weights are trainable.
        name: Name of the layer.

    Call arguments:
        features: ``(..., features)``.

    Returns:
        ``(..., 6 M + 2)``, for `split`, `negative_log_likelihood` and `shared.decoding.mixture`.

    Raises:
        ValueError: There is no component.
    """

    def __init__(
        self,
        components: int = 20,
        spread: float = 0.3,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
    ):
        super().__init__(dtype=dtype, trainable=trainable, name=name)
        if components < 1:
            raise ValueError(f"`components` must be positive, got {components}")
        self.supports_masking = True
        self.components = components
        self.spread = spread

    def build(self, features_shape: Any) -> None:
        """Creates the weights for inputs ``(..., features)``."""
        width = mixture_size(self.components)
        self.kernel = self.add_weight(
            name="kernel", shape=(features_shape[-1], width), initializer="glorot_uniform"
        )
        self.bias = self.add_weight(name="bias", shape=(width,), initializer=self._first_bias)
        self.built = True

    def _first_bias(self, shape: Any, dtype: Any = None) -> Any:
        count = (self.components,)
        means = keras.random.normal((2 * self.components,), stddev=self.spread, dtype=dtype)
        sigmas = ops.full((2 * self.components,), -1.0, dtype=dtype)
        zeros = ops.zeros(count, dtype=dtype)
        ends = ops.convert_to_tensor([-2.0, -3.0], dtype=dtype)
        return ops.concatenate([zeros, means, sigmas, zeros, ends])

    def call(self, features: Any) -> Any:
        """Computes the parameters."""
        return ops.matmul(features, self.kernel) + self.bias

    def compute_output_shape(self, features_shape: Any) -> tuple[Any, ...]:
        """Returns ``(..., 6 M + 2)``."""
        return (*features_shape[:-1], mixture_size(self.components))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        own = {"components": self.components, "spread": self.spread}
        return {**super().get_config(), **own}
