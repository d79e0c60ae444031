"""Figures of a captioning model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from apps.captioning.caption import DECODING, Caption, caption
from apps.captioning.data import Photo
from apps.captioning.metrics import meteor, scores, words
from apps.captioning.words import AnyTokenizer, starts_of
from shared.decoding import DecodingOptions
from shared.generator import Generator
from shared.text import START


def figures_of(
    generator: Generator,
    tokenizer: AnyTokenizer,
    conditions: Iterable[np.ndarray],
    references: Sequence[Sequence[str]],
    options: DecodingOptions | None = None,
    progress: Callable[[int], None] = lambda count: None,
    start: int = START,
) -> tuple[dict[str, float], list[Caption]]:
    """`apps.captioning.metrics.scores` and ``distinct``, and the captions that they are of.

    Args:
        generator: A captioning model on any backend.
        tokenizer: The model's.
        conditions: What its ``encode`` takes, one photo after the other.
        references: What people wrote about each.
        options: How to decode.
        progress: Called with the number of photos finished since the last call.
        start: The start symbol of the language.
    """
    options = options or DecodingOptions(**DECODING)
    found = []
    for one in caption(generator, tokenizer, conditions, options, start):
        found.append(one)
        progress(1)
    figures = scores(*_pairs(found, references))
    return {**figures, "distinct": float(len({one.plain for one in found}))}, found


def language_figures(
    generator: Generator,
    tokenizer: AnyTokenizer,
    photos: Sequence[Photo],
    conditions: Sequence[np.ndarray],
    options: DecodingOptions | None = None,
) -> tuple[dict[str, float], list[Caption]]:
    """`figures_of` photos in each language that they have captions in.

    The keys of the first language are as they are, those of others end with it: ``cider_de``. The
    captions are those in the first language.

    Args:
        generator: A captioning model on any backend.
        tokenizer: The model's.
        photos: Those of every language.
        conditions: What ``encode`` takes, for each photo.
        options: How to decode.
    """
    figures: dict[str, float] = {}
    captions: list[Caption] = []
    for k, (language, start) in enumerate(starts_of(tokenizer).items()):
        chosen = [n for n, photo in enumerate(photos) if photo.language == language]
        if not chosen:
            continue
        references = [photos[n].captions for n in chosen]
        inputs = [conditions[n] for n in chosen]
        values, found = figures_of(generator, tokenizer, inputs, references, options, start=start)
        figures |= {f"{name}_{language}" if k else name: x for name, x in values.items()}
        captions = captions or found
    return figures, captions


def meteor_of(found: Sequence[Caption], references: Sequence[Sequence[str]]) -> float | None:
    """METEOR, or None where it is not installed, see `apps.captioning.metrics.meteor`."""
    return meteor(*_pairs(found, references))


def _pairs(
    found: Sequence[Caption], references: Sequence[Sequence[str]]
) -> tuple[list[list[str]], list[list[list[str]]]]:
    known = [[words(text) for text in texts] for texts in references]
    return [words(one.plain) for one in found], known
