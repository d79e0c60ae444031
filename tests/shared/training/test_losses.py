import numpy as np
import pytest
import tensorflow as tf

from shared.training.losses import REDUCTIONS, coverage_loss, sequence_loss

RNG = np.random.default_rng(4)
LOGITS = RNG.normal(scale=2.0, size=(3, 4, 5)).astype("float32")
TARGETS = RNG.integers(0, 5, (3, 4))
MASK = np.arange(4)[None] < np.array([[4], [2], [0]])


def by_hand(smoothing):
    logs = LOGITS - np.log(np.exp(LOGITS).sum(-1, keepdims=True))
    labels = np.eye(5)[TARGETS] * (1 - smoothing) + smoothing / 5
    return -(labels * logs).sum(-1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_reductions(smoothing):
    losses = by_hand(smoothing) * MASK
    expected = {
        "mean": losses.sum() / MASK.sum(),
        "sum": losses.sum(),
        "batch": losses.sum() / 3,
        "sequence": losses.sum(1) / np.array([4, 2, 1]),  # the empty sequence: 0
        "step": losses.sum(0) / np.array([2, 2, 1, 1]),
        "none": losses,
    }
    assert expected.keys() == set(REDUCTIONS)
    for reduction, value in expected.items():
        loss = sequence_loss(LOGITS, TARGETS, MASK, smoothing, reduction)
        np.testing.assert_allclose(loss, value, rtol=1e-5, atol=1e-6, err_msg=reduction)


def test_without_mask_every_step_counts():
    np.testing.assert_allclose(sequence_loss(LOGITS, TARGETS), by_hand(0.0).mean(), rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_half_precision_logits_are_summed_in_float32(smoothing):
    loss = sequence_loss(tf.cast(LOGITS, tf.float16), TARGETS, MASK, smoothing)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, sequence_loss(LOGITS, TARGETS, MASK, smoothing), rtol=1e-2)


def test_padding_has_no_gradient():
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = sequence_loss(logits, TARGETS, MASK, 0.1)
    gradient = np.asarray(tape.gradient(loss, logits))
    assert np.all(gradient[~MASK] == 0) and np.all(gradient[MASK] != 0)


def test_unknown_reduction():
    with pytest.raises(ValueError, match="use one of mean"):
        sequence_loss(LOGITS, TARGETS, reduction="average")


def test_coverage_loss():
    weights = np.array([[[1.0, 0.0], [0.5, 0.5], [0.25, 0.75]]], "float32")
    # Nothing is seen before step 0; then min(.5, 1) + 0; then min(.25, 1.5) + min(.75, .5).
    np.testing.assert_allclose(coverage_loss(weights), (0.0 + 0.5 + 0.75) / 3)
    np.testing.assert_allclose(coverage_loss(weights, np.array([[1, 1, 0]])), 0.25)
