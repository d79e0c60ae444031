"""Measure a handwriting model: ``lstm-suite evaluate handwriting``.

How likely real ink is to it, and how well a recognizer reads what it writes.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from apps.arguments import add_json, add_model_arguments, report
from apps.handwriting.config import HandwritingConfig
from apps.handwriting.data import load, whole
from apps.handwriting.generate import BIAS, condition, open_handwriting
from apps.handwriting.ink import Ink, spelled
from shared.decoding.mixture import START, nats
from shared.errors import InputError
from shared.export.goldens import Example
from shared.generator import Generator

_ROWS = 64


def losses(
    generator: Generator, config: HandwritingConfig, items: Sequence[Ink], style: int = 0
) -> list[np.ndarray]:
    """Negative log-likelihood of every point of some ink, through `encode` and `step`.

    Args:
        generator: A handwriting model on any backend.
        config: The model's.
        items: What to score; batches are of like lengths.
        style: That the model is told.

    Returns:
        For each item, in no particular order, float64 ``(points,)``, the first row's included.
    """
    results = []
    for batch in whole(items, _ROWS):
        rows, points = batch["mask"].shape
        points = int(batch["mask"].any(0).sum())
        texts = [spelled(text) for text in batch["text"]]
        state = generator.encode(condition(config, texts, [style] * rows))
        found = np.zeros((rows, points))
        for t in range(points):
            outputs, state = generator.step({"point": batch["inputs"][:, t]}, state)
            found[:, t] = nats(outputs["mixture"], batch["targets"][:, t], batch["end"][:, t])
        results += [found[k, batch["mask"][k, :points]] for k in range(rows)]
    return results


def nats_of(
    generator: Generator, config: HandwritingConfig, items: Sequence[Ink], style: int = 0
) -> dict[str, float]:
    """``nats_per_point`` and ``nats_per_char``: pen and end included, an item's first row not."""
    found = losses(generator, config, items, style)
    total = sum(float(values[1:].sum()) for values in found)
    return {
        "nats_per_point": total / sum(len(values) - 1 for values in found),
        "nats_per_char": total / sum(len(item.text) for item in items),
    }
