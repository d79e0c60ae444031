"""Plots of data: sheets of ink, one for each contributor or writer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.handwriting.drawing import smooth
from apps.handwriting.ink import Ink, to_strokes
from shared.plots import to_png


def grouped(items: Sequence[Ink], by: str) -> dict[str, list[Ink]]:
    """Groups ink by ``contributor`` or ``writer``, in the order of their names."""
    groups: dict[str, list[Ink]] = {}
    for item in items:
        groups.setdefault(getattr(item, by) or "unknown", []).append(item)
    return dict(sorted(groups.items()))


def sheet(items: Sequence[Ink], title: str = "", points: bool = False) -> bytes:
    """Plots ink, each item with its text and its baseline, as a PNG.

    Args:
        items: The ink, one item below the other.
        title: Title of the plot.
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
