import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from shared.errors import InputError
from shared.training.callbacks import RunCallbacks
from shared.training.fit import fit, load_best
from tests.shared.training.toy_run import OPTIONS, make_model, train, valid

ROOT = Path(__file__).parents[3]


def final(folder):
    with np.load(folder / "last.npz") as file:
        return {name: file[name] for name in file.files if name != "state"}


def log(folder):
    with open(folder / "log.csv") as file:
        return [{k: v for k, v in row.items() if k != "minutes"} for row in csv.DictReader(file)]


def assert_same_run(one, other):
    ours, theirs = final(one), final(other)
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    assert log(one) == log(other)
    assert (one / "best.weights.h5").exists()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, fit(make_model(), train, valid(), OPTIONS, folder, verbose=0)


def test_a_killed_run_resumed_equals_an_uninterrupted_one(uninterrupted, tmp_path):
    whole, expected = uninterrupted
    script = [sys.executable, str(Path(__file__).with_name("toy_run.py")), str(tmp_path), "1", "5"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
    killed = subprocess.run(script, env=environment, capture_output=True, text=True)
    assert killed.returncode == 9, killed.stderr
    assert len(log(tmp_path)) == 1 and not (tmp_path / "summary.json").exists()

    # Other first weights: all that counts must come from the folder.
    result = fit(make_model(99), train, valid(), OPTIONS, tmp_path, verbose=0)
    assert_same_run(tmp_path, whole)
    assert [row["epoch"] for row in log(tmp_path)] == ["1", "2", "3"]
    for key in ("best_value", "best_epoch", "steps", "epochs", "reason"):
        assert result.summary[key] == expected.summary[key]
    assert result.summary["steps"] == 9 + 8 + 7


@pytest.mark.parametrize("step", [0, 3, 7])
def test_stopping_anywhere_changes_nothing(uninterrupted, tmp_path, step, monkeypatch):
    # Asked before each of the nine batches of the first epoch, after it, and so on.
    stop = iter([False] * (9 + step) + [True])
    monkeypatch.setattr(RunCallbacks, "out_of_time", lambda self: next(stop, False))
    stopped = fit(make_model(), train, valid(), OPTIONS, tmp_path, verbose=0).summary
    assert stopped["reason"] == "out of time" and not stopped["finished"]
    assert stopped["epochs"] == 1 and stopped["best_epoch"] == 1
    result = fit(make_model(99), train, valid(), OPTIONS, tmp_path, verbose=0)
    assert result.summary["finished"]
    assert_same_run(tmp_path, uninterrupted[0])


def test_more_epochs_go_on_from_the_end(uninterrupted, tmp_path):
    fit(make_model(), train, valid(), replace(OPTIONS, epochs=2), tmp_path, verbose=0)
    fit(make_model(99), train, valid(), OPTIONS, tmp_path, verbose=0)
    assert_same_run(tmp_path, uninterrupted[0])


def test_a_finished_run_returns_at_once_with_its_best_weights(uninterrupted):
    folder, expected = uninterrupted

    def no_data(epoch):
        raise AssertionError("nothing is left to train")

    model, best = make_model(99), make_model(98)
    result = fit(model, no_data, valid(), OPTIONS, folder, verbose=0)
    assert result == expected
    load_best(best, folder)
    for one, other in zip(model.weights, best.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_kill_before_the_summary_costs_no_training(uninterrupted):
    folder, expected = uninterrupted
    (folder / "summary.json").unlink()
    (folder / "curves.png").unlink()
    (folder / ".last.npz.half").write_bytes(b"PK")
    assert fit(make_model(99), lambda epoch: None, valid(), OPTIONS, folder, verbose=0) == expected
    assert (folder / "curves.png").exists() and not (folder / ".last.npz.half").exists()


def test_a_damaged_checkpoint_is_told(tmp_path):
    (tmp_path / "last.npz").write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="last.npz: damaged"):
        fit(make_model(), train, valid(), OPTIONS, tmp_path, verbose=0)


def test_best_weights_are_the_average_and_reach_the_logged_value(uninterrupted):
    folder, result = uninterrupted
    model = make_model(99)
    load_best(model, folder)
    model.compile(jit_compile=False)
    value = model.evaluate(valid(), verbose=0, return_dict=True)["loss"]
    assert value == pytest.approx(result.summary["best_value"], rel=1e-6)
    last = final(folder)
    kernel = last["model_0"]
    averages = [last[n] for n in last if n.startswith("optimizer") and last[n].shape == (4, 8)]
    assert any(np.array_equal(model.hidden.kernel, average) for average in averages)
    assert not np.array_equal(model.hidden.kernel, kernel)


def test_another_option_or_model_is_refused(uninterrupted, tmp_path):
    folder, _ = uninterrupted
    with pytest.raises(InputError, match="another learning_rate;"):
        fit(make_model(), train, valid(), replace(OPTIONS, learning_rate=0.5), folder)
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    with pytest.raises(InputError, match="another model"):
        fit(other, train, valid(), replace(OPTIONS, epochs=4), folder, verbose=0)
    with pytest.raises(InputError, match="does not fit this model"):
        load_best(other, folder)
    with pytest.raises(InputError, match="train at least one epoch"):
        load_best(other, tmp_path)


def test_starting_over_deletes_the_old_run(tmp_path):
    one = replace(OPTIONS, epochs=1, learning_rate=0.5)
    fit(make_model(), train, valid(), one, tmp_path, verbose=0)
    before = log(tmp_path)
    again = replace(OPTIONS, epochs=1)
    fit(make_model(), train, valid(), again, tmp_path, resume=False, verbose=0)
    assert len(log(tmp_path)) == 1 and log(tmp_path) != before
