"""The subwords of a new model, and the pairs that are short enough in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from apps.translation.config import TranslationConfig
from apps.translation.data import Pair
from apps.translation.lifting import LETTERS, WHOLE, form_of, lift_pairs, proper_words
from apps.translation.scenes import scene_pairs
from apps.translation.search import source_room
from shared.text import Tokenizer, train_tokenizer


def learn_tokenizer(
    path: Path, config: TranslationConfig, pairs: Sequence[Pair], scene_rate: float = 0.0
) -> None:
    """Trains a tokenizer on pairs, and writes it.

    Args:
        path: The file.
        config: The model's.
        pairs: All pairs to train on.
        scene_rate: Made-up pairs for each of them.
    """
    if scene_rate:
        count = round(scene_rate * len(pairs))
        pairs = [*pairs, *scene_pairs(config.directions, count, np.random.default_rng(0))]
    if config.lifted:
        pairs = lift_pairs(pairs, proper_words(pairs), np.random.default_rng(0))
    texts = dict.fromkeys(text for pair in pairs for text in (pair.source, pair.target))
    kept = (WHOLE, LETTERS) if config.lifted else ()
    train_tokenizer(list(texts), path, config.vocabulary, config.symbols, *kept)


def short_enough(
    pairs: Sequence[Pair], tokenizer: Tokenizer, config: TranslationConfig
) -> list[Pair]:
    """Leaves out the pairs whose source or target has more subwords than `source_room`."""
    room = source_room(config)

    def are_short(texts: Sequence[str]) -> list[bool]:
        if not config.lifted:
            return [len(ids) <= room for ids in tokenizer.encode_all(texts)]
        # Lifting is slow, and few texts need it: it adds at most a symbol for each capital.
        lengths = map(len, tokenizer.encode_all([text.lower() for text in texts]))
        return [
            length + sum(map(str.isupper, text)) <= room
            or len(tokenizer.encode(form_of(text).text)) <= room
            for length, text in zip(lengths, texts, strict=True)
        ]

    sources = are_short([pair.source for pair in pairs])
    targets = are_short([pair.target for pair in pairs])
    return [
        pair
        for pair, source, target in zip(pairs, sources, targets, strict=True)
        if source and target
    ]
