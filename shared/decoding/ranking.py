"""Optional methods of a backend: top-k inside the graph, and a state that stays there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from shared.decoding.options import DecodingOptions
from shared.generator import Arrays

State = dict[str, Any]
"""The state of a `shared.generator.Generator`, or the backend's own tensors by the same names."""


class Ranking(Protocol):
    """A generator that ranks symbols itself, so that logits and state are not copied to NumPy.

    Greedy decoding and beam search use these two methods in place of ``step``.
    """

    def likeliest(
        self, symbol: Mapping[str, np.ndarray], state: State, count: int
    ) -> tuple[Arrays, State]:
        """Runs one step and returns the top ``count`` symbols in place of ``logits``.

        Returns:
            The outputs of ``step``, with ``symbols`` ``(rows, count)`` in order of probability
            (ties in index order) and their ``log_probabilities``; and the next state, which only
            this method and `select` accept.
        """
        ...

    def select(self, state: State, rows: np.ndarray) -> State:
        """Returns the state of some rows, in the order of ``rows``; rows may repeat."""
        ...


def ranking_of(generator: Any, options: DecodingOptions, constrained: bool) -> Ranking | None:
    """Returns the generator if it is a `Ranking` and the top symbols suffice, else None.

    Sampling, a constraint and n-gram blocking need all logits.
    """
    enough = options.strategy != "sample" and not options.no_repeat_ngram and not constrained
    return generator if enough and hasattr(generator, "likeliest") else None
