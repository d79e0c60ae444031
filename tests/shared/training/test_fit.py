import csv
import errno
import json
import math
import resource
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from shared.errors import InputError
from shared.training import FitOptions
from shared.training.checkpoint import NonFiniteError
from shared.training.fit import fit, load_best
from shared.training.optimizer import Schedule, make_optimizer
from shared.training.record import draw_curves
from tests.shared.training.toy_run import OPTIONS, data, make_model, train, valid

SHORT = FitOptions(epochs=2, learning_rate=0.02, seed=1)


def rows(folder):
    with open(folder / "log.csv") as file:
        return list(csv.DictReader(file))


def test_the_run_folder(tmp_path, capsys):
    result = fit(make_model(), train, valid(), SHORT, tmp_path / "a" / "run")
    folder = tmp_path / "a" / "run"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        ".lock", "best.weights.h5", "curves.png", "last.npz", "log.csv", "options.json",
        "summary.json", "tensorboard",
    }  # fmt: skip
    assert json.loads((folder / "summary.json").read_text()) == result.summary
    assert FitOptions.from_json(json.loads((folder / "options.json").read_text())) == SHORT
    assert result.best_weights == folder / "best.weights.h5"
    assert result.summary["parameters"] == 4 * 8 + 8 + 8 * 3 + 3
    best = min(rows(folder), key=lambda row: float(row["val_loss"]))
    assert result.summary["best_epoch"] == int(best["epoch"])
    assert result.summary["best_value"] == float(best["val_loss"])
    printed = capsys.readouterr().out  # no terminal: a line per epoch
    assert "Epoch 2/2" in printed and printed.count("\n") == 4 and "val_loss" in printed


def test_without_tensorboard_there_are_no_events_and_all_else(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("tensorflow.summary.scalar", None)  # else it would be called
    assert fit(make_model(), train, valid(), SHORT, tmp_path, verbose=0).summary["finished"]
    assert (tmp_path / "log.csv").is_file() and not (tmp_path / "tensorboard").exists()


def test_tensorboard_has_every_value_of_the_log(tmp_path):
    fit(make_model(), train, valid(), SHORT, tmp_path, verbose=0)
    seen = {}
    for kind, prefix in (("train", ""), ("validation", "val_")):
        for file in (tmp_path / "tensorboard" / kind).iterdir():
            for event in tf.compat.v1.train.summary_iterator(str(file)):
                for value in event.summary.value:
                    seen[prefix + value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    names = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
    expected = {(n, int(row["epoch"])): float(row[n]) for row in rows(tmp_path) for n in names}
    assert seen == pytest.approx(expected)


def test_the_same_seed_gives_the_same_weights(tmp_path):
    one, other, third = make_model(), make_model(), make_model()
    fit(one, train, valid(), SHORT, tmp_path / "one", verbose=0)
    fit(other, train, valid(), SHORT, tmp_path / "other", verbose=0)
    fit(third, lambda epoch: train(epoch + 1), valid(), SHORT, tmp_path / "third", verbose=0)
    np.testing.assert_array_equal(one.hidden.kernel, other.hidden.kernel)
    assert not np.array_equal(one.hidden.kernel, third.hidden.kernel)


def test_nan_stops_with_advice_and_keeps_the_checkpoint(tmp_path):
    def poisoned(epoch):
        x, y = data(32)
        if epoch == 1:
            x[20:] = np.nan
        return tf.data.Dataset.from_tensor_slices((x, y)).batch(8)

    options = replace(OPTIONS, epochs=2, checkpoint_steps=1)
    with pytest.raises(NonFiniteError) as caught:
        fit(make_model(), poisoned, valid(), options, tmp_path, verbose=0)
    assert isinstance(caught.value, InputError) and "\n" not in str(caught.value)
    assert "learning_rate or clip_norm" in str(caught.value)
    assert caught.value.__notes__ == ["the last checkpoint is intact"]
    result = caught.value.result
    assert (result.summary["reason"], result.summary["best_epoch"]) == ("diverged", 1)
    assert not result.summary["finished"] and result.best_weights == tmp_path / "best.weights.h5"
    with np.load(tmp_path / "last.npz") as file:
        state = json.loads(str(file["state"]))
        arrays = [file[name] for name in file.files if name != "state"]
    assert state["epoch"] == 1 and state["step"] <= 2
    assert all(np.isfinite(a).all() for a in arrays if a.dtype.kind == "f")
    load_best(make_model(), tmp_path)
    # With good data the run goes on.
    assert fit(make_model(), train, valid(), options, tmp_path, verbose=0).summary["finished"]


def test_nan_message_names_the_step_and_the_last_loss(tmp_path):
    def poisoned(epoch):
        x, y = data(32)
        x[16:] = np.nan
        return tf.data.Dataset.from_tensor_slices((x, y)).batch(8)

    message = r"loss became nan in epoch 1, step [34] \(last finite mean \d.*rate 0\.02\)"
    with pytest.raises(NonFiniteError, match=message):
        fit(make_model(), poisoned, valid(), SHORT, tmp_path, verbose=0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_seen_before_any_callback(tmp_path, value):
    class Spoil(keras.callbacks.Callback):
        def on_test_end(self, logs=None):
            self.model.hidden.kernel[0, 0].assign(value)

        def on_epoch_end(self, epoch, logs=None):
            raise AssertionError("called with weights that are not finite")

    one = tf.data.Dataset.from_tensor_slices(data(32)).batch(8)
    with pytest.raises(NonFiniteError, match="no longer finite after epoch 1;") as caught:
        run = replace(SHORT, monitor="loss")
        fit(make_model(), lambda epoch: one, valid(), run, tmp_path, callbacks=[Spoil()], verbose=0)
    assert not hasattr(caught.value, "__notes__") and caught.value.result.best_weights is None


@pytest.mark.parametrize("most", [3000, 12000])  # bytes: less than last.npz; than best.weights.h5
def test_a_disk_that_fills_up_costs_no_checkpoint(tmp_path, most):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Fill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))

    run = make_model(), train, valid(), replace(SHORT, checkpoint_steps=2), tmp_path
    try:
        with pytest.raises(OSError) as caught:
            fit(*run, callbacks=[Fill()], verbose=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    name = "last.npz" if most == 3000 else "best.weights.h5"
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(tmp_path / name))
    assert caught.value.__notes__ == ["the last checkpoint is intact"]
    assert not [*tmp_path.glob(".*.*")]
    assert fit(*run, verbose=0).summary["finished"]


class Score(keras.callbacks.Callback):
    """Logs a given value per epoch, as a callback that decodes and scores would."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["score"] = self.values[epoch]


def test_early_stopping_on_a_value_that_a_callback_logs(tmp_path):
    options = replace(SHORT, epochs=9, patience=2, monitor="score", mode="max")
    score = Score([1.0, 3.0, 2.0, 3.0, 9.0, 9.0, 9.0, 9.0, 9.0])
    run = (train, None)
    summary = fit(make_model(), *run, options, tmp_path, callbacks=[score], verbose=0).summary
    assert (summary["reason"], summary["finished"]) == ("early stopping", True)
    assert (summary["epochs"], summary["best_epoch"], summary["best_value"]) == (4, 2, 3.0)
    longer = replace(options, patience=3, epochs=6)
    summary = fit(make_model(), *run, longer, tmp_path, callbacks=[score], verbose=0).summary
    assert (summary["reason"], summary["best_epoch"], summary["epochs"]) == ("epochs", 5, 6)


def test_plateau_turns_the_rate_down_and_survives_a_resume(tmp_path):
    options = replace(
        SHORT, epochs=3, schedule="plateau", plateau_patience=2, final_fraction=0.2, monitor="score"
    )
    score = Score([1.0] * 7)
    for epochs in (3, 7):
        again = replace(options, epochs=epochs)
        fit(make_model(), train, None, again, tmp_path, callbacks=[score], verbose=0)
    rates = [float(row["learning_rate"]) for row in rows(tmp_path)]
    assert rates == pytest.approx([0.02, 0.02, 0.02, 0.01, 0.01, 0.005, 0.005])


def test_callbacks_see_one_training(tmp_path):
    calls = []

    class Spy(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            calls.append("begin")

        def on_train_batch_end(self, batch, logs=None):
            calls.append(batch)

        def on_train_end(self, logs=None):
            calls.append("end")

    fit(make_model(), train, valid(), SHORT, tmp_path, callbacks=[Spy()], verbose=0)
    assert calls == ["begin", *range(9), *range(8), "end"]


def test_a_budget_stops_the_run_and_the_next_call_goes_on(tmp_path):
    options = replace(SHORT, max_minutes=1e-6)
    first = fit(make_model(), train, valid(), options, tmp_path, verbose=0)
    assert first.best_weights is None and first.summary["reason"] == "out of time"
    assert (tmp_path / "last.npz").exists()
    second = fit(make_model(), train, valid(), replace(options, max_minutes=5), tmp_path, verbose=0)
    assert second.summary["finished"] and second.summary["epochs"] == 2


def test_mistakes_are_told_at_once(tmp_path):
    with pytest.raises(ValueError, match="not among the logs"):
        fit(make_model(), train, valid(), replace(SHORT, monitor="val_x"), tmp_path, verbose=0)
    with pytest.raises(ValueError, match="needs validation data"):
        fit(make_model(), train, None, SHORT, tmp_path / "2")
    with pytest.raises(ValueError, match="never ends"):
        fit(make_model(), lambda e: train(e).repeat(), valid(), SHORT, tmp_path / "3", verbose=0)
    with pytest.raises(ValueError, match="no batches"):
        fit(make_model(), lambda e: train(e).take(0), valid(), SHORT, tmp_path / "4", verbose=0)


def test_schedules():
    def rates(*steps, **options):
        schedule = Schedule(FitOptions(learning_rate=2.0, **options))
        return [float(schedule(step)) for step in steps]

    assert rates(0, 1, 3, 9, warmup_steps=4) == pytest.approx([0.5, 1.0, 2.0, 2.0])
    half = {"warmup_steps": 4, "total_steps": 14, "final_fraction": 0.5}
    assert rates(1, 4, 9, 14, 99, schedule="linear", **half) == pytest.approx([1, 2, 1.5, 1, 1])
    cosine = [1 + 0.5 * (1 + math.cos(math.pi * part)) for part in (0, 0.3, 1, 1)]
    assert rates(4, 7, 14, 99, schedule="cosine", **half) == pytest.approx(cosine)


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_only_matrices_decay(name):
    model = make_model()
    options = FitOptions(optimizer=name, learning_rate=0.1, weight_decay=0.5)
    optimizer = make_optimizer(options, model.trainable_variables)
    model.hidden.bias.assign(np.ones(8))
    before = [np.array(v) for v in model.trainable_variables]
    zeros = [np.zeros(v.shape, "float32") for v in before]
    optimizer.apply(zeros, model.trainable_variables)
    for old, new in zip(before, model.trainable_variables, strict=True):
        np.testing.assert_allclose(new, old * (1 - 0.1 * 0.5 * (old.ndim > 1)), rtol=1e-6)


def test_gradient_is_clipped_by_its_global_norm():
    model = make_model()
    options = FitOptions(optimizer="sgd", learning_rate=1.0, clip_norm=0.5)
    optimizer = make_optimizer(options, model.trainable_variables)
    before = [np.array(v) for v in model.trainable_variables]
    ones = [np.full(v.shape, 7.0, "float32") for v in before]
    optimizer.apply(ones, model.trainable_variables)
    moved = [old - np.array(v) for old, v in zip(before, model.trainable_variables, strict=True)]
    assert math.sqrt(sum((m**2).sum() for m in moved)) == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize(
    "bad",
    [
        {"optimizer": "lion"}, {"mode": "up"}, {"epochs": 0},
        {"schedule": "cosine", "total_steps": 5, "warmup_steps": 5},
        {"learning_rate": 0}, {"ema_momentum": 1.0}, {"patience": -1}, {"plateau_factor": 1},
        {"final_fraction": 2}, {"max_minutes": -1}, {"nonsense": 1},
    ],
)  # fmt: skip
def test_bad_options_are_refused_in_one_line(bad):
    with pytest.raises(InputError, match="training options: .*" + next(iter(bad))):
        FitOptions.from_json(bad)


def test_curves_of_one_epoch_and_of_a_value_that_comes_late():
    row = {"epoch": 1, "step": 3, "minutes": 0.1, "loss": 1.0}
    png = b"\x89PNG"
    assert draw_curves([row], "loss").startswith(png)
    assert draw_curves([row, {**row, "epoch": 2, "val_bleu": 3.0}], "val_bleu").startswith(png)
