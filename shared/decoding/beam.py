"""Beam search over a batch, with the scores of GNMT (Wu et al., 2016).

An ended hypothesis keeps its slot, frozen, until better ones push it out. Its score has the
coverage penalty; that of a hypothesis still growing has not, for its coverage still grows.
"""

from __future__ import annotations

import numpy as np

from shared.decoding.hypotheses import Hypotheses


def beam_search(beam: Hypotheses) -> None:
    """Extend the beams to their ends, in place; `ValueError` if an item's have all died."""
    options, end, items, width = beam.task.options, beam.task.end, beam.items, beam.width
    beam.stop(beam.first != np.arange(items * width))
    longest = options.max_length - beam.given
    while beam.going:
        # Within a row the order by score is that by probability, except that the end symbol
        # may fall back for its coverage: the likeliest width + 1 symbols are enough.
        best, values = beam.likeliest(width + 1)  # (live, k)
        shape = (items * width, best.shape[1])
        symbols = np.full(shape, end)
        symbols[beam.live] = best
        total = np.full(shape, -np.inf)
        total[:, 0] = beam.total  # the one candidate of a frozen row: itself
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
            f"item {dead.argmax()}: every hypothesis came to where all symbols are forbidden; "
            "loosen the constraint, no_repeat_ngram or min_length, or raise beam_size"
        )


def _settled(beam: Hypotheses, score: np.ndarray, longest: int) -> np.ndarray:
    """Live rows ``(rows,)`` bool of the items whose `n_best` results no longer can change.

    Log-probabilities only fall, so a hypothesis that goes on can at best keep its own and
    reach the largest divisor, with full coverage.
    """
    live = np.zeros(len(score), bool)
    live[beam.live] = True
    hope = np.where(live, beam.score(beam.total, np.asarray(longest)), -np.inf)
    n_best, shape = beam.task.options.n_best, (beam.items, beam.width)
    ended = ~live.reshape(shape)[:, :n_best].any(axis=1)  # rows are sorted by score
    worst = score.reshape(shape)[:, n_best - 1]
    settled = ended & (worst >= hope.reshape(shape).max(axis=1))
    return live & np.repeat(settled, beam.width)
