"""Measure a model on data: ``lstm-suite evaluate APP``."""

from __future__ import annotations

import argparse

from apps.verbs.arguments import add_json, add_model_arguments, add_source, chosen_source, report
from shared.application import Application


def add_arguments(parser: argparse.ArgumentParser, app: Application) -> None:
    """The options of ``evaluate APP``."""
    add_source(parser, app)
    add_model_arguments(parser, backend="keras")
    add_json(parser)
    app.commands()["evaluate"].add_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite evaluate APP``: the application's figures after what they are of."""
    app: Application = args.app
    source = chosen_source(args, app)
    opened = app.open(args.preset, args.backend)
    values = app.commands()["evaluate"].run(args, opened, source)
    values = {"n": values.pop("n"), **opened.header, **values}
    report(args, values, "\n".join(f"{name:20} {value}" for name, value in values.items()))
