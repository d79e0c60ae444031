"""Measure a model on data: ``lstm-suite evaluate APP``."""

from __future__ import annotations

import argparse
from typing import Any

from apps.verbs.arguments import add_json, add_model_arguments, add_source, chosen_source, report
from apps.verbs.progress import Progress
from shared.application import Application
from shared.datasets.split import spread
from shared.errors import InputError
from shared.presets.open import Opened


def add_arguments(parser: argparse.ArgumentParser, app: Application) -> None:
    """The options of ``evaluate APP``."""
    add_source(parser, app)
    add_model_arguments(parser, backend="keras")
    add_json(parser)
    if command := app.commands().get("evaluate"):
        command.add_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite evaluate APP``: the application's figures after what they are of."""
    app: Application = args.app
    source = chosen_source(args, app)
    opened = app.open(args.preset, args.backend)
    command = app.commands().get("evaluate")
    values = command.run(args, opened, source) if command else measure(args, opened, source)
    values, text = values if isinstance(values, tuple) else (values, "")
    values = {"n": values.pop("n"), **opened.header, **values}
    rows = "\n".join(f"{name:20} {value}" for name, value in values.items())
    report(args, values, text or rows)


def measure(args: argparse.Namespace, opened: Opened, source: Any) -> dict[str, Any]:
    """The figures of the items that the options name, ``n`` first."""
    app: Application = args.app
    items = spread(app.read(source, args.split, opened.config), args.limit)
    if not items:
        raise InputError(f"there are no {app.unit} to measure; check the data")
    with Progress(len(items), 20) as progress:
        return {"n": len(items), **app.figures(opened, items, progress)}
