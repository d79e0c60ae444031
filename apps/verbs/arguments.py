"""Options that mean the same for every verb of every application.

Most are fields of dataclasses: their help is the ``Args`` section of the class, their default
that of the recipe.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from shared.application import Application
from shared.backends import KINDS
from shared.decoding import BeamOptions


def add_preset(parser: argparse.ArgumentParser) -> None:
    """Adds ``--preset``."""
    parser.add_argument("--preset", metavar="NAME", help="a trained model, or its folder's path")


def add_model_arguments(parser: argparse.ArgumentParser, backend: str = "litert") -> None:
    """Adds ``--preset`` and ``--backend``."""
    add_preset(parser)
    parser.add_argument("--backend", choices=KINDS, default=backend, help="default: %(default)s")


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Adds ``--seed``: every random choice depends on it."""
    parser.add_argument("--seed", type=int, default=0, help="the same one gives the same on the "
                        "same --backend; default: %(default)s")  # fmt: skip


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds ``--json``: one JSON object on standard output, all else on standard error."""
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def add_source(parser: argparse.ArgumentParser, app: Application) -> None:
    """Adds what names data to measure on: the fields of ``Source``, ``--split``, ``--limit``."""
    add_fields(parser, "the data", app.source_class())
    parser.add_argument("--split", default="", metavar="NAME", help="train, valid or test; "
                        "default: test, or all of data that has no test part")  # fmt: skip
    parser.add_argument("--limit", type=int, default=0, metavar="N",
                        help=f"use N {app.unit} only, spread evenly over all")  # fmt: skip


def add_fields(
    parser: argparse.ArgumentParser, title: str, defaults: Any, names: Sequence[str] | None = None
) -> None:
    """Adds an option for each field of a dataclass, None if it is not given.

    A field's metadata may say ``option=False`` (no option), ``choices``, ``metavar``, and
    ``flags`` (other spellings, the first of which is shown). Of a tuple with a ``metavar`` the
    entries are text, else integers.

    Args:
        parser: Gets a group of options.
        title: Of the group.
        defaults: An instance, for the help.
        names: The fields; by default all.
    """
    group = parser.add_argument_group(title)
    told = field_help(type(defaults))
    for field in dataclasses.fields(defaults):
        if not field.metadata.get("option", True) or (
            names is not None and field.name not in names
        ):
            continue
        default = getattr(defaults, field.name)
        flags = field.metadata.get("flags", [f"--{field.name.replace('_', '-')}"])
        options: dict[str, Any] = {"dest": field.name, "default": None}
        words = told.get(field.name, "").replace("%", "%%").replace("`", "")
        if isinstance(default, bool):
            options |= {"action": argparse.BooleanOptionalAction}
        elif isinstance(default, tuple):
            metavar = field.metadata.get("metavar", "N")
            options |= {"type": int if metavar == "N" else str, "nargs": "+", "metavar": metavar}
        else:
            choices = field.metadata.get("choices")
            kind = {int: "N", float: "X"}.get(type(default), "NAME")
            options |= {
                "type": type(default),
                "choices": choices,
                "metavar": None if choices else field.metadata.get("metavar", kind),
            }
        if shown := _shown(default):
            words += f" Default: {shown}."
        group.add_argument(*flags, help=words, **options)


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, tuple):
        return " ".join(map(str, default))
    return f"{default:.3g}" if isinstance(default, float) else str(default)


def field_help(cls: type[Any]) -> dict[str, str]:
    """The ``Args`` sections of a dataclass and its bases, by field."""
    told: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        text = inspect.cleandoc(base.__doc__ or "")
        section = re.search(r"^Args:\n((?:    .*\n?|\n)+)", text + "\n", re.MULTILINE)
        if section and dataclasses.is_dataclass(base):
            entries = re.findall(r"^    (\w+): ((?:.|\n(?!    \w+: ))+)", section[1], re.MULTILINE)
            told |= {name: " ".join(words.replace("`", "").split()) for name, words in entries}
    return told


def chosen_fields(args: argparse.Namespace, cls: type[Any]) -> dict[str, Any]:
    """The fields of a dataclass that the command names."""
    options = [f.name for f in dataclasses.fields(cls) if f.metadata.get("option", True)]
    values = {name: getattr(args, name, None) for name in options}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if value is not None
    }


def chosen_source(args: argparse.Namespace, app: Application) -> Any:
    """The ``Source`` that the command names."""
    return app.source_class(**chosen_fields(args, app.source_class))


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


def chosen_beam(args: argparse.Namespace) -> BeamOptions:
    """The options of `add_beam_arguments`, and ``--n-best`` and ``--coverage-penalty`` if there
    are such, as keywords of an engine.
    """
    chosen: BeamOptions = {
        "beam_size": args.beam,
        "length_penalty": args.length_penalty,
        "no_repeat_ngram": args.no_repeat_ngram,
    }
    if hasattr(args, "n_best"):
        chosen["n_best"] = args.n_best
    if hasattr(args, "coverage_penalty"):
        chosen["coverage_penalty"] = args.coverage_penalty
    return chosen


def report(args: argparse.Namespace, values: Mapping[str, Any], text: str) -> None:
    """Prints the values as JSON if that was asked for, else the text."""
    if args.json:
        json.dump(values, sys.stdout, indent=1)
        print()
    else:
        print(text)
