"""How likely real ink is to a model, and how well a recognizer reads what the model writes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.handwriting.config import HandwritingConfig
from apps.handwriting.data import shape_of, whole
from apps.handwriting.ink import Ink, spelled, to_strokes
from apps.handwriting.judge import Judge, error_rate
from apps.handwriting.lines import BIAS, Line, condition, write_each
from shared.application import Progress
from shared.decoding.mixture import score_points
from shared.generator import Generator

_ROWS = 64


def losses(
    generator: Generator,
    config: HandwritingConfig,
    items: Sequence[Ink],
    style: int = 0,
    progress: Progress = lambda count: None,
) -> list[np.ndarray]:
    """Computes the negative log-likelihood of every point of ink, through ``encode`` and ``step``.

    Args:
        generator: A handwriting model on any backend.
        config: Configuration of the model.
        items: The ink, batched by length.
        style: Number of the style.
        progress: Called with the number of items scored.

    Returns:
        For each item, in no particular order, float64 ``(points,)``, the first point included.
    """
    results = []
    for batch in whole(items, _ROWS):
        rows, points = batch["mask"].shape
        points = int(batch["mask"].any(0).sum())
        texts = [spelled(text) for text in batch["text"]]
        state = generator.encode(condition(config, texts, [style] * rows))
        found = score_points(generator, state, batch["targets"][:, :points], batch["end"])
        results += [found[k, batch["mask"][k, :points]] for k in range(rows)]
        progress(rows)
    return results


def nats_of(
    generator: Generator,
    config: HandwritingConfig,
    items: Sequence[Ink],
    style: int = 0,
    progress: Progress = lambda count: None,
) -> dict[str, float]:
    """Computes ``nats_per_point`` and ``nats_per_char``, without the first point of each item."""
    items = [item for item in items if shape_of(item)]
    found = losses(generator, config, items, style, progress)
    total = sum(float(values[1:].sum()) for values in found)
    return {
        "nats_per_point": total / sum(len(values) - 1 for values in found),
        "nats_per_char": total / sum(len(item.text) for item in items),
    }


def figures_of(
    generator: Generator,
    config: HandwritingConfig,
    texts: Sequence[str],
    judge: Judge,
    seeds: int = 1,
    style: int = 0,
    bias: float = BIAS,
) -> tuple[dict[str, float], list[Line]]:
    """Writes texts, once per seed, and computes ``cer``, ``ended`` and ``good``.

    Args:
        generator: A handwriting model on any backend.
        config: Configuration of the model.
        texts: Lines to write.
        judge: A recognizer that reads them.
        seeds: Samples of each line, none of them drawn again.
        style: Number of the style, see `HandwritingConfig.style_id`.
        bias: Probability bias, see `PointOptions`.

    Returns:
        The character error rate, the share of lines that the model ended and the share of lines
        without problems; and the lines.
    """
    asked = [text for _ in range(seeds) for text in texts]
    lines: list[Line] = []
    for first in range(0, len(asked), _ROWS):
        part = asked[first : first + _ROWS]
        numbers = range(first, first + len(part))
        lines += write_each(generator, config, part, numbers, style, bias)
    read = [judge(to_strokes(line.rows)) for line in lines]
    values = {
        "cer": error_rate(asked, read),
        "ended": float(np.mean([line.result.finished for line in lines])),
        "good": float(np.mean([not line.problems for line in lines])),
    }
    return values, lines
