"""Sentences made of a grammar of our own: scenes, requests, prices, times, in four languages.

A noun phrase or a clause is drawn once (`drawing.py`, `templates.py`) and said in each language
by its own rules (`english.py`, `german.py`, `french.py`, `spanish.py`) with the words of the
tables (`lexicon.py`). Made for this project, under its license.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.translation.data import Pair
from apps.translation.held_out import is_held_out
from apps.translation.scenes.drawing import Draw
from apps.translation.scenes.phrase import LANGUAGES, Words
from apps.translation.scenes.templates import TEMPLATES


def scenes(count: int, rng: np.random.Generator) -> list[Words]:
    """So many sentences, each in `LANGUAGES`; none of those that test everyday translation."""
    functions, weights = zip(*TEMPLATES, strict=True)
    shares = np.array(weights) / sum(weights)
    draw = Draw(rng)
    result: list[Words] = []
    while len(result) < count:
        for k in rng.choice(len(functions), count - len(result), p=shares):
            words = functions[int(k)](draw)
            if not is_held_out(words):
                result.append(words)
    return result


def scene_pairs(
    directions: Sequence[tuple[str, str]], count: int, rng: np.random.Generator
) -> list[Pair]:
    """So many pairs, each of one of the directions.

    Args:
        directions: Source and target language; those of other languages than `LANGUAGES` are
            passed over.
        count: Of pairs.
        rng: Draws everything.
    """
    known = [pair for pair in directions if set(pair) <= set(LANGUAGES)]
    if not known:
        return []
    pairs = []
    for words in scenes(count, rng):
        source, target = known[int(rng.integers(len(known)))]
        left, right = (words[LANGUAGES.index(language)] for language in (source, target))
        pairs.append(Pair(left, right, source, target))
    return pairs
