import numpy as np
import pytest
import tensorflow as tf

from shared.backends import open_backend
from shared.backends.saved_model import export_saved_model
from shared.errors import InputError
from shared.export.audit import audit
from shared.export.goldens import difference
from shared.export.parity import compare, latency, parity
from shared.export.tflite import export_tflite
from shared.generator import Signature, TensorSpec
from shared.layers import LSTM
from tests.shared.export.toy import Toy, toy


def built(cls):
    model = cls()
    model.build_all()
    return model


def test_audit_lists_the_ops_of_branches_too(tflite_files):
    report = audit(tflite_files["float32"].read_bytes(), Toy.signature)
    assert report.ops["encode"]["GATHER"] == 1 and "IF" not in report.ops["encode"]
    assert report.ops["step"]["IF"] == 1
    assert report.ops["step"]["LOGISTIC"] == 3  # the gates, inside the branch
    assert report.weights >= 30 * 48 + 2 * 48 * 48 + 96 * 192 + 96 * 30


def test_each_precision_is_smaller_and_further_off(tflite_files, examples):
    sizes = [path.stat().st_size for path in tflite_files.values()]
    assert list(tflite_files) == ["float32", "float16", "int8"]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 1.5 * sizes[1] > 2 * sizes[2]
    keras = open_backend("keras", toy())
    gaps = []
    for path in tflite_files.values():
        report = compare(keras, open_backend("litert", path, Toy.signature), examples)
        gaps.append(max(entry["max_abs"] for entry in report.values()))
    assert gaps[0] < 1e-5 < gaps[1] < 2e-3 < gaps[2] < 0.1


def test_saved_model_has_exactly_two_signatures(tmp_path):
    weights = export_saved_model(toy(), tmp_path / "new" / "model")
    loaded = tf.saved_model.load(str(tmp_path / "new" / "model"))
    assert sorted(loaded.signatures) == ["encode", "step"]
    assert weights == toy().count_params()
    export_saved_model(toy(1), tmp_path / "new" / "model")  # its own kind is replaced
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["model"]


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds other files"):
        export_saved_model(toy(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


class Flexible(Toy):
    """Its step inverts a matrix, which LiteRT can do only through Flex."""

    def step(self, symbol, state):
        outputs, following = super().step(symbol, state)
        inverse = tf.linalg.inv(tf.eye(48) + state["h"][:, :, None] * state["c"][:, None])
        return outputs, following | {"h": tf.linalg.matvec(inverse, following["h"])}


def test_ops_that_need_flex_are_refused_and_named(tmp_path):
    with pytest.raises(ValueError, match="no built-in LiteRT op for: MatrixInverse"):
        export_tflite(built(Flexible), tmp_path, ["float32"])
    assert not list(tmp_path.iterdir())


def test_audit_refuses_a_file_with_flex_ops(tmp_path):
    export_saved_model(built(Flexible), tmp_path / "model", batch=1)
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(tmp_path / "model"), signature_keys=["encode", "step"]
    )
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    with pytest.raises(ValueError, match="the plain interpreter lacks: FlexMatrixInverse"):
        audit(converter.convert())


def test_a_file_without_its_weights_is_refused(tflite_files):
    data = tflite_files["int8"].read_bytes()
    with pytest.raises(ValueError, match=r"holds \d+ weights, the model has 99999"):
        audit(data, Toy.signature, weights=99999)


def test_a_beams_graph_shares_all_weights(tmp_path, tflite_files):
    files = export_tflite(toy(), tmp_path, ["float32", "int8"], beam=4)
    for precision, path in files.items():
        # At the sizes of a toy the ops are most of what is added.
        assert path.stat().st_size < tflite_files[precision].stat().st_size + 8000
        audit(path.read_bytes(), Toy.signature, beam=4)
    with pytest.raises(ValueError, match="expected encode, step and beam_step"):
        audit(tflite_files["int8"].read_bytes(), Toy.signature, beam=4)
    with pytest.raises(ValueError, match="beam_step: the file has .*, the signature says"):
        audit(files["int8"].read_bytes(), Toy.signature, beam=5)


def test_tensors_must_be_those_of_the_signature(tflite_files):
    changed = Signature(**{**vars(Toy.signature), "memory": {"memory": TensorSpec((6, 48))}})
    with pytest.raises(ValueError, match="encode: the file has .*, the signature says"):
        audit(tflite_files["int8"].read_bytes(), changed)


def test_outputs_that_share_a_tensor_are_refused(tmp_path):
    class Equal(Toy):
        def encode(self, condition):
            state = super().encode(condition)
            return state | {"c": state["h"]}

    class PassedThrough(Toy):
        def step(self, symbol, state):
            outputs, following = super().step(symbol, state)
            return outputs, following | {"c": state["c"]}

    with pytest.raises(ValueError, match="encode: outputs '[ch]' and '[ch]' are one tensor"):
        export_tflite(built(Equal), tmp_path, ["float32"])
    with pytest.raises(ValueError, match="step: output 'c' is the input 'c' itself"):
        export_tflite(built(PassedThrough), tmp_path, ["float32"])


def test_a_branch_that_returns_one_tensor_twice_is_refused(tmp_path):
    class Twice(Toy):  # LiteRT would leave one of the two unwritten
        def step(self, symbol, state):
            outputs, following = super().step(symbol, state)
            h, c = tf.cond(
                symbol["voice"][0] == 0,
                lambda: [tf.identity(following["h"] * 2)] * 2,
                lambda: [tf.identity(state["h"]), tf.identity(state["c"])],
            )
            return outputs, {"h": h, "c": c}

    with pytest.raises(ValueError, match="a branch of IF returns one tensor twice"):
        export_tflite(built(Twice), tmp_path, ["float32"])


def test_the_lstm_layer_s_fast_path_is_left_out(tmp_path, examples):
    class Recurrent(Toy):
        def __init__(self):
            super().__init__()
            self.lstm = LSTM(48, return_sequences=True, name="lstm")

        def build_all(self):
            super().build_all()
            self.lstm.build((None, 6, 48))

        def encode(self, condition):
            state = super().encode(condition)
            mask = tf.cast(condition["given"], tf.bool)
            return state | {"memory": self.lstm(state["memory"], mask=mask)}

    model = built(Recurrent)
    path = export_tflite(model, tmp_path, ["float32"])["float32"]
    ops = audit(path.read_bytes()).ops["encode"]
    assert (ops["WHILE"], ops["FILL"]) == (1, 1)  # what the loop fills is empty, and not stored
    report = compare(
        open_backend("keras", model), open_backend("litert", path, model.signature), examples
    )
    assert max(entry["max_abs"] for entry in report.values()) < 1e-5


def test_unknown_precision(tmp_path):
    with pytest.raises(ValueError, match="unknown precision 'int4'"):
        export_tflite(toy(), tmp_path, ["int4"])


class Shifted:
    """A generator whose logits are off by a constant."""

    def __init__(self, generator, shift):
        self.generator, self.shift = generator, shift
        self.signature, self.encode = generator.signature, generator.encode

    def step(self, symbol, state):
        outputs, state = self.generator.step(symbol, state)
        return outputs | {"logits": outputs["logits"] + self.shift}, state


def test_parity_finds_what_differs_and_only_that(examples):
    keras = open_backend("keras", toy())
    report = parity(
        keras, {"int8": Shifted(keras, 0.25)}, examples, lambda g: {"loss": getattr(g, "shift", 0)}
    )
    tensors = report["int8"]["tensors"]
    assert tensors["step/logits"]["max_abs"] == pytest.approx(0.25, abs=1e-6)
    assert tensors["step/logits"]["max_rel"] <= 0.2500001
    assert sum(entry["max_abs"] for entry in tensors.values()) == pytest.approx(0.25, abs=1e-6)
    with pytest.raises(ValueError, match="step/logits: not a number"):
        compare(keras, Shifted(keras, np.nan), examples)


def test_how_much_is_forbidden_is_no_difference(examples):
    keras = open_backend("keras", toy())
    never, no = (Shifted(keras, np.where(np.arange(30) == 3, v, 0)) for v in (-1e9, -np.inf))
    assert compare(never, no, examples)["step/logits"] == {"max_abs": 0, "max_rel": 0}
    assert compare(never, keras, examples)["step/logits"]["max_abs"] > 9e3
    a, b = np.array([-1e9, 2.0]), np.array([-1e9, 3.0])
    assert difference(a, b) == (1.0, 0.5)  # of 2, not of 1e9


def test_latency_is_in_milliseconds(examples):
    class Slow(Shifted):
        def step(self, symbol, state):
            import time

            time.sleep(0.003)
            return super().step(symbol, state)

    measured = latency(Slow(open_backend("keras", toy()), 0), examples, repeats=5)
    assert 3 <= measured["step"] < 30 and measured["encode"] < measured["step"]
