"""Write a preset's bundle, or its SavedModel: ``lstm-suite export APP``."""

from __future__ import annotations

import argparse

from apps.verbs.arguments import add_json, add_preset, add_source, chosen_source, report
from shared.application import Application
from shared.datasets.split import spread
from shared.presets.bundle import PRECISIONS
from shared.presets.catalog import BUNDLES


def add_arguments(parser: argparse.ArgumentParser, app: Application) -> None:
    """The options of ``export APP``."""
    add_preset(parser)
    parser.add_argument("-o", "--output", metavar="DIR", help="default: tflite/APP-PRESET")
    parser.add_argument("--keep", nargs="+", choices=PRECISIONS, default=["int8"],
                        help="precisions to keep; all are measured")  # fmt: skip
    parser.add_argument("--saved-model", metavar="DIR", help="write a SavedModel instead")
    add_source(parser, app)
    add_json(parser)
    parser.set_defaults(split="valid", limit=100)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite export APP``."""
    from shared.backends.saved_model import export_saved_model
    from shared.export.pipeline import export_bundle

    app: Application = args.app
    preset = app.find_preset(args.preset)
    model = app.load_model(preset)
    if args.saved_model:
        export_saved_model(model, args.saved_model)
        report(args, {"saved_model": args.saved_model}, f"wrote {args.saved_model}")
        return
    opened = app.open_model(model, preset)
    items = app.read(chosen_source(args, app), args.split, opened.config)
    sample = spread(items, args.limit)
    folder = args.output or BUNDLES / f"{app.name}-{preset.name}"
    bundle = export_bundle(
        model,
        preset,
        folder,
        app.examples(opened, sample),
        app.bundle_facts(opened),
        metric=(lambda generator: app.figures(opened.on(generator), sample)) if sample else None,
        measured=f"{len(sample)} of {len(items)} {app.unit}, {args.split}" if sample else "",
        keep=args.keep,
    )
    rows = bundle.sidecar["precisions"]
    lines = [f"wrote {folder} ({', '.join(args.keep)})"]
    keras = bundle.sidecar["keras_metric"]
    lines.append("precision      MB  ms/step  " + "  ".join(keras))
    lines.append("keras           -        -  " + "  ".join(f"{v:.4f}" for v in keras.values()))
    for precision, row in rows.items():
        metric = "  ".join(f"{v:.4f}" for v in row["metric"].values())
        step = row["milliseconds"]["step"]
        lines.append(f"{precision:9} {row['bytes'] / 1e6:7.2f} {step:8.3f}  {metric}")
    report(args, {"folder": str(folder), "keras": keras, "precisions": rows}, "\n".join(lines))
