import numpy as np
import pytest

from apps.translation.batches import (
    LENGTHS,
    epoch_batches,
    epoch_part,
    keras_pipeline,
    pipeline,
    whole,
)
from apps.translation.config import TranslationConfig
from apps.translation.data import Data, Pair
from apps.translation.vocabulary import short_enough
from shared.text import END, START, train_tokenizer

ENGLISH = [f"A dog number {k} runs{' and runs' * (k % 7)}." for k in range(60)]
GERMAN = [f"Ein Hund Nummer {k} rennt{' und rennt' * (k % 7)}." for k in range(60)]
CONFIG = TranslationConfig()
PAIRS = [Pair(a, b, "en", "de") for a, b in zip(ENGLISH, GERMAN, strict=True)]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("t") / "tokenizer.model"
    return train_tokenizer(ENGLISH + GERMAN, path, 330)


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory):
    path = tmp_path_factory.mktemp("t") / "tokenizer.model"
    return train_tokenizer(ENGLISH + GERMAN, path, 330, ("<2de>", "<2en>"))


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


def rows_of(batches):
    """Every pair once, as its subwords."""
    return {
        (tuple(source[real]), tuple(inputs[counts]), tuple(targets[counts]))
        for batch in batches
        for source, real, inputs, targets, counts in zip(
            *(batch[name] for name in ("source", "source_mask", "inputs", "targets", "mask")),
            strict=True,
        )
    }


@pytest.mark.parametrize("symbols", ["tokenizer", "multilingual"])
def test_both_pipelines_give_the_same_subwords_in_the_same_shapes(symbols, request):
    tokenizer = request.getfixturevalue(symbols)
    pairs = [
        *PAIRS,
        *(Pair(p.target, p.source, "de", "en") for p in PAIRS[:7]),
        Pair("Zwei\u2028Zeilen, a\u0308  und <2de> </s> 北京 😀.", "Two  lines.", "de", "en"),
        Pair("One.", "Eins" + " und eins" * 90, "en", "de"),  # longer than `LENGTHS`
    ]
    ours, theirs = (
        [*made(pairs, tokenizer, 200, 0, 3).as_numpy_iterator()]
        for made in (pipeline, keras_pipeline)
    )
    assert rows_of(ours) == rows_of(theirs) and len(rows_of(ours)) > len(PAIRS)
    shapes = [sorted(batch["source"].shape for batch in batches) for batches in (ours, theirs)]
    assert shapes[0] == shapes[1]
    for one, other in zip(ours, theirs, strict=True):
        assert {name: array.dtype for name, array in one.items()} == {
            name: array.dtype for name, array in other.items()
        }
        for name, mask in (("source", "source_mask"), ("inputs", "mask"), ("targets", "mask")):
            assert other[name].shape == other[mask].shape and not other[name][~other[mask]].any()


def test_an_epoch_of_keras_nlp_is_the_same_again_and_another_is_not(tokenizer):
    def sources(epoch):
        options = Data(batch_tokens=200, pipeline="keras-nlp")
        data = epoch_batches(PAIRS, tokenizer, CONFIG, options, epoch, seed=0, proper={})
        batches = list(data.as_numpy_iterator())
        assert len(batches) == int(data.cardinality())
        return np.concatenate([batch["source"].ravel() for batch in batches])

    assert np.array_equal(sources(1), sources(1))
    assert not np.array_equal(sources(1), sources(2))


def test_an_epoch_is_made_as_the_options_say(tokenizer):
    options = Data(batch_tokens=200, copy_rate=1.0, epoch_pairs=25)
    data = epoch_batches(PAIRS, tokenizer, CONFIG, options, 0, seed=0, proper={})
    batches = list(data.as_numpy_iterator())
    texts = set(texts_of(batches, tokenizer))
    assert len(texts) <= 20 and len(texts - {pair[:2] for pair in PAIRS}) > 15


def test_pairs_that_are_too_long_are_left_out(tokenizer):
    kept = short_enough(PAIRS, tokenizer, TranslationConfig(length=13))
    assert 0 < len(kept) < len(PAIRS)
    for pair in PAIRS:
        longest = max(len(tokenizer.encode(text)) for text in pair[:2])
        assert (pair in kept) == (longest <= 12)
