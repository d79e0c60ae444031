"""From photos and captions to a file that captions: every verb, on a model that is soon trained."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from apps.captioning import unfamiliar
from apps.captioning.app import CAPTIONING
from apps.captioning.metadata import has_caption
from apps.verbs.cli import main
from shared.calibration import CALIBRATION
from shared.errors import InputError
from shared.export.goldens import check_goldens
from shared.presets.bundle import load_bundle
from shared.presets.store import load_preset
from shared.readers import read_json
from tests.apps.captioning.toy import captions_of, draw, toy_names, write_toy


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with data, a run, its preset and its bundle."""
    folder = write_toy(tmp_path_factory.mktemp("captioning") / "toy")
    files = ["--data", str(folder), "--backbone-weights", str(folder / "network.weights.h5")]
    words = ["--recipe", "tiny", "--run", str(folder / "run")]
    assert main(["train", "captioning", *files, *words]) == 0
    words = ["--preset", str(folder / "run" / "preset"), "--data", str(folder)]
    assert main(["export", "captioning", *words, "-o", str(folder / "bundle")]) == 0
    return folder


def spoken(capsys, *words, status=0):
    """What a command prints, if its exit status is this."""
    capsys.readouterr()
    assert main(list(map(str, words))) == status
    return capsys.readouterr().out


def right(name):
    """Every answer that is right for a picture, as the model says it."""
    return {text.removesuffix(" .") + "." for text in captions_of(name)}


def test_training_learned_and_wrote_a_preset(made):
    preset = made / "run" / "preset"
    figures = read_json(preset / "metrics.json")
    assert figures["bleu4"]["value"] > 90 and figures["distinct"]["value"] == 6
    assert (preset / "words.json").is_file() and (made / "bundle/words.json").is_file()
    assert "val_cider" in (made / "run" / "log.csv").read_text().splitlines()[0]
    assert "Commercial use is **not allowed**" in (preset / "README.md").read_text()
    assert check_goldens(made / "bundle") <= 1


def test_a_split_file_is_measured_and_its_captions_written(made, capsys):
    files = ["--images", made / "images", "--captions", made / "captions.txt",
             "--split-file", made / "splits/dev.txt", "-o", made / "captions.csv"]  # fmt: skip
    words = ["--preset", made / "bundle", "--backend", "litert", "--json"]
    values = json.loads(spoken(capsys, "evaluate", "captioning", *files, *words))
    assert values["n"] == 6
    names = ("bleu1", "bleu2", "bleu3", "bleu4", "cider", "rouge_l", "distinct")
    assert all(values[name] > 0 for name in names)
    rows = list(csv.DictReader(io.StringIO((made / "captions.csv").read_text())))
    assert len(rows) == 6 and rows[0]["image"] == "red_circle_0.png"


def test_the_bundle_captions_a_photo_and_shows_where_it_looked(made, capsys, tmp_path):
    preset = ["--preset", made / "bundle"]
    photo = made / "images/blue_square_0.png"
    picture = tmp_path / "where.png"
    answer = spoken(capsys, "caption", photo, *preset, "--attention", picture).strip()
    assert answer in right("blue square")
    image = Image.open(picture)
    assert image.format == "PNG" and image.width > 400
    words = ["inspect", "captioning", photo, "--preset", made / "run/preset"]
    spoken(capsys, *words, "-o", tmp_path / "gates.png", "--attention", tmp_path / "again.png")
    assert Image.open(tmp_path / "again.png").size == image.size
    # A larger one is blurred along its edges; what the toy makes of that depends on the processor.
    draw("green circle").resize((192, 192), Image.Resampling.NEAREST).save(tmp_path / "larger.png")
    answer = spoken(capsys, "caption", tmp_path / "larger.png", *preset).strip()
    assert answer in {text for name in toy_names() for text in right(name)}


def test_a_folder_with_a_bad_file_yields_the_others(made, capsys, tmp_path):
    (tmp_path / "in" / "deeper").mkdir(parents=True)
    shutil.copy(made / "images/red_circle_0.png", tmp_path / "in/deeper/a.png")
    shutil.copy(made / "images/red_square_0.png", tmp_path / "in/b.png")
    (tmp_path / "in/bad.jpg").write_text("no photo")
    preset = ["--preset", made / "bundle"]
    assert main(["caption", str(tmp_path / "in"), *map(str, preset)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("lstm-suite caption: 1 of 3 photos left out:")
    assert "and more" not in said.err
    assert "bad.jpg: not an image" in said.err and said.err.count("\n") == 1
    lines = dict(line.split("  ", 1) for line in said.out.splitlines())
    assert [name.rpartition("/")[2] for name in lines] == ["b.png", "a.png"]
    assert lines[str(tmp_path / "in/deeper/a.png")] in right("red circle")
    values = json.loads(spoken(capsys, "caption", tmp_path / "in", "--json", *preset, status=2))
    assert len(values["photos"]) == 2 and "bad.jpg" in values["failed"][0]["error"]


def test_json_and_csv_hold_the_n_best_and_their_scores(made, capsys, tmp_path):
    photos = [made / "images" / f"{name.replace(' ', '_')}_1.png" for name in toy_names()[:2]]
    words = [*photos, "--preset", made / "bundle", "--n-best", "3"]
    values = json.loads(spoken(capsys, "caption", *words, "--json"))
    assert [entry["photo"] for entry in values["photos"]] == [str(photo) for photo in photos]
    for entry in values["photos"]:
        scores = [found["score"] for found in entry["n_best"]]
        assert len(scores) == 3 and scores == sorted(scores, reverse=True)
        assert entry["caption"] == entry["n_best"][0]["text"]
    spoken(capsys, "caption", *words, "--csv", "-o", tmp_path / "a.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert [row["rank"] for row in rows] == ["1", "2", "3"] * 2
    assert rows[0]["caption"] == values["photos"][0]["caption"]
    assert np.diff([float(row["score"]) for row in rows[:3]]).max() <= 0


def test_a_calibrated_model_says_when_it_is_not_sure(made, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(unfamiliar, "COUNTS", {"blank": 6, "noise": 6})
    monkeypatch.setattr(unfamiliar, "_PHOTOS", {})
    shutil.copytree(made / "bundle", tmp_path / "bundle")
    shutil.copytree(made / "run/preset", tmp_path / "preset")
    photo = made / "images/red_circle_0.png"
    noise = np.random.default_rng(9).integers(0, 256, (96, 96, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    model = ["--preset", tmp_path / "bundle"]
    [before] = json.loads(spoken(capsys, "caption", photo, *model, "--json"))["photos"]
    assert before["confidence"] is None and not before["doubtful"]
    words = ["calibrate", "captioning", "--data", made, "--json"]
    values = json.loads(spoken(capsys, *words, *model, "--backend", "litert"))
    assert values["auroc"] > 0.9 and values["known"] == 6 and values["others"] == 12
    found = json.loads(spoken(capsys, "caption", photo, tmp_path / "noise.png", *model, "--json"))
    for entry in found["photos"]:
        assert entry["doubtful"] == (entry["confidence"] < values["threshold"])
    assert [entry["doubtful"] for entry in found["photos"]] == [False, True]
    assert spoken(capsys, "caption", tmp_path / "noise.png", *model).startswith("not sure: ")
    assert spoken(capsys, "caption", photo, *model).strip() in right("red circle")
    assert check_goldens(tmp_path / "bundle") <= 1
    spoken(capsys, *words, "--preset", tmp_path / "preset")  # its weights, with Keras
    assert (load_preset(tmp_path / "preset").folder / CALIBRATION).is_file()


def test_captions_are_kept_with_the_photos_and_a_stopped_folder_goes_on(made, capsys, tmp_path):
    names = toy_names()[:3]
    folder = tmp_path / "in"
    folder.mkdir()
    photos = [folder / f"a  {k}.png" for k in range(3)]
    for photo, name in zip(photos, names, strict=True):
        shutil.copy(made / f"images/{name.replace(' ', '_')}_1.png", photo)
    words = ["caption", folder, "--preset", made / "bundle"]
    (folder / "a  1.txt").write_text("my own notes")
    out = spoken(capsys, *words, "--sidecar", "--write-metadata", status=2)
    assert out.count("\n") == 2 and not has_caption(photos[1])
    assert (folder / "a  1.txt").read_text() == "my own notes"
    assert (folder / "a  0.txt").read_text() in {f"{text}\n" for text in right(names[0])}
    assert has_caption(photos[0]) and has_caption(photos[2])
    (folder / "a  1.txt").unlink()
    out = spoken(capsys, *words, "--sidecar", "--write-metadata", "--resume")
    assert out.startswith(f"{photos[1]}  ") and out.count("\n") == 1 and has_caption(photos[1])
    whole = [f"{photo}  {photo.with_suffix('.txt').read_text()}" for photo in photos]
    for kept in range(3):
        (tmp_path / "out.txt").write_text("".join(whole[:kept]) + str(photos[kept]))
        spoken(capsys, *words, "-o", tmp_path / "out.txt", "--resume")
        assert (tmp_path / "out.txt").read_text() == "".join(whole)


def test_the_demo_captions_its_own_photos(made, monkeypatch, tmp_path):
    def missing(*names):
        raise InputError("none")

    monkeypatch.setattr("shared.application.find_bundle", missing)
    assert CAPTIONING.samples(tmp_path, 0) == []
    bundle = load_bundle(made / "bundle")
    monkeypatch.setattr("shared.application.find_bundle", lambda *names: bundle)
    samples = CAPTIONING.samples(tmp_path, 0)
    assert len(samples) == 4
    assert all(path.is_file() for sample in samples for path, _ in sample.made)


@pytest.mark.parametrize(
    "stage",
    [
        ["--recipe", "scst", "--captions-per-photo", "2", "--learning-rate", "1e-9"],
        ["--cut", "block_15_add", "--tune", "--learning-rate", "1e-9", "--crops", "1"],
    ],
    ids=["self-critical", "fine-tuning"],
)
def test_later_stages_begin_with_weights_and_tokens_of_the_preset(made, tmp_path, capsys, stage):
    words = ["--data", made, "--start", made / "run/preset", "--run", tmp_path / "run",
             "--epochs", "1", "--json", "--batch", "4", *stage]  # fmt: skip
    out = spoken(capsys, "train", "captioning", *words)
    values = json.loads(out[out.index("{\n") :])
    assert values["bleu4"] > 90
    tokens = [f / "words.json" for f in (tmp_path / "run", made / "run/preset")]
    assert tokens[0].read_bytes() == tokens[1].read_bytes()
    photo = made / "images/red_circle_0.png"
    again = ["--preset", tmp_path / "run/preset", "--backend", "keras"]
    assert spoken(capsys, "caption", photo, *again).strip() in right("red circle")


@pytest.mark.parametrize(
    "words",
    [
        ["caption", "{}/missing.jpg"],
        ["caption", "{}/splits"],
        ["caption", "{}/captions.txt", "--preset", "{}/bundle"],
        ["caption", "{}/images", "--attention", "a.png"],
        ["caption", "{}/images/red_circle_0.png", "--attention", "a.gif"],
        ["caption", "{}/images", "--json", "--csv"],
        ["caption", "{}/images", "--resume"],
        ["caption", "{}/images", "--beam", "0"],
        ["evaluate", "captioning", "--images", "{}/images"],
        ["evaluate", "captioning", "--images", "{}/images", "--captions", "{}/missing"],
        ["evaluate", "captioning", "--data", "{}/images"],
        ["train", "captioning"],
        ["train", "captioning", "--data", "{}", "--captions", "{}/captions.txt"],
        ["train", "captioning", "--data", "{}", "--scst"],
        ["train", "captioning", "--data", "{}", "--scst", "--captions-per-photo", "1"],
        ["evaluate", "captioning"],
        ["calibrate", "captioning", "--preset", "{}/run/preset"],
        ["calibrate", "music"],
        ["train", "captioning", "--data", "{}", "--run", "{}/none", "--crops", "-1"],
        ["train", "captioning", "--data", "{}", "--start", "{}/run/preset", "--units", "3"],
        ["train", "captioning", "--images", "{}/images", "--captions", "{}/captions.txt",
         "--recipe", "tiny", "--run", "{}/run"],
        ["inspect", "captioning", "{}/images/red_circle_0.png", "--preset", "{}/run/preset",
         "--layer", "2"],
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_status_2(made, words, capsys):
    words = [word.format(made) for word in words]
    capsys.readouterr()
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"lstm-suite {words[0]}: ") and said.err.count("\n") == 1
