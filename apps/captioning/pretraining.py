"""Pre-training of the decoder as a language model, on captions without photos.

Embeddings, LSTM and softmax are trained. The projected grid is one cell of zeros, so that the
context vector is zero and the first state is the same for all captions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from apps.captioning.data import Captioned, Photo, pad, plan
from apps.captioning.model import CaptioningModel
from apps.captioning.words import AnyTokenizer, encode_texts, start_of
from shared.errors import InputError
from shared.training import FitOptions
from shared.training.fit import fit

_FIT = FitOptions(
    optimizer="adam",
    learning_rate=1e-3,
    schedule="cosine",
    warmup_steps=200,
    final_fraction=0.05,
    clip_norm=2.0,
    ema_momentum=0.995,
)
_BATCH = 240  # captions


class LanguageModel(CaptioningModel):
    """A `CaptioningModel` for batches without ``features``; weights and loss are the same."""

    def call(self, batch, training=False):
        """Does what `CaptioningModel.call` does, without photos."""
        rows = tf.shape(batch["inputs"])[0]
        memory, state = self.begin(tf.zeros((rows, 1, self.config.grid_units)))
        return self.decode(batch["inputs"], batch["mask"], memory, state, training)


def pretrain(
    model: CaptioningModel,
    tokenizer: AnyTokenizer,
    texts: Sequence[str],
    photos: Sequence[Photo],
    valid: Sequence[Photo],
    options: FitOptions,
    run_dir: str | Path,
) -> None:
    """Trains a model as a language model, in its own run folder, and gives it the weights.

    An unfinished run resumes; a finished one is not run again.

    Args:
        model: The model with its first weights.
        tokenizer: The model's.
        texts: Captions in the first language.
        photos: Photos whose captions, in their languages, are trained on as well.
        valid: Photos whose captions choose the best epoch.
        options: How to train.
        run_dir: The run folder.

    Raises:
        InputError: No caption is short enough.
    """
    blind = LanguageModel(dataclasses.replace(model.config, tune=False))
    blind.projection.trainable = False  # there is no grid to project
    blind.set_weights(model.get_weights())
    length = model.config.length
    seen = _encoded(tokenizer, texts, None, length) + _captions(tokenizer, photos, length)
    held = _captions(tokenizer, valid, length)
    if not seen or not held:
        raise InputError(f"no caption has {length} tokens or fewer; raise --length")

    def epoch(number: int) -> tf.data.Dataset:
        return batches(seen, options.seed, number)

    options = options.with_steps(options.epochs * int(epoch(0).cardinality()))
    fit(blind, epoch, batches(held, options.seed, 0), options, run_dir)
    model.set_weights(blind.get_weights())


def fit_options(epochs: int, seed: int) -> FitOptions:
    """The options of a pre-training."""
    return dataclasses.replace(_FIT, epochs=epochs, seed=seed)


def batches(texts: Sequence[Captioned], seed: int, epoch: int) -> tf.data.Dataset:
    """Creates the batches of one epoch: ``inputs``, ``targets`` and ``mask`` of every text.

    Args:
        texts: Texts with one caption each, in batches of similar length; ``row`` is not used.
        seed: Seed of their order.
        epoch: Number of the epoch.
    """
    chosen = plan(texts, _BATCH, 1, seed, epoch, views=1)

    def generate() -> Iterator[dict[str, np.ndarray]]:
        for entries in chosen:
            ids = [texts[index].captions[0] for index, _, _ in entries]
            yield pad(ids, [texts[index].start for index, _, _ in entries])

    signature = {name: tf.TensorSpec((None, None), tf.int32) for name in ("inputs", "targets")}
    signature |= {"mask": tf.TensorSpec((None, None), tf.bool)}
    data = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return data.apply(tf.data.experimental.assert_cardinality(len(chosen))).prefetch(4)


def _captions(tokenizer: AnyTokenizer, photos: Sequence[Photo], length: int) -> list[Captioned]:
    return [
        text
        for photo in photos
        for text in _encoded(tokenizer, photo.captions, photo.language, length)
    ]


def _encoded(
    tokenizer: AnyTokenizer, texts: Sequence[str], language: str | None, length: int
) -> list[Captioned]:
    start = start_of(tokenizer, language)
    found = encode_texts(tokenizer, texts, language)
    return [Captioned(0, [ids], False, start) for ids in found if 0 < len(ids) <= length]
