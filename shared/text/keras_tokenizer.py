"""The tokenizer as a Keras layer, for `tf.data`."""

from __future__ import annotations

from pathlib import Path


def keras_tokenizer(path: str | Path, **options):
    """Creates a keras-nlp layer with the ids of `Tokenizer`, for ``Dataset.map``.

    Args:
        path: A file written by `train_tokenizer`.
        **options: Options of ``keras_nlp.tokenizers.SentencePieceTokenizer``, such as
            ``sequence_length``.

    Returns:
        A layer that takes string tensors of normalized text (`normalize`).
    """
    from keras_nlp.tokenizers import SentencePieceTokenizer  # slow: it imports TensorFlow Text

    return SentencePieceTokenizer(proto=Path(path).read_bytes(), **options)
