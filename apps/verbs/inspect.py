"""Draw what the gates do while a model reads or writes: ``lstm-suite inspect APP``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from apps.verbs.arguments import add_json, add_preset, add_seed, report
from shared.application import Application, Trace
from shared.errors import InputError
from shared.files import check_outputs, write_bytes


def add_arguments(parser: argparse.ArgumentParser, app: Application) -> None:
    """The options of ``inspect APP``."""
    app.commands()["inspect"].add_arguments(parser)
    parser.add_argument("-o", "--output", default="gates.png", metavar="FILE.png")
    parser.add_argument("--layer", type=int, default=1, help="from 1, the lowest")
    parser.add_argument("--units", type=int, default=32, help="shown; those that change most")
    add_preset(parser)
    add_seed(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite inspect APP``."""
    app: Application = args.app
    preset = app.find_preset(args.preset)
    layers = app.layers(app.config_from(preset.config, preset.folder))
    if not 1 <= args.layer <= layers or args.units < 1:
        raise InputError(f"--layer must be 1 to {layers}, --units at least 1")
    if Path(args.output).suffix.lower() != ".png":
        raise InputError(f"{args.output}: the gates are drawn as a picture; call it FILE.png")
    given = [value for name, value in vars(args).items() if name != "output"]
    words = [word for value in given for word in (value if isinstance(value, list) else [value])]
    check_outputs({args.output: ()}, [word for word in words if isinstance(word, str)])
    opened = app.open_model(app.load_model(preset), preset)
    trace = app.commands()["inspect"].run(args, opened)
    write_bytes(args.output, picture(trace, args.layer, args.units))

    from shared.layers import GATES

    gates = trace.layers[args.layer - 1]
    means = dict(zip(GATES, gates.mean((0, 2)).tolist(), strict=True))
    values = {
        "preset": preset.name,
        **trace.values,
        "layer": args.layer,
        "steps": len(gates),
        "means": means,
        "file": str(args.output),
    }
    said = f"{trace.text}\n" if trace.text else ""
    shares = ", ".join(f"{name} {value:.2f}" for name, value in means.items())
    report(args, values, f"{said}wrote {args.output}; means: {shares}")


def picture(trace: Trace, layer: int, units: int) -> bytes:
    """The gates of the units whose cell state changes most, as a PNG.

    Args:
        trace: What the gates did.
        layer: From 1, the lowest.
        units: How many units to show.
    """
    from shared.layers import GATES
    from shared.plots import gate_trace

    gates = trace.layers[layer - 1]
    cell = gates[:, GATES.index("cell")]
    busiest = np.argsort(-np.abs(np.diff(cell, axis=0)).sum(0))[:units]
    return gate_trace(
        gates[:, :, busiest],
        list(trace.labels) or None,
        title=f"{trace.title}, layer {layer}",
        **trace.notes,
    )
