"""Beam search over a batch, with the scores of GNMT (Wu et al., 2016).

A finished hypothesis is frozen and keeps its slot until better ones push it out. The coverage
penalty applies to finished hypotheses only, because the coverage of a live one still grows.
"""

from __future__ import annotations

import numpy as np

from shared.decoding.hypotheses import Hypotheses


def beam_search(beam: Hypotheses) -> None:
    """Extends the beams in place until all are finished.

    Raises:
        ValueError: All hypotheses of an item ran into a dead end.
    """
    options, end, items, width = beam.task.options, beam.task.end, beam.items, beam.width
    beam.stop(beam.first != np.arange(items * width))
    longest = options.max_length - beam.prefix_length
    while beam.running:
        # Within a row, symbols rank by probability, except that the coverage penalty may move
        # the end symbol back: the top width + 1 symbols suffice.
        best, values = beam.top_k(width + 1)  # (live, k)
        shape = (items * width, best.shape[1])
        symbols = np.full(shape, end)
        symbols[beam.live] = best
        total = np.full(shape, -np.inf)
        total[:, 0] = beam.total  # a frozen row has one candidate: itself
        total[beam.live] = beam.total[beam.live, None] + values
        length = beam.scored.copy()
        length[beam.live] += 1
        score = beam.score(total, length[:, None])
        complete = (symbols == end) | (beam.t + 1 == options.max_length)
        score += np.where(complete, beam.coverage_score()[:, None], 0.0)
        order = np.argsort(-score.reshape(items, -1), axis=1, kind="stable")[:, :width]
        picked = (order + np.arange(items)[:, None] * width * shape[1]).ravel()
        beam.extend(picked // shape[1], symbols.ravel()[picked], total.ravel()[picked])
        beam.stop(_settled(beam, score.ravel()[picked], longest))
    dead = np.isneginf(beam.total.reshape(items, width)).all(axis=1)
    if dead.any():
        raise ValueError(
            f"item {dead.argmax()}: every hypothesis reached a point where all symbols are "
            "forbidden; loosen the constraint, no_repeat_ngram or min_length, or raise beam_size"
        )


def _settled(beam: Hypotheses, score: np.ndarray, longest: int) -> np.ndarray:
    """Returns the live rows, bool ``(rows,)``, of the items whose `n_best` results are final.

    Log-probabilities only fall, so the score of a live hypothesis is bounded by its present
    log-probability over the largest length penalty, with full coverage.
    """
    live = np.zeros(len(score), bool)
    live[beam.live] = True
    bound = np.where(live, beam.score(beam.total, np.asarray(longest)), -np.inf)
    n_best, shape = beam.task.options.n_best, (beam.items, beam.width)
    finished = ~live.reshape(shape)[:, :n_best].any(axis=1)  # rows are sorted by score
    worst = score.reshape(shape)[:, n_best - 1]
    settled = finished & (worst >= bound.reshape(shape).max(axis=1))
    return live & np.repeat(settled, beam.width)
