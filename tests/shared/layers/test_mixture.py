import numpy as np
import pytest
import tensorflow as tf

from shared.layers import MixtureDensity
from shared.layers.mixture import (
    LEAST_LOG_SIGMA,
    MOST_CORRELATION,
    log_density,
    mixture_size,
    negative_log_likelihood,
    split,
)

RNG = np.random.default_rng(0)


def parameters(*shape, components=3):
    size = (*shape, mixture_size(components))
    return tf.constant(RNG.normal(size=size), tf.float32)


def test_the_density_is_that_of_numpys_covariance_matrices():
    p, points = parameters(5), tf.constant(RNG.normal(size=(5, 2)), tf.float32)
    m = split(p)
    for row in range(5):
        density = 0.0
        for k in range(3):
            sx, sy = np.exp(m.log_sigma_x[row, k]), np.exp(m.log_sigma_y[row, k])
            rho = float(m.correlation[row, k])
            cov = np.array([[sx * sx, rho * sx * sy], [rho * sx * sy, sy * sy]])
            d = points[row].numpy() - [m.mean_x[row, k], m.mean_y[row, k]]
            bell = np.exp(-0.5 * d @ np.linalg.solve(cov, d))
            density += (
                np.exp(m.log_weights[row, k]) * bell / (2 * np.pi * np.sqrt(np.linalg.det(cov)))
            )
        assert float(log_density(m, points)[row]) == pytest.approx(np.log(density), abs=1e-4)


def test_density_pen_and_end_sum_to_one():
    p = parameters(1)
    axis = np.arange(-12, 12, 0.05, np.float32)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    assert np.exp(log_density(split(p), grid)).sum() * 0.05**2 == pytest.approx(1, abs=1e-3)
    outcomes = [(0, 0), (1, 0), (1, 1)]
    nats = [negative_log_likelihood(p, tf.zeros((1, 2)), [up], [end]) for up, end in outcomes]
    total = sum(np.exp(-n.numpy() - log_density(split(p), tf.zeros((1, 2)))) for n in nats)
    np.testing.assert_allclose(total, 1, rtol=1e-5)


def test_extreme_parameters_stay_finite():
    p = 100 * parameters(50, components=20)
    with tf.GradientTape() as tape:
        tape.watch(p)
        nats = negative_log_likelihood(p, tf.zeros((50, 2)), tf.ones(50), tf.zeros(50))
    assert np.isfinite(nats).all() and np.isfinite(tape.gradient(nats, p)).all()
    m = split(p)
    assert np.min(m.log_sigma_x) >= LEAST_LOG_SIGMA
    assert np.abs(m.correlation).max() <= MOST_CORRELATION


def test_the_end_counts_where_the_pen_is_lifted():
    p = parameters(4)
    at = tf.zeros((4, 2))
    down = [negative_log_likelihood(p, at, tf.zeros(4), tf.fill((4,), e)) for e in (0.0, 1.0)]
    np.testing.assert_array_equal(*down)


def test_the_head_fits_a_bent_distribution():
    head = MixtureDensity(4)
    head.build((None, 1))
    angle = RNG.uniform(0, np.pi, 512)
    points = np.stack([np.cos(angle), np.sin(angle)], 1) + RNG.normal(size=(512, 2)) * 0.05
    points, ones = tf.constant(points, tf.float32), tf.ones((512, 1))
    variables = [v.value for v in head.trainable_variables]
    losses = []
    for _ in range(300):
        with tf.GradientTape() as tape:
            nats = negative_log_likelihood(head(ones), points, tf.zeros(512), tf.zeros(512))
            loss = tf.reduce_mean(nats)
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.1 * tf.clip_by_norm(gradient, 1.0))
        losses.append(float(loss))
    assert losses[-1] < 0.5 < losses[0]


def test_it_needs_a_component():
    with pytest.raises(ValueError, match="components"):
        MixtureDensity(0)
