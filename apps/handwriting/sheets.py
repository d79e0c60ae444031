"""Look at ink: ``lstm-suite sheets``, a random sheet for each contributor, or for each writer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from apps.handwriting.data import load
from apps.handwriting.drawing import smooth
from apps.handwriting.ink import Ink, to_strokes
from apps.verbs.arguments import add_json, add_seed, report
from shared.errors import InputError
from shared.files import write_bytes
from shared.plots import to_png


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``sheets``."""
    parser.add_argument("data", metavar="PATH", help="ink, as for training")
    parser.add_argument("-o", "--output", default="sheets", metavar="DIR", help="%(default)s")
    parser.add_argument("--split", default="all", help="train, valid or all; %(default)s")
    parser.add_argument("--by", choices=("contributor", "writer"), default="contributor",
                        help="a sheet for each; default: %(default)s")  # fmt: skip
    parser.add_argument("--items", type=int, default=12, help="on a sheet; default: %(default)s")
    parser.add_argument("--lines", action="store_true", help="lines alone, no words")
    parser.add_argument("--points", action="store_true", help="show every point")
    parser.add_argument("--arc", type=float, default=1.0, help="resampling; %(default)s x-heights")
    parser.add_argument("--turning", type=float, default=90.0, help="%(default)s degrees")
    add_seed(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite sheets``."""
    if args.items < 1:
        raise InputError(f"--items must be 1 or more, not {args.items}")
    items = load(args.data, args.split, args.arc, args.turning)
    groups: dict[str, list[Ink]] = {}
    for item in items:
        if not (args.lines and item.word):
            groups.setdefault(getattr(item, args.by) or "unknown", []).append(item)
    rng = np.random.default_rng(args.seed)
    files = []
    for name, members in sorted(groups.items()):
        chosen = rng.choice(len(members), min(args.items, len(members)), replace=False)
        path = Path(args.output) / f"{name}.png"
        write_bytes(path, sheet([members[k] for k in sorted(chosen)], name, args.points))
        files.append(str(path))
    counts = {name: len(members) for name, members in sorted(groups.items())}
    report(args, {"items": counts, "files": files}, f"{len(files)} sheets in {args.output}")


def sheet(items: Sequence[Ink], title: str = "", points: bool = False) -> bytes:
    """Ink with its text above, one item below the other, baselines marked, as a PNG.

    Args:
        items: What to show.
        title: Above all.
        points: Whether to mark every point.
    """
    from matplotlib.figure import Figure

    widest = max(float(np.cumsum(item.rows[:, 0]).max()) for item in items) + 2
    step = 7.0
    height = step * len(items)
    scale = 12.0 / max(widest, 20.0)
    figure = Figure(figsize=(12.4, max(2.0, height * scale + 0.5)), dpi=80)
    axes = figure.add_subplot()
    for number, item in enumerate(items):
        base = height - step * (number + 0.7)
        axes.axhline(base, color="#dddddd", linewidth=0.6)
        for stroke in to_strokes(item.rows):
            drawn = smooth(stroke)
            axes.plot(drawn[:, 0], drawn[:, 1] + base, color="#1b2a63", linewidth=1)
            if points or len(stroke) == 1:
                axes.plot(stroke[:, 0], stroke[:, 1] + base, ".", color="#c0392b", markersize=2)
        text = f"{item.text}   {item.kind}".replace("$", r"\$")
        axes.text(0, base + step * 0.62, text, fontsize=7, color="#777777", va="center")
    axes.set(xlim=(-1, max(widest, 20.0)), ylim=(0, height), aspect="equal", xticks=[], yticks=[])
    axes.set_title(title)
    axes.spines[:].set_visible(False)
    return to_png(figure)
