"""What translate and evaluate share: how they are asked."""

from __future__ import annotations

import argparse

from apps.translation.config import TranslationConfig
from apps.translation.translate import DECODING
from apps.verbs.arguments import add_beam_arguments
from shared.errors import InputError


def add_direction_arguments(parser: argparse.ArgumentParser) -> None:
    """``--from`` and ``--to``."""
    parser.add_argument("--to", metavar="LANG", help="target language, such as de")
    parser.add_argument("--from", dest="source_language", metavar="LANG", help="source language")


def add_decoding_arguments(parser: argparse.ArgumentParser) -> None:
    """How the search for a translation goes; `apps.verbs.arguments.beam_options` reads it."""
    add_beam_arguments(parser, DECODING, "subwords")
    parser.add_argument("--coverage-penalty", type=float, default=0.0, metavar="B",
                        help="beta of GNMT, larger favors those that leave nothing out; "
                        "default: %(default)s")  # fmt: skip


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
