"""How sure a model may be of an output: a score of it, turned into a probability.

A `Calibration` is fitted to the scores of outputs that are known to be good and of others that are
known to be bad, and kept beside the weights, in ``calibration.json`` of a preset and of its bundle:

    confidence = 1 / (1 + exp(-(slope * score + offset)))             (Platt 1999)

What the score is, the application says. An output below the threshold is doubtful.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import numpy as np

from shared.readers import read_json
from shared.typed import from_json

CALIBRATION = "calibration.json"


class Packed(TypedDict):
    """An array as a JSON value: row-major, little-endian."""

    dtype: str
    shape: list[int]
    base64: str


def packed(array: np.ndarray) -> Packed:
    """Returns an array as a JSON value."""
    text = base64.b64encode(array.tobytes()).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "base64": text}


def unpacked(value: Packed) -> np.ndarray:
    """The inverse of `packed`."""
    data = base64.b64decode(value["base64"])
    return np.frombuffer(data, value["dtype"]).reshape(value["shape"])


@dataclass(frozen=True)
class Calibration:
    """A logistic function of a score, and a threshold.

    Attributes:
        slope: Of the score.
        offset: Added to the score times the slope.
        threshold: Confidence below which an output is doubtful.
        measured: Figures of it, such as ``auroc``.
        command: The command that made it.
        arrays: What the application needs to compute the score, by name.
    """

    slope: float
    offset: float
    threshold: float
    measured: dict[str, float] = field(default_factory=dict)
    command: str = ""
    arrays: dict[str, Packed] = field(default_factory=dict)

    def confidence(self, score: float) -> float:
        """Returns the probability, 0 to 1, that an output of this score is good."""
        return 1 / (1 + math.exp(-np.clip(self.slope * score + self.offset, -500, 500)))

    def is_doubtful(self, score: float) -> bool:
        """Whether the confidence of this score is below the threshold."""
        return self.confidence(score) < self.threshold


def load_calibration(folder: str | Path) -> Calibration | None:
    """The calibration in a preset's or a bundle's folder, or None if there is none.

    Raises:
        InputError: The file is damaged.
    """
    path = Path(folder) / CALIBRATION
    return from_json(read_json(path), Calibration, path) if path.exists() else None


def auroc(good: np.ndarray, bad: np.ndarray) -> float:
    """Computes the area under the ROC curve: how often a good score is above a bad one."""
    above = np.searchsorted(np.sort(bad), good, "left") + np.searchsorted(
        np.sort(bad), good, "right"
    )
    return float(above.mean() / (2 * len(bad)))


def calibrate(good: np.ndarray, bad: np.ndarray, doubted: float = 0.05) -> Calibration:
    """Fits the logistic function, both kinds counted alike however many there are of each.

    Args:
        good: Scores of good outputs ``(n,)``.
        bad: Scores of bad outputs ``(m,)``.
        doubted: Share of the good ones that the threshold may call doubtful.

    Raises:
        ValueError: A score is missing or not finite.
    """
    scores = np.concatenate([good, bad]).astype(np.float64)
    if not len(good) or not len(bad) or not np.isfinite(scores).all():
        raise ValueError("good and bad scores are needed, finite ones")
    center, scale = scores.mean(), scores.std() or 1.0
    x = np.stack([(scores - center) / scale, np.ones(len(scores))], 1)
    weight = np.concatenate([np.full(len(s), 0.5 / len(s)) for s in (good, bad)])
    # Platt's targets, which keep the slope finite where a score separates both kinds.
    n, m = len(good), len(bad)
    target = np.concatenate([np.full(n, (n + 1) / (n + 2)), np.full(m, 1 / (m + 2))])
    found = np.zeros(2)
    for _ in range(100):  # Newton's method
        share = 1 / (1 + np.exp(-x @ found))
        slope = x.T @ (weight * (share - target))
        curve = (x * (weight * share * (1 - share))[:, None]).T @ x + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        found -= step * min(1.0, 2 / np.abs(step).max(initial=1e-12))
        if np.abs(step).max() < 1e-9:
            break
    made = Calibration(float(found[0] / scale), float(found[1] - found[0] * center / scale), 0.0)
    threshold = made.confidence(float(np.quantile(good, doubted)))
    return Calibration(made.slope, made.offset, threshold)
