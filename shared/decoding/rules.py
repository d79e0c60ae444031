"""Adjustments of the model's scores: GNMT's two penalties, and n-gram blocking."""

from __future__ import annotations

import numpy as np


def length_penalty(length: np.ndarray | int, alpha: float) -> np.ndarray:
    """Computes the divisor of log-probabilities, ``((5 + length) / 6) ** alpha``.

    Wu et al., 2016, eq. 14. `length` counts the end symbol and does not count the prefix.
    """
    return ((5.0 + np.asarray(length)) / 6.0) ** alpha


def coverage_penalty(attention: np.ndarray, beta: float) -> np.ndarray:
    """Computes the coverage penalty, ``beta * sum_i log(min(attention_i, 1))``, at most 0.

    Wu et al., 2016, eq. 14. `attention` ``(..., memory)`` is the sum of the attention weights over
    all steps. Positions at 0 are padding and do not count: a softmax is exactly 0 only where it
    is masked.
    """
    attention = np.asarray(attention, np.float64)
    return beta * np.log(np.where(attention > 0, np.minimum(attention, 1.0), 1.0)).sum(axis=-1)


def block_repeated_ngrams(
    log_probabilities: np.ndarray, prefixes: np.ndarray, n: int
) -> np.ndarray:
    """Masks each symbol that would complete an n-gram already in its row.

    Paulus et al., 2018.

    Args:
        log_probabilities: Log-probabilities ``(rows, vocabulary)``.
        prefixes: The symbols so far, ``(rows, t)``.
        n: Length of the n-grams. 0 is off; 1 forbids every symbol to repeat.

    Returns:
        Log-probabilities ``(rows, vocabulary)``, ``-inf`` where masked.
    """
    t = prefixes.shape[1]
    if n == 0 or t < n:
        return log_probabilities
    windows = np.lib.stride_tricks.sliding_window_view(prefixes, n, axis=1)  # (rows, t-n+1, n)
    recent = prefixes[:, None, t - n + 1 :]  # the last n - 1 symbols
    rows, starts = np.nonzero((windows[:, :, : n - 1] == recent).all(axis=-1))
    blocked = log_probabilities.copy()
    blocked[rows, windows[rows, starts, n - 1]] = -np.inf
    return blocked
