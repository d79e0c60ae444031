"""First states that are constant, and models without a condition, on every backend."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from shared.backends import KINDS, open_backend
from shared.backends.saved_model import export_saved_model
from shared.decoding import DecodingOptions, decode
from shared.export.goldens import Example
from shared.export.parity import compare
from shared.export.tflite import PRECISIONS, export_tflite
from shared.generator import Signature, TensorSpec
from shared.layers import StackedLSTM, states
from shared.presets.bundle import graphs_from_signature, signature_from_graphs

UNITS, SYMBOLS = 6, 9


class LanguageModel(keras.Model):
    """Its states are all alike: zeros of the same shape, which LiteRT would merge."""

    def __init__(self):
        super().__init__(name="language_model")
        keras.utils.set_random_seed(3)
        self.embedding = keras.layers.Embedding(SYMBOLS, UNITS, name="embedding")
        self.lstm = StackedLSTM([UNITS, UNITS], residual=True, name="lstm")
        self.head = keras.layers.Dense(SYMBOLS, name="head")
        self.start = self.add_weight(shape=(1, UNITS), initializer="normal", name="start")
        self.embedding.build()
        self.lstm.build((None, None, UNITS))
        self.head.build((None, UNITS))
        self.built = True
        state = {
            **states.specs(self.lstm.cells),
            "learned": TensorSpec((UNITS,)),
            "count": TensorSpec((2,), "int32"),
            "again": TensorSpec((2,), "int32"),
        }
        symbol = {"symbol": TensorSpec((), "int32")}
        self.signature = Signature({}, symbol, state, {"logits": TensorSpec((SYMBOLS,))})

    def encode(self, condition):
        return {
            **states.flat(states.zeros(self.lstm.cells, 1)),
            "learned": tf.convert_to_tensor(self.start),
            "count": tf.ones((1, 2), tf.int32),
            "again": tf.ones((1, 2), tf.int32),
        }

    def step(self, symbol, state):
        x = self.embedding(symbol["symbol"]) + state["learned"]
        x, new = self.lstm.step(x, states.nested(state, 2))
        counts = {name: state[name] + 1 for name in ("count", "again")}
        learned = 0.5 * state["learned"]
        return {"logits": self.head(x)}, {**states.flat(new), **counts, "learned": learned}


class Conditional(LanguageModel):
    """The same with a condition, of which one state depends."""

    def __init__(self):
        super().__init__()
        condition = {"given": TensorSpec((2, 2), "uint8")}
        self.signature = dataclasses.replace(self.signature, condition=condition)

    def encode(self, condition):
        return super().encode(condition) | {"count": tf.cast(condition["given"][:, 0], tf.int32)}


@pytest.fixture(scope="module", params=[LanguageModel, Conditional])
def backends(request, tmp_path_factory):
    """Every backend, and every precision of LiteRT."""
    folder, model = tmp_path_factory.mktemp("model"), request.param()
    export_saved_model(model, folder / "saved_model")
    files = export_tflite(model, folder)
    sources = {"keras": model, "saved_model": folder / "saved_model", "litert": files["float32"]}
    opened = {kind: open_backend(kind, sources[kind], model.signature) for kind in KINDS}
    return opened | {p: open_backend("litert", files[p], model.signature) for p in PRECISIONS}


def given(backend, batch):
    shapes = {name: (batch, *s.shape) for name, s in backend.signature.condition.items()}
    return {name: np.full(shape, 3, np.uint8) for name, shape in shapes.items()}


@pytest.mark.parametrize("batch", [1, 3])
def test_every_row_has_the_state_that_the_model_returns(backends, batch):
    model = backends["keras"].model
    expected = model.encode({n: tf.constant(v) for n, v in given(model, 1).items()})
    for kind in KINDS:
        state = backends[kind].encode(given(model, batch), batch)
        assert state.keys() == model.signature.state.keys()
        for name, value in expected.items():
            rows = np.repeat(np.asarray(value), batch, axis=0)
            np.testing.assert_allclose(state[name], rows, atol=1e-7, err_msg=f"{name} {kind}")
            assert state[name].dtype == rows.dtype


def test_all_files_are_the_model(backends):
    symbols = [{"symbol": np.array([k], np.int32)} for k in range(5)]
    examples = [Example(given(backends["keras"], 1), symbols)]
    for name, tolerance in {
        "saved_model": 1e-6,
        "float32": 1e-5,
        "float16": 1e-2,
        "int8": 0.1,
    }.items():
        for report in compare(backends["keras"], backends[name], examples).values():
            assert report["max_abs"] < tolerance


def test_decoding_begins_without_a_condition(backends):
    options = DecodingOptions(max_length=4)
    found = set()
    for kind in KINDS:
        state = backends[kind].encode(given(backends[kind], 2), 2)
        results = decode(backends[kind], state, start=1, end=0, options=options)
        found |= {tuple(best.symbols) for best, *_ in results}
    assert len(found) == 1


def test_an_array_that_is_no_condition_is_refused(backends):
    with pytest.raises(ValueError, match="unknown arrays .'batch'"):
        backends["keras"].encode({"batch": np.zeros(1, np.int32)})


def test_the_sidecar_tells_readers_of_the_input(backends):
    signature = backends["keras"].signature
    graphs = graphs_from_signature(signature)
    [tensor] = graphs["encode"]["inputs"]
    assert tensor["role"] == ("condition" if signature.condition else "batch")
    assert signature_from_graphs(graphs) == signature
