"""Options and results of `shared.decoding.decode`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, TypedDict

import numpy as np

from shared.errors import InputError

STRATEGIES = ("greedy", "sample", "beam")
WIDEST = 1000  # hypotheses of a beam; more fill the memory and find nothing better


@dataclass(frozen=True)
class DecodingOptions:
    """How symbols are chosen. Values out of range raise `InputError`.

    Args:
        strategy: ``"greedy"`` (the most probable symbol at each step), ``"sample"`` or ``"beam"``.
        temperature: For sampling. Below 1 sharpens the distribution, above 1 flattens it.
        top_k: For sampling. Number of most probable symbols to sample from. 0 is off.
        top_p: For sampling. Probability of the nucleus, the smallest set of most probable symbols
            to sample from. 1 is off.
        beam_size: For beam search. Number of hypotheses kept per item, 1000 at most.
        n_best: Number of results per item: at most `beam_size` for beam search, independent
            samples for sampling, 1 for greedy.
        length_penalty: Alpha of GNMT. 0 is off, larger favors longer results.
        coverage_penalty: Beta of GNMT. 0 is off, larger favors results that attended to all of
            the memory. The generator must output ``attention``.
        no_repeat_ngram: Length of n-grams that may not occur twice in a result. 0 is off.
        min_length: Number of symbols before which the end symbol is forbidden.
        max_length: Number of symbols, prefix included, at which a result is cut, unfinished.
        seed: Seed of all random choices.
    """

    strategy: str = "greedy"
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    beam_size: int = 5
    n_best: int = 1
    length_penalty: float = 0.0
    coverage_penalty: float = 0.0
    no_repeat_ngram: int = 0
    min_length: int = 0
    max_length: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        """Validates the options."""
        if self.strategy not in STRATEGIES:
            raise InputError(f"strategy is {self.strategy!r}: choose from {', '.join(STRATEGIES)}")
        for name, least in _INTEGERS.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise InputError(f"{name} is {value!r}: give a whole number, {least} or more")
        for name in ("temperature", "top_p", "length_penalty", "coverage_penalty"):
            value = getattr(self, name)
            if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
                raise InputError(f"{name} is {value!r}: give a finite number")
            if value < 0:
                raise InputError(f"{name} is {value}: it must not be negative")
        if self.temperature == 0:
            raise InputError("temperature is 0: give one above 0, or choose strategy greedy")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top_p is {self.top_p}: give a number above 0, 1 at most")
        if self.beam_size > WIDEST:
            raise InputError(f"beam_size is {self.beam_size}: give {WIDEST} at most")
        if self.min_length > self.max_length:
            raise InputError(
                f"min_length {self.min_length} exceeds max_length {self.max_length}: swap them"
            )
        most = {"greedy": 1, "sample": math.inf, "beam": self.beam_size}[self.strategy]
        if self.n_best > most:
            raise InputError(
                f"n_best is {self.n_best}: {self.strategy} yields {most} at most "
                "(raise beam_size, or choose strategy sample)"
            )


class BeamOptions(TypedDict, total=False):
    """What the sentence writers let their users choose, all of `DecodingOptions`.

    A beam of one hypothesis is greedy decoding.
    """

    beam_size: int
    n_best: int
    length_penalty: float
    coverage_penalty: float
    no_repeat_ngram: int


def beam_options(defaults: Mapping[str, Any], chosen: Mapping[str, Any]) -> DecodingOptions:
    """The options of an application's beam search.

    Args:
        defaults: The application's, as its bundles name them.
        chosen: What differs from them, `BeamOptions` or any other field of `DecodingOptions`.

    Raises:
        InputError: A value is out of range.
    """
    values = {**defaults, **chosen}
    if values["beam_size"] == 1 and values.get("n_best", 1) == 1:
        values["strategy"] = "greedy"
    return DecodingOptions(**values)


_INTEGERS = {
    "top_k": 0,
    "beam_size": 1,
    "n_best": 1,
    "no_repeat_ngram": 0,
    "min_length": 0,
    "max_length": 1,
    "seed": 0,
}


@dataclass(frozen=True, eq=False)
class DecodingResult:
    """One decoded sequence.

    Attributes:
        symbols: The prefix and all symbols after it, without the start and the end symbol.
        score: The ranking score: `log_probability` / length penalty + coverage penalty.
        log_probability: Sum of the natural log-probabilities of all symbols after the prefix, the
            end symbol included; after the constraint, before temperature, top-k and top-p.
        finished: Whether it ended with the end symbol. If False, `max_length` cut it.
        attention: Attention weights ``(len(symbols), memory)``; None if the generator outputs none.
    """

    symbols: tuple[int, ...]
    score: float
    log_probability: float
    finished: bool
    attention: np.ndarray | None = None
