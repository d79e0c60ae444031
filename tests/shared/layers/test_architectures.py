from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from shared.layers import LSTM, portable
from shared.layers.architectures import ARCHITECTURES

SOURCE = np.array([[3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 0, 0]], np.int32)
TARGET = np.array([[1, 4, 5, 6, 0]], np.int32)
EVERY = pytest.mark.parametrize("name", ARCHITECTURES)
ONE_INPUT = [name for name in ARCHITECTURES if name != "encoder_decoder"]


@pytest.fixture(autouse=True)
def plain_loop():
    """What export traces; the fast path is held to it in `test_lstm`, and compiles slowly."""
    with portable():
        yield


def build(name, **options):
    keras.utils.set_random_seed(3)
    model = ARCHITECTURES[name](10, 7, units=16, embedding=8, **options)
    for variable in model.trainable_variables:  # biases that matter, attention that is not flat
        variable.assign(variable * 2 + 0.1)
    return model


def run(model, source=SOURCE, target=TARGET):
    return model([source, target] if len(model.inputs) == 2 else source).numpy()


def padded(array, steps):
    return np.pad(array, ((0, 0), (0, steps)))


def changed(array, step):
    array = array.copy()
    array[:, step] = 2
    return array


@EVERY
def test_exports_to_built_in_ops_at_batch_1(name, tmp_path):
    model = build(name)
    inputs = [SOURCE, TARGET][: len(model.inputs)]
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "answer",
        lambda *symbols: model(list(symbols) if len(symbols) > 1 else symbols[0]),
        [tf.TensorSpec(array.shape, tf.int32, f"symbols_{k}") for k, array in enumerate(inputs)],
    )
    archive.write_out(tmp_path, verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path), signature_keys=["answer"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    content = converter.convert()
    assert len(content) > 4 * model.count_params()  # the weights are in it
    runner = Interpreter(model_content=content, num_threads=1).get_signature_runner("answer")
    [answer] = runner(**{f"symbols_{k}": array for k, array in enumerate(inputs)}).values()
    np.testing.assert_allclose(answer, run(model), atol=1e-5)


@EVERY
def test_padding_changes_nothing(name):
    model = build(name)
    answer, more = run(model), run(model, padded(SOURCE, 7), padded(TARGET, 2))
    if answer.ndim == 3:
        steps = (TARGET if name == "encoder_decoder" else SOURCE)[0].astype(bool).sum()
        answer, more = answer[:, :steps], more[:, :steps]
    np.testing.assert_allclose(more, answer, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in ONE_INPUT if name != "cnn_lstm"])
def test_an_answer_for_each_step_or_one(name):
    model = build(name)
    assert run(model).shape == (1, 13, 7)
    assert run(build(name, per_step=False)).shape == (1, 7)
    difference = np.abs(run(model, changed(SOURCE, 6)) - run(model)).max(-1)[0]
    assert difference[6:11].all()
    assert difference[:6].all() if name == "bidirectional" else not difference[:6].any()


def test_cnn_lstm_reads_a_quarter_of_the_steps():
    model = build("cnn_lstm")
    assert run(model).shape == (1, 7)
    cut = keras.Model(model.inputs[0], model.get_layer("pool_2").output)
    assert cut(SOURCE).shape == (1, 4, 16) and cut(SOURCE[:, :3]).shape == (1, 1, 16)
    for step in range(11):
        assert (run(model, changed(SOURCE, step)) != run(model)).any() or SOURCE[0, step] == 2


def test_stacked_has_residuals_and_any_depth():
    shallow, deep = build("stacked", depth=1), build("stacked", depth=4)
    recurrent = [layer for layer in deep.layers if isinstance(layer, LSTM)]
    assert len(recurrent) == 4 and sum(isinstance(v, LSTM) for v in shallow.layers) == 1
    for layer in recurrent[1:]:  # silent layers hand through what they get
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    for name in ("embed_symbols", "lstm_1", "logits"):
        deep.get_layer(name).set_weights(shallow.get_layer(name).get_weights())
    np.testing.assert_allclose(run(deep), run(shallow), atol=1e-6)


def test_encoder_decoder_attends_and_does_not_look_ahead():
    model = build("encoder_decoder")
    assert run(model).shape == (1, 5, 7)
    weights = keras.Model(model.inputs, model.get_layer("attention").output[1])([SOURCE, TARGET])
    assert weights.shape == (1, 5, 13)
    np.testing.assert_allclose(weights.numpy().sum(-1), [[1, 1, 1, 1, 0]], atol=1e-5)
    assert not weights[:, :, 11:].numpy().any() and weights[:, :4, :11].numpy().all()
    assert weights.numpy().std(1).max() > 1e-3  # other queries, other places
    ahead = np.abs(run(model, target=changed(TARGET, 3)) - run(model)).max(-1)[0]
    assert not ahead[:3].any() and ahead[3] > 1e-4
    source = np.abs(run(model, source=changed(SOURCE, 6)) - run(model)).max(-1)[0]
    assert (source[:4] > 1e-5).all()


@EVERY
def test_any_recurrent_layer_fits_and_every_weight_learns(name):
    for layer in (keras.layers.GRU, partial(LSTM, peephole=True)):
        model = build(name, layer=layer, dropout=0.1)
        inputs = [SOURCE, TARGET] if name == "encoder_decoder" else SOURCE
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(model(inputs, training=True)))
        gradients = tape.gradient(loss, model.trainable_variables)
        assert all(np.any(tf.convert_to_tensor(gradient)) for gradient in gradients)
