"""Greedy decoding and sampling, where every row is independent of the others."""

from __future__ import annotations

import numpy as np

from shared.decoding.hypotheses import Hypotheses
from shared.decoding.sampling import draw, keep_top_k, keep_top_p, with_temperature


def rollout(rows: Hypotheses) -> None:
    """Extends all rows in place until they are finished.

    Raises:
        ValueError: A row has no symbol that is allowed.
    """
    options, end = rows.task.options, rows.task.end
    sample = options.strategy == "sample"
    rows.fan_out()
    same = np.arange(rows.items * rows.width)
    uniform = _uniform(rows) if sample else None
    while rows.running:
        if sample:
            values = rows.log_probabilities()
        else:
            best, values = rows.top_k(1)
        stuck = np.isneginf(values.max(axis=1))
        if stuck.any():
            item = rows.live[stuck][0] // rows.width
            raise ValueError(
                f"item {item}: every symbol is forbidden after {rows.t} symbols; loosen the "
                "constraint, no_repeat_ngram or min_length"
            )
        if uniform is None:
            chosen, gained = best[:, 0], values[:, 0]
        else:
            kept = keep_top_k(with_temperature(values, options.temperature), options.top_k)
            chosen = draw(keep_top_p(kept, options.top_p), uniform[rows.live, rows.t])
            gained = values[np.arange(len(chosen)), chosen]
        symbols = np.full(len(same), end)
        symbols[rows.live] = chosen
        total = rows.total.copy()
        total[rows.live] += gained
        rows.extend(same, symbols, total)


def _uniform(rows: Hypotheses) -> np.ndarray:
    """Draws random numbers ``(rows, max_length)``, each row from a generator of its own.

    A sample depends on the seed, the index of its item and its own number, and not on the size of
    the batch or on other rows.
    """
    keys = [(item, slot) for item in range(rows.items) for slot in range(rows.width)]
    seeds = [np.random.SeedSequence(rows.task.options.seed, spawn_key=key) for key in keys]
    return np.stack([np.random.default_rng(s).random(rows.symbols.shape[1]) for s in seeds])
