"""With every option off, `LSTM` is `keras.layers.LSTM`: numbers to 1e-5, gradients to 1e-4.

Every comparison has one shape, so that XLA compiles the fast path a few times only.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from shared.layers import LSTM, StackedLSTM, portable
from shared.layers.fused_lstm import _split

BATCH, TIME, FEATURES, UNITS = 3, 5, 4, 6
RNG = np.random.default_rng(0)
X = RNG.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
STATES = [RNG.normal(size=(BATCH, UNITS)).astype("float32") for _ in "hc"]

MASKS = {
    "no mask": None,
    "all true": np.ones((BATCH, TIME), bool),
    "random": np.array([[1, 1, 0, 1, 1], [0, 1, 0, 0, 1], [1, 0, 1, 1, 0]], bool),
    "right padded": np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 0]], bool),
    "leading false": np.array([[0, 0, 1, 1, 1], [0, 1, 1, 1, 1], [0, 0, 0, 0, 1]], bool),
    "a row false": np.array([[1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool),
    "all false": np.zeros((BATCH, TIME), bool),
}
OPTIONS = {
    "last": {},
    "sequences": {"return_sequences": True},
    "state": {"return_sequences": True, "return_state": True},
    "backwards": {"return_sequences": True, "return_state": True, "go_backwards": True},
    "zeroed": {"return_sequences": True, "zero_output_for_mask": True},
    "zeroed last": {"zero_output_for_mask": True, "return_state": True},
}


def pair(wrap=lambda layer: layer, features=FEATURES, **options):
    """Ours and Keras' layer with the same weights."""
    ours, theirs = wrap(LSTM(UNITS, **options)), wrap(keras.layers.LSTM(UNITS, **options))
    for layer in (ours, theirs):
        layer.build((BATCH, TIME, features))
    rng = np.random.default_rng(1)
    ours.set_weights([rng.normal(size=w.shape, scale=0.5) for w in ours.get_weights()])
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def run(layer, x=X, states=None, **kwargs):
    """Outputs, and the gradients of a weighted sum of them by input, states and weights."""
    x = tf.convert_to_tensor(x)
    states = None if states is None else [tf.convert_to_tensor(s) for s in states]
    sources = [x, *(states or []), *(v.value for v in layer.trainable_variables)]
    with tf.GradientTape() as tape:
        tape.watch(sources[: 1 + len(states or [])])
        outputs = tf.nest.flatten(layer(x, initial_state=states, **kwargs))
        rng = np.random.default_rng(2)
        loss = 0.0
        for out in outputs:
            factors = rng.normal(size=out.shape).astype("float32")
            loss += tf.reduce_sum(tf.cast(out, tf.float32) * factors)
    gradients = tape.gradient(loss, sources, unconnected_gradients="zero")
    return [np.asarray(v, "float64") for v in outputs], [
        np.asarray(g, "float64") for g in gradients
    ]


def close(got, expected, tolerance):
    """Relative to the largest number of each array."""
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(np.abs(b).max(), 1e-3))


def same(ours, theirs, values=1e-5, gradients=1e-4, **kwargs):
    got, expected = run(ours, **kwargs), run(theirs, **kwargs)
    close(got[0], expected[0], values)
    close(got[1], expected[1], gradients)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", OPTIONS)
def test_equals_keras(name, mask):
    same(*pair(**OPTIONS[name]), mask=MASKS[mask], states=STATES)


@pytest.mark.parametrize("mask", ["no mask", "leading false", "all false"])
def test_equals_keras_from_zero_states(mask):
    same(*pair(**OPTIONS["state"]), mask=MASKS[mask])


def test_without_bias():
    same(*pair(use_bias=False, return_sequences=True))


def test_junk_under_the_mask_reaches_nothing():
    mask = MASKS["random"]
    layer, _ = pair(return_sequences=True, return_state=True)
    expected = run(layer, mask=mask, states=STATES)
    for junk in (1e30, np.inf, np.nan):
        dirty = np.where(mask[:, :, None], X, np.float32(junk))
        got = run(layer, x=dirty, mask=mask, states=STATES)
        close(got[0], expected[0], 0)
        close(got[1], expected[1], 0)


@pytest.mark.parametrize("mask", ["no mask", "leading false"])
def test_stateful(mask):
    ours, theirs = pair(stateful=True, return_sequences=True)
    for _ in range(2):
        same(ours, theirs, mask=MASKS[mask])
    close([np.asarray(s) for s in ours.states], [np.asarray(s) for s in theirs.states], 1e-5)
    carried = run(ours)[0]
    ours.reset_state()
    fresh = run(ours)[0]
    close(fresh, run(pair(return_sequences=True)[0])[0], 1e-5)
    assert not np.allclose(carried, fresh, atol=1e-2)


@pytest.mark.parametrize("merge", ["concat", "sum", None])
@pytest.mark.parametrize("mask", ["no mask", "random", "leading false", "a row false"])
def test_bidirectional(mask, merge):
    def wrap(layer):
        return keras.layers.Bidirectional(layer, merge_mode=merge)

    same(*pair(wrap, return_sequences=True, return_state=True), mask=MASKS[mask])
    same(*pair(wrap), mask=MASKS[mask], states=[*STATES, *STATES[::-1]])


def test_bidirectional_keeps_the_options():
    layer = keras.layers.Bidirectional(LSTM(UNITS, peephole=True, zoneout=(0.1, 0.2), seed=3))
    for half in (layer.forward_layer, layer.backward_layer):
        assert half.cell.peephole and half.cell.zoneout == (0.1, 0.2) and half.cell.seed == 3


@pytest.mark.parametrize("rows", [1, 17])
def test_batches_that_do_not_divide(rows, monkeypatch):
    """One row; and 17, which two processors share as 8 and 9."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    rng = np.random.default_rng(3)
    x = rng.normal(size=(rows, TIME, FEATURES)).astype("float32")
    mask = rng.uniform(size=(rows, TIME)) < 0.7
    same(*pair(return_sequences=True, return_state=True), x=x, mask=mask)


@pytest.mark.parametrize("processors", [1, 2, 5])
def test_parts_cover_the_batch_in_order(processors, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    for batch in (1, 2, 7, 8, 15, 16, 17, 64):
        for parts in (_split(batch, batch), _split(None, batch)):
            rows = [row for part in parts for row in range(batch)[part]]
            assert rows == list(range(batch)) and len(parts) <= processors


def test_dynamic_shapes(monkeypatch):
    """One trace for every batch and length, as in `fit`; one row leaves a processor nothing."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    ours, theirs = pair(return_sequences=True, return_state=True)
    spec = [tf.TensorSpec((None, None, FEATURES)), tf.TensorSpec((None, None), tf.bool)]

    @tf.function(input_signature=spec)
    def step(x, mask):
        with tf.GradientTape() as tape:
            outputs = ours(x, mask=mask)
            loss = tf.add_n([tf.reduce_sum(out**2) for out in outputs])
        return outputs, tape.gradient(loss, ours.trainable_variables)

    for rows, time in ((2, TIME), (1, TIME), (2, 3)):
        mask = MASKS["random"][:rows, :time]
        outputs, gradients = step(X[:rows, :time], mask)
        with tf.GradientTape() as tape:
            expected = theirs(X[:rows, :time], mask=mask)
            loss = tf.add_n([tf.reduce_sum(out**2) for out in expected])
        close([np.asarray(v) for v in outputs], [np.asarray(v) for v in expected], 1e-5)
        reference = tape.gradient(loss, theirs.trainable_variables)
        close([np.asarray(g) for g in gradients], [np.asarray(g) for g in reference], 1e-4)


@pytest.mark.parametrize(
    "policy, tolerance", [("mixed_bfloat16", 3e-2), ("mixed_float16", 4e-3), ("float64", 1e-6)]
)
def test_other_precisions(policy, tolerance):
    """Near the float32 numbers, and in Keras' dtypes; bfloat16 takes the fast path."""
    exact, _ = pair(return_sequences=True, return_state=True)
    ours, theirs = pair(return_sequences=True, return_state=True, dtype=policy)
    mask = MASKS["random"]
    expected, got = run(exact, mask=mask), run(ours, mask=mask)
    close(got[0], expected[0], tolerance)
    close(got[1], expected[1], 2 * tolerance)
    kinds = [[v.dtype for v in layer(X, mask=mask)] for layer in (ours, theirs)]
    assert kinds[0] == kinds[1]


def test_weights_and_files_go_both_ways(tmp_path):
    """`get_weights` is in Keras' order, and a weights file of one loads into the other."""
    ours, theirs = pair()
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        assert a.name == b.name and a.shape == b.shape
    path = tmp_path / "w.weights.h5"
    for source, target in ((ours, theirs), (theirs, ours)):
        models = [keras.Sequential([keras.Input((TIME, FEATURES)), m]) for m in (source, target)]
        source.set_weights([w + 1 for w in source.get_weights()])
        models[0].save_weights(path)
        models[1].load_weights(path)
        for a, b in zip(source.get_weights(), target.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_first_weights_are_drawn_as_in_keras():
    weights = []
    for layer in (LSTM, keras.layers.LSTM):
        keras.utils.set_random_seed(5)
        made = layer(UNITS)
        made.build((None, None, FEATURES))
        weights.append(made.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_graphics_card_runs_cudnn_unless_the_graph_must_be_portable(monkeypatch):
    calls = []
    original = keras.layers.LSTM.inner_loop
    monkeypatch.setattr(
        keras.layers.LSTM, "inner_loop", lambda *a, **k: calls.append(1) or original(*a, **k)
    )
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: ["a card"])
    layer, _ = pair()
    with portable():
        expected = layer(X)
    assert not calls
    np.testing.assert_allclose(layer(X), expected, atol=1e-6)  # no card: Keras falls back
    assert calls == [1]
    calls.clear()
    with_option = LSTM(UNITS, coupled=True)
    with_option(X)
    assert not calls


def test_portable_and_unrolled_keep_to_the_plain_loop(monkeypatch):
    def refuse(*_):
        raise AssertionError("the fast path")

    monkeypatch.setattr("shared.layers.lstm.lstm_sequence", refuse)
    layer, _ = pair()
    with portable():
        with portable():
            layer(X)
        layer(X)
    pair(unroll=True)[0](X)
    with pytest.raises(AssertionError, match="the fast path"):
        layer(X)


def test_second_layer_of_a_stack_and_keras():
    """Plain `StackedLSTM` is Keras layers one above the other."""
    stack = StackedLSTM([UNITS, UNITS])
    stack.build((None, None, FEATURES))
    x = X
    for layer in stack.layers:
        theirs = keras.layers.LSTM(UNITS, return_sequences=True)
        theirs.build((None, None, x.shape[-1]))
        theirs.set_weights(layer.get_weights())
        x = theirs(x)
    outputs, states = stack(X)
    np.testing.assert_allclose(outputs, x, atol=1e-6)
    np.testing.assert_allclose(states[1][0], x[:, -1], atol=1e-6)
