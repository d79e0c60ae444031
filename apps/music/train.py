"""Train a chorale model: ``lstm-suite train music``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from apps.music.config import MusicConfig
from apps.music.data import batches_per_epoch, pipeline, whole_pieces
from apps.music.model import MusicModel
from apps.music.piece import Piece
from shared.training import FitOptions
from shared.training.fit import FitResult, fit

STEPS, BATCH = 128, 16
PASSES = 4  # over the data, between two validations


def recipe(minutes: float = 30.0, seed: int = 0) -> FitOptions:
    """The options that trained the shipped models; apps/music/README.md has the log of runs."""
    return FitOptions(
        epochs=63,
        learning_rate=2e-3,
        schedule="cosine",
        warmup_steps=200,
        total_steps=9_000,
        final_fraction=0.05,
        weight_decay=0.05,
        clip_norm=1.0,
        ema_momentum=0.999,
        monitor="val_nats_per_note",
        max_minutes=minutes,
        seed=seed,
    )


def train(
    config: MusicConfig,
    pieces: Sequence[Piece],
    valid: Sequence[Piece],
    options: FitOptions,
    run_dir: str | Path,
) -> tuple[MusicModel, FitResult]:
    """Trains a model from its first weights, or goes on with the run in the folder.

    Returns:
        The model with its best weights, and the summary of the run.
    """
    keras.utils.set_random_seed(options.seed)
    model = MusicModel(config)
    per_epoch = PASSES * batches_per_epoch(pieces, STEPS, BATCH)

    def epoch(number: int) -> tf.data.Dataset:
        data = pipeline(pieces, STEPS, BATCH, options.seed, number * PASSES, holds=config.holds)
        return data.take(per_epoch).apply(tf.data.experimental.assert_cardinality(per_epoch))

    result = fit(model, epoch, _whole(valid, config.holds), options, run_dir)
    return model, result


def _whole(pieces: Sequence[Piece], holds: bool) -> tf.data.Dataset:
    """Validation batches, in memory: a few lengths, so that XLA compiles a few shapes."""
    batches = list(whole_pieces(pieces, BATCH, holds))
    for batch in batches:
        del batch["index"]
    signature = {
        name: tf.TensorSpec((None, *[None] * (value.ndim - 2), value.shape[-1]), value.dtype)
        for name, value in batches[0].items()
    }
    data = tf.data.Dataset.from_generator(lambda: batches, output_signature=signature)
    return data.apply(tf.data.experimental.assert_cardinality(len(batches))).cache()
