"""Greedy and sampled decoding: every row goes its own way until it ends."""

from __future__ import annotations

import numpy as np

from shared.decoding.hypotheses import Hypotheses
from shared.decoding.sampling import draw, keep_top_k, keep_top_p, with_temperature


def rollout(rows: Hypotheses) -> None:
    """Extend all rows to their ends, in place; `ValueError` if a row has nowhere to go."""
    options, end = rows.task.options, rows.task.end
    sample = options.strategy == "sample"
    rows.fan_out()
    same = np.arange(rows.items * rows.width)
    uniform = _uniform(rows) if sample else None
    while rows.going:
        if sample:
            values = rows.log_probabilities()
        else:
            best, values = rows.likeliest(1)
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
    """Random numbers ``(rows, max_length)``, each row from a generator of its own.

    So a sample depends on the seed, its item's place and its own number, and on neither the
    size of the batch nor what happens in other rows.
    """
    places = [(item, slot) for item in range(rows.items) for slot in range(rows.width)]
    seeds = [np.random.SeedSequence(rows.task.options.seed, spawn_key=p) for p in places]
    return np.stack([np.random.default_rng(s).random(rows.symbols.shape[1]) for s in seeds])
