"""What bends the model's own ranking: GNMT's two penalties, and n-gram blocking."""

from __future__ import annotations

import numpy as np


def length_penalty(length: np.ndarray | int, alpha: float) -> np.ndarray:
    """``((5 + length) / 6) ** alpha``, the divisor of log-probabilities. Wu et al., 2016, eq. 14.

    `length` counts the scored symbols: the end symbol is one, those of the prefix are not.
    """
    return ((5.0 + np.asarray(length)) / 6.0) ** alpha


def coverage_penalty(attention: np.ndarray, beta: float) -> np.ndarray:
    """``beta * sum_i log(min(attention_i, 1))``, at most 0. Wu et al., 2016, eq. 14.

    `attention` ``(..., memory)`` is summed over all steps. A position that never had any is
    taken for padding and does not count (a softmax gives exactly 0 only where it is masked).
    """
    attention = np.asarray(attention, np.float64)
    return beta * np.log(np.where(attention > 0, np.minimum(attention, 1.0), 1.0)).sum(axis=-1)


def block_repeated_ngrams(
    log_probabilities: np.ndarray, prefixes: np.ndarray, n: int
) -> np.ndarray:
    """Forbid each symbol that would complete an n-gram already in its row. Paulus et al., 2018.

    Args:
        log_probabilities: ``(rows, vocabulary)``.
        prefixes: The symbols so far, ``(rows, t)``.
        n: Length of the n-grams; 0 is off, 1 forbids every symbol to repeat.
    """
    t = prefixes.shape[1]
    if n == 0 or t < n:
        return log_probabilities
    windows = np.lib.stride_tricks.sliding_window_view(prefixes, n, axis=1)  # (rows, t-n+1, n)
    recent = prefixes[:, None, t - n + 1 :]  # the n - 1 symbols that the next one would follow
    rows, places = np.nonzero((windows[:, :, : n - 1] == recent).all(axis=-1))
    blocked = log_probabilities.copy()
    blocked[rows, windows[rows, places, n - 1]] = -np.inf
    return blocked
