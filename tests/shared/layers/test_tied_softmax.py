import keras
import numpy as np
import pytest
import tensorflow as tf

from shared.layers.tied_softmax import TiedSoftmax
from shared.training.losses import sequence_loss

RNG = np.random.default_rng(2)
X = RNG.normal(size=(3, 4, 6)).astype("float32")
TARGETS = RNG.integers(0, 9, (3, 4))
MASK = np.arange(4)[None] < np.array([[4], [2], [1]])


@pytest.fixture
def softmax():
    embedding = keras.layers.Embedding(9, 6, "normal")
    embedding.build()
    return TiedSoftmax(
        embedding, keras.Variable(RNG.normal(size=9).astype("float32")), impossible=(0, 7)
    )


def test_logits_are_of_the_table(softmax):
    expected = X @ softmax.embedding.embeddings.numpy().T + softmax.bias.numpy()
    np.testing.assert_allclose(softmax.logits(X), expected, rtol=1e-4, atol=1e-5)
    probabilities = tf.nn.softmax(softmax.logits(X, masked=True)).numpy()
    assert ((probabilities == 0) == np.isin(np.arange(9), (0, 7))).all()


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_loss_and_its_gradient_are_those_of_smoothed_labels(softmax, smoothing):
    x = tf.constant(X)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        loss, nats = softmax.loss(x, TARGETS, MASK, smoothing)
        expected = sequence_loss(softmax.logits(x), TARGETS, MASK, smoothing)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    plain = sequence_loss(softmax.logits(x), TARGETS, MASK)
    assert float(nats) == pytest.approx(float(plain), rel=1e-5)
    sources = [x, softmax.embedding.embeddings.value, softmax.bias.value]
    for got, wanted in zip(
        tape.gradient(loss, sources), tape.gradient(expected, sources), strict=True
    ):
        np.testing.assert_allclose(tf.convert_to_tensor(got), wanted, rtol=1e-4, atol=1e-6)
