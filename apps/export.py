"""Write a preset's bundle, or its SavedModel: ``lstm-suite export APP``."""

from __future__ import annotations

import argparse
import importlib

from apps.arguments import add_json, add_limit, report
from shared.backends.saved_model import export_saved_model
from shared.export.pipeline import export_bundle
from shared.export.tflite import PRECISIONS
from shared.presets.catalog import BUNDLES, find_preset
from shared.presets.open import load_model
from shared.presets.store import config_from_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``export``."""
    parser.add_argument("--preset", metavar="NAME", help="a trained model, or its folder's path")
    parser.add_argument("-o", "--output", metavar="DIR", help="default: tflite/APP-PRESET")
    parser.add_argument("--keep", nargs="+", choices=PRECISIONS, default=["int8"],
                        help="precisions to keep; all are measured")  # fmt: skip
    parser.add_argument("--data", metavar="PATH", help="what to measure on, as for evaluate")
    parser.add_argument("--split", default="valid", metavar="NAME", help="default: %(default)s")
    add_limit(parser)
    parser.add_argument("--saved-model", metavar="DIR", help="write a SavedModel instead")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite export APP``."""
    generate = importlib.import_module(f"apps.{args.app}.generate")
    evaluate = importlib.import_module(f"apps.{args.app}.evaluate")
    preset = find_preset(args.app, args.preset)
    model = load_model(preset, generate.build_model)
    if args.saved_model:
        export_saved_model(model, args.saved_model)
        report(args, {"saved_model": args.saved_model}, f"wrote {args.saved_model}")
        return
    data = {"data": args.data} if args.data else {}
    if preset.extra_files:  # a tokenizer, without which nothing can be measured
        data["folder"] = preset.folder
    if args.limit:
        data["limit"] = args.limit
    config = config_from_json(generate.Config, preset.config, preset.folder)
    parts = evaluate.export_parts(config, split=args.split, **data)
    folder = args.output or BUNDLES / f"{args.app}-{preset.name}"
    bundle = export_bundle(model, preset, folder, keep=args.keep, **parts)
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
