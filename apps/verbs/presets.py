"""List the trained models: ``lstm-suite presets``."""

from __future__ import annotations

import argparse
import sys

from apps import APPS, application
from apps.verbs.arguments import add_json, report
from shared.export.goldens import check_goldens
from shared.presets.catalog import PresetInfo, list_presets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``presets``."""
    parser.add_argument("--check", action="store_true", help="run the default bundles on the "
                        "inputs that they carry and compare the outputs")  # fmt: skip
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite presets``."""
    if args.check:
        check(args)
        return
    defaults = {name: application(name).default_preset for name in APPS}
    infos = list_presets(defaults, lambda error: print(f"left out: {error}", file=sys.stderr))
    rows: list[tuple[str, ...]] = [("PRESET", "RUNS", "SIZE", "LICENSE", "COMMERCIAL", "FIGURES")]
    rows += map(_row, infos)
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]) - 1)]
    lines = [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]
    values = [{**vars(info), "folder": str(info.folder)} for info in infos]
    report(args, {"presets": values}, "\n".join(lines))


def check(args: argparse.Namespace) -> None:
    """Runs the goldens of every bundle.

    Raises:
        InputError: A bundle computes something else here.
    """
    bundles = [application(name).find_bundle() for name in APPS]
    shares = {f"{b.app}/{b.preset}": check_goldens(b) for b in bundles}
    lines = [f"{name}: ok, {share:.0%} of the tolerance" for name, share in shares.items()]
    report(args, {"shares": shares}, "\n".join(lines))


def _row(info: PresetInfo) -> tuple[str, ...]:
    figures = info.measured or {name: entry["value"] for name, entry in info.figures.items()}
    return (
        f"{info.app}/{info.name}{' *' if info.default else ''}",
        "litert" if info.kind == "bundle" else "keras",
        f"{info.bytes / 1e6:.1f} MB",
        info.license,
        "yes" if info.commercial_use else "no",
        ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
        + (f" ({info.measured_on})" if info.measured_on else ""),
    )
