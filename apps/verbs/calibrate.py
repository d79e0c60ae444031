"""Measure when a model is right to be sure: ``lstm-suite calibrate APP``.

The result is kept in the folder that it opens, a preset or a bundle. Of one that ships, the bundle
or the preset of the same name gets it, too; of others export copies it along.
"""

from __future__ import annotations

import argparse
import dataclasses
from contextlib import suppress
from pathlib import Path

from apps.verbs.arguments import add_json, add_model_arguments, add_source, chosen_source, report
from shared.application import Application
from shared.calibration import CALIBRATION, Calibration
from shared.errors import InputError
from shared.presets.attach import attach
from shared.presets.bundle import SIDECAR
from shared.presets.catalog import BUNDLES, SAVED_MODELS
from shared.presets.open import Opened


def add_arguments(parser: argparse.ArgumentParser, app: Application) -> None:
    """The options of ``calibrate APP``."""
    add_source(parser, app)
    add_model_arguments(parser, backend="keras")
    add_json(parser)
    parser.set_defaults(split="valid")
    if command := app.commands().get("calibrate"):
        command.add_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite calibrate APP``."""
    app: Application = args.app
    command = app.commands().get("calibrate")
    if command is None:
        raise InputError(f"{app.name} has no confidence to calibrate")
    source = chosen_source(args, app)
    opened = app.open(args.preset, args.backend)
    made: Calibration = command.run(args, opened, source)
    named = f"lstm-suite calibrate {app.name} --preset {opened.name} --backend {opened.backend}"
    made = dataclasses.replace(made, command=f"{named} --data DIR")
    folders = _folders(app, opened)
    for folder in folders:
        attach(folder, CALIBRATION, dataclasses.asdict(made))
    values = {**opened.header, "threshold": made.threshold, **made.measured}
    rows = [f"{name:20} {value}" for name, value in values.items()]
    rows += [f"wrote {folder / CALIBRATION}" for folder in folders]
    report(args, values, "\n".join(rows))


def _folders(app: Application, opened: Opened) -> list[Path]:
    folders = [opened.folder]
    if opened.folder.parent in (BUNDLES, SAVED_MODELS / app.name):
        is_bundle = (opened.folder / SIDECAR).is_file()
        with suppress(InputError):  # there is no other
            folders.append((app.find_preset if is_bundle else app.find_bundle)(opened.name).folder)
    return folders
