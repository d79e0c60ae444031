"""A recognizer of our own, the second judge: ``python -m apps.handwriting.recognizer``.

It reads strokes, not pictures: a convolution over the points, two bidirectional LSTMs of the shared
layers, and connectionist temporal classification (Graves et al. 2006; Graves et al. 2009 for
handwriting). Trained on the training writers; ``evaluate handwriting --judge FOLDER`` asks it.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from apps.handwriting.config import SYMBOLS, HandwritingConfig
from apps.handwriting.data import (
    SHAPES,
    DataOptions,
    batches,
    load_splits,
    plan_epoch,
    shape_of,
    stack,
    whole,
)
from apps.handwriting.ink import Ink, Stroke, spelled, to_rows
from apps.handwriting.judge import Judge, error_rate
from apps.verbs.arguments import add_json, add_seed, report
from shared.errors import InputError
from shared.files import read_json, write_json
from shared.layers import LSTM
from shared.presets.weights import assign, model_weights, read_weights, write_weights
from shared.training import FitOptions
from shared.training.fit import fit

SIZES = "recognizer.json"
WEIGHTS = "recognizer.npz"
# Every second one: four LSTMs are compiled for each, which takes longer than to compute padding.
_SHAPES = SHAPES[2::2]
RECIPE = FitOptions(
    epochs=6,
    optimizer="adam",
    learning_rate=3e-3,
    schedule="cosine",
    warmup_steps=100,
    total_steps=1 << 30,  # set from the number of batches
    final_fraction=0.05,
    ema_momentum=0.995,
    monitor="val_loss",
)


class Recognizer(keras.Model):
    """From points to the logits of symbols, the last of which is CTC's blank.

    Args:
        units: Of each direction of each LSTM.
        arc: Resampling of the ink that it reads.
        turning: The same.
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
        """Logits ``(batch, points, symbols + 1)`` of what `apps.handwriting.data.stack` makes."""
        mask = batch["mask"]
        x = self.near(batch["targets"] * tf.constant([2.0, 2.0, 1.0]))
        x *= tf.cast(mask, x.dtype)[..., None]
        for reader in self.readers:
            x = self.dropout(reader(x, mask=mask), training=training)
        return self.logits(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean over the lines of the nats of a line's text."""
        points = tf.reduce_sum(tf.cast(x["mask"], tf.int32), 1)
        written = tf.cast(x["text_mask"], tf.bool)
        # Sparse: TensorFlow's kernel for it takes a fifteenth of the time of the one for dense.
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
        """What lines of ink say: the likeliest symbol at each point, repeats and blanks dropped."""
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
    """The recognizer of a folder as a judge.

    Raises:
        InputError: It has none.
    """
    path = Path(folder)
    if not (path / SIZES).is_file():
        raise InputError(f"{path}: no recognizer; python -m apps.handwriting.recognizer trains one")
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
    """Trains one, and writes it to a folder, which its run is in too."""
    keras.utils.set_random_seed(options.seed)
    # A text has to find room in its points, with a blank between equal letters.
    items, valid = ([i for i in some if len(i) >= 2 * len(i.text)] for some in (items, valid))
    model = Recognizer(**sizes)
    data = DataOptions(points=points, words_until=0.0, longest_from=0.0, stretch=0.08)
    config = HandwritingConfig()  # styles are of no use here
    seeds = [(options.seed, number) for number in range(options.epochs)]
    plans = [plan_epoch(items, seed, 1.0, data, _SHAPES) for seed in seeds]

    def dataset(made, count: int) -> tf.data.Dataset:
        specs = {
            "targets": tf.TensorSpec((None, None, 3), tf.float32),
            "mask": tf.TensorSpec((None, None), tf.bool),
            "text": tf.TensorSpec((None, None), tf.int32),
            "text_mask": tf.TensorSpec((None, None), tf.uint8),
        }

        def generate() -> Iterator[dict[str, np.ndarray]]:
            for batch in made():
                yield {name: batch[name] for name in specs}

        result = tf.data.Dataset.from_generator(generate, output_signature=specs)
        return result.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)

    def epoch(number: int) -> tf.data.Dataset:
        plan = plans[number]
        return dataset(lambda: batches(items, config, [], plan, seeds[number], data), len(plan))

    steps = sum(map(len, plans))
    options = dataclasses.replace(
        options, total_steps=max(2, steps), warmup_steps=min(options.warmup_steps, steps // 10)
    )
    watched = list(whole(valid, shapes=_SHAPES))
    fit(model, epoch, dataset(lambda: watched, len(watched)), options, Path(folder) / "run")
    write_json(Path(folder) / SIZES, model.sizes)
    write_weights(Path(folder) / WEIGHTS, model_weights(model))
    return model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--data", required=True, metavar="PATH", help="ink, as for training")
    parser.add_argument("-o", "--output", required=True, metavar="DIR")
    parser.add_argument("--units", type=int, default=80, help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=RECIPE.epochs, help="default: %(default)s")
    parser.add_argument("--points", type=int, default=9600, help="of a batch; %(default)s")
    parser.add_argument("--minutes", type=float, default=0, help="stop then, to go on later")
    add_seed(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Trains, and says how many characters it misreads of the validation writers."""
    found = load_splits(args.data, ("train", "valid"), 1.0, 90.0)
    valid = [item for item in found["valid"] if shape_of(item) and not item.word]
    valid = valid or [item for item in found["valid"] if shape_of(item)]
    options = dataclasses.replace(
        RECIPE, epochs=args.epochs, max_minutes=args.minutes, seed=args.seed
    )
    model = train(found["train"], valid, options, args.output, args.points, units=args.units)
    read = [model.read([item.rows])[0] for item in valid]
    rate = error_rate([item.text for item in valid], read)
    values = {"n": len(valid), "cer_real": rate, "folder": args.output}
    report(args, values, f"cer_real {rate:.4f} on {len(valid)} lines; wrote {args.output}")


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(_parser)
    run(_parser.parse_args())
