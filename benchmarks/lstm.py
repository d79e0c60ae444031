"""Speed of LSTM layers: the suite's, Keras', PyTorch's, and that of the matmuls alone.

    python benchmarks/lstm.py --torch-python TORCH_ENV/bin/python --json lstm.json --plot lstm.png
    python benchmarks/lstm.py --quick

Each row runs in a process of its own. The driver measures them in turn, some runs of each shape and
mode, and reports the median over the rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # installed or not

from benchmarks.common import Worker, available, machine, ratio, table
from shared.files import write_json


@dataclass(frozen=True)
class Shape:
    """What an LSTM layer is given: ``(batch, steps, features)``, and its units."""

    where: str  # the app that trains with it, or "general"
    batch: int
    steps: int
    features: int
    units: int

    @property
    def sizes(self) -> list[int]:
        """Batch, steps, features, units."""
        return [self.batch, self.steps, self.features, self.units]

    def __str__(self) -> str:
        return f"{self.where} {self.batch}x{self.steps} {self.features}->{self.units}"

    @property
    def gigaflops(self) -> float:
        """Of the forward matmuls; a training step takes three times as many."""
        inner = self.features + self.units
        return 2e-9 * self.batch * self.steps * inner * 4 * self.units


# Each app adds the layers that it trains, with the batches that it trains them on: of translation
# the median batch of --batch-tokens 1600 (Multi30k) and 3000 (Tatoeba), as the shipped models had.
SHAPES = (
    Shape("general", 64, 100, 256, 400),
    Shape("general", 32, 60, 256, 256),
    Shape("general", 32, 300, 256, 200),
    Shape("general", 16, 1000, 64, 512),
    Shape("music", 16, 128, 320, 256),
    Shape("music", 16, 128, 512, 256),
    Shape("music", 16, 128, 256, 256),
    Shape("music", 16, 128, 128, 96),
    Shape("translation", 80, 20, 256, 192),
    Shape("translation", 80, 20, 256, 384),
    Shape("translation", 188, 16, 256, 256),
    Shape("translation", 188, 16, 256, 512),
    Shape("handwriting", 48, 200, 451, 320),
)

# What the tables call each row, in the order of a round; a row is a process.
ROWS = {
    "peephole": "ours, peepholes",
    "keras": "Keras",
    "torch": "PyTorch",
    "roofline": "matmuls alone",
    "plain": "ours, plain",
    "layer_norm": "ours, layer norm",
    "peephole_bfloat16": "ours, peepholes, bfloat16",
    "xla": "Keras, XLA",
}
# Of the chart, in the order of its bars; frameworks in one hue each.
COLORS = {
    "plain": "#a9c5ec",
    "peephole": "#2c5fa8",
    "peephole_bfloat16": "#5e8fd6",
    "layer_norm": "#12305c",
    "torch": "#2e8b57",
    "keras": "#e08e0b",
    "xla": "#f2c879",
}
REQUIRED = ("peephole", "keras", "torch", "roofline")
MODES = ("train", "forward")
QUICK_SECONDS = 50
CHECK_LIMITS = {"outputs": 1e-5, "gradients": 1e-4}


@dataclass
class Row:
    """One shape, mode and layer, and what was measured."""

    shape: str
    mode: str
    row: str
    compile_s: float
    peak_mb: float  # of the process, beyond its imports; it has run no larger shape before
    seconds: list[float] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The row with the median in place of all times."""
        value = asdict(self)
        seconds = value.pop("seconds")
        return {**value, "median_ms": 1e3 * median(seconds), "runs": len(seconds)}


@contextlib.contextmanager
def open_workers(names: Iterable[str], threads: int, torch_python: str):
    """``{row: Worker}``, closed at the end."""
    workers = {}
    try:
        for name in names:
            python = torch_python if name == "torch" else sys.executable
            workers[name] = Worker("benchmarks.lstm_frameworks", name, str(threads), python=python)
        yield workers
    finally:
        for worker in workers.values():
            worker.close()


def prepare(
    workers: dict[str, Worker],
    shapes: Sequence[Shape],
    modes: Sequence[str],
    hurry: bool,
    until: float,
) -> list[Row]:
    """Compile everything; after ``until`` no further shape.

    In a hurry the workers compile side by side, and their seconds to compile mean little.
    The smallest shape comes first, so that a process' peak is that of the last one.
    """
    done = []
    for shape in sorted(shapes, key=lambda s: s.batch * s.steps * s.units):
        if done and time.monotonic() > until:
            break
        for mode in modes:
            for worker in workers.values() if hurry else ():
                worker.send("prepare", mode, shape.sizes)
            for name, worker in workers.items():
                facts = worker.receive() if hurry else worker.ask("prepare", mode, shape.sizes)
                done.append(Row(str(shape), mode, name, **facts))
    order = [str(shape) for shape in shapes]
    return sorted(done, key=lambda row: order.index(row.shape))


def measure(
    workers: dict[str, Worker],
    rows: Sequence[Row],
    shapes: Sequence[Shape],
    rounds: int,
    until: float,
) -> None:
    """Fill in the seconds, one worker at a time; no round that would last beyond ``until``."""
    sizes = {str(shape): shape.sizes for shape in shapes}
    for _ in range(rounds):
        start = time.monotonic()
        for row in rows:
            row.seconds += workers[row.row].ask("turn", row.mode, sizes[row.shape], 0.05)
        now = time.monotonic()
        if now + (now - start) > until:
            break


def speedups(rows: Sequence[Row], base: str, mode: str = "train") -> dict[str, float]:
    """Per shape, time of row ``base`` divided by that of ours with peepholes."""
    seconds = {(r.shape, r.row): r.seconds for r in rows if r.mode == mode}
    return {
        shape: ratio(seconds[shape, base], values)
        for (shape, row), values in seconds.items()
        if row == "peephole" and (shape, base) in seconds
    }


def summary(rows: Sequence[Row]) -> dict[str, float | None]:
    """The medians over the shapes; None for what was not measured."""

    def over_shapes(base: str, mode: str) -> float | None:
        values = speedups(rows, base, mode).values()
        return median(values) if values else None

    roofline = over_shapes("roofline", "train")
    keras_forward = speedups(rows, "keras", "forward").values()
    return {
        "median_speedup_vs_keras_train": over_shapes("keras", "train"),
        "median_speedup_vs_torch_train": over_shapes("torch", "train"),
        "median_roofline_ratio_train": 1 / roofline if roofline else None,
        "least_speedup_vs_keras_forward": min(keras_forward, default=None),
    }


def shown(rows: Sequence[Row], mode: str) -> str:
    """One line per shape: milliseconds of every row, then the ratios of ours with peepholes."""
    mine = [r for r in rows if r.mode == mode]
    names = [name for name in ROWS if any(r.row == name for r in mine)]
    cells = {(r.shape, r.row): 1e3 * median(r.seconds) for r in mine}
    bases = [name for name in ("keras", "torch", "roofline") if name in names]
    ratios = {base: speedups(rows, base, mode) for base in bases}
    header = [f"{mode}, ms", *(ROWS[n] for n in names)]
    header += [
        "times the matmuls" if base == "roofline" else f"speed against {ROWS[base]}"
        for base in bases
    ]
    lines = []
    for shape in dict.fromkeys(r.shape for r in mine):
        against = [ratios[base].get(shape) for base in bases]
        if "roofline" in bases:
            against[-1] = 1 / against[-1]
        lines.append([shape, *(cells.get((shape, n)) for n in names), *against])
    return table(header, lines)


def shown_memory(rows: Sequence[Row]) -> str:
    names = [name for name in ROWS if any(r.row == name for r in rows)]
    cells = {(r.shape, r.row): r.peak_mb for r in rows if r.mode == "train"}
    shapes = dict.fromkeys(shape for shape, _ in cells)
    return table(
        ["peak memory beyond imports, MB", *(ROWS[n] for n in names)],
        [[shape, *(cells.get((shape, n)) for n in names)] for shape in shapes],
    )


def plot(rows: Sequence[Row], path: str | Path) -> None:
    """Bars per shape and mode: time as a multiple of that of the matmuls alone."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    modes = [mode for mode in MODES if any(r.mode == mode for r in rows)]
    figure = Figure(figsize=(11, 1 + 3.7 * len(modes)), layout="constrained")
    for axes, mode in zip(figure.subplots(len(modes), squeeze=False)[:, 0], modes, strict=True):
        mine = {(r.shape, r.row): r.seconds for r in rows if r.mode == mode}
        shapes = list(dict.fromkeys(shape for shape, _ in mine))
        names = [n for n in COLORS if any(row == n for _, row in mine)]
        for k, name in enumerate(names):
            at = [s + (k - (len(names) - 1) / 2) * 0.8 / len(names) for s in range(len(shapes))]
            heights = [ratio(mine[s, name], mine[s, "roofline"]) for s in shapes]
            # From 1 upward or downward: on a logarithmic axis, bars have no other foot.
            axes.bar(at, [h - 1 for h in heights], 0.8 / len(names), 1, label=ROWS[name],
                     color=COLORS[name])  # fmt: skip
        axes.axhline(1, color="black", linewidth=0.8)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xticks(range(len(shapes)), [shape.replace(" ", "\n") for shape in shapes])
        axes.set_ylabel("times the matmuls alone")
        title = "Training step" if mode == "train" else "Forward"
        axes.set_title(f"{title}: batch x steps, features->units; lower is faster")
    figure.legend(*axes.get_legend_handles_labels(), ncols=4, loc="outside lower center")
    figure.savefig(path, dpi=110)


def refuse_wrong_numbers(differences: dict[str, dict[str, float]]) -> None:
    """Ends the program if a layer is so far from Keras that its times mean nothing."""
    for shape, values in differences.items():
        for name, value in values.items():
            limit = next(v for what, v in CHECK_LIMITS.items() if what in name)
            if not value <= limit:
                raise SystemExit(f"{shape}: {name} differ from Keras by {value:.1e} > {limit}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="LSTM layers side by side.")
    parser.add_argument("--json", metavar="FILE", help="write summary, machine and rows")
    parser.add_argument("--plot", metavar="FILE", help="write a chart")
    parser.add_argument("--quick", action="store_true", help=f"within {QUICK_SECONDS} seconds")
    parser.add_argument("--rounds", type=int, default=11, help="how often each row has its turn")
    parser.add_argument("--threads", type=int, default=2, help="of every framework")
    parser.add_argument(
        "--torch-python", default=sys.executable, metavar="PATH", help="interpreter with PyTorch"
    )
    parser.add_argument("--rows", nargs="+", choices=ROWS, help="these only")
    parser.add_argument("--modes", nargs="+", choices=MODES, help="these only")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace, shapes: Sequence[Shape]) -> dict[str, Any]:
    """Check, measure, print; returns what ``--json`` writes."""
    start = time.monotonic()
    quick = options.quick
    rows = options.rows or (REQUIRED if quick else tuple(ROWS))
    modes = options.modes or (("train",) if quick else MODES)
    if "torch" in rows and not available(options.torch_python, "torch"):
        print(
            "PyTorch is skipped: see benchmarks/requirements.txt and --torch-python.",
            file=sys.stderr,
        )
        rows = tuple(name for name in rows if name != "torch")
    facts = machine() | {"threads": options.threads, "versions": {}}
    # Rows to be checked, with a mask or not. It takes compiling: in a hurry, few and small.
    cases = [("plain", True), ("peephole", True)]
    check_shapes = [Shape("small", 8, 12, 16, 24)]
    if not quick:
        cases += [("plain", False), ("layer_norm", True)]
        check_shapes = list(shapes)
    compile_until = start + (0.56 * QUICK_SECONDS if quick else float("inf"))
    until = start + (0.9 * QUICK_SECONDS if quick else float("inf"))
    bfloat16 = {}
    with open_workers(rows, options.threads, options.torch_python) as workers:
        for worker in workers.values():  # they import while the check goes on
            worker.send("ready")
        with open_workers(["check"], options.threads, sys.executable) as checkers:
            ask = checkers["check"].ask
            differences = {str(s): ask("check", s.sizes, cases) for s in check_shapes}
            refuse_wrong_numbers(differences)
            if "peephole_bfloat16" in rows:
                bfloat16 = {str(s): ask("bfloat16", s.sizes) for s in shapes}
        for worker in workers.values():
            facts["versions"] |= worker.receive()
        done = prepare(workers, shapes, modes, quick, compile_until)
        measure(workers, done, shapes, options.rounds, until)
    return {
        **summary(done),
        "machine": facts,
        "seconds": time.monotonic() - start,
        "shapes_left_out": [str(s) for s in shapes if str(s) not in {r.shape for r in done}],
        "difference_from_keras": differences,
        "bfloat16_difference_from_float32": bfloat16,
        "rows": done,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    result = run(options, SHAPES)
    rows = result["rows"]
    for mode in dict.fromkeys(row.mode for row in rows):
        print(shown(rows, mode), end="\n\n")
    print(shown_memory(rows), end="\n\n")
    worst = max(v for values in result["difference_from_keras"].values() for v in values.values())
    print(f"Numbers and gradients equal Keras' within {worst:.1e}, also under masks.")
    for shape, values in result["bfloat16_difference_from_float32"].items():
        gaps = ", ".join(f"{what} {value:.1e}" for what, value in values.items())
        print(f"bfloat16 against float32, {shape}: {gaps}")
    for name, value in summary(rows).items():
        print(f"{name} {'not measured' if value is None else round(value, 2)}")
    for shape in result["shapes_left_out"]:
        print(f"no time left for {shape}")
    if options.json:
        write_json(options.json, {**result, "rows": [row.to_json() for row in rows]})
    if options.plot:
        plot(rows, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
