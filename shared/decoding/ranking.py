"""What a backend may do better itself: rank the symbols, and keep the state between steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from shared.decoding.options import DecodingOptions
from shared.generator import Arrays

State = dict[str, Any]
"""As `shared.generator.Generator` has it, or the backend's own tensors by the same names."""


class Ranking(Protocol):
    """A generator that also answers these two, so that neither logits nor state come to NumPy.

    The search asks for nothing else where the likeliest symbols are all that it wants to know.
    """

    def likeliest(
        self, symbol: Mapping[str, np.ndarray], state: State, count: int
    ) -> tuple[Arrays, State]:
        """``step``; its outputs hold, in place of ``logits``, two arrays ``(rows, count)``.

        ``symbols`` are the likeliest, in order, and of equal ones the first first;
        ``log_probabilities`` are theirs. The state is for this method and `select` only.
        """
        ...

    def select(self, state: State, rows: np.ndarray) -> State:
        """The state of the given rows, in that order; rows may repeat."""
        ...


def ranking_of(generator: Any, options: DecodingOptions, constrained: bool) -> Ranking | None:
    """The generator, if it ranks and if that is enough: any other symbol may be wanted by
    sampling, by a constraint, or where n-grams are blocked."""
    enough = options.strategy != "sample" and not options.no_repeat_ngram and not constrained
    return generator if enough and hasattr(generator, "likeliest") else None
