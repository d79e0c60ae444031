"""A model that lifts, from raw text to a file that translates: numbers and capitals come back."""

import random

import pytest

from apps.verbs.cli import main
from shared.readers import read_json
from tests.apps.translation.toy import toy_pairs

RECIPE = ["--epochs", "60", "--learning-rate", "0.01", "--schedule", "constant",
          "--attention", "additive", "--batch-tokens", "128", "--ema-momentum", "0.9",
          "--monitor", "val_nats_per_token", "--patience", "0", "--vocabulary", "450",
          "--bleu-sentences", "4", "--lifted", "--precision", "bfloat16"]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a run and its bundle; a third of the pairs have a number."""
    folder = tmp_path_factory.mktemp("lifted")
    draw = random.Random(0)
    lines = []
    for k, (source, target) in enumerate(toy_pairs()):
        source, target = source.capitalize() + ".", target[0].upper() + target[1:] + "."
        if k % 3 == 0:
            number = str(draw.randrange(1, 1000))
            source, target = (f"{text[:-1]} {number}." for text in (source, target))
        lines.append(f"{source}\t{target}\n")
    (folder / "pairs.tsv").write_text("".join(lines), encoding="utf-8")
    (folder / "extra.tsv").write_text("the dog\tder Hund\n" * 5, encoding="utf-8")
    files = ["--tsv", str(folder / "pairs.tsv"), "--extra", str(folder / "extra.tsv")]
    run = ["--run", str(folder / "run"), "--recipe", "tiny", *RECIPE]
    assert main(["train", "translation", *files, *run]) == 0
    for language, column in (("en", 0), ("de", 1)):
        text = "".join(line.rstrip("\n").split("\t")[column] + "\n" for line in lines[:24])
        (folder / f"val.{language}").write_text(text, encoding="utf-8")
    words = ["--preset", str(folder / "run" / "preset"), "--data", str(folder), "--split", "valid"]
    assert main(["export", "translation", *words, "-o", str(folder / "bundle")]) == 0
    return folder


def test_it_learned(made):
    preset = made / "run" / "preset"
    assert read_json(preset / "config.json")["config"]["lifted"] is True
    assert read_json(preset / "metrics.json")["bleu"]["value"] > 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The old man sees the dog 4711.", "Der alte Mann sieht der Hund 4711."),
        ("THE OLD MAN SEES THE DOG 3:30.", "DER ALTE MANN SIEHT DER HUND 3:30."),
        ("the old man sees the dog $48.87.", "der alte Mann sieht der Hund $48.87."),
        ("<b>The old man sees the dog.</b> 😀", "<b>Der alte Mann sieht der Hund.</b> 😀"),
        ("https://example.com", "https://example.com"),
    ],
)
def test_the_bundle_gives_back_what_was_lifted(made, capsys, text, expected):
    capsys.readouterr()
    words = ["translate", "--text", text, "--preset", str(made / "bundle"), "--from", "en"]
    assert main(words) == 0
    assert capsys.readouterr().out.strip() == expected


def test_a_glossary_is_kept_to(made, capsys, tmp_path):
    (tmp_path / "terms.tsv").write_text("dog\tKöter\n", encoding="utf-8")
    words = ["translate", "The old man sees the dog.", "--preset", str(made / "bundle")]
    capsys.readouterr()
    assert main([*words, "--from", "en", "--glossary", str(tmp_path / "terms.tsv")]) == 0
    assert "Köter" in capsys.readouterr().out
