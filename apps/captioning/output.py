"""What caption and evaluate share: how they are asked, and tables."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Sequence
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
