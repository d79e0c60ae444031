"""The plots of `benchmarks/long_memory.py`, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

STYLES = {
    "SimpleRNN": ("#444444", "-"),
    "GRU": ("#e08e0b", "-"),
    "Keras LSTM": ("#7a5ea8", ":"),
    "LSTM, forget bias 0": ("#c0392b", "-"),
    "LSTM, forget bias 1": ("#2c5fa8", "-"),
    "LSTM, forget bias 5": ("#2e8b57", "-"),
}
"""Color and line of each model."""

Results = Mapping[str, Sequence[Mapping]]


def plot_accuracy(
    tasks: Mapping[str, Results], gaps: Sequence[int], chance: Mapping[str, float]
) -> bytes:
    """Accuracy against gap, a panel for each task: the median over seeds, and their range.

    Args:
        tasks: ``{task: {model: [{"accuracy": one for each gap}, ...]}}``.
        gaps: The horizontal axis.
        chance: Accuracy of guessing, by task.
    """
    figure, panels = _panels(len(tasks))
    for axes, (task, results) in zip(panels, tasks.items(), strict=True):
        for model, seeds in _measured(results):
            _band(axes, gaps, model, np.array([seed["accuracy"] for seed in seeds]))
        axes.axhline(chance[task], color="#999999", linewidth=0.8, linestyle="--")
        axes.text(gaps[0], chance[task] + 0.015, "guessing", color="#777777", fontsize=8)
        axes.set(title=task, xscale="log", xlabel="gap, steps", ylim=(0, 1.04))
        axes.set_xticks(_few(gaps), [str(gap) for gap in _few(gaps)])
        axes.minorticks_off()
    panels[0].set_ylabel("accuracy")
    return _finish(figure, panels)


def plot_gradients(tasks: Mapping[str, Results]) -> bytes:
    """Gradient norm against steps back, relative to the last step: untrained, and for each task.

    Args:
        tasks: ``{task: {model: [{"untrained": norms, "trained": norms}, ...]}}``, norms 0, 1, ...
            steps back.
    """
    figure, panels = _panels(1 + len(tasks))
    first = next(iter(tasks))
    shown = [(first, "untrained"), *((task, "trained") for task in tasks)]
    for axes, (task, when) in zip(panels, shown, strict=True):
        for model, seeds in _measured(tasks[task]):
            norms = np.array([seed[when] for seed in seeds])
            norms = np.maximum(norms / norms[:, :1], 1e-30)
            _band(axes, np.arange(norms.shape[1]), model, norms, markers=False)
        axes.set(yscale="log", ylim=(1e-12, 1e4), xlabel="k, steps back")
        axes.set_title("untrained" if when == "untrained" else f"trained: {task}")
    panels[0].set_ylabel("|d loss / d state|, k steps back / at the end")
    return _finish(figure, panels)


def _measured(results: Results) -> list[tuple[str, Sequence[Mapping]]]:
    return [(model, seeds) for model, seeds in results.items() if seeds]


def _panels(count: int) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(1.2 + 3.3 * count, 3.6), dpi=100)
    return figure, figure.subplots(1, count, squeeze=False)[0]


def _band(axes: Axes, x: Sequence, model: str, values: np.ndarray, markers: bool = True) -> None:
    """Median and range of ``values`` ``(seeds, len(x))``."""
    color, line = STYLES[model]
    axes.plot(x, np.median(values, 0), line, color=color, label=model, linewidth=1.8,
              marker="." if markers else None)  # fmt: skip
    axes.fill_between(x, values.min(0), values.max(0), color=color, alpha=0.15, linewidth=0)


def _few(gaps: Sequence[int]) -> list[int]:
    return [gap for gap in gaps if len(gaps) <= 5 or gap in (10, 30, 100, 300, 1000)]


def _finish(figure: Figure, panels: Sequence[Axes]) -> bytes:
    for axes in panels:
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    lines = {
        line.get_label(): line for axes in panels for line in axes.get_legend_handles_labels()[0]
    }
    figure.legend(lines.values(), lines.keys(), ncols=min(6, 3 * len(panels)), loc="upper center",
                  bbox_to_anchor=(0.5, 0.0), frameon=False)  # fmt: skip
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    small = io.BytesIO()  # 128 colors are enough, and a third of the bytes
    Image.open(buffer).convert("RGB").quantize(128).save(small, "png", optimize=True)
    return small.getvalue()
