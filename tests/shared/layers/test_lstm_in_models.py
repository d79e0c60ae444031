"""`LSTM` and `StackedLSTM` inside Keras models: built symbolically, masked from above, trained."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from shared.layers import LSTM, StackedLSTM, portable

BATCH, TIME, FEATURES, UNITS = 3, 5, 4, 6
RNG = np.random.default_rng(0)
X = RNG.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
IDS = np.array([[3, 4, 5, 0, 0], [1, 0, 2, 0, 4], [0, 0, 0, 0, 0]])


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize("projection", [None, 2])
def test_symbolic_shapes_are_the_real_ones(sequences, state, projection):
    layer = LSTM(UNITS, return_sequences=sequences, return_state=state, projection=projection)
    symbols = tf.nest.flatten(layer(keras.Input((None, FEATURES))))
    with portable():
        values = tf.nest.flatten(layer(X))
    assert [len(s.shape) for s in symbols] == [3 if sequences else 2] + [2, 2] * state
    for symbol, value in zip(symbols, values, strict=True):
        assert symbol.shape[0] is None and symbol.shape[-1] == value.shape[-1]
    expected = tf.nest.flatten(layer.compute_output_shape((BATCH, TIME, FEATURES)))
    assert expected == [n for value in values for n in value.shape]


def test_summary_counts_every_weight():
    model = keras.Sequential(
        [keras.Input((TIME, FEATURES)), LSTM(UNITS, peephole=True, name="heart")]
    )
    lines = []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    weights = (FEATURES + UNITS + 1) * 4 * UNITS + 3 * UNITS
    assert model.count_params() == weights
    assert "heart" in "".join(lines) and str(weights) in "".join(lines)


def test_functional_encoder_and_decoder():
    """The states of one layer start the other, as in Keras' sequence-to-sequence examples."""
    source, target = keras.Input((None, FEATURES)), keras.Input((None, FEATURES))
    _, *states = LSTM(UNITS, return_state=True, name="encoder")(source)
    outputs = LSTM(UNITS, return_sequences=True, name="decoder")(target, initial_state=states)
    model = keras.Model([source, target], outputs)
    with portable():
        got = model([X, X[:, :3]])
        _, *states = model.get_layer("encoder")(X)
        expected = model.get_layer("decoder")(X[:, :3], initial_state=states)
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize(
    "above", [lambda: keras.layers.Embedding(6, FEATURES, mask_zero=True), None]
)
def test_masks_from_above(above):
    """The mask of an embedding or a `Masking` layer is found, used and handed on."""
    if above is None:
        masking, inputs = keras.layers.Masking(7.0), np.where((IDS > 0)[..., None], X, 7.0)
    else:
        masking, inputs = above(), IDS
    ours = LSTM(UNITS, return_sequences=True)
    theirs = keras.layers.LSTM(UNITS, return_sequences=True)
    masked = masking(inputs)
    theirs.build(masked.shape)
    ours.build(masked.shape)
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(ours(masked), theirs(masked), rtol=1e-4, atol=1e-6)
    stack = StackedLSTM([UNITS, UNITS], residual=True)  # the sum has no mask of itself
    mean = keras.layers.GlobalAveragePooling1D()  # of the unmasked steps
    for layer in (ours, lambda x: stack(x)[0]):
        with portable():
            outputs = layer(masking(inputs))
        unmasked = np.asarray(outputs)[1][IDS[1] > 0]
        np.testing.assert_allclose(mean(outputs)[1], unmasked.mean(0), atol=1e-6)


def test_training_follows_keras():
    """`fit` on `tf.data` with a smaller last batch: the same losses, epoch by epoch."""
    rng = np.random.default_rng(1)
    ids, labels = rng.integers(0, 6, size=(6, TIME)), np.arange(6) % 2
    data = tf.data.Dataset.from_tensor_slices((ids, labels)).batch(4)
    losses, weights = [], None
    for layer in (LSTM, keras.layers.LSTM):
        model = keras.Sequential(
            [
                keras.Input((TIME,)),
                keras.layers.Embedding(6, FEATURES, mask_zero=True),
                layer(UNITS),
                keras.layers.Dense(1, activation="sigmoid"),
            ]
        )
        weights = weights or model.get_weights()
        model.set_weights(weights)
        # Keras' default would compile its whole train step with XLA, ours never.
        model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", jit_compile=False)
        losses.append(model.fit(data, epochs=8, verbose=0, shuffle=False).history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    assert losses[0][-1] < 0.8 * losses[0][0]


def test_a_whole_step_is_not_compiled_by_default():
    model = keras.Sequential([keras.Input((TIME, FEATURES)), StackedLSTM([UNITS]).layers[0]])
    model.compile("sgd", "mse")
    assert not model.jit_compile


def test_regularizers_and_constraints():
    layer = LSTM(
        UNITS,
        kernel_regularizer=keras.regularizers.L2(0.1),
        recurrent_regularizer="l1",
        bias_constraint="non_neg",
        activity_regularizer=keras.regularizers.L2(0.01),
        peephole=True,
    )
    with portable():
        layer(X)
    cell = layer.cell
    assert len(layer.losses) == 3
    assert cell.bias.constraint is not None and cell.peephole_kernel.regularizer is None
    again = LSTM.from_config(layer.get_config())
    assert again.cell.kernel_regularizer.l2 == cell.kernel_regularizer.l2
    frozen = LSTM(UNITS, trainable=False)
    frozen.build((None, None, FEATURES))
    assert not frozen.trainable_variables and len(frozen.weights) == 3
