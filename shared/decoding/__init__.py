"""The decoding loop, in NumPy: one for all applications and backends.

    state = generator.encode(condition)
    options = DecodingOptions(strategy="beam", beam_size=4, length_penalty=0.6)
    results = decode(generator, state, start=1, end=2, options=options)
    results[0][0].symbols                      # best hypothesis of the first item

The loop calls nothing but ``step`` (shared/generator.py). It decodes a whole batch at once and
steps only the live rows. There are three strategies:

* ``greedy``: the most probable symbol at each step.
* ``sample``: sampling at a temperature, from the ``top_k`` most probable symbols (Fan et al.,
  2018, "Hierarchical Neural Story Generation") and from the nucleus of probability ``top_p``
  (Holtzman et al., 2020, "The Curious Case of Neural Text Degeneration").
* ``beam``: beam search with the length and coverage penalties of GNMT (Wu et al., 2016,
  "Google's Neural Machine Translation System").

All three support a minimum and a maximum length, n-gram blocking (Paulus et al., 2018, "A Deep
Reinforced Model for Abstractive Summarization"), a constraint and a forced prefix.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shared.decoding.beam import beam_search
from shared.decoding.hypotheses import Constraint, Hypotheses, Inputs, Task
from shared.decoding.options import BeamOptions, DecodingOptions, DecodingResult, beam_options
from shared.decoding.rollout import rollout
from shared.generator import Arrays, Generator

__all__ = ["BeamOptions", "DecodingOptions", "DecodingResult", "beam_options", "decode"]


def decode(
    generator: Generator,
    state: Arrays,
    *,
    start: int,
    end: int,
    options: DecodingOptions,
    inputs: Inputs | None = None,
    constraint: Constraint | None = None,
    prefix: Sequence[int] | np.ndarray = (),
) -> list[list[DecodingResult]]:
    """Decodes every item of a batch.

    The callbacks always receive ``rows = items * width`` rows, one per hypothesis, where the width
    is `beam_size` for beam search and `n_best` otherwise. Row r belongs to item ``r // width``.
    Finished rows are padded with end symbols, and what the callbacks return for them is ignored.

    Args:
        generator: The model. The outputs of its ``step`` hold ``logits`` ``(rows, vocabulary)``
            and optionally ``attention`` ``(rows, memory)``.
        state: The state of all items, from ``generator.encode``.
        start: Symbol to feed first.
        end: Symbol that ends a result.
        options: How to choose symbols.
        inputs: Function ``inputs(t, last) -> dict`` that makes the symbol inputs of a step. ``t``
            is the number of symbols so far, ``last`` the last of them, int32 ``(rows,)`` (`start`
            at t = 0). Defaults to ``{"symbol": last}``.
        constraint: Function ``constraint(prefixes, log_probabilities) -> log_probabilities`` on
            int32 ``(rows, t)`` and float32 ``(rows, vocabulary)``. It sets forbidden symbols to
            ``-inf``, may not return a value above 0, and may change its second argument in place.
        prefix: Symbols that every result begins with, ``(p,)`` or ``(items, p)``. They are fed
            through ``step``; they are not scored, and the constraint does not apply to them.

    Returns:
        A list of `n_best` results for each item, best first; fewer where hypotheses of a beam ran
        into a dead end.

    Raises:
        ValueError: The constraint and the other rules leave an item no symbol; `coverage_penalty`
            is set and the generator outputs no attention; the prefix contains the end symbol or
            is longer than `max_length`; the generator or the constraint returned NaN.
    """
    items = len(next(iter(state.values())))
    if items == 0:
        return []
    forced = np.asarray(prefix, np.int32)
    forced = np.broadcast_to(forced, (items, forced.shape[-1]))
    if forced.shape[1] > options.max_length:
        raise ValueError(f"a prefix of {forced.shape[1]} exceeds max_length {options.max_length}")
    if (forced == end).any():
        raise ValueError(f"the prefix contains the end symbol {end}")
    task = Task(generator, start, end, options, inputs, constraint)
    beam = options.strategy == "beam"
    width = options.beam_size if beam else options.n_best
    hypotheses = Hypotheses(task, state, forced, width)
    (beam_search if beam else rollout)(hypotheses)
    return hypotheses.results()
