"""How far a verb has come."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType


class Progress:
    """A bar on standard error, if that is a terminal and there is more than a little to do.

    Args:
        total: How many there are.
        least: How many are not worth a bar.
    """

    def __init__(self, total: int, least: int):
        self.total, self.done = total, 0
        self.shown = total > least and sys.stderr.isatty()

    def __enter__(self) -> Progress:
        self(0)
        return self

    def __call__(self, count: int) -> None:
        """So many more are done."""
        self.done = min(self.total, self.done + count)
        if self.shown:
            width = 40 * self.done // self.total
            bar = "=" * width + " " * (40 - width)
            print(f"\r[{bar}] {self.done}/{self.total}", end="", file=sys.stderr, flush=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.shown:
            print(file=sys.stderr)


def say_left_out(counts: Mapping[str, int]) -> None:
    """Says on standard error what of the data is left out, and how many for each reason."""
    if told := ", ".join(f"{count} {reason}" for reason, count in counts.items() if count):
        print(f"left out: {told}", file=sys.stderr, flush=True)
