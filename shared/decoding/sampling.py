"""Pure functions on log-probabilities ``(..., vocabulary)``; masked symbols are ``-inf``.

The filters `keep_top_k` and `keep_top_p` mask more symbols and do not normalize again; `draw` does
not need normalized input.
"""

from __future__ import annotations

import numpy as np


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Normalizes logits to log-probabilities, in their dtype. A row all ``-inf`` stays so."""
    peak = logits.max(axis=-1, keepdims=True)
    shifted = logits - np.where(np.isneginf(peak), 0, peak)
    total = np.exp(shifted).sum(axis=-1, keepdims=True)
    shifted -= np.log(np.maximum(total, 1))  # 1 or more, or 0 if all is forbidden
    return shifted


def with_temperature(log_probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Divides log-odds by `temperature`, and normalizes."""
    if temperature == 1:
        return log_probabilities
    return log_softmax(log_probabilities / np.asarray(temperature, log_probabilities.dtype))


def keep_top_k(log_probabilities: np.ndarray, k: int) -> np.ndarray:
    """Masks all but the `k` most probable symbols, ties with the k-th kept; 0 keeps all.

    Fan et al., 2018.
    """
    if not 0 < k < log_probabilities.shape[-1]:
        return log_probabilities
    kth = np.partition(log_probabilities, -k, axis=-1)[..., -k, None]
    return np.where(log_probabilities < kth, -np.inf, log_probabilities)


def keep_top_p(log_probabilities: np.ndarray, p: float) -> np.ndarray:
    """Masks all but the nucleus: the smallest set of most probable symbols that reaches `p`.

    At least one symbol is kept; 1 keeps all. Ties are broken in index order. Holtzman et al., 2020.
    """
    if p >= 1:
        return log_probabilities
    order = np.argsort(-log_probabilities, axis=-1, kind="stable")
    ranked = np.exp(log_softmax(np.take_along_axis(log_probabilities, order, axis=-1)))
    before = np.cumsum(ranked, axis=-1, dtype=np.float64) - ranked  # of all more probable ones
    keep = np.empty(order.shape, bool)
    np.put_along_axis(keep, order, before < p, axis=-1)
    keep[..., :1] |= ~keep.any(axis=-1, keepdims=True)
    return np.where(keep, log_probabilities, -np.inf)


def draw(log_probabilities: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Draws one symbol per row by inverting the cumulative distribution.

    Args:
        log_probabilities: Log-probabilities ``(rows, vocabulary)``, normalized or not; at least
            one per row is finite.
        uniform: Random numbers in [0, 1), ``(rows,)``.

    Returns:
        Symbols ``(rows,)``, never one of probability 0.
    """
    peak = log_probabilities.max(axis=-1, keepdims=True)
    cumulative = np.cumsum(np.exp(log_probabilities - peak), axis=-1, dtype=np.float64)
    total = cumulative[:, -1]
    # Rounding must not move the point past the last symbol of nonzero probability.
    point = np.minimum(uniform * total, np.nextafter(total, 0))
    return (cumulative <= point[:, None]).sum(axis=-1)


def top(values: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns indices and values of the k largest of `values` ``(rows, n)``, in order.

    Both are ``(rows, k)``, ties in index order. A row with fewer than k finite values repeats an
    index, with ``-inf``. For the k of a beam, k times argmax is faster than a partition.
    """
    rows = np.arange(len(values))
    best = np.empty((len(values), k), np.int64)
    taken = np.empty((len(values), k), values.dtype)
    for i in range(k):
        best[:, i] = values.argmax(axis=1)
        taken[:, i] = values[rows, best[:, i]]
        values[rows, best[:, i]] = -np.inf
    for i in reversed(range(k)):  # restore, last first: an index may have been taken twice
        values[rows, best[:, i]] = taken[:, i]
    return best, taken
