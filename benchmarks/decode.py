"""Milliseconds per step and per finished output of each application, on every backend.

    python benchmarks/decode.py --torch-python TORCH_ENV/bin/python --json decode.json
    python benchmarks/decode.py --quick

Each backend runs in a process of its own, and they are measured in turn at batch size 1. All take
and return named NumPy arrays, as the decoding loop does. The model is the application's preset if
it has been trained, otherwise untrained.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # installed or not

from apps import APPS
from benchmarks.common import Worker, available, machine, table
from benchmarks.decode_backends import PORTS
from shared.files import write_json

ROWS = {
    "keras_eager": "Keras, eager",
    "keras": "Keras, compiled",
    "saved_model": "SavedModel",
    "litert_float32": "LiteRT, float32",
    "litert_int8": "LiteRT, int8",
    "onnxruntime": "ONNX Runtime, float32",
    "torch": "PyTorch, eager",
}
OUTPUTS = {  # what `Application.generate` makes, in words
    "captioning": "a photo, 12 words, beam 5",
    "handwriting": "a line of 24 characters",
    "music": "8 bars, 512 steps",
    "translation": "16 subwords, beam 5",
}
NEEDED = {"onnxruntime": ("torch", "onnx", "onnxscript", "onnxruntime"), "torch": ("torch",)}
QUICK = ("keras", "litert_float32", "litert_int8", "onnxruntime")
DIFFERENCE = {"litert_int8": 0.5}  # from Keras' logits; all others are exact but for rounding
WHAT = ("step", "output", "greedy")
BEAMS = ("captioning", "translation")


def usable(rows: Sequence[str], app: str, torch_python: str) -> list[str]:
    """The rows that can be measured; tells of the others."""
    found = []
    for row in rows:
        modules = NEEDED.get(row, ())
        if modules and app not in PORTS:
            print(f"{app}: no port for {ROWS[row]}", file=sys.stderr)
        elif modules and not available(torch_python, *modules):
            print(
                f"{ROWS[row]} is skipped: it needs {', '.join(modules)}; see "
                "benchmarks/requirements.txt and --torch-python.",
                file=sys.stderr,
            )
        else:
            found.append(row)
    return found


def measure(app: str, options: argparse.Namespace) -> dict[str, Any]:
    """Everything about one application.

    Raises:
        SystemExit: A backend answers something else than Keras.
    """
    rows = usable(options.rows or (QUICK if options.quick else tuple(ROWS)), app,
                  options.torch_python)  # fmt: skip
    module = "benchmarks.decode_backends"
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        maker = Worker(module, app, "make", folder)
        stack.callback(maker.close)
        facts = maker.ask("make", options.preset)
        maker.close()
        workers = {}
        for row in rows:
            python = options.torch_python if row in NEEDED else sys.executable
            workers[row] = Worker(module, app, row, folder, str(options.threads), python=python)
            stack.callback(workers[row].close)
            workers[row].send("difference")
        gaps = {row: worker.receive() for row, worker in workers.items()}
        for row, gap in gaps.items():
            if not gap < DIFFERENCE.get(row, 1e-3):
                raise SystemExit(f"{app}: {ROWS[row]} differs from Keras' logits by {gap:.2g}")
        kinds = WHAT if app in BEAMS else WHAT[:2]
        seconds: dict[tuple[str, str], list[float]] = {(r, w): [] for r in rows for w in kinds}
        for _ in range(2 if options.quick else options.rounds):
            for what in kinds:
                for row, worker in workers.items():
                    seconds[row, what] += worker.ask("turn", what)
    return {
        "app": app,
        "output": OUTPUTS[app],
        **facts,
        "rows": [
            {
                "row": row,
                "step_ms": 1e3 * median(seconds[row, "step"]),
                **{f"{what}_ms": 1e3 * median(seconds[row, what]) for what in kinds[1:]},
                "difference_from_keras": gaps[row],
            }
            for row in rows
        ],
    }


def speedups(result: dict[str, Any]) -> dict[str, float]:
    """How much longer a step takes than with LiteRT int8, per row."""
    steps = {row["row"]: row["step_ms"] for row in result["rows"]}
    fastest = steps.get("litert_int8")
    return {row: ms / fastest for row, ms in steps.items()} if fastest else {}


def shown(result: dict[str, Any]) -> str:
    """A table of one application."""
    against = speedups(result)
    title = f"{result['app']} ({result['weights']}, {result['parameters']:,} weights)"
    header = [title, "ms per step", "times LiteRT int8", f"ms per output ({result['output']})"]
    beam = result["app"] in BEAMS
    header += ["greedy", "beam / greedy"] if beam else []
    return table(
        [*header, "logits off by"],
        [
            [ROWS[row["row"]], row["step_ms"], against.get(row["row"]), row["output_ms"],
             *([row["greedy_ms"], row["output_ms"] / row["greedy_ms"]] if beam else []),
             f"{row['difference_from_keras']:.0e}"]
            for row in result["rows"]
        ],
    )  # fmt: skip


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What decoding takes, on every backend.")
    parser.add_argument("--app", nargs="+", choices=APPS, default=list(APPS))
    parser.add_argument("--preset", metavar="NAME", help="a trained model, or its folder's path")
    parser.add_argument("--json", metavar="FILE", help="write machine and rows")
    parser.add_argument("--quick", action="store_true", help="fewer backends and rounds")
    parser.add_argument("--rounds", type=int, default=7, help="how often each row has its turn")
    parser.add_argument("--rows", nargs="+", choices=ROWS, help="these only")
    parser.add_argument("--threads", type=int, default=1, help="LiteRT, ONNX Runtime, PyTorch")
    parser.add_argument(
        "--torch-python", default=sys.executable, metavar="PATH", help="interpreter with PyTorch"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    facts = machine() | {"threads": options.threads}
    results = [measure(app, options) for app in options.app]
    for result in results:
        print(shown(result), end="\n\n")
    if options.json:
        write_json(
            options.json,
            {
                "machine": facts,
                "apps": [{**r, "times_litert_int8": speedups(r)} for r in results],
            },
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
