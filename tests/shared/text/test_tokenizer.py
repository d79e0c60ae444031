import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import InputError
from shared.text import END, PAD, START, UNKNOWN, Tokenizer, normalize, train_tokenizer

TEXTS = [
    "Ein Mann fährt mit dem Fahrrad über die Straße.",
    "A man is riding a bike in front of 12 houses.",
    "Zwei Hunde spielen im Schnee mit einem roten Ball.",
    "Two dogs are playing in the snow with a red ball.",
] * 3
SYMBOLS = ("<2de>", "<2en>")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "tokenizer.model"
    train_tokenizer(TEXTS, path, 380, SYMBOLS)
    return path


@pytest.fixture(scope="module")
def tokenizer(path):
    return Tokenizer(path)


@given(text=st.text(max_size=40))
def test_every_text_comes_back(tokenizer, text):
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == normalize(text)
    assert not {PAD, UNKNOWN, START, END, *map(tokenizer.id, SYMBOLS)} & set(ids)


@given(text=st.text(max_size=40), dropout=st.sampled_from([0.1, 0.9]))
def test_dropout_changes_the_ids_and_not_the_text(tokenizer, text, dropout):
    assert tokenizer.decode(tokenizer.encode(text, dropout)) == normalize(text)


def test_dropout_is_at_work(tokenizer):
    ids = {tuple(tokenizer.encode(TEXTS[0], 0.5)) for _ in range(10)}
    assert len(ids) > 1 and min(map(len, ids)) >= len(tokenizer.encode(TEXTS[0]))


@given(text=st.text(max_size=40))
def test_normalizing_twice_changes_nothing(text):
    assert normalize(normalize(text)) == normalize(text)


def test_normalized_text():
    assert normalize(" a\u0308\t\u2581b\x00\u00a0c\ud800\n") == "ä b c\ufffd"


def test_keras_nlp_in_tf_data_has_the_same_ids(tokenizer):
    from keras_nlp.tokenizers import SentencePieceTokenizer

    @settings(deadline=None, max_examples=30)
    @given(texts=st.lists(st.text(max_size=30).map(normalize), min_size=1, max_size=5))
    def check(texts):
        data = tf.data.Dataset.from_tensor_slices(texts).map(layer)
        assert [list(ids) for ids in data.as_numpy_iterator()] == tokenizer.encode_all(texts)

    layer = SentencePieceTokenizer(proto=tokenizer.proto)
    check()


def test_many_texts_are_as_each_by_itself(tokenizer):
    assert tokenizer.encode_all(TEXTS) == [tokenizer.encode(text) for text in TEXTS]


def test_symbols_cannot_be_written_in_text(tokenizer):
    ids = tokenizer.encode("<2de> <s> </s>")
    assert tokenizer.decode([tokenizer.id("<2de>"), *ids, END]) == "<2de> <s> </s>"
    assert tokenizer.pieces([tokenizer.id("<2en>")]) == ["<2en>"]
    with pytest.raises(InputError, match="no symbol '<2fr>'"):
        tokenizer.id("<2fr>")


def test_digits_stand_alone(tokenizer):
    pieces = tokenizer.pieces(tokenizer.encode("12"))
    assert [piece.strip("\u2581") for piece in pieces if piece != "\u2581"] == ["1", "2"]


def test_the_file_is_the_same_each_time(tmp_path, path, tokenizer):
    train_tokenizer(iter(TEXTS), tmp_path / "again", 380, SYMBOLS)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    tokenizer.save(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == path.read_bytes()


def test_a_small_text_gives_a_smaller_vocabulary(tmp_path):
    found = train_tokenizer(["ab ab"], tmp_path / "t", 5000)
    assert 260 < found.vocabulary < 300
    assert found.decode(found.encode("xyz")) == "xyz"


@pytest.mark.parametrize(
    ("texts", "vocabulary", "message"),
    [([], 500, "all texts are empty"), ([" "], 500, "are empty"), (TEXTS, 200, "more than 260")],
)
def test_what_cannot_be_learned(tmp_path, texts, vocabulary, message):
    with pytest.raises(InputError, match=message):
        train_tokenizer(texts, tmp_path / "t", vocabulary)
    assert not list(tmp_path.iterdir())


def test_files_of_others(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        Tokenizer(tmp_path / "none")
    (tmp_path / "junk").write_bytes(np.arange(100, dtype=np.uint8).tobytes())
    with pytest.raises(InputError, match="not a SentencePiece model"):
        Tokenizer(tmp_path / "junk")
