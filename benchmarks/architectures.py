"""The five architectures, each on a small real task: LSTM, with layer normalization, and GRU.

    python benchmarks/architectures.py --json FILE    # about 15 minutes for a seed
    python benchmarks/architectures.py --quick        # about two minutes: that it runs

One seed does not separate rows that are close: `--seeds 3` also reports the range. All rows of one
seed run before those of the next, and FILE is written after each training.

The data are 1,049 dance tunes in ABC notation (`benchmarks/tunes.py`); every tenth is in the test
set. Epochs and widths were fixed beforehand; nothing is selected on the test set.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # installed or not

import keras
import numpy as np

from benchmarks.tunes import Tune, pitches, tunes
from shared.files import write_json
from shared.layers import LSTM
from shared.layers.architectures import (
    bidirectional,
    cnn_lstm,
    encoder_decoder,
    stacked,
    vanilla,
)

PAD, START, END = 0, 1, 2
CHARACTERS = sorted("ABCDEFGabcdefg|:[]'^_=,/<>(-z0123456789")
KEYS = range(-4, 7)  # sharps or flats of a key signature, symbols too
_CODE = {c: k + 3 for k, c in enumerate([*CHARACTERS, *KEYS])}
SYMBOLS = len(_CODE) + 3
LOWEST, HIGHEST = 48, 100  # notes
KINDS = ("reel", "hornpipe", "jig", "strathspey")
IGNORE = -1  # a target that does not count


@dataclass(frozen=True)
class Task:
    """A task: data and metric.

    Args:
        name: Name of the task.
        unit: Unit of the metric.
        x: Training inputs, an array or a list of two.
        y: Training targets, `IGNORE` where there is none.
        test: Inputs and targets of the test set.
        outputs: Number of classes.
        score: Metric, ``(model, x, y) -> figure``.
        epochs: Number of epochs.
    """

    name: str
    unit: str
    x: np.ndarray | list[np.ndarray]
    y: np.ndarray
    test: tuple
    outputs: int
    score: Callable[[keras.Model, np.ndarray | list, np.ndarray], float]
    epochs: int


def encode(symbols: Sequence, length: int) -> np.ndarray:
    """Characters and key signatures as int32, padded or cut to a length."""
    codes = [_CODE[s] for s in symbols][:length]
    return np.array(codes + [PAD] * (length - len(codes)), np.int32)


def windows(text: str, length: int) -> list[str]:
    """The text in pieces; one at the end that is short is left out."""
    pieces = [text[k : k + length] for k in range(0, len(text), length)]
    return [piece for piece in pieces if len(piece) > length // 2]


# --- the tasks --------------------------------------------------------------------------------


def next_character(train: Sequence[Tune], test: Sequence[Tune]) -> Task:
    """What comes next in a tune? The task of every language model."""

    def data(part):
        rows = [encode(p, 120) for tune in part for p in windows(tune.music, 120)]
        y = np.array(rows)
        x = np.concatenate([np.full((len(y), 1), START, np.int32), y[:, :-1]], 1)
        return x, np.where(y == PAD, IGNORE, y)

    x, y = data(train)
    return Task("next character", "bits", x, y, data(test), SYMBOLS, _bits, epochs=10)


def bar_lines(train: Sequence[Tune], test: Sequence[Tune]) -> Task:
    """A tune without its bar lines: in front of which symbols do they belong?"""

    def data(part):
        x, y = [], []
        for tune in part:
            marks, bare = [], []
            for bar in tune.bars:
                bare += bar
                marks += [1] + [0] * (len(bar) - 1)
            for k in range(0, len(bare) - 48, 96):
                x.append(encode(bare[k : k + 96], 96))
                y.append(np.pad(marks[k : k + 96], (0, 96 - len(marks[k : k + 96]))))
        x = np.array(x)
        return x, np.where(x == PAD, IGNORE, y)

    x, y = data(train)
    return Task("bar lines", "F1", x, y, data(test), 2, _f1, epochs=10)


def kind_of_dance(train: Sequence[Tune], test: Sequence[Tune]) -> Task:
    """Reel, hornpipe, jig or strathspey? From the notes alone, without the bar lines."""

    def data(part):
        rows = [
            (encode(piece, 128), KINDS.index(tune.kind))
            for tune in part
            if tune.kind in KINDS
            for piece in windows("".join(tune.bars), 128)
        ]
        return np.array([x for x, _ in rows]), np.array([y for _, y in rows])

    x, y = data(train)
    return Task("kind of dance", "accuracy", x, y, data(test), len(KINDS), _accuracy, epochs=10)


def read_notes(train: Sequence[Tune], test: Sequence[Tune]) -> Task:
    """Two bars of ABC to the notes that sound: the key signature and accidentals decide."""

    def data(part):
        sources, targets = [], []
        for tune in part:
            for first, second in zip(tune.bars[1::2], tune.bars[2::2], strict=False):
                text = f"{first}|{second}"
                notes = [p - LOWEST + 3 for p in pitches(text, tune.fifths)]
                if len(text) < 40 and 0 < len(notes) < 24 and 3 <= min(notes) <= max(notes) < 55:
                    sources.append(encode([tune.fifths, *text], 40))
                    row = [START, *notes, END]
                    targets.append(row + [PAD] * (25 - len(row)))
        y = np.array(targets, np.int32)
        return [np.array(sources), y[:, :-1]], np.where(y[:, 1:] == PAD, IGNORE, y[:, 1:])

    x, y = data(train)
    outputs = HIGHEST - LOWEST + 3
    return Task("read notes", "exact", x, y, data(test), outputs, _exact, epochs=3)


# --- figures ----------------------------------------------------------------------------------


def _predict(model, x):
    return model.predict(x, batch_size=64, verbose=0)


def _bits(model, x, y):
    """Mean bits of a character."""
    logits = _predict(model, x).astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    chosen = np.take_along_axis(logs, np.maximum(y, 0)[..., None], -1)[..., 0]
    return float(-chosen[y != IGNORE].mean() / np.log(2))


def _accuracy(model, x, y):
    return float((_predict(model, x).argmax(-1) == y).mean())


def _f1(model, x, y):
    """Harmonic mean of precision and recall of the bar lines."""
    guess, counts = _predict(model, x).argmax(-1), y != IGNORE
    found = (guess == 1) & counts
    return float(2 * (found & (y == 1)).sum() / max(1, found.sum() + (y == 1).sum()))


def _exact(model, x, y):
    """Share of sequences written without a fault, each symbol fed back."""
    source, target = x[0], np.zeros_like(x[1])
    target[:, 0] = START
    guess = np.zeros_like(y)
    for step in range(y.shape[1]):
        guess[:, step] = _predict(model, [source, target])[:, step].argmax(-1)
        if step + 1 < y.shape[1]:
            target[:, step + 1] = guess[:, step]
    return float(((guess == y) | (y == IGNORE)).all(1).mean())


# --- the command ------------------------------------------------------------------------------

LAYERS = {
    "LSTM": LSTM,
    "LSTM, normalized": partial(LSTM, layer_norm=True),
    "GRU": partial(keras.layers.GRU, use_cudnn=False),
}
ROWS = (
    (next_character, "vanilla", vanilla),
    (next_character, "stacked", stacked),
    (kind_of_dance, "vanilla", partial(vanilla, per_step=False)),
    (kind_of_dance, "cnn_lstm", cnn_lstm),
    (bar_lines, "vanilla", vanilla),
    (bar_lines, "bidirectional", bidirectional),
    (read_notes, "encoder_decoder", encoder_decoder),
)
"""Task, name and builder; where the task asks for more than `vanilla`, that stands above."""


def measure(task: Task, builder, layer, seed: int, epochs: int) -> dict[str, float]:
    """Train once: weights, seconds per epoch (median) and the figure on the test set."""
    keras.utils.set_random_seed(seed)
    model = builder(SYMBOLS, task.outputs, dropout=0.2, layer=layer)
    clock = _Clock()
    whole = len(task.y) // 32 * 32  # one shape, compiled once
    falling = keras.optimizers.schedules.CosineDecay(4e-3, epochs * whole // 32)
    model.compile(
        keras.optimizers.Adam(falling, clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORE),
        jit_compile=False,
    )
    x = [part[:whole] for part in task.x] if isinstance(task.x, list) else task.x[:whole]
    model.fit(x, task.y[:whole], batch_size=32, epochs=epochs, verbose=0, callbacks=[clock])
    return {
        "weights": model.count_params(),
        "seconds_per_epoch": float(np.median(clock.seconds[1:] or clock.seconds)),
        "figure": task.score(model, *task.test),
    }


class _Clock(keras.callbacks.Callback):
    """Seconds of every epoch."""

    def __init__(self):
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch, logs=None):
        """Start."""
        self.begin = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        """Stop."""
        self.seconds.append(time.monotonic() - self.begin)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each row")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="an eighth of the tunes, two epochs")
    options = parser.parse_args(arguments)
    found = tunes()[:: 8 if options.quick else 1]
    train = [tune for k, tune in enumerate(found) if k % 10]
    test = found[::10]
    rows: dict[tuple[str, str, str], dict] = {}
    tasks = {make: make(train, test) for make, *_ in ROWS}
    for seed, (make, name, builder), kind in product(range(options.seeds), ROWS, LAYERS):
        task = tasks[make]
        epochs = 2 if options.quick else task.epochs
        row = rows.setdefault(
            (task.name, name, kind),
            {"task": task.name, "architecture": name, "layer": kind, "unit": task.unit,
             "epochs": epochs, "runs": []},
        )  # fmt: skip
        row["runs"].append(measure(task, builder, LAYERS[kind], seed, epochs))
        print(line(row), file=sys.stderr, flush=True)
        if options.json:
            write_json(options.json, {"rows": list(rows.values()), "quick": options.quick})
    print("| task | architecture | layer | weights | seconds per epoch | figure |")
    print("|---|---|---|---|---|---|")
    print("\n".join(line(row) for row in rows.values()))


def line(row: dict) -> str:
    """A row of the table: mean figure, and half its range over the seeds."""
    figures = [run["figure"] for run in row["runs"]]
    spread = f" ± {np.ptp(figures) / 2:.3f}" if len(figures) > 1 else ""
    seconds = np.median([run["seconds_per_epoch"] for run in row["runs"]])
    cells = [row["task"], row["architecture"], row["layer"], f"{row['runs'][0]['weights']:,}",
             f"{seconds:.1f}", f"{np.mean(figures):.3f}{spread} {row['unit']}"]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
