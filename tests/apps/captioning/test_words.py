import dataclasses

import numpy as np
import pytest

from apps.captioning.caption import join_pieces, sentence
from apps.captioning.words import WORDS, WordTokenizer, learn_tokenizer, open_tokenizer
from shared.errors import InputError
from shared.text import UNKNOWN
from tests.apps.captioning.toy import TINY

TEXTS = ["A dog's tri-colored ball .", "A dog runs .", "A DOG barks !"]


def test_words_that_are_frequent_have_ids(tmp_path):
    tokenizer = learn_tokenizer(TEXTS, tmp_path, dataclasses.replace(TINY, min_count=2))
    assert tokenizer.words == ["a", "dog"] and tokenizer.vocabulary == 6
    assert tokenizer.encode("A dog sleeps.") == [4, 5, UNKNOWN]
    assert tokenizer.decode([2, 4, 5, 3]) == "a dog"
    assert tokenizer.pieces([4, 1]) == ["▁a", "<unk>"]
    again = open_tokenizer(tmp_path)
    assert isinstance(again, WordTokenizer) and again.words == tokenizer.words
    small = learn_tokenizer(TEXTS, tmp_path, dataclasses.replace(TINY, vocabulary=5))
    assert small.words == ["a"]


def test_subwords_spell_every_word(tmp_path):
    config = dataclasses.replace(TINY, tokens="subwords", vocabulary=300)
    tokenizer = learn_tokenizer(TEXTS, tmp_path, config)
    ids = open_tokenizer(tmp_path).encode("a blood 's dog")
    assert tokenizer.decode(ids) == "a blood 's dog"
    words, attention = join_pieces(tokenizer.pieces(ids), np.full((len(ids), 9), 1 / 9))
    assert words == ["a", "blood", "'s", "dog"] and attention.shape == (4, 9)
    np.testing.assert_allclose(attention.sum(1), 1)


def test_nothing_to_learn_and_files_that_are_none(tmp_path):
    with pytest.raises(InputError, match="no word occurs 9 times"):
        learn_tokenizer(TEXTS, tmp_path, dataclasses.replace(TINY, min_count=9))
    (tmp_path / WORDS).write_text('{"a": 1}')
    with pytest.raises(InputError, match="not a list of words"):
        open_tokenizer(tmp_path)


def test_captions_are_sentences():
    assert sentence("a man 's dog does n't bark") == "A man's dog doesn't bark."
    assert sentence("") == "" and join_pieces([], np.zeros((0, 9)))[1].shape == (0, 9)
