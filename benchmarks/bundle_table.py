"""Generates the tables of ``tflite/README.md`` from the bundles' sidecars.

    python benchmarks/bundle_table.py            # write
    python benchmarks/bundle_table.py --check    # exit status 1 if the page is stale

Sizes, latencies and figures are those recorded at export, so the page is reproducible.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # installed or not

from shared.errors import InputError
from shared.files import write_text
from shared.presets.bundle import SIDECAR, Bundle, load_bundle

BEGIN = "<!-- begin: python benchmarks/bundle_table.py -->"
END = "<!-- end: python benchmarks/bundle_table.py -->"


def render(bundles: Sequence[Bundle]) -> str:
    """Renders the Markdown between the markers."""
    parts = [_bundle(bundle) for bundle in bundles] or ["No model has been exported yet.\n"]
    return "\n".join(parts)


def update(page: str, bundles: Sequence[Bundle]) -> str:
    """Returns the page with new tables.

    Raises:
        InputError: The page lacks the markers.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise InputError(f"the page lacks its markers; put back {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{render(bundles)}\n{END}{tail}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status."""
    parser = argparse.ArgumentParser(prog="python benchmarks/bundle_table.py", description=__doc__)
    parser.add_argument("--check", action="store_true", help="do not write; fail if stale")
    parser.add_argument("--folder", type=Path, default=Path("tflite"), help="folder of the bundles")
    options = parser.parse_args(arguments)
    path = options.folder / "README.md"
    try:
        if not path.is_file():
            raise InputError(f"{path}: no such file; name the folder of the bundles")
        bundles = [load_bundle(p.parent) for p in sorted(options.folder.glob(f"*/{SIDECAR}"))]
        page = path.read_text(encoding="utf-8")
        new = update(page, bundles)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    if options.check:
        if new != page:
            print(f"{path} is stale; run python benchmarks/bundle_table.py", file=sys.stderr)
        return int(new != page)
    write_text(path, new)
    return 0


def _bundle(bundle: Bundle) -> str:
    side = bundle.sidecar
    allowed = "allowed" if side["commercial_use"] else "not allowed"
    size = sum(entry["bytes"] for entry in side["files"].values())
    lines = [
        f"### {bundle.folder.name}",
        "",
        f"License {side['license']}, commercial use {allowed}. Data: {', '.join(side['data'])}. "
        f"The folder takes {_megabytes(size)}; `{side['model']}` runs by default.",
        "",
        "| graph | inputs | outputs |",
        "|---|---|---|",
    ]
    for name, graph in side["signatures"].items():
        lines.append(f"| `{name}` | {_tensors(graph['inputs'])} | {_tensors(graph['outputs'])} |")
    figures = list(side["keras_metric"])
    heads = ["precision", "in the folder", "size", "encode, ms", "step, ms", "largest difference"]
    lines += ["", _row([*heads, *figures]), "|" + "---|" * (len(heads) + len(figures))]
    keras = [_figure(side["keras_metric"][figure]) for figure in figures]
    lines.append(_row(["Keras", "", "", "", "", "", *keras]))
    for precision, facts in side["precisions"].items():
        milliseconds = facts["milliseconds"]
        lines.append(
            _row(
                [
                    precision,
                    "yes" if facts["shipped"] else "no",
                    _megabytes(facts["bytes"]),
                    f"{milliseconds['encode']:.2f}",
                    f"{milliseconds['step']:.3f}",
                    f"{facts['max_rel']:.1e}",
                    *(_figure(facts["metric"][name]) for name in figures),
                ]
            )
        )
    words = f"Milliseconds: one thread, {side['machine']}, median."
    if side.get("measured"):
        words += f" Figures: {side['measured']}."
    lines += ["", words, ""]
    return "\n".join(lines)


def _tensors(tensors: Sequence[dict[str, Any]]) -> str:
    return ", ".join(
        f"`{t['name']}` {t['dtype']} ({', '.join(map(str, t['shape']))}) {t['role']}"
        for t in tensors
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(value: float) -> str:
    return f"{value:.4g}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB"


if __name__ == "__main__":
    sys.exit(main())
