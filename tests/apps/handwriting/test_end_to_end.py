"""From raw ink to a file that writes: every verb, on a model that takes seconds to train."""

import json

import numpy as np
import pytest

from apps.handwriting.ink import read_strokes
from apps.handwriting.verbs import open_judge
from apps.verbs.cli import main
from shared.readers import read_json
from tests.apps.handwriting.toy_ink import write_json, write_unipen

TINY = ["--recipe", "tiny"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with data, a run, its preset and its bundle."""
    folder = tmp_path_factory.mktemp("handwriting")
    write_unipen(folder / "unipen", writers=4)
    data = ["--data", str(folder / "unipen")]
    assert main(["train", "handwriting", *TINY, *data, "--run", str(folder / "run")]) == 0
    words = ["--preset", str(folder / "run" / "preset"), *data, "-o", str(folder / "bundle")]
    assert main(["export", "handwriting", "--split", "all", *words]) == 0
    return folder


def test_training_wrote_a_preset_with_its_figures(made):
    preset = made / "run" / "preset"
    figures = read_json(preset / "metrics.json")
    assert figures["nats_per_point"]["value"] < 3
    assert "--split valid" in figures["nats_per_point"]["command"]
    config = read_json(preset / "config.json")["config"]
    assert config["styles"] == ["printed"] * 3 and config["default_style"] == "printed"
    card = (preset / "README.md").read_text()
    assert "UNIPEN" in card and "10.5281/zenodo.1195803" in card and "person" not in card


def test_a_judge_reads_what_is_written(made, capsys, monkeypatch):
    monkeypatch.setattr("apps.handwriting.verbs.rapidocr", lambda: lambda strokes: "an ant")
    words = ["--preset", str(made / "run" / "preset"), "--data", str(made / "unipen"), "--json"]
    capsys.readouterr()
    assert main(["evaluate", "handwriting", *words, "-n", "3", "--seeds", "2"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["resampling"] == "1/90"
    assert values["written"] == 6 and 0 <= values["ended"] <= 1
    assert values["cer"] > 0 and values["cer_real"] > 0


def test_without_the_judge_it_is_one_line(made, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rapidocr_onnxruntime", None)
    words = ["evaluate", "handwriting", "--data", str(made / "unipen")]
    assert main([*words, "--judge", "rapidocr"]) == 2
    assert "lstm-suite[judge]" in capsys.readouterr().err
    assert open_judge("auto") is None
    assert "no character error rates" in capsys.readouterr().err


@pytest.fixture
def write(made, capsys):
    """Runs ``write`` with the bundle; the JSON that it says."""

    def run(*words):
        capsys.readouterr()
        command = ["write", *words, "--preset", str(made / "bundle"), "--draws", "1", "--json"]
        assert main(command) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_the_bundle_writes_every_format(write, tmp_path):
    outputs = [str(tmp_path / f"note.{end}") for end in ("svg", "png", "json")]
    said = write("an ant", "in oil", "-o", *outputs, "--animate", str(tmp_path / "moving.svg"),
                 "--show-window", str(tmp_path / "window.png"), "--style", "printed-2")  # fmt: skip
    assert said["lines"] == 1 and len(said["files"]) == 5
    assert (tmp_path / "note.svg").read_text().startswith("<svg")
    assert "animation" in (tmp_path / "moving.svg").read_text()
    for name in ("note.png", "window.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    [(text, strokes)] = read_strokes(tmp_path / "note.json")
    assert text == "an ant in oil" and sum(map(len, strokes)) == said["points"]


def test_the_same_seed_writes_the_same(write, tmp_path):
    for name, seed in (("a", "4"), ("b", "4"), ("c", "5")):
        write("an ant", "-o", str(tmp_path / f"{name}.svg"), "--seed", seed)
    a, b, c = ((tmp_path / f"{n}.svg").read_text() for n in "abc")
    assert a == b != c


def test_long_texts_become_lines_and_pages(write, tmp_path):
    (tmp_path / "text.txt").write_text("an ant in a tin\n\n" + "not a lot of oil " * 3)
    said = write(str(tmp_path / "text.txt"), "-o", str(tmp_path / "n.svg"), "--page", "a4",
                 "--size", "6", "--margin", "55", "--spacing", "8", "--paper", "ruled",
                 "--width", "speed")  # fmt: skip
    assert said["lines"] > 4 and said["pages"] == len(said["files"]) > 1
    assert (tmp_path / "n-2.svg").exists()


def test_it_goes_on_in_the_manner_of_own_ink(write, tmp_path):
    like = write_json(tmp_path / "mine.json", ("an ant", "to"))
    out = str(tmp_path / "a.json")
    said = write("a tin", "--like", str(like), "-o", out)
    assert said["lines"] == 1
    points = np.concatenate(read_strokes(out)[0][1])
    assert points[:, 0].min() > 0


def test_signs_beyond_ascii_need_the_fallback(made, tmp_path, capsys):
    command = ["write", "a \xb0", "-o", str(tmp_path / "a.svg"), "--preset", str(made / "bundle")]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "U+00B0" in error and error.count("\n") == 1
    assert main([*command, "--fallback", "--draws", "1"]) == 0


BAD = {
    "no text": ([" "], "nothing to write"),
    "no file": (["none.txt"], "no such file"),
    "format": (["a", "-o", "a.ps"], "cannot write .ps"),
    "style": (["a", "--style", "gothic"], "no style"),
    "bias": (["a", "--bias", "-1"], "bias"),
    "ink": (["a", "--ink", "#1"], "no color"),
    "size": (["a", "--size", "0"], "size in mm must be"),
    "draws": (["a", "--draws", "0"], "draws must be"),
    "seed": (["a", "--seed", "-1"], "seed must be"),
    "like": (["a", "--like", "none.json"], "none.json"),
    "window": (["a", "--show-window", "a.svg"], ".png"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line(made, capsys, case):
    words, message = BAD[case]
    assert main(["write", *words, "--preset", str(made / "bundle")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_fine_tuning_on_one_hand_begins_with_the_weights_it_is_given(made, tmp_path):
    data = write_json(tmp_path / "mine.json", ("an ant", "to", "oil", "lot", "a tin") * 2)
    words = ["--start", str(made / "run" / "preset"), "--data", str(data), "--points", "800"]
    run = ["--run", str(tmp_path / "run"), "--epochs", "1", "--learning-rate", "1e-9"]
    assert main(["train", "handwriting", *words, *run]) == 0
    config = read_json(tmp_path / "run" / "preset" / "config.json")["config"]
    assert config["styles"] == ["printed"] * 3 and config["default_style"] == "any"
    a, b = (
        np.load(folder / "preset" / "weights.npz") for folder in (made / "run", tmp_path / "run")
    )
    for name in a.files:
        np.testing.assert_allclose(a[name], b[name], atol=1e-3)


def test_starting_from_a_model_keeps_its_sizes(made, tmp_path, capsys):
    words = ["--start", str(made / "run" / "preset"), "--data", str(made / "unipen")]
    assert main(["train", "handwriting", *words, "--units", "8", "--run", str(tmp_path)]) == 2
    assert "leave out units" in capsys.readouterr().err


def test_sheets_are_drawn_for_each_contributor(made, tmp_path, capsys):
    words = ["sheets", str(made / "unipen"), "-o", str(tmp_path), "--items", "3", "--json"]
    capsys.readouterr()
    assert main(words) == 0
    assert list(json.loads(capsys.readouterr().out)["items"]) == ["aga"]
    assert (tmp_path / "aga.png").read_bytes().startswith(b"\x89PNG")
