"""What every layer of `shared.layers` must do; `table.py` says how each is used.

But for two tests, of layers, the plain loop runs, which spares XLA's seconds: that the fast path
is equal to it is tested in `tests/shared/layers`.
"""

import copy
import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import shared.layers
from shared.layers import portable
from tests.conformance.runs import BATCH, close, every, make, values
from tests.conformance.table import ROWS


def test_every_layer_has_a_row():
    public = {n: getattr(shared.layers, n) for n in shared.layers.__all__}
    layers = {
        n for n, v in public.items() if isinstance(v, type) and issubclass(v, keras.layers.Layer)
    }
    assert layers == {name for row in ROWS.values() for name in row.covers}


@every(lambda row: row.step)  # a model's config is Keras' own
def test_config_round_trip(row):
    layer = row.make("mixed_bfloat16")
    config = layer.get_config()
    assert type(layer).from_config(copy.deepcopy(config)).get_config() == config
    text = json.dumps(keras.saving.serialize_keras_object(layer))
    again = keras.saving.deserialize_keras_object(json.loads(text))
    assert type(again) is type(layer) and again.dtype_policy.name == "mixed_bfloat16"
    assert json.dumps(keras.saving.serialize_keras_object(again)) == text


@every()
def test_keras_file(row, tmp_path):
    layer, given = make(row), values(row, masks=True)
    inputs = {name: keras.Input(v.shape[1:], dtype=v.dtype, name=name) for name, v in given.items()}
    with portable():
        model = keras.Model(inputs, row.run(layer, inputs))
        model.save(tmp_path / "model.keras")
        again = keras.models.load_model(tmp_path / "model.keras")
        close(again(given), model(given), 0)
        close(model(given), row.run(layer, given), 1e-6)


@every(lambda row: row.step)
def test_sequence_is_repeated_step(row):
    """On the path that training takes."""
    layer, given = make(row), values(row)
    close(row.run(layer, given), row.repeat(row, layer, given))


MEMORY_AXIS = {"memory", "coverage", "previous_weights"}  # axis 1
WEIGHTS = {"weights", "coverage", "previous_weights"}  # the last axis is the memory's


@every(lambda row: "mask" in row.masks)
def test_masked_steps_are_as_if_absent(row):
    """Each line without its masked steps and memory: same outputs, same state, whatever stood."""
    layer, given = make(row), values(row, masks=True)
    junk = dict(given)
    for name, over in (("x", "mask"), ("memory", "memory_mask")):
        if over in given:
            junk[name] = tf.where(given[over][:, :, None], given[name], 1e6)
    with portable():
        outputs = row.run(layer, given)
        close(row.run(layer, junk), outputs, 0)
        for line in range(BATCH):
            one = {name: np.asarray(v)[line : line + 1] for name, v in given.items()}
            kept, length = one.pop("mask")[0], int(np.sum(one.pop("memory_mask", 0)))
            one["x"] = one["x"][:, kept]
            one = {n: v[:, :length] if n in MEMORY_AXIS else v for n, v in one.items()}
            got = {name: np.asarray(v)[line : line + 1] for name, v in outputs.items()}
            got = {n: v[..., :length] if n in WEIGHTS else v for n, v in got.items()}
            steps = {name: v for name, v in got.items() if name not in row.state}
            state = {name: got[name] for name in row.state}
            if kept.any():
                close({n: v[:, kept] for n, v in steps.items()} | state, row.run(layer, one))
            else:
                close(state, {name: one[name] for name in row.state}, 0)
            for value in steps.values():
                _check_masked(value[0], kept, row.masked_output)


def _check_masked(value, kept, kind):
    """The outputs ``(time, ...)`` at the masked steps."""
    if kind is None:
        return
    before = np.zeros_like(value[0])
    for t, keep in enumerate(kept):
        if not keep:
            np.testing.assert_array_equal(value[t], before)
        elif kind == "held":
            before = value[t]


@functools.cache
def in_float32(name):
    row = ROWS[name]
    return row.run(make(row), values(row, masks=True))


@pytest.mark.parametrize(
    "policy, tolerance",
    [("mixed_float16", 0.01), ("mixed_bfloat16", 0.06)],
)
@every()
def test_half_precision(row, policy, tolerance):
    given = values(row, masks=True)
    loud = given | {name: given[name] * 20 for name in ("x", "memory") if name in given}
    layer = make(row, policy)
    with portable():
        got = row.run(layer, given)
        close(got, in_float32(row.name), tolerance)
        for name, value in got.items():
            # Weights would not sum to one in half precision, positions would stand still.
            wide = name in WEIGHTS | {"position"}
            assert value.dtype == ("float32" if wide else layer.compute_dtype), name
        for value in row.run(layer, loud).values():
            assert np.all(np.isfinite(np.asarray(value, "float32")))


def _loss(outputs):
    return tf.add_n([tf.reduce_sum(tf.sin(2 * tf.cast(v, "float64"))) for v in outputs.values()])


def _gradients(row, layer, given):
    """By every float input, then by every weight."""
    floats = [v for v in given.values() if v.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(floats)
        loss = _loss(row.run(layer, given))
    sources = [*floats, *(v.value for v in layer.trainable_variables)]
    found = tape.gradient(loss, sources, unconnected_gradients="zero")
    return [np.asarray(tf.convert_to_tensor(g), "float64") for g in found]


def _moved_loss(row, layer, given, directions, size):
    """The loss with inputs and weights moved along the directions; the weights are put back."""
    along = iter(directions)
    floats = {n: v for n, v in given.items() if v.dtype.is_floating}
    moved = given | {n: v + size * next(along) for n, v in floats.items()}
    weights = layer.get_weights()
    layer.set_weights([w + size * d for w, d in zip(weights, along, strict=True)])
    loss = float(_loss(row.run(layer, moved)))
    layer.set_weights(weights)
    return loss


@every()
def test_gradient(row):
    """Float64 against finite differences along random directions; then float32 against it."""
    layer = make(row, "float64")
    given = values(row, masks=True, dtype="float64")
    unmasked = {n: v for n, v in values(row).items() if n not in row.masks}
    rng = np.random.default_rng(2)
    with portable():
        gradients = _gradients(row, layer, given)
        for _ in range(2):
            directions = [rng.normal(size=g.shape) for g in gradients]
            above, below = (_moved_loss(row, layer, given, directions, s) for s in (1e-6, -1e-6))
            slope = sum(np.sum(g * d) for g, d in zip(gradients, directions, strict=True))
            np.testing.assert_allclose((above - below) / 2e-6, slope, rtol=1e-5, atol=1e-6)
        if row.step is None:  # made of layers that have rows of their own
            return
        expected = _gradients(row, layer, unmasked)
    got = _gradients(row, make(row), unmasked)  # the path that training takes
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4 * max(1.0, np.abs(b).max(initial=0)))
