import numpy as np
import pytest
import tensorflow as tf

from shared.layers import LSTM, fused_lstm
from shared.layers.fused_lstm import Weights, lstm_sequence


@pytest.mark.parametrize("option", ["none", "peephole", "norms"])
def test_gradients_without_training_are_the_same_from_a_second_pass(option, monkeypatch):
    rng = np.random.default_rng(0)
    batch, steps, features, units = 3, 4, 2, 5

    def normal(*shape):
        return tf.constant(rng.normal(size=shape), tf.float32)

    sizes = (4 * units,) * 4 + (units,) * 2
    weights = Weights(
        normal(features, 4 * units),
        normal(units, 4 * units),
        normal(4 * units),
        normal(3, units) if option == "peephole" else None,
        tuple(normal(size) for size in sizes) if option == "norms" else None,
    )
    x, h0, c0 = normal(batch, steps, features), normal(batch, units), normal(batch, units)
    mask = tf.constant([[1, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0]]) > 0
    calls = []
    run = fused_lstm._run
    monkeypatch.setattr(fused_lstm, "_run", lambda *a: calls.append(a[2]) or run(*a))
    results = []
    for training in (True, False):
        watched = [x, h0, c0, *(v for v in tf.nest.flatten(tuple(weights)) if v is not None)]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            outputs, h, c = lstm_sequence(x, weights, h0, c0, mask, training=training)
            loss = tf.reduce_sum(outputs**2) + tf.reduce_sum(h * c)
        results.append([outputs, h, c, *tape.gradient(loss, watched)])
    assert calls == [True, False, True]
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert all(np.abs(g).max() > 1e-3 for g in results[0])


@pytest.mark.parametrize(
    "units", [fused_lstm._APART[0] - 1, fused_lstm._APART[-1] + 1, 2 * fused_lstm._ALIASED]
)
@pytest.mark.parametrize("layer_norm", [False, True])
def test_joint_and_lengthened_products_equal_the_portable_loop(layer_norm, units):
    rng = np.random.default_rng(0)
    layer = LSTM(units, return_sequences=True, peephole=True, layer_norm=layer_norm)
    x = tf.constant(rng.normal(size=(2, 3, 4)), tf.float32)
    layer.build(x.shape)

    def results():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x) ** 2)
        return loss, *tape.gradient(loss, [x, *(v.value for v in layer.trainable_variables)])

    fast = results()
    with fused_lstm.portable():
        exact = results()
    for a, b in zip(fast, exact, strict=True):
        assert np.abs(a - b).max() <= 1e-4 * np.abs(b).max()
