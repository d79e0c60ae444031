"""How likely a translation is to be good: a logistic regression, fitted on held-out sentences.

*Good* is a sentence whose chrF against a person's translation is `GOOD` or more. Needs neither
Keras nor TensorFlow to tell; sacreBLEU to fit.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from apps.translation.data import Pair
from apps.translation.repeats import repeats
from apps.translation.search import (
    DECODING,
    Hypothesis,
    parts_of,
    quickest,
    source_room,
    translate,
)
from shared.calibration import CALIBRATION, auroc
from shared.decoding import DecodingOptions
from shared.errors import InputError
from shared.presets.open import Opened
from shared.readers import read_json
from shared.typed import from_json

GOOD = 50.0  # chrF, 0 to 100
DOUBTFUL = 0.5  # a confidence below it
_LOOKED = 0.3  # attention, summed over the translation, below which a subword was left out


class Calibration(TypedDict):
    """What the file says.

    Attributes:
        good_chrf: What a good translation has.
        weights: Of each feature, the last one the bias.
        figures: On sentences that were not fitted: ``n``; ``good``, the share of good ones;
            ``confidence``, its mean; ``calibration_error``, the mean difference between both over
            ten bins; ``auc``; and for `DOUBTFUL` the shares ``flagged``, ``bad_flagged`` of the
            bad ones and ``good_flagged`` of the good ones.
        command: Makes the file again.
        date: As 2026-01-31.
    """

    good_chrf: float
    weights: list[float]
    figures: dict[str, float]
    command: str
    date: str


def read_calibration(folder: Path) -> Calibration | None:
    """That of a preset or a bundle, or None if it has none.

    Raises:
        InputError: It is damaged.
    """
    path = folder / CALIBRATION
    return from_json(read_json(path), Calibration, path) if path.is_file() else None


def features_of(found: Hypothesis) -> np.ndarray:
    """What tells good from bad: probabilities, lengths, what was left out or said twice."""
    written, read = len(found.pieces) + 1, max(len(found.source_pieces), 1)
    left_out = (found.attention.sum(0) < _LOOKED).mean() if found.attention.size else 0.0
    return np.array(
        [
            found.log_probability / written,
            found.log_probability,
            np.log(written),
            abs(np.log(written / read)),
            left_out,
            float(repeats(found.text)),
            float(not found.finished),
            1.0,
        ]
    )


def confidence(found: Hypothesis, calibration: Calibration) -> float:
    """The probability that a translation is good; 1 if there was nothing to translate."""
    if not found.pieces:
        return 1.0
    return float(_probability(features_of(found), np.asarray(calibration["weights"])))


def calibrate(
    opened: Opened, pairs: Sequence[Pair], command: str, progress: Callable[[int], None]
) -> Calibration:
    """Translates held-out pairs, and fits: see `fit`. What is split in translation is left out."""
    config, tokenizer = opened.config, opened.tokenizer
    room = source_room(config)
    kept = [p for p in pairs if len(parts_of(p.source, tokenizer, room, config.lifted)) == 1]
    progress(len(pairs) - len(kept))
    found = translate(
        quickest(opened.generator),
        config,
        tokenizer,
        [pair.source for pair in kept],
        [pair.target_language for pair in kept],
        DecodingOptions(**DECODING),
        progress,
        again=True,
    )
    return fit([best for best, *_ in found], [pair.target for pair in kept], command)


def fit(found: Sequence[Hypothesis], references: Sequence[str], command: str) -> Calibration:
    """Fits every other sentence, and measures on the rest.

    Args:
        found: Translations of sentences that the model was not trained on.
        references: A person's translation of each.
        command: For the file.

    Raises:
        InputError: There are fewer than 100 sentences, or all are good, or none.
    """
    from sacrebleu.metrics import CHRF

    metric = CHRF()
    kept = [(f, r) for f, r in zip(found, references, strict=True) if f.pieces and r]
    inputs = np.array([features_of(f) for f, _ in kept])
    scores = [metric.sentence_score(f.text, [reference]).score for f, reference in kept]
    good = np.array(scores) >= GOOD
    if len(kept) < 100 or good[::2].all() or not good[::2].any():
        raise InputError(
            f"{len(kept)} sentences, {int(good.sum())} of them good: too few to calibrate on; "
            "give more"
        )
    weights = _logistic(inputs[::2], good[::2])
    return {
        "good_chrf": GOOD,
        "weights": [round(float(w), 6) for w in weights],
        "figures": _figures(_probability(inputs[1::2], weights), good[1::2]),
        "command": command,
        "date": datetime.date.today().isoformat(),
    }


def _probability(inputs: np.ndarray, weights: np.ndarray) -> Any:
    return 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))


def _logistic(inputs: np.ndarray, good: np.ndarray, ridge: float = 1.0) -> np.ndarray:
    """Weights of a logistic regression, by Newton's method; all but the bias are kept small."""
    mean, scale = inputs.mean(0), inputs.std(0) + 1e-9
    mean[-1], scale[-1] = 0.0, 1.0
    x = (inputs - mean) / scale
    penalty = ridge * np.eye(x.shape[1])
    penalty[-1, -1] = 0.0
    weights = np.zeros(x.shape[1])
    for _ in range(30):
        p = _probability(x, weights)
        slope = x.T @ (p - good) + penalty @ weights
        curvature = (x * (p * (1 - p))[:, None]).T @ x + penalty
        weights -= np.linalg.solve(curvature + 1e-9 * np.eye(len(weights)), slope)
    weights /= scale
    weights[-1] -= weights[:-1] @ mean[:-1]
    return weights


def _figures(p: np.ndarray, good: np.ndarray) -> dict[str, float]:
    bins = np.minimum((10 * p).astype(int), 9)
    error = sum(
        abs(p[bins == k].sum() - good[bins == k].sum()) for k in range(10) if (bins == k).any()
    )
    positive, negative = good.sum(), (~good).sum()
    flagged = p < DOUBTFUL
    values = {
        "good": good.mean(),
        "confidence": p.mean(),
        "calibration_error": error / len(p),
        "auc": auroc(p[good], p[~good]) if positive and negative else 0.0,
        "flagged": flagged.mean(),
        "bad_flagged": flagged[~good].mean() if negative else 0.0,
        "good_flagged": flagged[good].mean() if positive else 0.0,
    }
    return {"n": float(len(p)), **{name: round(float(v), 4) for name, v in values.items()}}
