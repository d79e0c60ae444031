"""In whose hand a model writes: ``lstm-suite hands``.

A classifier learns twenty hands from their training lines. It is then shown lines of theirs that
were withheld from every training, and what a model writes after it has read one of these as a
primer (``--like``), or in the style of that writer, or in the style "any".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from apps.handwriting.data import lines_of, load_splits
from apps.handwriting.ink import Ink
from apps.handwriting.lines import BIAS, likeliest_style, write_each
from apps.handwriting.phrases import PHRASES
from apps.handwriting.splits import writer_kinds
from shared.datasets.split import spread
from shared.errors import InputError
from shared.layers import LSTM
from shared.presets.open import Opened

HANDS = 20
_POINTS = 200  # of a crop
_LONGEST_PRIMER = 60  # characters


def choose_hands(train: Sequence[Ink], withheld: Sequence[Ink], count: int = HANDS) -> list[str]:
    """Chooses writers with lines in both, evenly from those with most lines to those with fewest.

    Raises:
        InputError: There are too few.
    """
    able = {item.writer for item in withheld if len(item.text) <= _LONGEST_PRIMER}
    lines: dict[str, int] = dict.fromkeys(sorted(able), 0)
    for item in train:
        if item.writer in lines and not item.word:
            lines[item.writer] += 1
    ranked = sorted(lines, key=lambda name: -lines[name])
    if len(ranked) < count:
        raise InputError(f"{len(ranked)} writers have lines withheld; {count} are needed")
    return spread(ranked, count)


def crops(ink: np.ndarray) -> np.ndarray:
    """Cuts the rows of a line into float32 ``(crops, 200, 3)``, half overlapping, zero-padded."""
    found = []
    for start in range(0, max(1, len(ink) - _POINTS // 2), _POINTS // 2):
        part = ink[start : start + _POINTS]
        found.append(np.pad(part, ((0, _POINTS - len(part)), (0, 0))))
        found[-1][0, :2] = 0  # the place of the first point is no feature
    return np.asarray(found, np.float32)


def train_classifier(
    items: Sequence[Ink], hands: Sequence[str], epochs: int = 12, seed: int = 0
) -> keras.Model:
    """Trains a classifier of crops: bidirectional LSTM, mean over the points, softmax."""
    keras.utils.set_random_seed(seed)
    made = [crops(item.rows) for item in items]
    x = np.concatenate(made)
    y = np.repeat([hands.index(item.writer) for item in items], [len(part) for part in made])
    model = keras.Sequential(
        [
            keras.layers.Input((_POINTS, 3)),
            keras.layers.Conv1D(48, 5, padding="same", activation="relu"),
            keras.layers.Bidirectional(LSTM(48, return_sequences=True)),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(len(hands), activation="softmax"),
        ]
    )
    share = np.bincount(y, minlength=len(hands))
    weights = {k: len(y) / len(hands) / max(1, n) for k, n in enumerate(share)}
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    model.optimizer.learning_rate = 3e-3
    model.fit(x, y, 32, epochs, verbose=0, class_weight=weights)
    return model


def guesses(model: keras.Model, rows: Sequence[np.ndarray]) -> np.ndarray:
    """Predicts the probabilities of the hands, ``(lines, hands)``, as the mean over the crops."""
    made = [crops(ink) for ink in rows]
    probabilities = model.predict(np.concatenate(made), verbose=0)
    ends = np.cumsum([len(part) for part in made])
    return np.stack([part.mean(0) for part in np.split(probabilities, ends[:-1])])


def effective_hands(probabilities: np.ndarray) -> float:
    """Computes the perplexity of the predicted hand: ``exp`` of the entropy of the mean."""
    mean = probabilities.mean(0)
    return float(np.exp(-(mean * np.log(np.maximum(mean, 1e-12))).sum()))


def measure(
    opened: Opened, data: str, bias: float = BIAS, lines: int = 4, seed: int = 0
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Computes how often the classifier names the right hand, for ink and for what a model writes.

    Args:
        opened: A handwriting model on any backend.
        data: Ink, see `apps.handwriting.data.Source`, with lines withheld from training.
        bias: See `PointOptions`.
        lines: How many are written in each hand.
        seed: Of the classifier and the first line.

    Returns:
        The figures; and for each hand the rows of a primer, and of what followed.

    Raises:
        InputError: There is no such ink.
    """
    config, generator = opened.config, opened.generator
    found = load_splits(data, ("train", "withheld", "valid"), config.arc, config.turning)
    hands = choose_hands(found["train"], found["withheld"])
    items = [item for item in found["train"] if item.writer in hands and not item.word]
    model = train_classifier(items, hands, seed=seed)
    real = [item for item in found["withheld"] if item.writer in hands]
    writers = list(writer_kinds(found["train"]))  # the order of the model's styles
    written: dict[str, list[np.ndarray]] = {"primed": [], "matched": [], "named": [], "any": []}
    pictures = []
    for number, hand in enumerate(hands):
        first = lines * number
        texts = [PHRASES[(first + k) % len(PHRASES)] for k in range(lines)]
        seeds = [seed + first + k for k in range(lines)]
        own = [item for item in real if item.writer == hand and len(item.text) <= _LONGEST_PRIMER]
        primer = max(own, key=lambda item: len(item.text))
        matched = likeliest_style(generator, config, primer)
        named = config.writer_style(writers.index(hand))
        for name, style, read in (
            ("primed", 0, primer),
            ("matched", matched, primer),
            ("named", named, None),
            ("any", 0, None),
        ):
            made = write_each(generator, config, texts, seeds, style, bias, read)
            written[name] += [line.rows for line in made]
            if name == "matched":
                pictures += [primer.rows, made[0].rows]
    right = np.array([hands.index(item.writer) for item in real])
    truth = np.repeat(np.arange(len(hands)), lines)
    probabilities = {name: guesses(model, rows) for name, rows in written.items()}
    others = spread(lines_of(found["valid"], data), len(written["any"]))
    figures: dict[str, Any] = {
        "preset": opened.name,
        "hands": len(hands),
        "style_real": _right(guesses(model, [item.rows for item in real]), right),
        **{f"style_{n}": _right(probabilities[n], truth) for n in ("primed", "matched", "named")},
        "variety_any": effective_hands(probabilities["any"]),
        "variety_real": effective_hands(guesses(model, [item.rows for item in others])),
        "bias": bias,
    }
    return figures, pictures


def _right(probabilities: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean(probabilities.argmax(1) == truth))


def picture(rows: Sequence[np.ndarray]) -> bytes:
    """Lines of ink one below the other, as a PNG."""
    from apps.handwriting import drawing
    from apps.handwriting.page import Layout, place

    [page] = place(list(rows), Layout(size=2.0))
    return drawing.png(drawing.svg(page), 110)
