"""The tokenizer's file as a Keras layer, for `tf.data`."""

from __future__ import annotations

from pathlib import Path


def keras_tokenizer(path: str | Path, **options):
    """A keras-nlp layer with the ids of `Tokenizer`, for use in ``Dataset.map``.

    Args:
        path: The file that `train_tokenizer` wrote.
        **options: Of ``keras_nlp.tokenizers.SentencePieceTokenizer``, as ``sequence_length``.

    Returns:
        The layer; it takes string tensors of text that `normalize` has been through.
    """
    from keras_nlp.tokenizers import SentencePieceTokenizer  # with TensorFlow Text: slow to import

    return SentencePieceTokenizer(proto=Path(path).read_bytes(), **options)
