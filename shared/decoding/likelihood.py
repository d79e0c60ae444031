"""Scores reference symbols by teacher forcing, on any backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shared.decoding.hypotheses import Inputs
from shared.decoding.sampling import log_softmax
from shared.generator import Arrays, Generator


def cross_entropy(outputs: Arrays, symbols: np.ndarray, t: int) -> np.ndarray:
    """Computes the cross-entropy ``(rows,)`` of symbols ``(rows,)``, in nats, from ``logits``."""
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
    """Computes the negative log-likelihood of reference symbols, each given those before it.

    Args:
        generator: A model on any backend.
        state: From ``generator.encode``, one row for each row of ``symbols``.
        symbols: Reference symbols ``(rows, steps)`` or, for vectors, ``(rows, steps, size)``.
        start: Symbol to feed first.
        inputs: Function ``inputs(t, last) -> dict`` that makes the symbol inputs of a step, as for
            `shared.decoding.decode`. Defaults to ``{"symbol": last}``.
        nats: Function ``nats(outputs, symbols, t) -> (rows,)`` that scores the symbols of step
            ``t``. Defaults to the cross-entropy of ``logits``.

    Returns:
        Losses in nats, float64 ``(rows, steps)``.
    """
    losses = np.zeros(symbols.shape[:2])
    last = np.full((len(symbols), *symbols.shape[2:]), start, symbols.dtype)
    for t in range(symbols.shape[1]):
        fed = {"symbol": last} if inputs is None else inputs(t, last)
        outputs, state = generator.step(fed, state)
        last = symbols[:, t]
        losses[:, t] = nats(outputs, last, t)
    return losses
