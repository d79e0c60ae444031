"""How likely given symbols are to a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shared.decoding.hypotheses import Inputs
from shared.decoding.sampling import log_softmax
from shared.generator import Arrays, Generator


def cross_entropy(outputs: Arrays, symbols: np.ndarray, t: int) -> np.ndarray:
    """Nats ``(rows,)`` of symbols ``(rows,)``, from a step's ``logits``."""
    return -log_softmax(outputs["logits"])[np.arange(len(symbols)), symbols]


def score(
    generator: Generator,
    state: Arrays,
    symbols: np.ndarray,
    *,
    start: Any,
    inputs: Inputs | None = None,
    nats: Callable[[Arrays, np.ndarray, int], np.ndarray] = cross_entropy,
) -> np.ndarray:
    """Returns the negative log-likelihood of given symbols, each after those before it.

    Args:
        generator: A model on any backend.
        state: From ``generator.encode``, one row for each row of ``symbols``.
        symbols: ``(rows, steps)`` or, for vectors, ``(rows, steps, size)``.
        start: The symbol fed first.
        inputs: ``inputs(t, last) -> dict`` makes the step's inputs, as for
            `shared.decoding.decode`; ``{"symbol": last}`` by default.
        nats: ``nats(outputs, symbols, t) -> (rows,)`` scores the symbols of step ``t``.

    Returns:
        Nats, float64 ``(rows, steps)``.
    """
    found = np.zeros(symbols.shape[:2])
    last = np.full((len(symbols), *symbols.shape[2:]), start, symbols.dtype)
    for t in range(symbols.shape[1]):
        fed = {"symbol": last} if inputs is None else inputs(t, last)
        outputs, state = generator.step(fed, state)
        last = symbols[:, t]
        found[:, t] = nats(outputs, last, t)
    return found
