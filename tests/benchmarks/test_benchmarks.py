import dataclasses
import json

import keras
import numpy as np
import pytest

import shared.layers
from apps import APPS, application
from benchmarks import decode, lstm, train_step
from benchmarks.common import Worker, available, ratio, table, turn
from benchmarks.lstm_frameworks import Keras, Ours, Roofline
from shared.backends.keras_model import KerasBackend

SHAPES = (lstm.Shape("a", 4, 10, 8, 16), lstm.Shape("b", 2, 3, 8, 16), lstm.Shape("c", 2, 4, 8, 16))
MILLISECONDS = {"peephole": 10, "keras": 30, "torch": 15, "roofline": 5}


class Fake:
    """Answers as a worker does whose runs take ever the same time."""

    def __init__(self, module, row, threads, python=None):
        self.row, self.waiting, self.asked = row, [], 0

    def send(self, method, *arguments):
        self.waiting.append(getattr(self, method)(*arguments))

    def receive(self):
        return self.waiting.pop(0)

    def ask(self, method, *arguments):
        return getattr(self, method)(*arguments)

    def close(self):
        pass

    def ready(self):
        return {self.row: "1.0"}

    def prepare(self, mode, shape):
        return {"compile_s": 1.0, "peak_mb": 7.0}

    def check(self, shape, cases):
        return {"plain_outputs": 1e-7, "plain_gradients": 2e-5}

    def turn(self, mode, shape, least):
        # The second shape is twice as slow in all, and every third run is disturbed.
        self.asked += 1
        slow = 2 if shape[1] == 3 else 1
        return [1e-3 * slow * MILLISECONDS[self.row]] * 2 + [9.0]


@pytest.fixture
def fakes(monkeypatch):
    monkeypatch.setattr(lstm, "Worker", Fake)
    monkeypatch.setattr(lstm, "available", lambda python, *modules: python == "torch-python")
    monkeypatch.setattr(lstm, "SHAPES", SHAPES)
    return ["--quick", "--rounds", "2"]


def test_quick_run_writes_the_required_keys(fakes, tmp_path, capsys):
    files = tmp_path / "a.json", tmp_path / "a.png"
    torch = ["--torch-python", "torch-python"]
    assert lstm.main([*fakes, *torch, "--json", str(files[0]), "--plot", str(files[1])]) == 0
    result = json.loads(files[0].read_text())
    assert list(result)[:3] == [
        "median_speedup_vs_keras_train",
        "median_speedup_vs_torch_train",
        "median_roofline_ratio_train",
    ]
    assert [round(v, 6) for v in list(result.values())[:3]] == [3.0, 1.5, 2.0]
    assert list(result)[-1] == "rows" and result["machine"]["cores"]
    assert len(result["rows"]) == 3 * len(MILLISECONDS)
    row = next(r for r in result["rows"] if r["shape"] == str(SHAPES[1]) and r["row"] == "keras")
    assert round(row["median_ms"], 6) == 60 and row["mode"] == "train" and row["peak_mb"] == 7
    assert files[1].read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "median_roofline_ratio_train 2.0" in printed and "b 2x3 8->16" in printed


def test_without_pytorch_the_row_is_left_out_with_a_word(fakes, tmp_path, capsys):
    assert lstm.main([*fakes, "--json", str(tmp_path / "a.json")]) == 0
    assert "PyTorch is skipped" in capsys.readouterr().err
    result = json.loads((tmp_path / "a.json").read_text())
    assert result["median_speedup_vs_torch_train"] is None
    assert result["median_speedup_vs_keras_train"] > 2.9
    assert not available("no-such-python", "json") and available("python3", "json")


def test_wrong_numbers_are_not_timed(fakes, monkeypatch):
    monkeypatch.setattr(Fake, "check", lambda self, shape, cases: {"plain_outputs": 2e-5})
    with pytest.raises(SystemExit, match="plain_outputs differ from Keras by 2.0e-05"):
        lstm.main(fakes)


def test_gigaflops_are_those_of_the_roofline():
    def elements(x):
        return int(np.prod(x.shape))

    shape = SHAPES[0]
    x, weights = elements(np.empty((4 * 10, 8 + 16))), 4 * 16
    assert shape.gigaflops * 1e9 == pytest.approx(2 * x * weights)
    assert lstm.SHAPES[0].gigaflops == pytest.approx(13.434880)


def test_workers_compute_what_they_say():
    shape = [2, 3, 4, 5]
    for worker in (Keras("keras", 0), Roofline("roofline", 0)):
        facts = worker.prepare("train", shape)
        assert facts["compile_s"] > 0 and "peak_mb" in facts
        assert all(0 < seconds < 1 for seconds in worker.turn("train", shape, 0.001))
    ours = Ours("plain", 0)
    a = ours.layer("plain", shape)
    b = keras.layers.LSTM(5, return_sequences=True)
    b.build((None, 3, 4))
    b.set_weights(a.get_weights())
    x = ours.tf.constant(np.ones((2, 3, 4), np.float32))
    other = ours.function(b, "check")
    result = ours.function(a, "check")(x)
    gaps = ours._differences(result, other(x))
    assert 0 <= gaps["outputs"] < 1e-5 and 0 <= gaps["gradients"] < 1e-4
    b.set_weights([2 * w for w in b.get_weights()])
    gaps = ours._differences(result, other(x))
    assert gaps["outputs"] > 0.01 and gaps["gradients"] > 0.01


def test_a_worker_that_dies_says_why():
    worker = Worker("benchmarks.no_such_module")
    with pytest.raises(RuntimeError, match="No module named benchmarks.no_such_module"):
        worker.ask("anything")
    worker.close()


def test_turns_tables_and_ratios():
    assert len(turn(lambda: None, 1e-4)) > 1
    assert ratio([1.0, 4.0, 5.0], [2.0]) == 2.0
    text = table(["a", "b"], [["x", 1234.5], [None, 0.012345]])
    assert text.splitlines()[2:] == ["| x | 1234   |", "| - | 0.0123 |"]


def test_keras_layers_take_the_place_of_ours_for_a_while():
    from shared.layers import StackedLSTM

    with train_step.keras_layers():
        stack = StackedLSTM([4, 4])
        assert [type(layer) for layer in stack.layers] == [keras.layers.LSTM] * 2
        with pytest.raises((TypeError, ValueError)):
            StackedLSTM([4], peephole=True)
    assert [type(layer) for layer in StackedLSTM([4]).layers] == [shared.layers.LSTM]


@pytest.mark.parametrize("app", APPS)
def test_a_random_batch_has_the_size_of_training(app):
    app = application(app)
    batch = app.random_batch(app.stage().config, np.random.default_rng(0))
    assert len({len(value) for value in batch.values() if value.ndim}) <= 2
    assert set(train_step.APPS) <= set(APPS)


def opened(name, **changes):
    """A tiny application's model as a generator, and its configuration."""
    app = application(name)
    config = dataclasses.replace(app.stage("tiny").config, **changes)
    return app, config, KerasBackend(app.build(config))


def test_the_example_of_music_is_a_bar():
    app, config, _ = opened("music")
    example = app.example(config)
    assert len(example.symbols) == 64
    assert [int(s["voice"][0]) for s in example.symbols[:5]] == [0, 1, 2, 3, 0]
    assert example.condition["key"].shape == (1, 2)


def test_generating_a_translation_takes_as_many_steps_as_it_says():
    app, config, generator = opened("translation")
    [[result]] = app.generate(generator, config)
    assert f"{len(result.symbols)} subwords" in decode.OUTPUTS["translation"]
    assert app.example(config).condition["source_mask"].sum() == 13


def test_generating_a_caption_takes_as_many_steps_as_it_says():
    app, config, generator = opened("captioning", vocabulary=60)
    [[result]] = app.generate(generator, config)
    assert f"{len(result.symbols)} words" in decode.OUTPUTS["captioning"]


def test_generating_handwriting_draws_a_line_of_the_length_that_it_says():
    app, config, generator = opened("handwriting")
    assert int(app.example(config).condition["text_mask"].sum()) == 24
    [result] = app.generate(generator, config)
    assert len(result.points) <= round(24 * config.points_per_character)
    assert next(iter(generator.signature.outputs)) == "mixture"


def test_decode_rows_and_their_ratios(capsys):
    assert decode.usable(["litert_int8", "torch"], "music", "no-such-python") == ["litert_int8"]
    assert "PyTorch, eager is skipped: it needs torch" in capsys.readouterr().err
    row = {"output_ms": 9.0, "difference_from_keras": 1e-7}
    result = {
        "app": "music",
        "output": "8 bars",
        "weights": "untrained",
        "parameters": 12345,
        "rows": [
            {"row": "litert_int8", "step_ms": 0.02, **row},
            {"row": "onnxruntime", "step_ms": 0.05, **row},
        ],
    }
    assert decode.speedups(result) == pytest.approx({"litert_int8": 1, "onnxruntime": 2.5})
    assert "| 0.0500      | 2.50              | 9.00 " in decode.shown(result)
