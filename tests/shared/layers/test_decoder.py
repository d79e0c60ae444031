from contextlib import nullcontext

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from shared.layers import StackedLSTM, portable
from shared.layers.attention import BahdanauAttention, LuongAttention
from shared.layers.decoder import AttentionDecoder

BATCH, TIME, FEATURES, MEMORY, WIDTH = 3, 4, 5, 6, 7
MEMORY_MASK = np.arange(MEMORY)[None] < np.array([[6], [4], [1]])
MASK = np.arange(TIME)[None] < np.array([[4], [2], [3]])

VARIANTS = {
    "luong": lambda **k: AttentionDecoder(8, LuongAttention(**k), attention_layer_size=9, **k),
    "context only": lambda **k: AttentionDecoder(8, LuongAttention(**k), **k),
    "coverage": lambda **k: AttentionDecoder(
        8, BahdanauAttention(6, coverage=True, **k), attention_layer_size=9, peephole=True, **k
    ),
    "input feeding": lambda **k: AttentionDecoder(
        (8, 8),
        LuongAttention(scale=True, **k),
        input_feeding=True,
        attention_layer_size=9,
        residual=True,
        layer_norm=True,
        **k,
    ),
    "input feeding of the context": lambda **k: AttentionDecoder(
        8, LuongAttention(coverage=True, **k), input_feeding=True, output_attention=False, **k
    ),
    "attention first": lambda **k: AttentionDecoder(
        (8, 6),
        BahdanauAttention(6, normalize=True, location_filters=2, location_width=3, **k),
        attention_first=True,
        output_attention=False,
        projection=4,
        **k,
    ),
}


@pytest.fixture(autouse=True)
def plain_loop(request):
    """The LSTM's plain loop, which spares XLA's seconds, where its fast path does not matter."""
    fast = request.function is test_sequence_is_repeated_step
    with nullcontext() if fast else portable():
        yield


def make(name, **options):
    """The layer with random weights, its inputs and its memory."""
    rng = np.random.default_rng(7)
    decoder = VARIANTS[name](**options)
    decoder.build((None, None, FEATURES), (None, None, WIDTH))
    for weight in decoder.weights:
        if "seed" not in weight.path:
            weight.assign(rng.normal(scale=0.6, size=weight.shape))
    inputs = rng.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
    values = rng.normal(size=(BATCH, MEMORY, WIDTH)).astype("float32")
    return decoder, inputs, values


def first_state(decoder, memory):
    """A state that is not zero, so that a lost one shows."""
    rng = np.random.default_rng(8)
    state = decoder.initial_state(memory)
    return {k: tf.constant(rng.uniform(0.1, 1.0, size=v.shape), v.dtype) for k, v in state.items()}


@pytest.mark.parametrize("name", VARIANTS)
def test_sequence_is_repeated_step(name):
    decoder, inputs, values = make(name)
    memory = decoder.prepare(values, MEMORY_MASK)
    state = start = first_state(decoder, memory)
    outputs, weights, last = tf.function(decoder.sequence)(tf.constant(inputs), memory, start)
    for t in range(TIME):
        output, weight, state = decoder.step(inputs[:, t], memory, state)
        np.testing.assert_allclose(outputs[:, t], output, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(weights[:, t], weight, rtol=1e-4, atol=1e-5)
    assert last.keys() == state.keys() == start.keys()
    for key, value in state.items():
        np.testing.assert_allclose(last[key], value, rtol=1e-4, atol=1e-5, err_msg=key)
    called = decoder(inputs, values, memory_mask=MEMORY_MASK, initial_state=start)
    np.testing.assert_allclose(called[0], outputs, rtol=1e-5, atol=1e-6)
    assert np.all(np.asarray(weights).transpose(0, 2, 1)[~MEMORY_MASK] == 0)


@pytest.mark.parametrize("name", ["coverage", "input feeding", "attention first"])
def test_masked_steps_hold_the_state(name):
    decoder, inputs, values = make(name)
    memory = decoder.prepare(values, MEMORY_MASK)
    outputs, weights, last = decoder.sequence(inputs, memory, mask=MASK)
    whole, _, _ = decoder.sequence(inputs, memory)
    np.testing.assert_allclose(outputs, np.where(MASK[..., None], whole, 0.0), rtol=1e-4, atol=1e-5)
    assert np.all(np.asarray(weights)[~MASK] == 0)
    for row, length in enumerate(MASK.sum(1)):
        part = {k: v[row : row + 1] for k, v in memory.items()}
        _, _, alone = decoder.sequence(inputs[row : row + 1, :length], part)
        for key in last:
            np.testing.assert_allclose(
                last[key][row], alone[key][0], rtol=1e-4, atol=1e-5, err_msg=key
            )


def test_teacher_forcing_without_feeding_takes_the_fast_path(monkeypatch):
    calls = []
    original = StackedLSTM.call
    monkeypatch.setattr(StackedLSTM, "call", lambda *a, **k: calls.append(1) or original(*a, **k))
    for name, expected in (("luong", 1), ("coverage", 1), ("input feeding", 0)):
        calls.clear()
        decoder, inputs, values = make(name)
        decoder(inputs, values)
        assert len(calls) == expected, name


@pytest.mark.parametrize("name", VARIANTS)
def test_training_moves_every_weight(name):
    decoder, inputs, values = make(name)
    with tf.GradientTape() as tape:
        outputs, _, _ = decoder(inputs, values, training=True)
        loss = tf.reduce_sum(outputs**2)
    gradients = tape.gradient(loss, decoder.trainable_variables)
    for gradient, variable in zip(gradients, decoder.trainable_variables, strict=True):
        assert gradient is not None and np.any(np.asarray(gradient) != 0), variable.path


@pytest.mark.parametrize("feeding", [False, True])
def test_dropout_draws_one_recurrent_mask_per_sequence(feeding):
    keras.utils.set_random_seed(1)
    decoder = AttentionDecoder(
        (8, 8),
        LuongAttention(),
        input_feeding=feeding,
        recurrent_dropout=0.5,
        dropout=0.3,
        between=0.2,
    )
    inputs, values = tf.random.normal((2, 5, 3)), tf.random.normal((2, 4, 6))
    decoder(inputs, values)
    run = tf.function(lambda: decoder(inputs, values, training=True)[0])
    first, second = run(), run()
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(decoder(inputs, values)[0], decoder(inputs, values)[0])
    memory = decoder.prepare(values)
    state = decoder.initial_state(memory)
    once = decoder.step(inputs[:, 0], memory, state, training=True)[0]
    assert not np.allclose(once, decoder.step(inputs[:, 0], memory, state, training=True)[0])


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ["luong", "input feeding", "attention first"])
def test_half_precision(name, policy):
    decoder, inputs, values = make(name, dtype=policy)
    outputs, weights, state = decoder(inputs, values, memory_mask=MEMORY_MASK)
    exact, inputs, values = make(name)
    assert outputs.dtype == decoder.compute_dtype and state["h0"].dtype == outputs.dtype
    expected = exact(inputs, values, memory_mask=MEMORY_MASK)
    np.testing.assert_allclose(np.asarray(outputs, "float32"), expected[0], atol=0.1)
    np.testing.assert_allclose(weights, expected[1], atol=0.1)


@pytest.mark.parametrize("name", VARIANTS)
def test_config_and_keras_file(name, tmp_path):
    decoder, inputs, values = make(name)
    again = AttentionDecoder.from_config(decoder.get_config())
    assert again.get_config() == decoder.get_config()
    x, source = keras.Input((None, FEATURES)), keras.Input((None, WIDTH))
    outputs, weights, state = decoder(x, source)
    model = keras.Model([x, source], [outputs, weights, *state.values()])
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(model([inputs, values]), reloaded([inputs, values]), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_bad_arguments():
    with pytest.raises(ValueError, match="leave out input_feeding"):
        AttentionDecoder(4, LuongAttention(), input_feeding=True, attention_first=True)
    with pytest.raises(ValueError, match="takes two layers"):
        AttentionDecoder(4, LuongAttention(), attention_between=True)
    with pytest.raises(ValueError, match="without residual"):
        AttentionDecoder((4, 4), LuongAttention(), attention_between=True, residual=True)


@pytest.mark.parametrize("name", ["input feeding", "attention first"])
def test_step_exports_to_built_in_ops(name, tmp_path):
    decoder, inputs, values = make(name)
    memory = decoder.prepare(values[1:2], MEMORY_MASK[1:2])
    state = first_state(decoder, memory)

    def step(inputs):
        memory = {k: inputs[k] for k in ("values", "keys", "mask")}
        output, weights, new = decoder.step(inputs["x"], memory, {k: inputs[k] for k in state})
        return {"output": output, "weights": weights} | {f"new_{k}": v for k, v in new.items()}

    given = {"x": tf.constant(inputs[1:2, 0]), **memory, **state}
    archive = keras.export.ExportArchive()
    archive.track(decoder)
    signature = {k: tf.TensorSpec(v.shape, v.dtype, k) for k, v in given.items()}
    archive.add_endpoint("step", step, input_signature=[signature])
    archive.write_out(str(tmp_path), verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path), signature_keys=["step"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    runner = Interpreter(model_content=converter.convert()).get_signature_runner("step")
    light = runner(**{k: np.asarray(v) for k, v in given.items()})
    expected = step(given)
    assert expected.keys() == light.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(light[key], value, rtol=1e-4, atol=1e-5, err_msg=key)
