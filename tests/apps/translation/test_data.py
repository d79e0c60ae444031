import gzip
import zipfile
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.translation.config import TranslationConfig
from apps.translation.data import (
    Data,
    Pair,
    Source,
    copy_augment,
    load,
    read,
    say_doubts,
    split_of,
)
from shared.errors import InputError


@pytest.fixture
def multi30k(tmp_path):
    for stem in ("train", "val"):
        (tmp_path / f"{stem}.en").write_text("A dog.\nA cat.\n", encoding="utf-8")
        (tmp_path / f"{stem}.de.gz").write_bytes(gzip.compress(b"Ein Hund.\nEine Katze.\n"))
    return tmp_path


@pytest.fixture
def tatoeba(tmp_path):
    for code, other in (("deu", "Hund"), ("fra", "chien")):
        lines = [f"Dog {k}.\t{other} {k}{mark}\tCC-BY" for k in range(400) for mark in ".!."]
        with zipfile.ZipFile(tmp_path / f"{code}-eng.zip", "w") as archive:
            archive.writestr(f"{code}.txt", "\n".join(lines) + "\n")
    return tmp_path


def test_multi30k_plain_and_compressed(multi30k):
    assert load(multi30k, "valid", [("de", "en")])[1] == Pair("Eine Katze.", "A cat.", "de", "en")
    assert len(load(str(multi30k), "train", [("en", "de"), ("de", "en")])) == 4
    with pytest.raises(InputError, match=r"no test_2016_flickr\.en"):
        load(multi30k, "test", [("en", "de")])


def test_tatoeba_leaks_no_sentence_into_another_split_or_language(tatoeba):
    ways = [("en", "de"), ("fr", "en")]
    splits = {name: load(tatoeba, name, ways) for name in ("train", "valid", "test")}
    english = {
        name: {p.source if p.source_language == "en" else p.target for p in pairs}
        for name, pairs in splits.items()
    }
    assert all(english.values()) and sum(map(len, english.values())) == 400
    assert sum(map(len, splits.values())) == 400 * 2 * 2  # duplicates are gone
    assert len(splits["train"]) > 0.9 * 1600
    with pytest.raises(InputError, match="no split 'dev'"):
        load(tatoeba, "dev", ways)
    with pytest.raises(InputError, match="not fr-de"):
        load(tatoeba, "train", [("fr", "de")])


@given(text=st.text(alphabet=st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1))
def test_case_and_punctuation_do_not_change_the_split(text):
    assert split_of(text) == split_of(f" {text}!") == split_of(text.casefold())


def test_files_that_are_wrong(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        load(tmp_path / "none", "train", [("en", "de")])


def test_ones_own_pairs_are_held_out_every_twentieth(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{k}\tn{k}\n" for k in range(41)), encoding="utf-8")
    own, config = Source(tsv=str(path)), TranslationConfig()
    everything = read(own, "", config)
    assert len(everything) == 41 and everything[3] == Pair("3", "n3", "en", "de")
    assert [pair.source for pair in read(own, "valid", config)] == ["0", "20", "40"]
    assert len(read(own, "train", config)) == 38
    with pytest.raises(InputError, match="no split 'test'"):
        read(own, "test", config)
    with pytest.raises(InputError, match="translates en-de"):
        read(Source(tsv=str(path), target_language="fr"), "", config)
    six = TranslationConfig(directions=(("en", "de"), ("en", "fr")), multilingual=True)
    assert read(Source(tsv=str(path), target_language="fr"), "", six)[0].target_language == "fr"
    with pytest.raises(InputError, match="name one with --from and --to"):
        read(own, "", six)


def test_no_source_is_in_training_and_in_validation(tmp_path):
    path = tmp_path / "pairs.tsv"
    lines = [f"Dog {k % 30}{'.!'[k % 2]}\tHund {k}\n" for k in range(60)] * 3
    path.write_text("".join([*lines, "\tleer\n", "\n"]), encoding="utf-8")
    own, config, left_out = Source(tsv=str(path)), TranslationConfig(), Counter()
    train, valid = read(own, "train", config, left_out), read(own, "valid", config)
    assert [p.target for p in valid] == ["Hund 0", "Hund 20", "Hund 40"]
    assert {p.source for p in train}.isdisjoint(p.source for p in valid)
    assert len(train) == len(set(train)) == 60 - 6
    assert left_out == {"empty on a side": 1, "more than once": 120,
                        "with a source that is also in validation": 3}  # fmt: skip
    assert len(read(own, "", config)) == 182  # a pair for each line


def test_one_pair_many_times_is_refused_with_what_was_left_out(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("a\tb\n" * 40, encoding="utf-8")
    with pytest.raises(InputError, match="1 distinct pair;.*39 more than once"):
        read(Source(tsv=str(path)), "train", TranslationConfig(), Counter())


def test_a_source_takes_of_the_data_what_its_languages_name(tatoeba):
    directions = tuple(p for other in ("de", "fr") for p in (("en", other), (other, "en")))
    config = TranslationConfig(directions=directions, multilingual=True)
    found = read(Source(data=str(tatoeba), source_language="en"), "", config)
    assert {pair[2:] for pair in found} == {("en", "de"), ("en", "fr")}
    assert found == load(tatoeba, "test", [("en", "de"), ("en", "fr")])


def test_sides_in_other_languages_than_named_are_said(capsys):
    texts = [("The house is big.", "Das Haus ist groß."), ("Where are you?", "Wo bist du?")]
    own = Source(tsv="own.tsv")
    say_doubts(own, [Pair(*text, "en", "de") for text in texts])
    say_doubts(Source(), [Pair(*text, "de", "en") for text in texts])
    assert capsys.readouterr().err == ""
    say_doubts(own, [Pair(*text, "fr", "de") for text in texts])
    said = "own.tsv: what --from names fr seems to be English (en)\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    "fields",
    [
        {"source": "a.en"},
        {"target": "a.de"},
        {"source": "a.en", "target": "a.de", "tsv": "a.tsv"},
        {"tsv": "a.tsv", "data": "multi30k"},
        {"pipeline": "other"},
        {"batch_tokens": 0},
        {"bpe_dropout": float("nan")},
        {"copy_rate": 1.5},
        {"epoch_pairs": -1},
        {"bleu_sentences": 0},
        {"pipeline": "keras-nlp", "bpe_dropout": 0.1},
    ],
)
def test_options_that_contradict_each_other_are_refused(fields):
    with pytest.raises(InputError):
        Data(**fields)


def test_copied_words_are_replaced_on_both_sides():
    pair = Pair("Tom has 12 dogs.", "Tom hat 12 Hunde.", "en", "de")
    found = copy_augment([pair] * 200, np.random.default_rng(0), 0.5)
    changed = [p for p in found if p != pair]
    assert 60 < len(changed) < 140 and len(set(changed)) > 0.5 * len(changed)
    for p in changed:
        left, right = p.source.split(), p.target.split()
        assert left[0] == right[0] and left[2] == right[2]
        assert (left[0] == "Tom") != (left[2] == "12")
    other = Pair("A dog.", "Ein Hund.", "en", "de")
    assert copy_augment([other], np.random.default_rng(0), 1.0) == [other]
