import gzip
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.translation.data import (
    LENGTHS,
    Pair,
    copy_augment,
    epoch_part,
    load,
    pipeline,
    read_parallel,
    read_tsv,
    split_of,
    whole,
)
from shared.errors import InputError
from shared.text import END, START, train_tokenizer

ENGLISH = [f"A dog number {k} runs{' and runs' * (k % 7)}." for k in range(60)]
GERMAN = [f"Ein Hund Nummer {k} rennt{' und rennt' * (k % 7)}." for k in range(60)]
PAIRS = [Pair(a, b, "en", "de") for a, b in zip(ENGLISH, GERMAN, strict=True)]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("t") / "tokenizer.model"
    return train_tokenizer(ENGLISH + GERMAN, path, 330)


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory):
    path = tmp_path_factory.mktemp("t") / "tokenizer.model"
    return train_tokenizer(ENGLISH + GERMAN, path, 330, ("<2de>", "<2en>"))


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


def test_files_of_ones_own(tmp_path):
    (tmp_path / "a").write_bytes("\ufeffone\u2028still one\r\n\r\ntwo\r\n".encode())
    (tmp_path / "b").write_text("eins\nleer\nzwei\n", encoding="utf-8")
    found = read_parallel(tmp_path / "a", tmp_path / "b", "en", "de")
    assert [pair[:2] for pair in found] == [("one\u2028still one", "eins"), ("two", "zwei")]
    (tmp_path / "tsv").write_text("one\teins\n\ntwo\tzwei\tmore\n", encoding="utf-8")
    assert [pair[:2] for pair in read_tsv(tmp_path / "tsv", "en", "de")] == [
        ("one", "eins"),
        ("two", "zwei"),
    ]


def test_files_that_are_wrong(tmp_path):
    (tmp_path / "a").write_text("one\ntwo\n")
    (tmp_path / "b").write_text("eins\n")
    (tmp_path / "c").write_bytes(b"caf\xe9\n")
    with pytest.raises(InputError, match=r"a has 2 lines and .*b 1;"):
        read_parallel(tmp_path / "a", tmp_path / "b", "en", "de")
    with pytest.raises(InputError, match="not UTF-8 text, at byte 3"):
        read_tsv(tmp_path / "c", "en", "de")
    with pytest.raises(InputError, match="line 1: no tab"):
        read_tsv(tmp_path / "a", "en", "de")
    with pytest.raises(InputError, match="cannot be read"):
        read_tsv(tmp_path / "none", "en", "de")
    with pytest.raises(InputError, match="no such folder"):
        load(tmp_path / "none", "train", [("en", "de")])


def texts_of(batches, tokenizer):
    return [
        (tokenizer.decode(source), tokenizer.decode(target))
        for batch in batches
        for source, target, counts in zip(
            batch["source"], batch["targets"], batch["mask"], strict=True
        )
        if counts.any()
    ]


def test_an_epoch_has_every_pair_and_few_shapes(tokenizer):
    batches = list(pipeline(PAIRS, tokenizer, 200, 0, 0).as_numpy_iterator())
    assert set(texts_of(batches, tokenizer)) == {pair[:2] for pair in PAIRS}
    shapes = {batch["source"].shape for batch in batches}
    assert len({length for _, length in shapes}) == len(shapes)
    assert all(length in LENGTHS and rows == max(1, 200 // length) for rows, length in shapes)
    for batch in batches:
        assert batch["source"].shape == batch["targets"].shape
        ends = np.take_along_axis(batch["targets"], batch["mask"].sum(1)[:, None] - 1, 1)
        assert (ends == END).all() and (batch["inputs"][:, 0] == START).all()
        assert (batch["inputs"][:, 1:] * batch["mask"][:, 1:]
                == batch["targets"][:, :-1] * batch["mask"][:, 1:]).all()  # fmt: skip
        assert ((batch["source"] != 0) == batch["source_mask"]).all()


def test_the_same_arguments_give_the_same_epoch_and_others_another(tokenizer):
    def sources(*arguments):
        data = pipeline(PAIRS, tokenizer, 200, *arguments)
        batches = list(data.as_numpy_iterator())
        assert len(batches) == int(data.cardinality())
        return np.concatenate([batch["source"].ravel() for batch in batches])

    assert np.array_equal(sources(0, 1), sources(0, 1))
    assert not np.array_equal(sources(0, 1), sources(0, 2))
    assert len(sources(0, 1, 0.9)) > len(sources(0, 1))


def test_short_epochs_give_every_pair_its_turn():
    first, second, third, fourth = (epoch_part(PAIRS, 25, 0, number) for number in range(4))
    assert len(first) == len(second) == len(third) == 20
    assert sorted(first + second + third) == sorted(PAIRS)
    assert first == epoch_part(PAIRS, 25, 0, 0) and first != fourth != epoch_part(PAIRS, 25, 1, 0)
    assert epoch_part(PAIRS, 0, 0, 7) == PAIRS


def test_validation_counts_every_pair_once(tokenizer):
    batches = list(whole(PAIRS, tokenizer, 200).as_numpy_iterator())
    assert sorted(texts_of(batches, tokenizer)) == sorted(pair[:2] for pair in PAIRS)
    assert sum(batch["mask"].sum() for batch in batches) == sum(
        len(tokenizer.encode(pair.target)) + 1 for pair in PAIRS
    )


def test_a_multilingual_source_begins_with_its_target_language(multilingual):
    both = [*PAIRS[:3], *(Pair(p.target, p.source, "de", "en") for p in PAIRS[:3])]
    for batch in whole(both, multilingual).as_numpy_iterator():
        for source, target in zip(batch["source"], batch["targets"], strict=True):
            german = "Hund" in multilingual.decode(target)
            assert source[0] == multilingual.id("<2de>" if german else "<2en>")


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
