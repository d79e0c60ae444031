import flatbuffers
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from shared.export.tables import share_tables

ROWS, WIDTH = 500, 32


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    scale = rng.uniform(0.05, 2.0, (ROWS, 1))  # rows of very different sizes
    return (rng.normal(size=(ROWS, WIDTH)) * scale).astype(np.float32)


@pytest.fixture(scope="module")
def data(table):
    module = tf.Module()
    module.table = tf.Variable(table)

    @tf.function(input_signature=[tf.TensorSpec((1, 3), tf.int32), tf.TensorSpec((1, WIDTH))])
    def both(ids, vectors):
        return {
            "embedded": tf.gather(module.table, ids),
            "logits": tf.matmul(vectors, module.table, transpose_b=True),
        }

    module.both = both
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [both.get_concrete_function()], module
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


def answers(data, ids, vectors):
    runner = Interpreter(model_content=data).get_signature_runner()
    return runner(ids=ids, vectors=vectors)


def shared(data):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))
    changed = share_tables(model)
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return changed, bytes(builder.Output())


def test_a_table_is_stored_once_and_embeds_more_exactly(data, table):
    changed, smaller = shared(data)
    assert changed == 1
    assert len(data) - len(smaller) > 0.8 * ROWS * WIDTH
    ids, vectors = np.array([[3, 0, 499]], np.int32), np.ones((1, WIDTH), np.float32)
    before, after = answers(data, ids, vectors), answers(smaller, ids, vectors)
    np.testing.assert_array_equal(before["logits"], after["logits"])
    wrong = [np.abs(found["embedded"] - table[ids]).mean() for found in (before, after)]
    assert wrong[1] < 0.7 * wrong[0]


def test_nothing_is_left_to_share(data):
    assert shared(shared(data)[1])[0] == 0
