"""Whether a photo is like those that a model was trained on: what its confidence comes from.

The score of a photo is its distance from the principal subspace of training photos, negated:

    v = mean(values) / |mean(values)|          the projected grid, over its cells
    score = -|(v - m) - P'P (v - m)|           m the mean of v, P its principal components

as in ViM (Wang et al. 2022), from what ``encode`` returns on every backend. Log-probabilities tell
much less: a black image is *a dog running through the snow* with a better one than most photos.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from shared.calibration import CALIBRATION, Calibration, auroc, calibrate, packed, unpacked
from shared.errors import InputError
from shared.generator import Generator

COMPONENTS = 50
TRAINING_PHOTOS = 2000  # of a larger set so many, spread evenly
_BATCH = 16


def grid_means(values: np.ndarray) -> np.ndarray:
    """Returns the mean of each grid over its cells, at length 1.

    Args:
        values: ``(photos, cells, grid_units)``, as ``encode`` returns them.
    """
    means = values.astype(np.float64).mean(1)
    return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)


class Confidence(TypedDict, total=False):
    """How sure a caption may be; empty for a model that is not calibrated."""

    confidence: float
    doubtful: bool


@dataclass(frozen=True, eq=False)
class Familiarity:
    """A calibrated distance from the training photos.

    Attributes:
        calibration: Turns a score into a confidence.
        mean: Of the training photos, ``(grid_units,)``.
        components: Principal ones, ``(components, grid_units)``, orthonormal.
    """

    calibration: Calibration
    mean: np.ndarray
    components: np.ndarray

    @classmethod
    def of(cls, calibration: Calibration | None, grid_units: int) -> Familiarity | None:
        """Reads it from a model's calibration, if it has one.

        Raises:
            InputError: The calibration is not that of a model with so many grid units.
        """
        if calibration is None:
            return None
        try:
            mean, components = (unpacked(calibration.arrays[n]) for n in ("mean", "components"))
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(
                f"{CALIBRATION}: damaged ({error}); calibrate the model again"
            ) from error
        if (*mean.shape, *components.shape[1:]) != (grid_units, grid_units):
            raise InputError(f"{CALIBRATION}: of another model; calibrate this one again")
        return cls(calibration, mean, components)

    def judge(self, values: np.ndarray) -> list[Confidence]:
        """Returns how sure captions of photos may be, from the ``values`` of their grids."""
        scores = distance_scores(grid_means(values), self.mean, self.components)
        made = self.calibration
        return [
            {"confidence": made.confidence(score), "doubtful": made.is_doubtful(score)}
            for score in scores.tolist()
        ]


def distance_scores(vectors: np.ndarray, mean: np.ndarray, components: np.ndarray) -> np.ndarray:
    """Computes the scores ``(photos,)`` of vectors ``(photos, grid_units)`` by `grid_means`."""
    away = vectors - mean
    projected = away @ components.T.astype(np.float64)
    return -np.linalg.norm(away - projected @ components, axis=1)


def fit(
    training: np.ndarray, known: np.ndarray, others: np.ndarray, kinds: Sequence[str]
) -> Calibration:
    """Fits the subspace to training photos, and the confidence to known photos and others.

    The shares that are called doubtful are those of one half after a fit to the other half.

    Args:
        training: `grid_means` of training photos.
        known: `grid_means` of photos of the same data that are not trained on.
        others: `grid_means` of pictures of other kinds.
        kinds: The kind of each of the others.
    """
    mean = training.mean(0).astype(np.float16)
    _, _, rows = np.linalg.svd(training - mean, full_matrices=False)
    components = rows[:COMPONENTS].astype(np.float16)
    good, bad = (distance_scores(vectors, mean, components) for vectors in (known, others))
    half, kind = calibrate(good[::2], bad[::2]), np.array(kinds)
    measured = {"auroc": auroc(good, bad)}
    for name in dict.fromkeys(kinds):
        measured[f"auroc_{name}"] = auroc(good, bad[kind == name])
    for name, scores in (("known", good), ("others", bad)):
        doubtful = [half.is_doubtful(score) for score in scores[1::2].tolist()]
        measured |= {f"doubtful_{name}": float(np.mean(doubtful)), name: len(scores)}
    arrays = {"mean": packed(mean), "components": packed(components)}
    return dataclasses.replace(calibrate(good, bad), measured=measured, arrays=arrays)


def grids_of(
    generator: Generator,
    squares: Iterable[np.ndarray],
    progress: Callable[[int], None] = lambda count: None,
) -> np.ndarray:
    """Computes `grid_means` of photos.

    Args:
        generator: A captioning model on any backend.
        squares: Photos, uint8 ``(size, size, 3)``.
        progress: Called with the number of photos finished since the last call.
    """
    [name] = generator.signature.condition
    found, left = [], iter(squares)
    while some := list(itertools.islice(left, _BATCH)):
        found.append(grid_means(generator.encode({name: np.stack(some)})["values"]))
        progress(len(some))
    return np.concatenate(found)
