"""Plots of a line: the window over the text, and the mixtures of the points."""

from __future__ import annotations

import numpy as np

from apps.handwriting.ink import to_strokes
from apps.handwriting.lines import Line
from apps.handwriting.spelling import letters_of
from shared.decoding.mixture import split
from shared.plots import to_png


def window(line: Line) -> bytes:
    """Plots a line, the densities of its points, and the window over the text.

    Args:
        line: A line, with attention weights. Accents are left out.

    Returns:
        A PNG. The densities of all points are summed, each at its place on the page (after Graves
        2013, figure 14). The darker the window, the larger the attention weight.

    Raises:
        ValueError: The line has no attention weights.
    """
    from matplotlib.figure import Figure

    if line.result.attention is None:
        raise ValueError("the generator outputs no attention")
    letters, _ = letters_of(line.text)
    attention = line.result.attention[:, line.offset : line.offset + len(letters)]
    rows = line.result.points
    points = np.cumsum(rows[:, :2], axis=0)
    width = float(np.clip(np.ptp(points[:, 0]) * 0.25, 6, 24))
    figure = Figure(figsize=(width, 6.5), dpi=100)
    ink, density, map_ = figure.subplots(3, height_ratios=(1, 1, 2.2))
    for stroke in to_strokes(rows):
        ink.plot(*stroke.T, color="#1b2a63", linewidth=1.4)
    image, extent = _density(line, points)
    density.imshow(image, origin="lower", cmap="inferno", extent=extent, aspect="equal")
    for axes, name in ((ink, "ink"), (density, "mixture")):
        axes.set(xlim=extent[:2], ylim=extent[2:], aspect="equal", xticks=[], yticks=[])
        axes.set_ylabel(name)
    map_.imshow(attention.T, aspect="auto", cmap="Blues", interpolation="nearest")
    names = [c.replace("$", r"\$") if c != " " else "\u2423" for c in letters]
    map_.set_yticks(range(len(names)), names, fontsize=7)
    map_.set_xlabel("point")
    map_.set_ylabel("character")
    return to_png(figure)


def _density(line: Line, points: np.ndarray, cell: float = 0.08) -> tuple[np.ndarray, tuple]:
    """Sums the densities on a grid, on a logarithmic scale, and returns its extent, too."""
    (left, low), (right, high) = points.min(0) - 1, points.max(0) + 1
    xs, ys = np.arange(left, right, cell), np.arange(low, high, cell)
    image = np.zeros((len(ys), len(xs)))
    before = np.concatenate([[[0.0, 0.0]], points[:-1]])
    weights, mx, my, sx, sy, *_ = split(line.result.mixtures.astype(np.float64))
    for k in range(1, len(points)):  # the first point has the place of the line
        for m in np.flatnonzero(weights[k] > np.log(0.02)):
            center = before[k] + [mx[k, m], my[k, m]]
            sigma = np.maximum(np.exp([sx[k, m], sy[k, m]]), cell / 2)
            columns = np.abs(xs - center[0]) < 3 * sigma[0]
            rows = np.abs(ys - center[1]) < 3 * sigma[1]
            bell_x = np.exp(-0.5 * ((xs[columns] - center[0]) / sigma[0]) ** 2) / sigma[0]
            bell_y = np.exp(-0.5 * ((ys[rows] - center[1]) / sigma[1]) ** 2) / sigma[1]
            image[np.ix_(rows, columns)] += np.exp(weights[k, m]) * np.outer(bell_y, bell_x)
    return np.log1p(image), (left, right, low, high)
