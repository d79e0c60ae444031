import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from shared.errors import InputError
from shared.files import checksums
from shared.presets import catalog
from shared.presets.average import average_presets
from shared.presets.bundle import seal
from shared.presets.card import Card
from shared.presets.catalog import find_bundle, find_preset, list_presets
from shared.presets.store import (
    add_figures,
    assign_weights,
    config_from_json,
    figure,
    load_preset,
    save_preset,
)
from shared.presets.weights import model_weights

CARD = Card(
    title="A toy",
    summary="What it is.",
    training="How it was trained.",
    limits="What it cannot do.",
    license="cc-by-4.0",
    license_note="Credit nobody.",
    commercial_use=False,
    data=("Nothing: at all", "no"),
    languages=("en", "no"),
    tags=("toy",),
)
WEIGHTS = {
    "cell/kernel": np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4),
    "table": np.array([1, 70000], np.int32),
}
FIGURES = {"loss": figure(0.40625, "valid", "lstm-suite evaluate music --data F", "2025-11-22")}


@dataclass(frozen=True)
class Config:
    units: int = 4
    sizes: tuple[int, ...] = (1, 2)


class Variable:
    def __init__(self, path, value):
        self.path, self.value = path, value
        self.shape = value.shape

    def __array__(self, dtype=None, copy=None):
        return self.value

    def assign(self, value):
        self.value = np.asarray(value, self.value.dtype)


class Model:
    name = "toy"

    def __init__(self, **changes):
        arrays = {n: np.zeros_like(a) for n, a in WEIGHTS.items()} | changes
        self.weights = [Variable(f"toy/{n}", a) for n, a in arrays.items()]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A saved preset, in a checkout of its own."""
    monkeypatch.setattr(catalog, "SAVED_MODELS", tmp_path / "saved_models")
    monkeypatch.setattr(catalog, "BUNDLES", tmp_path / "tflite")
    (tmp_path / "vocabulary.txt").write_text("a\nb\n")
    folder = tmp_path / "saved_models" / "music" / "toy"
    save_preset(folder, "music", Config(), WEIGHTS, CARD, FIGURES, [tmp_path / "vocabulary.txt"])
    return folder


def refused(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def fake_bundle(name):
    """A folder with a sidecar and a file, as much of a bundle as finding it takes."""
    folder = catalog.BUNDLES / name
    folder.mkdir(parents=True)
    app, _, preset = name.partition("-")
    (folder / "model_int8.tflite").write_bytes(b"model")
    graph = {"inputs": [], "outputs": []}
    precision = {"shipped": True, "bytes": 5, "milliseconds": {}, "max_rel": 0}
    precision["metric"] = {"loss": 0.5}
    sidecar = {
        "format_version": 1,
        "app": app,
        "preset": preset,
        "config": {},
        "license": "mit",
        "license_note": "",
        "commercial_use": True,
        "data": [],
        "figures": {},
        "precision": "int8",
        "model": "model_int8.tflite",
        "precisions": {"int8": precision},
        "keras_metric": {},
        "measured": "",
        "signatures": {"encode": graph, "step": graph},
        **dict.fromkeys(("special_ids", "normalization", "decoding", "ops", "versions"), {}),
        "machine": "",
        "files": checksums(folder, ["model_int8.tflite"]),
    }
    (folder / "bundle.json").write_text(json.dumps(sidecar))
    seal(folder)
    return folder


def test_what_was_saved_is_read_back(folder):
    preset = load_preset(folder)
    assert (preset.app, preset.name, preset.card) == ("music", "toy", CARD)
    assert config_from_json(Config, preset.config, folder) == Config()
    assert preset.figures == FIGURES
    assert [path.name for path in preset.extra_files] == ["vocabulary.txt"]
    weights = preset.weights()
    assert weights["cell/kernel"].dtype == np.float16
    np.testing.assert_array_equal(weights["table"], WEIGHTS["table"])
    np.testing.assert_allclose(weights["cell/kernel"], WEIGHTS["cell/kernel"], rtol=2**-8)
    assert not (weights["cell/kernel"].view(np.uint16) & 7).any()  # of 8 significant bits


def test_saving_twice_gives_the_same_bytes_and_nothing_else(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert before.keys() == {
        *("config.json", "weights.npz", "metrics.json"),
        *("README.md", "checksums.json", "vocabulary.txt"),
    }
    vocabulary = folder.parents[2] / "vocabulary.txt"
    save_preset(folder, "music", Config(), WEIGHTS, CARD, FIGURES, [vocabulary])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["toy"]


def test_an_average_is_of_weights_alone(folder):
    vocabulary = folder / "vocabulary.txt"
    changed = WEIGHTS | {"cell/kernel": WEIGHTS["cell/kernel"] + 4}
    card = dataclasses.replace(CARD, training="Trained on.")
    more = folder.parent / "more"
    other = save_preset(more, "music", {}, changed, card, FIGURES, [vocabulary])
    made = average_presets(
        [load_preset(folder), other], [3, 1], folder.parent / "mean", "How.", {"steps": {}}
    )
    weights = made.weights()
    np.testing.assert_array_equal(weights["table"], WEIGHTS["table"])
    np.testing.assert_allclose(weights["cell/kernel"], WEIGHTS["cell/kernel"] + 1, atol=2**-5)
    assert (made.name, made.figures) == ("mean", {})
    assert made.config == load_preset(folder).config
    assert [path.read_text() for path in made.extra_files] == [vocabulary.read_text()]
    assert made.card.training == "How." and made.recipe == {"steps": {}}
    assert load_preset(folder).recipe is None


@pytest.mark.parametrize(
    ("weights", "note", "words", "message"),
    [
        ({"table": WEIGHTS["table"]}, CARD.license_note, "a\nb\n", "other weights"),
        (WEIGHTS, "Credit all.", "a\nb\n", "another license"),
        (WEIGHTS, CARD.license_note, "a\n", "another tokenizer"),
    ],
)
def test_what_cannot_be_averaged_is_refused(folder, tmp_path, weights, note, words, message):
    (tmp_path / "vocabulary.txt").write_text(words)
    card = dataclasses.replace(CARD, license_note=note)
    files = [tmp_path / "vocabulary.txt"]
    other = save_preset(folder.parent / "o", "music", {}, weights, card, {}, files)
    target = folder.parent / "mean"
    assert message in refused(average_presets, [load_preset(folder), other], [1, 1], target, "", {})
    assert not target.exists()


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert "other files" in refused(save_preset, tmp_path, "music", {}, WEIGHTS, CARD)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_every_damaged_or_missing_file_is_named(folder):
    for name in ("config.json", "weights.npz", "metrics.json", "README.md", "vocabulary.txt"):
        data = (folder / name).read_bytes()
        for damaged in (data[: len(data) // 2], bytes([data[0] ^ 1]) + data[1:], b""):
            (folder / name).write_bytes(damaged)
            assert name in refused(load_preset, folder)
        (folder / name).unlink()
        assert name in refused(load_preset, folder)
        (folder / name).write_bytes(data)
    for text in (
        "",
        "{}",
        "[1]",
        "[" * 99999,
        '{"config.json": 1, "weights.npz": 2, "metrics.json": 3}',
    ):
        (folder / "checksums.json").write_text(text)
        refused(load_preset, folder)


def test_weights_that_are_no_archive_are_refused_even_with_the_right_checksum(folder):
    for data in (b"PK\x03\x04 not really", (folder / "weights.npz").read_bytes()[:-60]):
        (folder / "weights.npz").write_bytes(data)
        names = [path.name for path in folder.iterdir() if path.name != "checksums.json"]
        (folder / "checksums.json").write_text(json.dumps(checksums(folder, names)))
        assert "weights.npz" in refused(load_preset(folder).weights)


def rewrite_config(folder, change):
    path = folder / "config.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    table = json.loads((folder / "checksums.json").read_text())
    table |= checksums(folder, ["config.json"])
    (folder / "checksums.json").write_text(json.dumps(table))


def test_another_format_or_unknown_keys_are_refused(folder):
    rewrite_config(folder, lambda header: header | {"format_version": 7})
    message = refused(load_preset, folder)
    assert "format version 7, this program reads 1" in message and str(folder) in message
    rewrite_config(folder, lambda header: header | {"format_version": 1, "colour": "blue"})
    assert "config.json: unknown keys colour" in refused(load_preset, folder)
    assert "not a preset" in refused(load_preset, folder.parent)


def test_a_name_that_leads_elsewhere_is_refused(folder, tmp_path):
    for name in ("x/../../../outside/here", "..", ".x", "", "a\\b", "a b", "ä"):
        for key in ("name", "app"):
            rewrite_config(folder, lambda h, k=key, n=name: h | {"name": "t", "app": "m", k: n})
            assert "config.json: " in (message := refused(load_preset, folder))
            assert "is no name" in message
    for name in (".toy", "my toy"):
        assert "is no name" in refused(save_preset, tmp_path / name, "music", {}, WEIGHTS, CARD)
        assert not (tmp_path / name).exists()


def test_every_part_of_the_card_and_the_figures_is_typed(folder):
    card = json.loads((folder / "config.json").read_text())["card"]
    for change in ({"commercial_use": "no"}, {"data": "x"}, {"title": None}, {"tags": [1]}):
        rewrite_config(folder, lambda h, c=change: h | {"card": card | c})
        assert f"config.json: card: {next(iter(change))}" in refused(load_preset, folder)


def test_config_keys_are_checked():
    assert config_from_json(Config, {"sizes": [3, 4]}, "f") == Config(4, (3, 4))
    assert refused(config_from_json, Config, {"unit": 4}, "f.json").startswith(
        "f.json: unknown keys unit"
    )
    assert "f: units must be" in refused(config_from_json, Config, {"units": "4"}, "f")
    assert "f: missing keys commercial_use" in refused(config_from_json, Card, {"title": "x"}, "f")


def test_weights_are_assigned_only_if_all_fit(folder):
    model = Model()
    assign_weights(model, folder)
    np.testing.assert_allclose(model.weights[0].value, WEIGHTS["cell/kernel"], rtol=2**-8)
    assert model.weights[0].value.dtype == np.float32
    assert "lacks bias" in refused(assign_weights, Model(bias=np.zeros(3)), folder)
    smaller = Model()
    del smaller.weights[1]
    assert "has unknown table" in refused(assign_weights, smaller, folder)
    wrong = Model(table=np.zeros(3, np.int32))
    assert "table has shape (2,), the model needs (3,)" in refused(assign_weights, wrong, folder)
    assert not wrong.weights[0].value.any()  # nothing was assigned on the way


def test_weights_beyond_float16_are_stored_as_float32(tmp_path, capsys):
    weights = {"kernel": np.float32([1e6, 0.1]), "bias": np.float32([65504, 0])}
    preset = save_preset(tmp_path / "p", "music", {}, {**weights, "small": np.ones(2)}, CARD)
    assert capsys.readouterr().err.endswith("p: stored as float32, beyond float16: bias, kernel\n")
    kept = preset.weights()
    for name, array in weights.items():  # 65504 would be rounded up
        np.testing.assert_array_equal(kept[name], array)
    assert kept["small"].dtype == np.float16


def test_weights_that_cannot_be_kept_are_refused_when_saved(tmp_path):
    for value in (np.inf, np.nan):
        with pytest.raises(InputError, match="kernel: weights are NaN or infinite"):
            save_preset(tmp_path / "p", "music", {}, {"kernel": np.float32([value])}, CARD)
    assert not list(tmp_path.iterdir())
    twins = Model()
    twins.weights *= 2
    with pytest.raises(ValueError, match="two variables are called 'cell/kernel'"):
        model_weights(twins)


def test_a_keras_model_goes_through(tmp_path):
    from tests.shared.export.toy import conditions, toy

    model, other = toy(0), toy(1)
    save_preset(tmp_path / "p", "music", {}, model, CARD)
    assign_weights(other, tmp_path / "p")
    a, b = (m.encode(conditions(1))["h"].numpy() for m in (model, other))
    np.testing.assert_allclose(a, b, atol=2e-3)


def test_model_card_says_what_hugging_face_reads(folder):
    yaml = pytest.importorskip("yaml")
    add_figures(folder, {"accuracy": figure(0.5, "test", "make", "2025-11-23")})
    text = (folder / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    matter = yaml.safe_load(front)
    assert matter["license"] == "cc-by-4.0" and matter["language"] == ["en", "no"]
    assert matter["datasets"] == ["Nothing: at all", "no"]
    assert matter["metrics"] == ["accuracy", "loss"] and matter["tags"] == ["lstm", "music", "toy"]
    for shown in ("# A toy", "Commercial use is **not allowed**. Credit nobody.", "0.4062"):
        assert shown in body
    assert "`lstm-suite evaluate music --data F` | 2025-11-22 |" in body
    assert load_preset(folder).figures.keys() == {"loss", "accuracy"}


def test_presets_are_found_by_name_and_by_path(folder, tmp_path):
    assert find_preset("music", "toy").folder == folder
    assert find_preset("music").folder == folder  # there is no other
    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    assert find_preset("music", moved).folder == moved
    assert find_preset("music", str(moved)).folder == moved
    message = refused(find_preset, "music", "tioy")
    assert "no saved model 'tioy'" in message and "known names: toy" in message
    assert "lstm-suite train captioning" in refused(find_preset, "captioning")
    assert "made for music, not for translation" in refused(find_preset, "translation", moved)


def test_bundles_are_found_by_name_and_by_default(folder, tmp_path):
    assert "there is no bundle yet" in refused(find_bundle, "music")
    assert "known names: none" in refused(find_bundle, "music", "chorales")
    default = fake_bundle("music-chorales")
    fake_bundle("music-other")
    only = fake_bundle("captioning-photos")
    assert find_bundle("music", None, "chorales").folder == default
    assert find_bundle("music", "other").preset == "other"
    assert find_bundle("captioning").folder == only  # it has no other
    assert find_bundle("captioning", only).folder == only
    fake_bundle("captioning-drawings")
    message = refused(find_bundle, "captioning")
    assert "which bundle?" in message and "drawings, photos" in message
    assert "made for music" in refused(find_bundle, "captioning", default)
    (default / "model_int8.tflite").write_bytes(b"mode")
    assert "checksum" in refused(find_bundle, "music", "chorales")


def test_the_list_leaves_out_what_is_not_whole(folder):
    fake_bundle("music-other")
    (fake_bundle("music-cut") / "model_int8.tflite").write_bytes(b"mod")
    (folder.parent / "notes").mkdir()
    shutil.copytree(folder, folder.parent / ".toy.abcd1234.new")
    half = Path(shutil.copytree(folder, folder.parent / "half"))
    (half / "checksums.json").unlink()
    said = []
    infos = list_presets({}, lambda error: said.append(str(error)))
    assert [info.name for info in infos] == ["other", "toy"]
    for message, name in zip(said, ("music-cut", "half", "notes"), strict=True):
        assert f"/{name}" in message and "\n" not in message
    assert find_preset("music", "toy").folder == folder
    assert "known names: half, toy" in refused(find_preset, "music", "tioy")


def test_the_list_tells_what_there_is(folder):
    fake_bundle("music-other")
    bundle, weights = list_presets({})
    assert (bundle.app, bundle.name, bundle.kind, bundle.bytes) == ("music", "other", "bundle", 5)
    assert bundle.commercial_use and bundle.measured == {"loss": 0.5}
    assert bundle.default and weights.default
    assert (weights.name, weights.kind, weights.license) == ("toy", "weights", "cc-by-4.0")
    assert not weights.commercial_use and weights.figures == FIGURES
    assert weights.bytes == (folder / "weights.npz").stat().st_size
