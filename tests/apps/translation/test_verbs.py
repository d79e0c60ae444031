"""From raw text to a file that translates: every verb, on a model that takes seconds to train."""

import json

import numpy as np
import pytest

from apps.verbs.cli import main
from shared.readers import read_json
from tests.apps.translation.toy import toy_pairs, write_toy

# Additive attention: it learns where to look in fewer steps than the multiplicative one.
RECIPE = ["--epochs", "70", "--learning-rate", "0.01", "--schedule", "constant",
          "--attention", "additive", "--batch-tokens", "96", "--ema-momentum", "0.9",
          "--monitor", "val_nats_per_token", "--patience", "0",
          "--vocabulary", "400", "--bleu-sentences", "4"]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with data, a run, its preset and its bundle."""
    folder = tmp_path_factory.mktemp("translation")
    source, target = map(str, write_toy(folder))
    for path, line in ((source, "\n"), (target, "leer\n")):
        with open(path, "a", encoding="utf-8") as file:
            file.write(line)
    files = ["--source", source, "--target", target]
    run = ["--run", str(folder / "run"), "--recipe", "tiny", *RECIPE]
    assert main(["train", "translation", *files, *run]) == 0
    for language, path in (("en", source), ("de", target)):  # a folder as export and --data want
        for split in ("train", "val"):
            text = open(path, encoding="utf-8").read().splitlines(keepends=True)[:24]
            (folder / f"{split}.{language}").write_text("".join(text), encoding="utf-8")
    words = ["--preset", str(folder / "run" / "preset"), "--data", str(folder)]
    assert main(["export", "translation", *words, "-o", str(folder / "bundle")]) == 0
    return folder


def spoken(capsys, *words):
    """What a command prints, if it works."""
    capsys.readouterr()
    assert main(list(words)) == 0
    return capsys.readouterr().out


def test_training_learned_and_wrote_a_preset(made):
    preset = made / "run" / "preset"
    figures = read_json(preset / "metrics.json")
    assert figures["bleu"]["value"] > 80
    assert read_json(made / "run" / "summary.json")["left_out"] == {"empty on a side": 1}
    assert "sacreBLEU nrefs:1|case:mixed" in figures["bleu"]["data"]
    assert (preset / "tokenizer.model").is_file() and (made / "bundle/tokenizer.model").is_file()
    assert "val_bleu" in (made / "run" / "log.csv").read_text().splitlines()[0]


def test_the_bundle_translates_a_sentence_a_file_and_paragraphs(made, capsys, tmp_path):
    preset = ["--preset", str(made / "bundle")]
    texts = dict(toy_pairs())
    sentences = ["the old man sees the dog", "the cat hears the big man"]
    right = [texts[s] for s in sentences]
    answer = spoken(capsys, "translate", sentences[0], *preset).strip()
    assert answer == right[0]
    (tmp_path / "in.txt").write_text(f"{sentences[0]}\n\n{sentences[1]}\n", encoding="utf-8")
    words = [str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.txt")]
    spoken(capsys, "translate", *words, *preset)
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == f"{right[0]}\n\n{right[1]}\n"


def test_a_file_with_a_structure_comes_back_with_it(made, capsys, tmp_path):
    preset = ["--preset", str(made / "bundle")]
    timed = "1\n00:00:01,000 --> 00:00:02,000\n{}\n\n2\n00:00:02,100 --> 00:00:03,000\n<i>{}</i>\n"
    source, target = "the old man sees the dog", dict(toy_pairs())["the old man sees the dog"]
    (tmp_path / "in.srt").write_text(timed.format(source[:16], source[17:]), encoding="utf-8")
    spoken(capsys, "translate", str(tmp_path / "in.srt"), "-o", str(tmp_path / "out.srt"), *preset)
    cut = target.index("sieht") + 5
    assert (tmp_path / "out.srt").read_text(encoding="utf-8") == timed.format(
        target[:cut], target[cut + 1 :]
    )
    page = spoken(
        capsys, "translate", "--html", f"<p>{source[:4]}<b>old</b> man sees the dog", *preset
    )
    assert page == f"<p>{target[:4]}<b>alte</b>{target[8:]}\n"
    assert main(["translate", str(tmp_path / "in.srt"), "--n-best", "2", *preset]) == 2


def test_json_holds_what_was_found_and_where_it_looked(made, capsys, tmp_path):
    picture = tmp_path / "map.png"
    words = ["--preset", str(made / "bundle"), "--n-best", "3", "--attention", str(picture)]
    values = json.loads(spoken(capsys, "translate", "the man sees the dog", "--json", *words))
    [text] = values["texts"]
    [sentence] = text["sentences"]
    assert text["translation"] == sentence["n_best"][0]["text"]
    scores = [found["score"] for found in sentence["n_best"]]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)
    best = sentence["n_best"][0]
    alignment = np.array(best["attention"])
    assert alignment.shape == (len(best["pieces"]), len(best["source_pieces"]))
    np.testing.assert_allclose(alignment.sum(1), 1, atol=0.02)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_text_that_is_too_long_for_the_model_is_not_cut(made, capsys):
    long = " and ".join(["the old man sees the dog"] * 12)
    preset = ["--preset", str(made / "bundle")]
    values = json.loads(spoken(capsys, "translate", long, "--json", *preset))
    parts = [sentence["source"] for sentence in values["texts"][0]["sentences"]]
    assert len(parts) > 1 and " ".join(parts).split() == long.split()


def test_fine_tuning_begins_with_weights_and_tokenizer_of_the_preset(made, tmp_path, capsys):
    files = ["--source", str(made / "val.en"), "--target", str(made / "val.de")]
    words = ["--start", str(made / "run" / "preset"), "--run", str(tmp_path), "--epochs", "1",
             "--learning-rate", "1e-9", "--json"]  # fmt: skip
    out = spoken(capsys, "train", "translation", *files, *words)
    assert json.loads(out[out.index("{\n") :])["bleu"] > 80
    tokenizers = [f / "tokenizer.model" for f in (tmp_path, made / "run")]
    assert tokenizers[0].read_bytes() == tokenizers[1].read_bytes()


@pytest.mark.parametrize(
    "words",
    [
        ["translate", "a", "--to", "xx"],
        ["translate", "a", "--beam", "0"],
        ["translate", "a", "--attention", "map.gif"],
        ["translate", " "],
        ["evaluate", "translation", "--source", "{}/val.en"],
        ["evaluate", "translation", "--source", "{}/val.en", "--reference", "{}/missing"],
        ["train", "translation", "--source", "{}/val.en"],
        ["train", "translation", "--tsv", "{}/val.en"],
        ["train", "translation", "--data", "{}", "--tsv", "{}/val.en"],
        ["train", "translation", "--start", "{}/run/preset", "--embedding", "3"],
        ["train", "translation", "--source", "{}/val.en", "--target", "{}/val.de", "--recipe",
         "tiny", "--run", "{}/run"],
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_status_2(made, words, capsys):
    words = [word.format(made) for word in words]
    if words[0] == "translate":
        words += ["--preset", str(made / "bundle")]
    elif words[0] == "evaluate":
        words += ["--preset", str(made / "run" / "preset")]
    capsys.readouterr()
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"lstm-suite {words[0]}: ") and error.count("\n") == 1
