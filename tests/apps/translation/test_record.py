"""What is kept of a measurement, on a model of six directions that was never trained."""

import dataclasses
import json
import zipfile
from pathlib import Path

import pytest

from apps.translation import evaluate as figures
from apps.translation.app import RECIPES
from apps.translation.data import load
from apps.verbs.cli import main
from shared.presets.card import Card
from shared.presets.catalog import SAVED_MODELS
from shared.presets.store import add_figures, load_preset, save_preset
from shared.readers import read_json
from tests.apps.translation.toy import TINY, random_model, toy_tokenizer

CODES = {"deu": "Hund", "spa": "perro", "fra": "chien"}
DIRECTIONS = RECIPES["base"].config.directions
NAMES = ["_".join(pair) for pair in DIRECTIONS]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with ``data``, as Tatoeba's, and ``six``."""
    folder = tmp_path_factory.mktemp("figures")
    (folder / "data").mkdir()
    for code, word in CODES.items():
        lines = [f"Dog {k}.\t{word} {k}.\tCC-BY" for k in range(400)]
        with zipfile.ZipFile(folder / "data" / f"{code}-eng.zip", "w") as archive:
            archive.writestr(f"{code}.txt", "\n".join(lines) + "\n")
    config = dataclasses.replace(TINY, directions=DIRECTIONS, multilingual=True)
    tokenizer = toy_tokenizer(folder, config.symbols)
    config = dataclasses.replace(config, vocabulary=tokenizer.vocabulary)
    parts = ("directions", "multilingual", "vocabulary")
    model = random_model(**{name: getattr(config, name) for name in parts})
    card = Card("T", "S.", "By nobody.", "All.", "other", "None.", False, ("none",))
    save_preset(
        folder / "six",
        "translation",
        config,
        model,
        card,
        extra_files=[folder / "tokenizer.model"],
    )
    return folder


@pytest.fixture
def evaluate(made, capsys):
    def call(*words, status=0):
        capsys.readouterr()
        asked = ["--preset", str(made / "six"), "--data", str(made / "data"), *words]
        assert main(["evaluate", "translation", *asked]) == status
        out, error = capsys.readouterr()
        return error if status else out

    return call


def test_every_direction_is_measured_beside_the_dictionary(made, evaluate, monkeypatch):
    pairs = load(made / "data", "test", DIRECTIONS)
    count = len(pairs) // 6
    known = dict.fromkeys(NAMES, (count, 12.5)) | {"en_fr": (count + 1, 9.0)}
    monkeypatch.setattr(figures, "WORD_BY_WORD", known)
    values = json.loads(evaluate("--json"))
    assert values["n"] == len(pairs) and all(f"bleu_{name}" in values for name in NAMES)
    each = [values[f"bleu_{name}"] for name in NAMES]
    assert values["bleu"] == pytest.approx(sum(each) / 6)
    assert values["word_by_word_bleu_en_de"] == 12.5
    assert "word_by_word_bleu_en_fr" not in values  # of another release
    lines = dict(line.split(maxsplit=1) for line in evaluate().splitlines())
    assert lines["word_by_word_bleu_en_de"] == "12.5"
    assert lines["bleu_en_de"] == str(values["bleu_en_de"])
    assert "word_by_word" not in evaluate("--split", "valid")


def test_a_limit_leaves_no_direction_out(evaluate):
    values = json.loads(evaluate("--json", "--limit", "12"))
    assert values["n"] == 12 and all(f"bleu_{name}" in values for name in NAMES)
    assert "limit is -1" in evaluate("--limit", "-1", status=2)


def test_figures_are_recorded_with_floors_which_hold(made, evaluate):
    evaluate("--record", "--split", "valid")
    evaluate("--record")
    entries = load_preset(made / "six").figures
    pairs = load(made / "data", "test", DIRECTIONS)
    for name in NAMES:
        entry = entries[f"test_bleu_{name}"]
        assert entry["value"] - 1.1 <= entry["floor"] or entry["floor"] == 0
        assert entry["data"].startswith(f"{len(pairs) // 6} pairs of the test split; sacreBLEU")
        assert entry["command"].endswith("--preset six --data data --split test")
        assert "floor" not in entries[f"bleu_{name}"]
    raised = {"test_bleu_en_de": {**entries["test_bleu_en_de"], "floor": 99.0}}
    add_figures(made / "six", raised)
    before = read_json(made / "six" / "metrics.json")
    assert "below its floor 99" in evaluate("--record", status=2)
    assert read_json(made / "six" / "metrics.json") == before


@pytest.mark.parametrize(
    "words",
    [
        ["--limit", "6"],
        ["--to", "de"],
        ["--beam", "1"],
        ["--backend", "litert", "--preset", "tatoeba"],
    ],
)
def test_a_part_of_a_measurement_is_not_recorded(evaluate, words):
    assert "--record takes all pairs" in evaluate("--record", *words, status=2)


def test_the_source_language_is_guessed_where_only_the_target_is_given(made, capsys):
    for text, words, expected in [
        ("Der alte Mann sieht den Hund und geht nach Hause.", ["--to", "en"], ("de", "en")),
        ("Le vieil homme voit le chien et rentre chez lui.", ["--to", "en"], ("fr", "en")),
        ("El viejo ve al perro y se va a casa.", ["--to", "en"], ("es", "en")),
        ("The old man sees the dog and goes home.", ["--to", "fr"], ("en", "fr")),
        ("The old man sees the dog and goes home.", [], ("en", "de")),
    ]:
        preset = ["--preset", str(made / "six"), "--backend", "keras", "--beam", "1"]
        assert main(["translate", text, "--json", *preset, *words]) == 0
        values = json.loads(capsys.readouterr().out)
        assert (values["source_language"], values["target_language"]) == expected


def test_an_export_measures_as_many_as_it_is_told(made, capsys):
    words = ["--preset", str(made / "six"), "--data", str(made / "data"), "--limit", "12"]
    assert main(["export", "translation", *words, "-o", str(made / "bundle")]) == 0
    side = read_json(made / "bundle" / "bundle.json")
    count = len(load(made / "data", "valid", DIRECTIONS))
    assert side["measured"] == f"12 of {count} pairs, valid"
    assert all(f"bleu_{name}" in side["keras_metric"] for name in NAMES)


@pytest.mark.parametrize("folder", sorted((SAVED_MODELS / "translation").glob("*")), ids=str)
def test_shipped_figures_hold_their_floors(folder: Path):
    preset = load_preset(folder)
    for name, entry in preset.figures.items():
        assert entry["value"] >= entry.get("floor", 0), name
    config = preset.config
    if config["multilingual"]:
        for source, target in config["directions"]:
            assert "floor" in preset.figures[f"test_bleu_{source}_{target}"]
