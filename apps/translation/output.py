"""What translate and evaluate share: how they are asked."""

from __future__ import annotations

import argparse

from apps.translation.config import TranslationConfig
from apps.translation.translate import DECODING
from shared.decoding import DecodingOptions
from shared.errors import InputError


def add_direction_arguments(parser: argparse.ArgumentParser) -> None:
    """``--from`` and ``--to``."""
    parser.add_argument("--to", metavar="LANG", help="target language, such as de")
    parser.add_argument("--from", dest="source_language", metavar="LANG", help="source language")


def add_decoding_arguments(parser: argparse.ArgumentParser) -> None:
    """How the search for a translation goes."""
    parser.add_argument("--beam", type=int, default=DECODING["beam_size"], metavar="N",
                        help="hypotheses kept; 1 is greedy; default: %(default)s")  # fmt: skip
    parser.add_argument("--length-penalty", type=float, default=DECODING["length_penalty"],
                        metavar="A", help="alpha of GNMT, larger favors longer ones; "
                        "default: %(default)s")  # fmt: skip
    parser.add_argument("--coverage-penalty", type=float, default=0.0, metavar="B",
                        help="beta of GNMT, larger favors those that leave nothing out; "
                        "default: %(default)s")  # fmt: skip
    parser.add_argument("--no-repeat-ngram", type=int, default=0, metavar="N",
                        help="no N subwords in a row come twice; 0 is off (default)")  # fmt: skip


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
        coverage_penalty=args.coverage_penalty,
        no_repeat_ngram=args.no_repeat_ngram,
        min_length=DECODING["min_length"],
        max_length=DECODING["max_length"],
    )


def chosen_directions(
    args: argparse.Namespace, config: TranslationConfig
) -> tuple[tuple[str, str], ...]:
    """The model's directions that fit ``--from`` and ``--to``.

    Raises:
        InputError: There is none.
    """
    fitting = tuple(
        (source, target)
        for source, target in config.directions
        if args.source_language in (None, source) and args.to in (None, target)
    )
    if not fitting:
        known = ", ".join("-".join(pair) for pair in config.directions)
        raise InputError(f"this model does not translate that way; it translates {known}")
    return fitting
