"""Tasks whose target at the end depends on the beginning of the sequence, across any gap.

A task is a function ``(rng, batch, gap) -> inputs, targets``: float32 ``(batch, steps, features)``
and either int32 classes ``(batch,)`` or float32 numbers ``(batch,)``. Its number of steps depends
on the gap alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Batch = tuple[np.ndarray, np.ndarray]

CUES, NOISE = 8, 4


def recall(rng: np.random.Generator, batch: int, gap: int) -> Batch:
    """One of eight cues, ``gap`` steps of noise, a bell: which cue was it?"""
    symbols = rng.integers(CUES, CUES + NOISE, (batch, gap + 2))
    symbols[:, 0] = rng.integers(0, CUES, batch)
    symbols[:, -1] = CUES + NOISE
    return _one_hot(symbols, CUES + NOISE + 1), symbols[:, 0].astype(np.int32)


def adding(rng: np.random.Generator, batch: int, gap: int) -> Batch:
    """Numbers in (0, 1), two of them marked; the answer is their mean.

    Hochreiter and Schmidhuber 1997, experiment 4. One mark is in the first tenth, the other in
    the second half.
    """
    inputs = np.zeros((batch, gap + 2, 2), np.float32)
    inputs[:, :, 0] = rng.random((batch, gap + 2))
    rows = np.arange(batch)
    first = rng.integers(0, max(1, gap // 10), batch)
    second = rng.integers(gap // 2, gap + 1, batch)
    inputs[rows, first, 1] = inputs[rows, second, 1] = 1
    return inputs, (inputs[rows, first, 0] + inputs[rows, second, 0]) / 2


def temporal_order(rng: np.random.Generator, batch: int, gap: int) -> Batch:
    """X or Y twice in noise, then a bell: XX, XY, YX or YY?

    Hochreiter and Schmidhuber 1997, experiment 6a. The first is in the second tenth of the
    sequence, the other in the sixth.
    """
    symbols = rng.integers(2, 2 + NOISE, (batch, gap + 2))
    rows, tenth = np.arange(batch), max(1, gap // 10)
    first, second = rng.integers(0, 2, (2, batch))
    symbols[rows, tenth + rng.integers(0, tenth, batch)] = first
    symbols[rows, 5 * tenth + rng.integers(0, tenth, batch)] = second
    symbols[:, -1] = 2 + NOISE
    return _one_hot(symbols, 3 + NOISE), (2 * first + second).astype(np.int32)


def _one_hot(symbols: np.ndarray, size: int) -> np.ndarray:
    return np.eye(size, dtype=np.float32)[symbols]


# --- the same in words ------------------------------------------------------------------------

LANGUAGES = {
    "Spain": "Spanish",
    "Mexico": "Spanish",
    "France": "French",
    "Germany": "German",
    "Austria": "German",
    "Italy": "Italian",
    "Portugal": "Portuguese",
    "Brazil": "Portuguese",
    "Japan": "Japanese",
    "Poland": "Polish",
    "Greece": "Greek",
    "Turkey": "Turkish",
}
ANSWERS = tuple(sorted(set(LANGUAGES.values())))
_PEOPLE = ("Anna", "Peter", "Maria", "John")
_OPENINGS = (
    "I have been staying in {country} .",
    "last year we moved to {country} .",
    "for years my home was {country} .",
)
# The countries in these fillers are distractors: position matters, not the word alone.
_FILLERS = (
    "it rained .",
    "{person} was late .",
    "the coffee was good .",
    "{person} wrote a long letter .",
    "we met {person} at the market .",
    "the train to {country} was late .",
    "{person} has never been to {country} .",
    "a friend from {country} came for dinner .",
)
_ENDING = "now I can speak fluently".split()


def _expand(template: str) -> list[list[str]]:
    people = _PEOPLE if "{person}" in template else [""]
    countries = LANGUAGES if "{country}" in template else [""]
    return [
        template.format(person=person, country=country).split()
        for person in people
        for country in countries
    ]


_FILLER_KINDS = [_expand(template) for template in _FILLERS]
_SHORTEST = min(len(kind[0]) for kind in _FILLER_KINDS)
WORDS = tuple(
    sorted(
        {word for t in (*_OPENINGS, *_FILLERS) for sentence in _expand(t) for word in sentence}
        | {*_ENDING, *ANSWERS}
    )
)


def sentences(rng: np.random.Generator, gap: int) -> list[str]:
    """Words from the opening to the answer, with ``gap`` of them between country and answer.

    ``I have been staying in Spain . it rained . ... now I can speak fluently Spanish``

    Raises:
        ValueError: The gap is too short for the ending and a filler.
    """
    left = gap - 1 - len(_ENDING)
    if left < _SHORTEST:
        raise ValueError(f"`gap` must be at least {1 + len(_ENDING) + _SHORTEST}, got {gap}")
    country = str(rng.choice(list(LANGUAGES)))
    words = _OPENINGS[rng.integers(len(_OPENINGS))].format(country=country).split()
    draws = iter(rng.random((left, 2)))
    while left:
        fitting = [k for k in _FILLER_KINDS if left - len(k[0]) >= _SHORTEST or len(k[0]) == left]
        which, variant = next(draws)
        kind = fitting[int(which * len(fitting))]
        words += kind[int(variant * len(kind))]
        left -= len(kind[0])
    return [*words, *_ENDING, LANGUAGES[country]]


def language(rng: np.random.Generator, batch: int, gap: int) -> Batch:
    """'I have been staying in Spain ... now I can speak fluently' - which language?"""
    index = {word: k for k, word in enumerate(WORDS)}
    # The openings differ in length: shorter ones stand behind empty steps.
    steps = gap + max(len(t.split()) for t in _OPENINGS) - 1
    inputs = np.zeros((batch, steps, len(WORDS)), np.float32)
    targets = np.zeros(batch, np.int32)
    for row in range(batch):
        *words, answer = sentences(rng, gap)
        symbols = [index[word] for word in words]
        inputs[row, np.arange(steps - len(words), steps), symbols] = 1
        targets[row] = ANSWERS.index(answer)
    return inputs, targets


@dataclass(frozen=True)
class Task:
    """What to learn, and how good guessing is.

    Args:
        sample: ``(rng, batch, gap) -> inputs, targets``.
        outputs: Number of classes; 1 for a number.
        chance: Accuracy of the best answer that ignores the input.
    """

    sample: Callable[[np.random.Generator, int, int], Batch]
    outputs: int
    chance: float

    def correct(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Which rows are right; for a number, within 0.04 (Hochreiter and Schmidhuber 1997)."""
        if self.outputs == 1:
            return np.abs(outputs[:, 0] - targets) < 0.04
        return outputs.argmax(1) == targets


def _most_common() -> float:
    answers = list(LANGUAGES.values())
    return max(answers.count(answer) for answer in answers) / len(answers)


TASKS = {
    "recall": Task(recall, CUES, 1 / CUES),
    "adding": Task(adding, 1, 1 - 0.92**2),  # two uniform numbers: their mean is mostly near 0.5
    "temporal order": Task(temporal_order, 4, 1 / 4),
    "language": Task(language, len(ANSWERS), _most_common()),
}
