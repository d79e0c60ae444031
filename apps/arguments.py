"""Options that mean the same for every verb of every application."""

from __future__ import annotations

import argparse
import json
import sys
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


def report(args: argparse.Namespace, values: dict[str, Any], text: str) -> None:
    """Prints the values as JSON if that was asked for, else the text."""
    if args.json:
        json.dump(values, sys.stdout, indent=1)
        print()
    else:
        print(text)
