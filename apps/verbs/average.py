"""Write the mean of trained models: ``lstm-suite average APP``.

Models that were trained from one another, or all from the same one, lie in one valley of the loss:
the mean of their weights is about as good as all of them asked together, and no larger (Wortsman
et al. 2022, "Model soups"). What training further gained in one respect and lost in another, a
mean with the model it began from can keep (Wortsman et al. 2022, "Robust fine-tuning").
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from apps.verbs.arguments import add_json, report
from apps.verbs.train import average
from shared.application import Application
from shared.errors import InputError


def add_arguments(parser: argparse.ArgumentParser, app: Application) -> None:
    """The options of ``average APP``."""
    parser.add_argument("presets", nargs="+", metavar="NAME",
                        help="trained models, by name or by their folder's path")  # fmt: skip
    parser.add_argument("--shares", nargs="+", type=float, metavar="X",
                        help="of each model in the mean; default: equal")  # fmt: skip
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="the preset")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite average APP``."""
    app: Application = args.app
    if len(args.presets) < 2:
        raise InputError("one model is its own mean; name two or more")
    shares = args.shares or [1.0] * len(args.presets)
    if len(shares) != len(args.presets) or not all(0 < x < math.inf for x in shares):
        raise InputError(
            f"--shares {' '.join(f'{x:g}' for x in shares)}: give one above 0 for each of the "
            f"{len(args.presets)} models"
        )
    presets = [app.find_preset(name) for name in args.presets]
    made = average(app, presets, shares, Path(args.output))
    report(args, {"preset": str(made.folder)},
           f"wrote {made.folder}; next: lstm-suite evaluate {app.name} --preset {made.folder}"
           )  # fmt: skip
