"""A recognizer of our own, the second judge: ``lstm-suite recognizer`` trains it.

It reads strokes, not pictures: a convolution over the points, two bidirectional LSTMs of the shared
layers, and connectionist temporal classification (Graves et al. 2006; Graves et al. 2009 for
handwriting). It is trained on the training writers and used by
``lstm-suite evaluate handwriting --judge FOLDER``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from apps.handwriting.config import SYMBOLS, HandwritingConfig
from apps.handwriting.data import (
    SHAPES,
    Data,
    batches,
    dataset,
    lines_of,
    load_splits,
    plan_epoch,
    stack,
    whole,
)
from apps.handwriting.ink import Ink, Stroke, spelled, to_rows
from apps.handwriting.judge import Judge, error_rate
from shared.errors import InputError
from shared.files import write_json
from shared.layers import LSTM
from shared.presets.weights import assign, model_weights, read_weights, write_weights
from shared.readers import read_json
from shared.training import FitOptions
from shared.training.fit import fit

SIZES = "recognizer.json"
WEIGHTS = "recognizer.npz"
# Every second shape: to compile four LSTMs for each takes longer than to compute more padding.
_SHAPES = SHAPES[2::2]
FIT = FitOptions(
    epochs=6,
    optimizer="adam",
    learning_rate=3e-3,
    schedule="cosine",
    warmup_steps=100,
    final_fraction=0.05,
    ema_momentum=0.995,
)


class Recognizer(keras.Model):
    """Maps points to the logits of symbols, the last of which is the blank of CTC.

    Args:
        units: Units of each direction of each LSTM.
        arc: Resampling of the ink, see `apps.handwriting.cleaning.resample`.
        turning: Resampling of the ink, in degrees.
    """

    def __init__(self, units: int = 80, arc: float = 1.0, turning: float = 90.0):
        super().__init__(name="recognizer")
        self.sizes = {"units": units, "arc": arc, "turning": turning}
        self.near = keras.layers.Conv1D(units, 5, padding="same", activation="relu", name="near")
        self.readers = [
            keras.layers.Bidirectional(
                LSTM(units, return_sequences=True, name="lstm"), name=f"reader_{k}"
            )
            for k in (1, 2)
        ]
        self.dropout = keras.layers.Dropout(0.2)
        self.logits = keras.layers.Dense(SYMBOLS + 1, name="logits")
        self.near.build((None, None, 3))
        for reader, width in zip(self.readers, (units, 2 * units), strict=True):
            reader.build((None, None, width))
        self.logits.build((None, None, 2 * units))
        self.built = True

    def call(self, batch, training=False):
        """Computes logits ``(batch, points, symbols + 1)`` from a batch of `stack`."""
        mask = batch["mask"]
        x = self.near(batch["targets"] * tf.constant([2.0, 2.0, 1.0]))
        x *= tf.cast(mask, x.dtype)[..., None]
        for reader in self.readers:
            x = self.dropout(reader(x, mask=mask), training=training)
        return self.logits(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Computes the CTC loss, the mean over the lines of the nats of a text."""
        points = tf.reduce_sum(tf.cast(x["mask"], tf.int32), 1)
        written = tf.cast(x["text_mask"], tf.bool)
        # TensorFlow's kernel for sparse labels takes a fifteenth of the time for dense ones.
        text = tf.SparseTensor(
            tf.where(written),
            tf.boolean_mask(x["text"], written),
            tf.shape(written, tf.int64),
        )
        losses = tf.nn.ctc_loss(
            text, y_pred, None, points, logits_time_major=False, blank_index=SYMBOLS
        )
        return tf.reduce_mean(losses)

    def read(self, rows: Sequence[np.ndarray]) -> list[str]:
        """Reads lines: the likeliest symbol at each point, without repeats and blanks."""
        longest = max(map(len, rows))
        points = next((s[0] for s in _SHAPES if longest <= s[0]), longest)
        batch = stack(rows, [""] * len(rows), np.zeros(len(rows)), (points, 1))
        best = self(batch).numpy().argmax(-1)
        texts = []
        for line, ink in zip(best, rows, strict=True):
            path = line[: len(ink)]
            kept = path[np.append(True, path[1:] != path[:-1])]
            texts.append(spelled(kept[kept != SYMBOLS]))
        return texts


def own_judge(folder: str | Path) -> Judge:
    """Opens the recognizer in a folder as a judge.

    Raises:
        InputError: There is none.
    """
    path = Path(folder)
    if not (path / SIZES).is_file():
        raise InputError(f"{path}: no recognizer; lstm-suite recognizer trains one")
    model = Recognizer(**read_json(path / SIZES))
    assign(model, read_weights(path / WEIGHTS), path)

    def read(strokes: Sequence[Stroke]) -> str:
        return model.read([to_rows(strokes)])[0]

    return read


def train(
    items: Sequence[Ink],
    valid: Sequence[Ink],
    options: FitOptions,
    folder: str | Path,
    points: int = 9600,
    **sizes: Any,
) -> Recognizer:
    """Trains a recognizer and writes it to a folder; the run is in the folder, too."""
    keras.utils.set_random_seed(options.seed)
    # CTC needs a point for each character, and one more between equal ones.
    items, valid = ([i for i in some if len(i) >= 2 * len(i.text)] for some in (items, valid))
    model = Recognizer(**sizes)
    data = Data(points=points, words_until=0.0, longest_from=0.0, stretch=0.08)
    config = HandwritingConfig()  # its styles are not used
    seeds = [(options.seed, number) for number in range(options.epochs)]
    plans = [plan_epoch(items, seed, 1.0, data, _SHAPES) for seed in seeds]

    names = ("targets", "mask", "text", "text_mask")

    def epoch(number: int) -> tf.data.Dataset:
        plan, seed = plans[number], seeds[number]
        return dataset(lambda: batches(items, config, [], plan, seed, data), len(plan), names)

    watched = list(whole(valid, shapes=_SHAPES))
    fit(
        model,
        epoch,
        dataset(lambda: watched, len(watched), names),
        options.with_steps(sum(map(len, plans))),
        Path(folder) / "run",
    )
    write_json(Path(folder) / SIZES, model.sizes)
    write_weights(Path(folder) / WEIGHTS, model_weights(model))
    return model


def train_on(
    data: str, options: FitOptions, folder: str | Path, points: int = 9600, units: int = 80
) -> tuple[int, float]:
    """Trains a recognizer on the training writers of some ink, see `train`.

    Returns:
        The number of lines of validation writers, and the character error rate on them.
    """
    found = load_splits(data, ("train", "valid"), 1.0, 90.0)
    valid = lines_of(found["valid"], data)
    model = train(found["train"], valid, options, folder, points, units=units)
    read = [model.read([item.rows])[0] for item in valid]
    return len(valid), error_rate([item.text for item in valid], read)
