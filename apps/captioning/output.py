"""What caption and evaluate share: how they are asked, and how they show that they work."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from apps.captioning.caption import DECODING
from shared.decoding import DecodingOptions


def add_decoding_arguments(parser: argparse.ArgumentParser) -> None:
    """How the search for a caption goes."""
    parser.add_argument("--beam", type=int, default=DECODING["beam_size"], metavar="N",
                        help="hypotheses kept; 1 is greedy; default: %(default)s")  # fmt: skip
    parser.add_argument("--length-penalty", type=float, default=DECODING["length_penalty"],
                        metavar="A", help="alpha of GNMT, larger favors longer ones; "
                        "default: %(default)s")  # fmt: skip
    parser.add_argument("--no-repeat-ngram", type=int, default=0, metavar="N",
                        help="no N tokens in a row come twice; 0 is off (default)")  # fmt: skip


def decoding_options(args: argparse.Namespace, n_best: int = 1) -> DecodingOptions:
    """How to decode.

    Raises:
        InputError: A value is out of range.
    """
    greedy = args.beam == 1 and n_best == 1
    return DecodingOptions(
        strategy="greedy" if greedy else "beam",
        beam_size=args.beam,
        n_best=n_best,
        length_penalty=args.length_penalty,
        no_repeat_ngram=args.no_repeat_ngram,
        min_length=DECODING["min_length"],
        max_length=DECODING["max_length"],
    )


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    """Rows as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().removesuffix("\n")


class Progress:
    """A bar on standard error, if that is a terminal and there is more than a little to do.

    Args:
        total: How many photos there are.
    """

    def __init__(self, total: int):
        self.total, self.done = total, 0
        self.shown = total > 5 and sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __call__(self, count: int) -> None:
        """So many more are done."""
        self.done += count
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
