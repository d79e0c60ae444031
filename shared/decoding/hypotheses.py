"""The hypotheses of a batch, and the one place that calls ``step``.

Row ``item * width + slot`` is a hypothesis of that item of the batch. Only *live* rows are
stepped, so what has ended costs nothing and can neither change nor be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from shared.decoding.options import DecodingOptions, DecodingResult
from shared.decoding.ranking import State, ranking_of
from shared.decoding.rules import block_repeated_ngrams, coverage_penalty, length_penalty
from shared.decoding.sampling import log_softmax, top
from shared.generator import Arrays, Generator, select_rows

Inputs = Callable[[int, np.ndarray], Mapping[str, np.ndarray]]
Constraint = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Task:
    """What `decode` was called with, the state apart."""

    generator: Generator
    start: int
    end: int
    options: DecodingOptions
    inputs: Inputs | None
    constraint: Constraint | None


class Hypotheses:
    """All rows, from the prefix on.

    Attributes:
        symbols: int32 ``(rows, max_length)``; behind its end symbol a row holds end symbols.
        t: Symbols decided so far, the prefix included; the same for all live rows.
        live: Numbers of the rows that go on, ascending; `state` holds these rows only.
        total: Log-probability ``(rows,)``; ``-inf`` is a dead row.
        scored: Symbols ``(rows,)`` that count in `total`: behind the prefix, with the end.
    """

    def __init__(self, task: Task, state: Arrays, prefix: np.ndarray, width: int) -> None:
        """Feed `prefix` ``(items, p)``; the first slot of each item is then live."""
        items, self.given = prefix.shape
        rows = items * width
        self.task, self.items, self.width = task, items, width
        self.state: State = state
        self.ranking = ranking_of(task.generator, task.options, task.constraint is not None)
        self.first = np.arange(rows) // width * width  # of each row's item
        self.symbols = np.full((rows, task.options.max_length), task.end, np.int32)
        self.symbols[:, : self.given] = np.repeat(prefix, width, axis=0)
        # Step t's attention of a hypothesis lies in the row that it then occupied.
        self.origins = np.repeat(self.first[:, None], self.symbols.shape[1], axis=1)
        self.attention: list[np.ndarray] = []
        self.coverage: np.ndarray | None = None
        self.total = np.zeros(rows)
        self.scored = np.zeros(rows, np.int64)
        self.live = self.first[::width]
        self.t = 0
        while self.t < self.given:
            self._step()
            self.t += 1

    @property
    def going(self) -> bool:
        """Whether there is anything left to step."""
        return self.live.size > 0 and self.t < self.symbols.shape[1]

    def fan_out(self) -> None:
        """Make every slot a live copy of its item's first."""
        self.live = np.arange(len(self.first))
        self._select(self.live // self.width, moved=True)
        if self.coverage is not None:
            self.coverage = self.coverage[self.first]

    def _step(self, count: int = 0) -> Arrays:
        """Advance the live rows; returns the outputs of ``step``, or those of `Ranking`."""
        task = self.task
        last = self.symbols[:, self.t - 1] if self.t else np.full(len(self.first), task.start)
        last = last.astype(np.int32)
        symbol = task.inputs(self.t, last) if task.inputs else {"symbol": last}
        symbol = select_rows(dict(symbol), self.live)
        if count and self.ranking is not None:
            outputs, self.state = self.ranking.likeliest(symbol, self.state, count)
        else:
            outputs, self.state = task.generator.step(symbol, self.state)
        if "attention" in outputs:
            seen = np.zeros((len(self.first), outputs["attention"].shape[-1]), np.float32)
            seen[self.live] = outputs["attention"]
            self.attention.append(seen)
            self.coverage = seen if self.coverage is None else self.coverage + seen
        elif task.options.coverage_penalty:
            raise ValueError("coverage_penalty needs a generator that outputs 'attention'")
        return outputs

    def likeliest(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Step the live rows: their next symbols in order, and the log-probabilities of these.

        Both ``(live, count)``, or as wide as there are symbols; all rules applied.
        """
        if self.ranking is None:
            values = self.log_probabilities()
            return top(values, min(count, values.shape[1]))
        end, early = self.task.end, self.t < self.task.options.min_length
        [vocabulary] = self.task.generator.signature.outputs["logits"].shape
        _check_end(end, vocabulary)
        outputs = self._step(min(count + early, vocabulary))
        best, values = outputs["symbols"], outputs["log_probabilities"]
        if early:
            values = np.where(best == end, -np.inf, values)
            order = np.argsort(-values, axis=1, kind="stable")[:, :count]
            best, values = (np.take_along_axis(a, order, axis=1) for a in (best, values))
        _refuse_nan(values, self.t)
        return best, values

    def log_probabilities(self) -> np.ndarray:
        """Step the live rows: their next symbols ``(live, vocabulary)``, all rules applied."""
        task, options, t = self.task, self.task.options, self.t
        values = log_softmax(np.asarray(self._step()["logits"], np.float32))
        _check_end(task.end, values.shape[1])
        if task.constraint:
            # The constraint sees every row in its place, so it can tell the items apart.
            prefixes = self.symbols[:, :t].view()
            prefixes.flags.writeable = False
            full = np.zeros((len(self.first), values.shape[1]), np.float32)
            full[self.live] = values
            shape, full = full.shape, np.asarray(task.constraint(prefixes, full))
            if full.shape != shape:
                raise ValueError(f"the constraint returned shape {full.shape}, not {shape}")
            values = full[self.live]
        values = block_repeated_ngrams(values, self.symbols[self.live, :t], options.no_repeat_ngram)
        if t < options.min_length:
            values[:, task.end] = -np.inf
        _refuse_nan(values, t)
        return values

    def extend(self, parents: np.ndarray, symbols: np.ndarray, total: np.ndarray) -> None:
        """Row r becomes what row ``parents[r]`` was, and then ``symbols[r]``.

        Rows that had ended pass the end symbol again; rows whose total is ``-inf`` die.
        """
        rows, stepped = np.arange(len(parents)), np.zeros(len(parents), bool)
        stepped[self.live] = True
        if not np.array_equal(parents, rows):
            self.symbols, self.origins = self.symbols[parents], self.origins[parents]
            self.scored, stepped = self.scored[parents], stepped[parents]
            if self.coverage is not None:
                self.coverage = self.coverage[parents]
        self.symbols[:, self.t] = symbols
        self.origins[:, self.t] = parents
        self.scored = self.scored + stepped
        self.total = total
        self.t += 1
        stepped &= (symbols != self.task.end) & ~np.isneginf(total)
        self._go_on(np.flatnonzero(stepped), parents)

    def stop(self, rows: np.ndarray) -> None:
        """Kill these rows, ``(rows,)`` bool."""
        self.total = np.where(rows, -np.inf, self.total)
        self._go_on(self.live[~rows[self.live]], np.arange(len(rows)))

    def _go_on(self, live: np.ndarray, parents: np.ndarray) -> None:
        """Let `live` be the live rows, each with its parent's state."""
        places = np.searchsorted(self.live, parents[live])
        if not np.array_equal(places, np.arange(len(self.live))):
            self._select(places, not np.array_equal(self.first[live], self.first[self.live]))
        self.live = live

    def _select(self, places: np.ndarray, moved: bool) -> None:
        """Let the state be that of these of its rows; memory, which is an item's, only if moved."""
        # What has `encode` and `step` alone will do; without a signature all is state.
        memory = getattr(getattr(self.task.generator, "signature", None), "memory", ())
        read = {name: value for name, value in self.state.items() if name in memory}
        own = {name: value for name, value in self.state.items() if name not in read}
        if self.ranking is not None:
            read = self.ranking.select(read, places) if moved else read
            self.state = {**self.ranking.select(own, places), **read}
            return
        if moved:
            read = select_rows(read, places)
            for value in read.values():
                value.flags.writeable = False  # a backend need not copy it at every step
        self.state = select_rows(own, places) | read

    def score(self, total: np.ndarray, length: np.ndarray) -> np.ndarray:
        """Scores before coverage, of log-probabilities of `length` scored symbols."""
        return total / length_penalty(length, self.task.options.length_penalty)

    def coverage_score(self) -> np.ndarray:
        """What coverage adds to the score of each row, ``(rows,)``."""
        beta = self.task.options.coverage_penalty
        if self.coverage is None or not beta:
            return np.zeros(len(self.first))
        return coverage_penalty(self.coverage, beta)

    def results(self) -> list[list[DecodingResult]]:
        """For each item its living rows, best first, `n_best` at most."""
        scores = self.score(self.total, self.scored) + self.coverage_score()
        answer: list[list[DecodingResult]] = []
        for ranked in np.argsort(-scores.reshape(-1, self.width), axis=1, kind="stable"):
            rows = ranked[: self.task.options.n_best] + len(answer) * self.width
            answer.append([self._result(r, scores[r]) for r in rows if scores[r] > -np.inf])
        return answer

    def _result(self, row: int, score: float) -> DecodingResult:
        ended = bool((self.symbols[row, : self.t] == self.task.end).any())
        length = self.given + int(self.scored[row]) - ended
        attention = None
        if self.attention:
            steps = zip(self.attention, self.origins[row, :length], strict=False)
            attention = np.zeros((length, self.attention[0].shape[1]), np.float32)
            for t, (seen, origin) in enumerate(steps):
                attention[t] = seen[origin]
        return DecodingResult(
            symbols=tuple(self.symbols[row, :length].tolist()),
            score=float(score),
            log_probability=float(self.total[row]),
            finished=ended,
            attention=attention,
        )


def _check_end(end: int, vocabulary: int) -> None:
    if not 0 <= end < vocabulary:
        raise ValueError(f"end symbol {end} is not in 0 to {vocabulary - 1}")


def _refuse_nan(values: np.ndarray, t: int) -> None:
    if np.isnan(values).any():
        raise ValueError(f"NaN among the log-probabilities after {t} symbols")
