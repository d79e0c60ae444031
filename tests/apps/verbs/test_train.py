"""Recipes run step by step; `train` itself is stood in for."""

import dataclasses
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest

from apps.music.app import MUSIC
from apps.verbs import train
from apps.verbs.cli import main
from shared.files import write_json
from shared.presets.store import load_preset
from shared.recipe import Mean, recipe_to_json

TINY = MUSIC.stage("tiny")
RECIPE = {
    "first": TINY,
    "preset": dataclasses.replace(TINY, start="first"),
    "mean": Mean(("first", "preset"), (1.0, 2.0)),
}


@pytest.fixture
def calls(monkeypatch):
    """What was trained and averaged, in turn."""
    made = []
    finished = [True, True]

    def preset(output):
        return SimpleNamespace(name=output.name, folder=output, figures={})

    def stand_in(app, stage, start, place, output):
        made.append((start and start.name, place.name, output, stage))
        return preset(output), {"finished": finished[len(made) - 1]}

    def mean(app, presets, shares, output):
        made.append(([p.name for p in presets], shares, output))
        return preset(output)

    monkeypatch.setattr(train, "train", stand_in)
    monkeypatch.setattr(train, "average", mean)
    return SimpleNamespace(made=made, finished=finished)


@pytest.fixture
def recipe(tmp_path):
    write_json(tmp_path / "recipe.json", recipe_to_json("music", RECIPE))
    return ["train", "music", "--recipe", str(tmp_path / "recipe.json")]


def test_a_recipe_is_run_step_by_step(calls, recipe, tmp_path):
    run = tmp_path / "run"
    assert main([*recipe, "--run", str(run), "--data", "mine.json", "--minutes", "5"]) == 0
    first, second, mean = calls.made
    assert first[:3] == (None, "1-first", run / "1-first" / "first")
    assert second[:3] == ("first", "2-preset", run / "2-preset" / "preset")
    assert mean == (["first", "preset"], (1.0, 2.0), run / "preset")
    assert first[3].data.data == "mine.json" and second[3].fit.max_minutes == 5


def test_a_step_without_time_to_end_is_the_last(calls, recipe, tmp_path, capsys):
    calls.finished[0] = False
    assert main([*recipe, "--run", str(tmp_path / "run")]) == 0
    assert len(calls.made) == 1
    assert "stopped before first ended; run again" in capsys.readouterr().out


def test_an_interrupted_training_says_how_to_go_on(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(train, "train", Mock(side_effect=KeyboardInterrupt))
    run = tmp_path / "run"
    assert main(["train", "music", "--recipe", "tiny", "--run", str(run)]) == 130
    assert capsys.readouterr().err == f"stopped; the same command goes on with {run}\n"


@pytest.mark.parametrize("words", [["--epochs", "3"], ["--units", "4"], ["--start", "chorales"]])
def test_a_recipe_is_run_as_it_is(calls, recipe, words, capsys):
    assert main([*recipe, *words]) == 2
    assert "is run as it is" in capsys.readouterr().err and not calls.made


def test_fine_tuning_keeps_the_sizes_but_for_what_may_change(calls, tmp_path, capsys):
    words = ["train", "music", "--start", "chorales", "--run", str(tmp_path)]
    assert main([*words, "--units", "4"]) == 2
    assert "leave out units" in capsys.readouterr().err
    assert main([*words, "--dropout", "0.1", "--seed", "3"]) == 0
    [(start, _, output, stage)] = calls.made
    assert (start, output) == ("chorales", tmp_path / "preset")
    assert (stage.config.encoder_units, stage.config.dropout, stage.fit.seed) == (96, 0.1, 3)


def test_a_preset_is_not_written_over_its_run(calls, tmp_path, capsys):
    run = tmp_path / "all" / "run"
    for output, status in ((run, 2), (run.parent, 2), (run / "mine", 0), (tmp_path / "mine", 0)):
        assert main(["train", "music", "--run", str(run), "-o", str(output)]) == status
        said = capsys.readouterr().err
        assert ("the run is in it" in said) == (status == 2)
        assert run.exists() == (status == 0)
    assert len(calls.made) == 2


def test_a_training_that_diverges_leaves_the_best_epoch_s_preset(monkeypatch, tmp_path, capsys):
    from shared.training.checkpoint import NonFiniteError
    from shared.training.fit import FitResult

    error = NonFiniteError("the loss became nan in epoch 3, step 7")
    hardware = {"cores": 2}
    summary = {"steps": 9, "minutes": 1.0, "hardware": hardware, "best_epoch": 2, "finished": False}
    ready = Mock(steps=9, left_out={}, config=TINY.config, examples="3 pieces", files=[])
    ready.model = {"kernel": np.float32([1e6])}
    monkeypatch.setattr("shared.training.fit.fit", Mock(side_effect=error))
    monkeypatch.setattr(type(MUSIC), "prepare", lambda *args: ready)
    monkeypatch.setattr(train, "measure", lambda app, preset, *args: preset)
    run = tmp_path / "run"
    words = ["train", "music", "--recipe", "tiny", "--run", str(run)]
    for best, end in (
        (None, "or check the data\n"),
        (run / "best", f"{run}/preset has the weights of epoch 2, the best one before\n"),
    ):
        error.result = FitResult(summary, best)
        assert main(words) == 2
        said = capsys.readouterr().err.splitlines(keepends=True)[-1]
        assert "training: the loss became nan in epoch 3, step 7; lower" in said
        assert said.endswith(end) and (run / "preset").exists() == bool(best)
    assert load_preset(run / "preset").weights()["kernel"] == np.float32(1e6)
