import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from shared.backends import open_backend
from shared.backends.functions import largest, tf_functions
from shared.backends.saved_model import export_saved_model
from shared.decoding import DecodingOptions, decode
from shared.decoding.sampling import top
from shared.errors import InputError
from shared.export.tflite import export_tflite
from shared.generator import Signature, TensorSpec, select_rows
from tests.shared.export.toy import Toy, conditions, symbols, toy

KINDS = ("keras", "saved_model", "litert")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    export_saved_model(toy(), folder / "saved_model")
    return {
        "keras": toy(),
        "saved_model": folder / "saved_model",
        "litert": export_tflite(toy(), folder, ["float32"])["float32"],
    }


@pytest.fixture(scope="module")
def backends(files):
    return {kind: open_backend(kind, files[kind], Toy.signature) for kind in KINDS}


def eager(arrays):
    return {name: tf.constant(value) for name, value in arrays.items()}


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_answers_as_the_model_itself_does(backends, kind, batch):
    model, backend = toy(), backends[kind]
    expected = {n: t.numpy() for n, t in model.encode(eager(conditions(batch))).items()}
    state = backend.encode(conditions(batch))
    assert state.keys() == expected.keys()
    for t, symbol in enumerate(symbols(batch, 7)):
        outputs, following = model.step(eager(symbol), eager(expected))
        expected |= {n: t.numpy() for n, t in following.items()}
        memory = state["memory"]
        got, state = backend.step(symbol, state)
        assert state["memory"] is memory  # handed through, not copied
        assert got.keys() == outputs.keys()
        for name, value in {**outputs, **expected}.items():
            np.testing.assert_allclose(
                {**got, **state}[name], value, atol=1e-5, err_msg=f"{name} at step {t}"
            )
            assert {**got, **state}[name].dtype == np.asarray(value).dtype


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_independent(backends, kind):
    state = backends[kind].encode(conditions(3))
    symbol = symbols(3, 1)[0]
    outputs, _ = backends[kind].step(symbol, state)
    rows = np.array([2, 0])
    chosen, _ = backends[kind].step(select_rows(symbol, rows), select_rows(state, rows))
    np.testing.assert_allclose(chosen["logits"], outputs["logits"][rows], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_two_outputs_may_be_decoded_in_turn(backends, kind):
    symbol = symbols(1, 1)[0]
    states = [
        backends[kind].encode(select_rows(conditions(2), np.array([row]))) for row in range(2)
    ]
    before = [backends[kind].step(symbol, state)[0]["logits"] for state in states]
    assert np.abs(before[0] - before[1]).max() > 1e-3
    for state, logits in zip(states, before, strict=True):
        np.testing.assert_array_equal(backends[kind].step(symbol, state)[0]["logits"], logits)
    changed = states[1] | {"memory": states[1]["memory"].copy()}
    before = backends[kind].step(symbol, changed)[0]["logits"]
    changed["memory"] *= 2
    assert np.abs(backends[kind].step(symbol, changed)[0]["logits"] - before).max() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_dtypes_are_cast_and_wrong_arrays_are_named(backends, kind):
    backend = backends[kind]
    condition = conditions(2)
    expected = backend.encode(condition)["h"]
    wide = {"words": condition["words"].astype(np.int64), "given": condition["given"] > 0}
    np.testing.assert_array_equal(backend.encode(wide)["h"], expected)
    with pytest.raises(ValueError, match="missing arrays .'given'.*unknown arrays .'mask'"):
        backend.encode({"words": condition["words"], "mask": condition["given"]})
    with pytest.raises(ValueError, match=r"'words' has shape \(2, 5\), expected \(batch, 6\)"):
        backend.encode(condition | {"words": condition["words"][:, :5]})
    with pytest.raises(ValueError, match="'words' is float64, expected int32"):
        backend.encode(condition | {"words": condition["words"] * 1.0})
    with pytest.raises(ValueError, match="'given' has 1 rows, others have 2"):
        backend.encode(condition | {"given": condition["given"][:1]})
    with pytest.raises(ValueError, match="missing arrays .'c'"):
        state = backend.encode(condition)
        del state["c"]
        backend.step(symbols(2, 1)[0], state)


def test_a_beam_finds_the_same_at_once_as_row_by_row(backends, tmp_path):
    path = export_tflite(toy(), tmp_path, ["float32"], beam=4)["float32"]
    at_once = open_backend("litert", path, Toy.signature)
    options = DecodingOptions(strategy="beam", beam_size=6, n_best=6, max_length=9)

    def inputs(t, last):
        return {"symbol": last, "voice": np.full_like(last, t % 2)}

    found = {}
    for name, backend in {"at once": at_once, "by row": backends["litert"]}.items():
        state = backend.encode(conditions(1))
        [found[name]] = decode(backend, state, start=1, end=2, options=options, inputs=inputs)
    for one, other in zip(*found.values(), strict=True):
        assert one.symbols == other.symbols
        assert one.score == pytest.approx(other.score, abs=1e-5)


def test_keras_backend_follows_the_weights():
    model = toy()
    backend = open_backend("keras", model)
    before = backend.encode(conditions(1))["h"]
    model.first_h.kernel.assign(model.first_h.kernel * 2)
    assert np.abs(backend.encode(conditions(1))["h"] - before).max() > 1e-3


def test_saved_model_carries_its_signature(files):
    assert open_backend("saved_model", files["saved_model"]).signature == Toy.signature


def test_litert_runs_silently_without_tensorflow(files):
    code = f"""
import sys, json, numpy as np
import shared.presets, shared.presets.bundle, shared.export.goldens, shared.export.parity
from shared.backends import open_backend
from shared.generator import Signature
signature = Signature.from_json(json.loads({json.dumps(Toy.signature.to_json())!r}))
backend = open_backend("litert", {str(files["litert"])!r}, signature)
state = backend.encode({{n: np.zeros((2, *s.shape), s.dtype)
                        for n, s in signature.condition.items()}})
assert state["h"].shape == (2, 48)
assert not {{"tensorflow", "keras"}} & sys.modules.keys()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_cannot_be_opened_is_refused_in_one_line(files, tmp_path):
    damaged = tmp_path / "model.tflite"
    damaged.write_bytes(b"TFL3" * 100)
    other = Signature({"x": TensorSpec(())}, {}, {"h": TensorSpec(())}, {})
    for kind, source, signature in [
        ("litert", tmp_path / "none.tflite", Toy.signature),
        ("litert", damaged, Toy.signature),
        ("litert", files["litert"], other),
        ("saved_model", tmp_path, Toy.signature),
        ("saved_model", tmp_path, None),
    ]:
        with pytest.raises(InputError) as caught:
            open_backend(kind, source, signature)
        assert str(source) in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="unknown backend 'onnx'"):
        open_backend("onnx", None)
    with pytest.raises(ValueError, match="needs a signature"):
        open_backend("litert", files["litert"])


def test_a_signature_that_would_not_export_is_refused_at_once():
    class Changed(Toy):
        pass

    def changed(**parts):
        Changed.signature = Signature(**{**vars(Toy.signature), **parts})
        model = Changed()
        model.build_all()
        return model

    with pytest.raises(ValueError, match="'given' is bool"):
        tf_functions(changed(condition={"given": TensorSpec((6,), "bool")}))
    with pytest.raises(ValueError, match="'h': .* used once"):
        tf_functions(changed(memory={"h": TensorSpec(())}))
    with pytest.raises(ValueError, match="'a/b'"):
        tf_functions(changed(outputs={"a/b": TensorSpec(())}))
    wrong_shape = changed(state={"h": TensorSpec((48,)), "c": TensorSpec((49,))})
    with pytest.raises(ValueError, match="encode returns 'c' as float32"):
        tf_functions(wrong_shape, 1)["encode"].get_concrete_function()
    with pytest.raises(ValueError, match="encode returns"):
        tf_functions(changed(memory={}), 1)["encode"].get_concrete_function()


class WithoutRanking:
    """A backend of which only `encode` and `step` are seen."""

    def __init__(self, backend):
        self.signature, self.encode, self.step = backend.signature, backend.encode, backend.step


@pytest.mark.parametrize("options", [
    {"strategy": "greedy"},
    {"strategy": "beam", "beam_size": 5, "n_best": 5, "length_penalty": 1.0, "min_length": 2},
    {"strategy": "beam", "beam_size": 3, "n_best": 3, "coverage_penalty": 0.2},
])  # fmt: skip
def test_keras_ranks_as_numpy_does(backends, options):
    keras = backends["keras"]
    found = [
        decode(
            generator, generator.encode(conditions(4)), start=1, end=2,
            options=DecodingOptions(max_length=9, **options),
            inputs=lambda t, last: {"symbol": last, "voice": np.full_like(last, t % 2)},
        )
        for generator in (keras, WithoutRanking(keras))
    ]  # fmt: skip
    for ours, theirs in zip(*found, strict=True):
        assert [one.symbols for one in ours] == [one.symbols for one in theirs]
        for one, other in zip(ours, theirs, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-5)
            np.testing.assert_allclose(one.attention, other.attention, atol=1e-6)


@pytest.mark.parametrize("length", [3, 30, 101, 600])
def test_the_largest_are_found_and_the_first_of_equals(length):
    values = np.random.default_rng(length).integers(0, 9, (5, length)).astype(np.float32)
    for count in (1, 3, min(length, 20)):
        best, places = largest(tf.constant(values), tf.constant(count))
        for found, expected in zip((places, best), top(values.copy(), count), strict=True):
            np.testing.assert_array_equal(found, expected)
