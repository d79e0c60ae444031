"""Options that mean the same for every verb of every application."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from shared.backends import KINDS
from shared.decoding import DecodingOptions
from shared.errors import InputError

Item = TypeVar("Item")


def add_model_arguments(parser: argparse.ArgumentParser, backend: str = "litert") -> None:
    """Adds ``--preset`` and ``--backend``."""
    parser.add_argument("--preset", metavar="NAME", help="a trained model, or its folder's path")
    parser.add_argument("--backend", choices=KINDS, default=backend, help="default: %(default)s")


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Adds ``--seed``: every random choice depends on it."""
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds ``--json``: one JSON object on standard output, all else on standard error."""
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Adds ``--limit``, for `limited`."""
    parser.add_argument("--limit", type=int, default=0, metavar="N",
                        help="measure N items only, spread evenly over all")  # fmt: skip


def limited(items: Sequence[Item], limit: int) -> list[Item]:
    """All items, or as many as ``--limit`` says, spread evenly over all.

    Raises:
        InputError: The limit is negative.
    """
    if limit < 0:
        raise InputError(f"--limit {limit}: give how many to measure, or 0 for all")
    if not limit:
        return list(items)
    places = np.linspace(0, len(items) - 1, min(limit, len(items))).round().astype(int)
    return [items[k] for k in places]


def add_field(group: Any, name: str, default: Any, choices: Sequence[str] | None = None) -> None:
    """An option for one field of a dataclass, None if it is not given."""
    flag = f"--{name.replace('_', '-')}"
    if isinstance(default, bool):
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
    elif isinstance(default, tuple):
        words = " ".join(map(str, default))
        group.add_argument(flag, type=int, nargs="+", metavar="N", help=f"default: {words}")
    else:
        group.add_argument(
            flag,
            type=type(default),
            choices=choices,
            metavar=None if choices else {int: "N", float: "X"}.get(type(default), "NAME"),
            help=f"default: {f'{default:.3g}' if isinstance(default, float) else default}",
        )


def given(args: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """The fields that the command names."""
    values = {name: getattr(args, name) for name in names}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if value is not None
    }


def spoken(options: Mapping[str, Any]) -> str:
    """Fields as they are given on the command line, for a card."""
    words = []
    for name, value in options.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            shown = " ".join(map(str, value)) if isinstance(value, tuple) else value
            words.append(f"--{flag} {shown}")
    return " ".join(words)


def add_beam_arguments(
    parser: argparse.ArgumentParser, defaults: Mapping[str, Any], unit: str
) -> None:
    """How the search for a sentence goes; ``defaults`` as a bundle names them."""
    parser.add_argument("--beam", type=int, default=defaults["beam_size"], metavar="N",
                        help="hypotheses kept; 1 is greedy; default: %(default)s")  # fmt: skip
    parser.add_argument("--length-penalty", type=float, default=defaults["length_penalty"],
                        metavar="A", help="alpha of GNMT, larger favors longer ones; "
                        "default: %(default)s")  # fmt: skip
    parser.add_argument("--no-repeat-ngram", type=int, default=0, metavar="N",
                        help=f"no N {unit} in a row come twice; 0 is off (default)")  # fmt: skip


def beam_options(
    args: argparse.Namespace, defaults: Mapping[str, Any], n_best: int = 1
) -> DecodingOptions:
    """How to decode, as `add_beam_arguments` was told; ``--coverage-penalty`` counts if there is.

    Raises:
        InputError: A value is out of range.
    """
    greedy = args.beam == 1 and n_best == 1
    return DecodingOptions(
        strategy="greedy" if greedy else "beam",
        beam_size=args.beam,
        n_best=n_best,
        length_penalty=args.length_penalty,
        coverage_penalty=getattr(args, "coverage_penalty", 0.0),
        no_repeat_ngram=args.no_repeat_ngram,
        min_length=defaults["min_length"],
        max_length=defaults["max_length"],
    )


def report(args: argparse.Namespace, values: dict[str, Any], text: str) -> None:
    """Prints the values as JSON if that was asked for, else the text."""
    if args.json:
        json.dump(values, sys.stdout, indent=1)
        print()
    else:
        print(text)
