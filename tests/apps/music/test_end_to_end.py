"""Training on what only music has; `tests/conformance/test_apps.py` goes from notes to a bundle."""

import json

import numpy as np
import pytest

from apps.verbs.cli import main
from shared.readers import read_json
from tests.apps.music.toy_data import scale_piece, write_canonical


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with data and a run."""
    folder = tmp_path_factory.mktemp("music")
    data = write_canonical(folder / "toy.json", train=3, valid=3)
    run = ["--run", str(folder / "run"), "--epochs", "2"]
    assert main(["train", "music", "--recipe", "tiny", "--data", str(data), *run]) == 0
    return folder


def test_fine_tuning_begins_with_the_weights_it_is_given(made, tmp_path):
    words = ["--start", str(made / "run" / "preset"), "--data", str(made / "toy.json")]
    run = ["--run", str(tmp_path), "--epochs", "1", "--learning-rate", "1e-9"]
    assert main(["train", "music", *words, *run]) == 0
    before, after = (
        read_json(folder / "preset" / "metrics.json")["nats_per_note"]["value"]
        for folder in (made / "run", tmp_path)
    )
    assert after == pytest.approx(before, abs=1e-3)


BAD = {
    "no such split": (lambda p: None, ["--split", "nonsense"], "it has: train"),
    "a pitch that is none": (lambda p: _spoil(p, 200), [], "piece 0, step 1"),
    "not JSON": (lambda p: p.write_text("chorale"), [], "not valid JSON"),
    "no file": (lambda p: p.unlink(), [], "cannot be read"),
}


def _spoil(path, value):
    piece = scale_piece(1)
    piece[1][2] = value
    path.write_text(json.dumps({"train": [piece], "valid": [piece]}))


@pytest.mark.parametrize("case", BAD)
def test_bad_data_is_one_line(tmp_path, capsys, case):
    spoil, words, message = BAD[case]
    data = write_canonical(tmp_path / "toy.json", train=1, valid=1)
    spoil(data)
    preset = ["--preset", "chorales", "--backend", "litert", "--split", "valid"]
    assert main(["evaluate", "music", *preset, "--data", str(data), *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_folder_of_scores_trains_and_says_what_it_leaves_out(tmp_path, capsys):
    from apps.music import score
    from apps.music.piece import metre, piece_from_pitches

    for number in range(3):
        pitches = np.array(scale_piece(2, shift=number))
        position, length = metre(len(pitches))
        piece = piece_from_pitches(f"{number}", pitches, position=position, bar_length=length)
        (tmp_path / f"{number}.musicxml").write_text(score.musicxml(piece))
    (tmp_path / "cut.mid").write_bytes(score.midi(piece)[:99])
    words = ["--recipe", "tiny", "--data", str(tmp_path), "--epochs", "1"]
    assert main(["train", "music", *words, "--run", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "preset" / "weights.npz").exists()
    assert "left out: 1 cut.mid (it is cut off" in capsys.readouterr().err


def test_a_share_is_0_to_1(made, capsys):
    words = ["--recipe", "tiny", "--data", str(made / "toy.json"), "--run", str(made / "none")]
    assert main(["train", "music", *words, "--melody-rate", "1.5"]) == 2
    assert "--melody-rate must be 0 to 1, not 1.5" in capsys.readouterr().err
    assert not (made / "none").exists()


def test_every_option_of_training_counts(made, tmp_path):
    words = ["--recipe", "tiny", "--data", str(made / "toy.json"), "--run", str(tmp_path)]
    sizes = ["--units", "4", "--holds", "--encoder-units", "2", "--max-frames", "60"]
    fit = ["--epochs", "1", "--schedule", "linear", "--warmup-steps", "1", "--patience", "3",
           "--clip-norm", "0.5", "--ema-momentum", "0.9"]  # fmt: skip
    data = ["--passes", "1", "--crop-frames", "24", "--batch", "2", "--masked-rate", "0"]
    assert main(["train", "music", *words, *sizes, *fit, *data]) == 0
    [stage] = read_json(tmp_path / "preset" / "recipe.json")["steps"].values()
    assert stage["config"]["units"] == [4] and stage["config"]["frames"] == 60
    assert (stage["fit"]["schedule"], stage["fit"]["clip_norm"]) == ("linear", 0.5)
    assert (stage["data"]["passes"], stage["data"]["masked_rate"]) == (1, 0.0)
    assert stage["ran"]["steps"] == 4 and stage["ran"]["examples"] == "3 pieces"
    harmonized = read_json(tmp_path / "preset" / "metrics.json")["nats_lower_harmonized"]
    assert harmonized["data"] == "3 validation pieces"
