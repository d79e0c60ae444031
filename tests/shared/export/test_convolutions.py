import flatbuffers
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from shared.export.convolutions import dequantize_filters

DEPTH, CHANNELS = 12, 32


@pytest.fixture(scope="module")
def network():
    """Convolutions one after the other, as deep as it takes for rounding to add up."""
    tf.random.set_seed(0)
    layers = [tf.keras.layers.Conv2D(CHANNELS, 1, use_bias=False)]
    for _ in range(DEPTH):
        layers += [
            tf.keras.layers.DepthwiseConv2D(3, padding="same", activation="relu6"),
            tf.keras.layers.Conv2D(CHANNELS, 1),
        ]
    model = tf.keras.Sequential([tf.keras.Input((16, 16, 3), batch_size=1), *layers])
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) / np.prod(w.shape[:-1]) ** 0.5
                       for w in model.get_weights()])  # fmt: skip
    return model


@pytest.fixture(scope="module")
def data(network):
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


@pytest.fixture(scope="module")
def changed(data):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
    assert dequantize_filters(model) >= DEPTH
    assert dequantize_filters(model) == 0
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def output(data, photo, resolver=OpResolverType.AUTO):
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], photo)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def test_kernels_agree_the_file_stays_small_and_results_are_nearer(network, data, changed):
    photo = np.random.default_rng(1).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    expected = network(photo).numpy()

    def worst(data, other):
        return np.abs(data - other).max() / np.abs(expected).max()

    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    before, after = (output(file, photo) for file in (data, changed))
    assert worst(after, output(changed, photo, plain)) < 1e-4
    assert worst(before, output(data, photo, plain)) > 1e-3  # what it is there for
    assert worst(after, expected) < worst(before, expected)
    assert len(changed) < len(data) + 250 * (2 * DEPTH + 1)
