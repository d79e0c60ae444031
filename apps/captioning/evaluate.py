"""Figures of a captioning model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from apps.captioning.caption import DECODING, Caption, caption
from apps.captioning.metrics import meteor, scores, words
from apps.captioning.words import AnyTokenizer
from shared.decoding import DecodingOptions
from shared.generator import Generator


def figures_of(
    generator: Generator,
    tokenizer: AnyTokenizer,
    conditions: Iterable[np.ndarray],
    references: Sequence[Sequence[str]],
    options: DecodingOptions | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> tuple[dict[str, float], list[Caption]]:
    """`apps.captioning.metrics.scores` and ``distinct``, and the captions that they are of.

    Args:
        generator: A captioning model on any backend.
        tokenizer: The model's.
        conditions: What its ``encode`` takes, one photo after the other.
        references: What people wrote about each.
        options: How to decode.
        progress: Called with the number of photos finished since the last call.
    """
    options = options or DecodingOptions(**DECODING)
    found = []
    for one in caption(generator, tokenizer, conditions, options):
        found.append(one)
        progress(1)
    figures = scores(*_pairs(found, references))
    return {**figures, "distinct": float(len({one.plain for one in found}))}, found


def meteor_of(found: Sequence[Caption], references: Sequence[Sequence[str]]) -> float | None:
    """METEOR, or None where it is not installed, see `apps.captioning.metrics.meteor`."""
    return meteor(*_pairs(found, references))


def _pairs(
    found: Sequence[Caption], references: Sequence[Sequence[str]]
) -> tuple[list[list[str]], list[list[list[str]]]]:
    known = [[words(text) for text in texts] for texts in references]
    return [words(one.plain) for one in found], known
