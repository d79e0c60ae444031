"""The hypotheses of a batch. The decoding loop calls ``step`` here and nowhere else.

Row ``item * width + slot`` is a hypothesis of that item of the batch. Only *live* rows are
stepped, so finished rows cost nothing and stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from shared.decoding.options import DecodingOptions, DecodingResult
from shared.decoding.ranking import State, ranking_of
from shared.decoding.rules import block_repeated_ngrams, coverage_penalty, length_penalty
from shared.decoding.sampling import log_softmax, top
from shared.generator import Arrays, Generator, select_rows, with_one_memory

Inputs = Callable[[int, np.ndarray], Mapping[str, np.ndarray]]
Constraint = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Task:
    """The arguments of `decode`, except the state and the prefix."""

    generator: Generator
    start: int
    end: int
    options: DecodingOptions
    inputs: Inputs | None
    constraint: Constraint | None


class Hypotheses:
    """All hypotheses of a batch, as rows of arrays.

    The constructor feeds the prefix. After it only the first slot of each item is live.

    Args:
        task: The arguments of `decode`.
        state: The state of all items.
        prefix: Symbols that every row begins with, ``(items, p)``.
        width: Number of hypotheses per item.

    Attributes:
        symbols: Symbols so far, int32 ``(rows, max_length)``, padded with the end symbol.
        t: Number of symbols so far, prefix included; the same for all live rows.
        live: Indices of the live rows, ascending. `state` holds these rows only.
        total: Log-probabilities ``(rows,)``; ``-inf`` marks a dead row.
        scored: Number of symbols ``(rows,)`` that count in `total`: those after the prefix, the
            end symbol included.
    """

    def __init__(self, task: Task, state: Arrays, prefix: np.ndarray, width: int) -> None:
        items, self.prefix_length = prefix.shape
        rows = items * width
        self.task, self.items, self.width = task, items, width
        self.state: State = state
        self.ranking = ranking_of(task.generator, task.options, task.constraint is not None)
        self.first = np.arange(rows) // width * width  # of each row's item
        self.symbols = np.full((rows, task.options.max_length), task.end, np.int32)
        self.symbols[:, : self.prefix_length] = np.repeat(prefix, width, axis=0)
        # origins[r, t]: the row of attention[t] that belongs to hypothesis r.
        self.origins = np.repeat(self.first[:, None], self.symbols.shape[1], axis=1)
        self.attention: list[np.ndarray] = []
        self.coverage: np.ndarray | None = None
        self.total = np.zeros(rows)
        self.scored = np.zeros(rows, np.int64)
        self.live = self.first[::width]
        self.t = 0
        while self.t < self.prefix_length:
            self._step()
            self.t += 1

    @property
    def running(self) -> bool:
        """Whether any row is live and below the maximum length."""
        return self.live.size > 0 and self.t < self.symbols.shape[1]

    def fan_out(self) -> None:
        """Makes every slot a live copy of its item's first one."""
        self.live = np.arange(len(self.first))
        self._select(self.live // self.width, moved=True)
        if self.coverage is not None:
            self.coverage = self.coverage[self.first]

    def _step(self, count: int = 0) -> Arrays:
        """Advances the live rows by one step.

        Returns:
            The outputs of ``step``; of `Ranking` if it can be used and ``count`` is not 0.
        """
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
            weights = np.zeros((len(self.first), outputs["attention"].shape[-1]), np.float32)
            weights[self.live] = outputs["attention"]
            self.attention.append(weights)
            self.coverage = weights if self.coverage is None else self.coverage + weights
        elif task.options.coverage_penalty:
            raise ValueError("coverage_penalty needs a generator that outputs 'attention'")
        return outputs

    def top_k(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps the live rows and returns their most probable next symbols, all rules applied.

        Returns:
            Symbols in order and their log-probabilities, both ``(live, count)``; narrower if the
            vocabulary is smaller.
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
        """Steps the live rows and applies all rules.

        Returns:
            Log-probabilities of the next symbol, ``(live, vocabulary)``.
        """
        task, options, t = self.task, self.task.options, self.t
        values = log_softmax(np.asarray(self._step()["logits"], np.float32))
        _check_end(task.end, values.shape[1])
        if task.constraint:
            # The constraint receives all rows, live or not, so that row r is always item
            # r // width.
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
        """Replaces row r by row ``parents[r]``, extended by ``symbols[r]``.

        Args:
            parents: Row indices, ``(rows,)``.
            symbols: Next symbols, ``(rows,)``; the end symbol for finished rows.
            total: New log-probabilities, ``(rows,)``; rows at ``-inf`` die.
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
        self._set_live(np.flatnonzero(stepped), parents)

    def stop(self, rows: np.ndarray) -> None:
        """Kills the rows that are True in ``rows``, bool ``(rows,)``."""
        self.total = np.where(rows, -np.inf, self.total)
        self._set_live(self.live[~rows[self.live]], np.arange(len(rows)))

    def _set_live(self, live: np.ndarray, parents: np.ndarray) -> None:
        """Sets the live rows, and gives each the state of its parent."""
        indices = np.searchsorted(self.live, parents[live])
        if not np.array_equal(indices, np.arange(len(self.live))):
            self._select(indices, not np.array_equal(self.first[live], self.first[self.live]))
        self.live = live

    def _select(self, indices: np.ndarray, moved: bool) -> None:
        """Selects rows of the state. Memory is the same for all rows of an item, so it is
        selected only if a row moved to another item's place."""
        # A generator without a signature is accepted too: then everything is state.
        memory = getattr(getattr(self.task.generator, "signature", None), "memory", ())
        read = {name: value for name, value in self.state.items() if name in memory}
        own = {name: value for name, value in self.state.items() if name not in read}
        if self.ranking is not None:
            read = self.ranking.select(read, indices) if moved else read
            self.state = {**self.ranking.select(own, indices), **read}
            return
        if moved and self.items == 1:
            read = with_one_memory(read, read, len(indices))
        elif moved:
            read = select_rows(read, indices)
            for value in read.values():
                value.flags.writeable = False  # so that a backend need not copy it at every step
        self.state = select_rows(own, indices) | read

    def score(self, total: np.ndarray, length: np.ndarray) -> np.ndarray:
        """Returns log-probabilities over the length penalty of `length` scored symbols."""
        return total / length_penalty(length, self.task.options.length_penalty)

    def coverage_score(self) -> np.ndarray:
        """Returns the coverage penalty of each row, ``(rows,)``, at most 0."""
        beta = self.task.options.coverage_penalty
        if self.coverage is None or not beta:
            return np.zeros(len(self.first))
        return coverage_penalty(self.coverage, beta)

    def results(self) -> list[list[DecodingResult]]:
        """Returns up to `n_best` results for each item, best first, dead rows left out."""
        scores = self.score(self.total, self.scored) + self.coverage_score()
        found: list[list[DecodingResult]] = []
        for ranked in np.argsort(-scores.reshape(-1, self.width), axis=1, kind="stable"):
            rows = ranked[: self.task.options.n_best] + len(found) * self.width
            found.append([self._result(r, scores[r]) for r in rows if scores[r] > -np.inf])
        return found

    def _result(self, row: int, score: float) -> DecodingResult:
        finished = bool((self.symbols[row, : self.t] == self.task.end).any())
        length = self.prefix_length + int(self.scored[row]) - finished
        attention = None
        if self.attention:
            steps = zip(self.attention, self.origins[row, :length], strict=False)
            attention = np.zeros((length, self.attention[0].shape[1]), np.float32)
            for t, (weights, origin) in enumerate(steps):
                attention[t] = weights[origin]
        return DecodingResult(
            symbols=tuple(self.symbols[row, :length].tolist()),
            score=float(score),
            log_probability=float(self.total[row]),
            finished=finished,
            attention=attention,
        )


def _check_end(end: int, vocabulary: int) -> None:
    if not 0 <= end < vocabulary:
        raise ValueError(f"end symbol {end} is not in 0 to {vocabulary - 1}")


def _refuse_nan(values: np.ndarray, t: int) -> None:
    if np.isnan(values).any():
        raise ValueError(f"NaN among the log-probabilities after {t} symbols")
