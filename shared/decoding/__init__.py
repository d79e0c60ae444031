"""The decode loop: one for every application and every backend, in NumPy.

    state = generator.encode(condition)
    options = DecodingOptions(strategy="beam", beam_size=4, length_penalty=0.6)
    results = decode(generator, state, start=1, end=2, options=options)
    results[0][0].symbols                      # of the first item, the best

It sees nothing of a model but ``step`` (shared/generator.py), decodes a whole batch at once,
and steps only the rows that have not ended. Three strategies:

* ``greedy``: the likeliest symbol each time.
* ``sample``: drawn at a temperature from the ``top_k`` likeliest symbols (Fan et al., 2018,
  "Hierarchical Neural Story Generation") and the nucleus of probability ``top_p`` (Holtzman
  et al., 2020, "The Curious Case of Neural Text Degeneration").
* ``beam``: beam search with the length and coverage penalties of GNMT (Wu et al., 2016,
  "Google's Neural Machine Translation System").

Minimum and maximum length, n-gram blocking (Paulus et al., 2018, "A Deep Reinforced Model for
Abstractive Summarization"), a constraint and a forced prefix go with all three.
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
    """Decode every item of a batch.

    The callbacks get one row for each hypothesis, always ``rows = items * width``, where width
    is `beam_size` for beam search and else `n_best`: row r belongs to item ``r // width``. Rows
    that have ended hold end symbols, and what is answered for them is ignored.

    Args:
        generator: Its step's outputs hold ``logits`` ``(rows, vocabulary)`` and may hold
            ``attention`` ``(rows, memory)``.
        state: From ``generator.encode``, a batch of items.
        start: Symbol fed first.
        end: Symbol that ends a result.
        options: How to choose symbols.
        inputs: ``inputs(t, last) -> dict`` makes the step's symbol inputs from the number of
            symbols so far and the last of them, int32 ``(rows,)`` (`start` at t = 0). By
            default ``{"symbol": last}``.
        constraint: ``constraint(prefixes, log_probabilities) -> log_probabilities`` on int32
            ``(rows, t)`` and float32 ``(rows, vocabulary)``; ``-inf`` forbids, and nothing
            may exceed 0. It may change its second argument in place.
        prefix: Symbols that every result begins with, ``(p,)``, or ``(items, p)``. They are fed
            through step, and are neither scored nor put to the constraint.

    Returns:
        For each item `n_best` results, best first (fewer if hypotheses of a beam died).

    Raises:
        ValueError: The constraint and the other rules leave an item no symbol; `coverage_penalty`
            without attention; a prefix that holds the end symbol or is longer than `max_length`;
            NaN from the generator or the constraint.
    """
    items = len(next(iter(state.values())))
    if items == 0:
        return []
    given = np.asarray(prefix, np.int32)
    given = np.broadcast_to(given, (items, given.shape[-1]))
    if given.shape[1] > options.max_length:
        raise ValueError(f"a prefix of {given.shape[1]} exceeds max_length {options.max_length}")
    if (given == end).any():
        raise ValueError(f"the prefix holds the end symbol {end}")
    task = Task(generator, start, end, options, inputs, constraint)
    beam = options.strategy == "beam"
    width = options.beam_size if beam else options.n_best
    hypotheses = Hypotheses(task, state, given, width)
    (beam_search if beam else rollout)(hypotheses)
    return hypotheses.results()
