"""Write a preset's bundle, or its SavedModel: ``lstm-suite export APP``.

It needs no data: examples to compare on are kept with the preset. With data it also measures.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from typing import Any

from apps.verbs.arguments import (
    add_json,
    add_preset,
    add_source,
    chosen_fields,
    chosen_source,
    report,
)
from shared.application import Application
from shared.datasets.split import spread
from shared.export.examples import read_examples
from shared.export.goldens import Example
from shared.files import check_folder
from shared.presets.bundle import PRECISIONS, SIDECAR
from shared.presets.catalog import BUNDLES
from shared.presets.open import Opened
from shared.presets.store import EXAMPLES


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
    folder = args.output or BUNDLES / f"{app.name}-{preset.name}"
    if not args.saved_model:
        check_folder(folder, marker=SIDECAR)
    model = app.load_model(preset)
    if args.saved_model:
        export_saved_model(model, args.saved_model)
        report(args, {"saved_model": args.saved_model}, f"wrote {args.saved_model}")
        return
    opened = app.open_model(model, preset)
    items: Sequence[Any] = []
    if chosen_fields(args, app.source_class):
        items = app.read(chosen_source(args, app), args.split, opened.config)
    sample = spread(items, args.limit)
    bundle = export_bundle(
        model,
        preset,
        folder,
        three_or_more(app.examples(opened, sample) if sample else kept_examples(app, opened)),
        app.bundle_facts(opened),
        metric=(lambda generator: app.figures(opened.on(generator), sample)) if sample else None,
        measured=f"{len(sample)} of {len(items)} {app.unit}, {args.split}" if sample else "",
        keep=args.keep,
    )
    rows = bundle.sidecar["precisions"]
    lines = [f"wrote {folder} ({', '.join(args.keep)})"]
    keras = bundle.sidecar["keras_metric"]
    lines.append("precision      MB  ms/step   off by  " + "  ".join(keras))
    figures = "  ".join(f"{value:.4f}" for value in keras.values())
    lines.append(f"keras           -        -        -  {figures}".rstrip())
    for precision, row in rows.items():
        figures = "  ".join(f"{value:.4f}" for value in row["metric"].values())
        size, step, off = row["bytes"] / 1e6, row["milliseconds"]["step"], row["max_rel"]
        lines.append(f"{precision:9} {size:7.2f} {step:8.3f} {off:8.1e}  {figures}".rstrip())
    lines.append(f"next: lstm-suite {app.trial} --preset {shlex.quote(str(folder))}")
    report(args, {"folder": str(folder), "keras": keras, "precisions": rows}, "\n".join(lines))


def kept_examples(app: Application, opened: Opened) -> list[Example]:
    """The examples that training kept; of a model without any the made-up one."""
    path = opened.folder / EXAMPLES
    kept = read_examples(path) if path.exists() else []
    return kept or [app.example(opened.config)]


def three_or_more(examples: list[Example]) -> list[Example]:
    """Examples as often as it takes for the three that a bundle carries."""
    return (examples * 3)[: max(3, len(examples))]
