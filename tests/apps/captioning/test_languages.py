"""Captions in two languages from one model, and pre-training on captions without photos."""

import dataclasses
import json
import lzma

import numpy as np
import pytest
import tensorflow as tf

from apps.captioning import pretraining
from apps.captioning.data import Photo, encode_captions, pipeline
from apps.captioning.formats import read_sentences
from apps.captioning.languages import also_in, in_language
from apps.captioning.pretraining import LanguageModel
from apps.captioning.selfcritical import cider_reward
from apps.captioning.words import learn_tokenizer, open_tokenizer, start_of
from apps.verbs.cli import main
from shared.errors import InputError
from shared.readers import read_json
from shared.text import END, START, UNKNOWN
from tests.apps.captioning.toy import TINY, captions_of, random_model, toy_names, write_toy

ENGLISH = ["A dog in the park .", "A man and a dog ."]
GERMAN = ["Ein Mann mit Hund .", "Der Hund ist im Park .", "Hunde sind im Park ."]
ADJECTIVES = {"red": "rot", "green": "grün", "blue": "blau"}


def german_of(name):
    """Two ways to say what a toy picture shows."""
    color, shape = name.split()
    what = {"circle": "er Kreis", "square": "es Quadrat"}[shape]
    return [
        f"Ein {ADJECTIVES[color]}{what} auf Weiß .",
        f"Hier ist ein {ADJECTIVES[color]}{what} .",
    ]


@pytest.fixture
def tokenizer(tmp_path):
    return learn_tokenizer(ENGLISH, tmp_path, TINY, {"de": GERMAN})


def test_each_language_has_words_and_a_start_of_its_own(tokenizer, tmp_path):
    assert tokenizer.starts == {"en": START, "de": END + 1}
    assert tokenizer.vocabulary == 5 + 7 + 10
    english, german = tokenizer.encode("In the park"), tokenizer.encode("im park", "de")
    assert not set(english) & set(german) and UNKNOWN not in english + german
    assert tokenizer.decode([START, *english, END]) == "in the park"
    # As people write it inside a sentence, not at its beginning.
    assert tokenizer.decode([END + 1, *german]) == "im Park"
    assert tokenizer.decode(tokenizer.encode("EIN HUND", "de")) == "ein Hund"
    assert tokenizer.pieces([END + 1, german[1]]) == ["<de>", "▁Park"]
    again = tmp_path / "again"
    again.mkdir()
    tokenizer.save(again / "words.json")
    assert open_tokenizer(again).words == tokenizer.words
    assert start_of(tokenizer, "de") == END + 1 and start_of(tokenizer) == START
    with pytest.raises(InputError, match="this model writes en, de, not 'fr'"):
        start_of(tokenizer, "fr")
    with pytest.raises(InputError, match="need --tokens words"):
        learn_tokenizer(ENGLISH, tmp_path, dataclasses.replace(TINY, tokens="subwords"),
                        {"de": GERMAN})  # fmt: skip


def test_captions_in_another_language_are_of_the_same_photos(tokenizer, tmp_path):
    names = ["a.jpg", "b.jpg", "c.jpg"]
    photos = [Photo(tmp_path / name, tuple(ENGLISH)) for name in names]
    path = tmp_path / "de.csv.xz"
    rows = ["image,caption", "b.jpg,Ein Mann .", "b.jpg,Hunde links im Park .", "z.jpg,Hund ."]
    path.write_bytes(lzma.compress("\n".join(rows).encode()))
    found = in_language(photos, path, "de")
    assert found == [Photo(tmp_path / "b.jpg", ("Ein Mann .", "Hunde links im Park ."), "de")]
    assert also_in(photos, [f"de={path}"]) == photos + found
    bad = ("de", "such as de=FILE"), (f"en={path}", "another language")
    for entry, message in (*bad, (f"de={tmp_path / 'no'}", "cannot be read")):
        with pytest.raises(InputError, match=message):
            also_in(photos, [entry])
    with pytest.raises(InputError, match="no caption of these photos"):
        also_in(photos[:1], [f"de={path}"])
    [seen] = encode_captions(found, [1], tokenizer, 16)
    assert seen.start == END + 1 and not seen.flips  # a side is named
    features = np.zeros((3, 1, 2, 2, 8), np.float16)
    both = encode_captions(photos, range(3), tokenizer, 16) + [seen]
    [batch] = pipeline(both, features, 4, 2, seed=0, epoch=0).as_numpy_iterator()
    assert sorted(zip(batch["row"].tolist(), batch["start"].tolist(), strict=True)) == [
        (0, START), (1, START), (1, END + 1), (2, START)]  # fmt: skip
    assert (batch["inputs"][:, 0] == np.repeat(batch["start"], 2)).all()
    path.write_bytes(b"\xfd7zXZ\x00 no more")
    with pytest.raises(InputError, match="de.csv.xz: damaged.*copy it again"):
        in_language(photos, path, "de")


def test_captions_without_photos_are_one_a_line(tmp_path):
    (tmp_path / "a.tsv").write_text("12\tA dog .\n\nA cat .\n")
    assert read_sentences(tmp_path / "a.tsv") == ["A dog .", "A cat ."]


def test_no_caption_holds_the_symbol_of_a_language():
    model = random_model(languages=("en", "de"))
    assert np.flatnonzero(model.softmax.mask).tolist() == [0, 1, 2, 4]


def test_captions_are_rewarded_for_what_people_wrote_in_their_language(tokenizer):
    texts = {START: (ENGLISH, ["A cat ."]), END + 1: (GERMAN, ["Die Katze ."])}
    references = {(row, k): some[row] for k, some in texts.items() for row in (0, 1)}
    reward = cider_reward(references, tokenizer)
    ids = [[*tokenizer.encode(text, name), END] for text, name in
           (("a man and a dog", None), ("ein Mann mit Hund", "de"))]  # fmt: skip
    ids = np.array([some + [END] * (8 - len(some)) for some in ids], np.int32)
    row = np.zeros(1, np.int32)
    english = reward(row, np.array([START], np.int32), ids)
    german = reward(row, np.array([END + 1], np.int32), ids)
    assert english[0] > 0 == english[1] and german[1] > 0 == german[0]


def test_the_language_model_needs_no_photo():
    """Its numbers are those of a photo whose projected grid is zero, in any number of cells."""
    model = random_model()
    blind = LanguageModel(TINY)
    blind.set_weights(model.get_weights())
    ids = tf.constant([[START, 5, 7, 9]])
    mask = tf.ones((1, 4), bool)
    found = blind({"inputs": ids, "mask": mask})["vectors"]
    memory, state = model.begin(tf.zeros((1, 9, TINY.grid_units)))
    expected = model.decode(ids, mask, memory, state)["vectors"]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(expected).max() > 0.1


def test_pretraining_lowers_the_loss_and_a_finished_run_is_kept(tmp_path, tokenizer):
    config = dataclasses.replace(TINY, vocabulary=tokenizer.vocabulary, languages=("en", "de"))
    photos = [Photo(tmp_path, tuple(ENGLISH)), Photo(tmp_path, tuple(GERMAN), "de")]
    options = dataclasses.replace(pretraining.fit_options(30, 0), learning_rate=0.01,
                                  ema_momentum=0.0)  # fmt: skip
    weights = []
    for seed in (0, 1):
        model = random_model(seed, **{"vocabulary": config.vocabulary, "languages": ("en", "de")})
        pretraining.pretrain(model, tokenizer, ENGLISH, photos, photos, options, tmp_path / "run")
        weights.append(model.embedding.get_weights()[0])
    np.testing.assert_array_equal(*weights)
    summary = read_json(tmp_path / "run" / "summary.json")
    assert summary["last"]["val_nats_per_token"] < 1.5  # of a guess: log 21 = 3


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with data in two languages, a run and its bundle."""
    folder = write_toy(tmp_path_factory.mktemp("languages") / "toy")
    rows = ["image,caption"]
    for name in toy_names():
        rows += [f"{name.replace(' ', '_')}_{k}.png,{text}" for k in range(4) for text in
                 german_of(name)]  # fmt: skip
    (folder / "de.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    texts = [f"0\t{text}" for name in toy_names() for text in captions_of(name)]
    (folder / "texts.tsv").write_text("\n".join(texts) + "\n")
    words = ["--data", folder, "--backbone-weights", folder / "network.weights.h5",
             "--also", f"de={folder / 'de.csv'}", "--text", folder / "texts.tsv",
             "--text-epochs", 5, "--recipe", "tiny", "--epochs", 45, "--learning-rate", 0.003,
             "--schedule", "constant", "--batch", 4, "--captions-per-photo", 2,
             "--ema-momentum", 0, "--attention-penalty", 0, "--patience", 0]  # fmt: skip
    run = [*map(str, words), "--run", str(folder / "run")]
    assert main(["train", "captioning", *run]) == 0
    preset = ["--preset", str(folder / "run" / "preset")]
    assert main(["export", "captioning", *preset, "-o", str(folder / "bundle")]) == 0
    return folder


def test_one_file_writes_two_languages(made, capsys):
    figures = read_json(made / "run" / "preset" / "metrics.json")
    assert figures["bleu1"]["value"] > 80 and figures["bleu1_de"]["value"] > 80
    assert read_json(made / "bundle" / "bundle.json")["special_ids"]["start_de"] == END + 1
    photo = [str(made / "images/red_circle_0.png"), "--preset", str(made / "bundle"), "--json"]
    found = {}
    for language in ("en", "de"):
        capsys.readouterr()
        assert main(["caption", *photo, "--to", language]) == 0
        values = json.loads(capsys.readouterr().out)
        assert values["language"] == language
        found[language] = values["photos"][0]["caption"]
    assert found["en"].endswith((" circle.", " square.", " white."))
    assert found["de"].endswith((" Kreis.", " Quadrat.", " Weiß."))
    assert main(["caption", *photo, "--to", "fr"]) == 2
    assert "writes en, de, not 'fr'" in capsys.readouterr().err


def test_german_is_measured_with_german_captions(made, capsys):
    words = ["--images", made / "images", "--captions", made / "de.csv", "--split-file",
             made / "splits/dev.txt", "--to", "de", "--json", "--preset"]  # fmt: skip
    figures = {}
    for backend, preset in (("keras", made / "run" / "preset"), ("litert", made / "bundle")):
        capsys.readouterr()
        told = [*words, preset, "--backend", backend]
        assert main(["evaluate", "captioning", *map(str, told)]) == 0
        figures[backend] = json.loads(capsys.readouterr().out)
    trained = read_json(made / "run" / "preset" / "metrics.json")
    assert figures["keras"]["language"] == "de" and "meteor" not in figures["keras"]
    assert figures["keras"]["cider"] == pytest.approx(trained["cider_de"]["value"], rel=1e-6)
    assert figures["litert"]["cider"] == pytest.approx(figures["keras"]["cider"], rel=0.1)
    assert main(["evaluate", "captioning", "--data", str(made), "--to", "de"]) == 2
    assert "--to needs captions in that language" in capsys.readouterr().err
