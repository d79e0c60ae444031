"""Decoding so that each placeholder of the source comes once, and no other, and no digit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from apps.translation.lifting import SPACE
from shared.decoding.hypotheses import Constraint
from shared.text import END, Tokenizer
from shared.text.placeholders import SYMBOLS, Slot


class Placing:
    """Makes constraints for `shared.decoding.decode`.

    Args:
        tokenizer: Of a model that lifts.
    """

    def __init__(self, tokenizer: Tokenizer):
        bare = [p.removeprefix(SPACE) for p in tokenizer.pieces(range(tokenizer.vocabulary))]
        places = {symbol: k for k, symbol in enumerate(SYMBOLS)}
        self.symbol = np.array([places.get(piece, -1) for piece in bare])  # (vocabulary,)
        self.ids = np.flatnonzero(self.symbol >= 0)
        self.digits = np.flatnonzero([any(map(str.isdecimal, p)) and p[:3] != "<0x" for p in bare])

    def constraint(self, slots: Sequence[Iterable[Slot]], max_length: int) -> Constraint:
        """That of a batch: each item is to have the symbols of its slots.

        Where a hypothesis would end too early, or has no more room than they take, its missing
        symbols are all that may come.
        """
        wanted = np.array(
            [[s in {slot.symbol for slot in some} for s in SYMBOLS] for some in slots]
        )

        def place(prefixes: np.ndarray, values: np.ndarray) -> np.ndarray:
            rows, t = prefixes.shape
            missing = np.repeat(wanted, rows // len(wanted), axis=0)  # (rows, symbols)
            seen = self.symbol[prefixes]
            row, column = np.nonzero(seen >= 0)
            missing[row, seen[row, column]] = False
            count = missing.sum(1)
            allowed = missing[:, self.symbol[self.ids]]
            placed = np.where(allowed, values[:, self.ids], -np.inf)
            values[:, self.digits] = -np.inf
            values[:, self.ids] = placed
            forced = (count > 0) & ((values.argmax(1) == END) | (count >= max_length - t - 1))
            values[forced] = -np.inf
            values[np.ix_(forced, self.ids)] = placed[forced]
            values[count > 0, END] = -np.inf
            return values

        return place
