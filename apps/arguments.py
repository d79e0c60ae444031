"""Options that mean the same for every verb of every application."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from shared.backends import KINDS


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


def report(args: argparse.Namespace, values: dict[str, Any], text: str) -> None:
    """Prints the values as JSON if that was asked for, else the text."""
    if args.json:
        json.dump(values, sys.stdout, indent=1)
        print()
    else:
        print(text)
