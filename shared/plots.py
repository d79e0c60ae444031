"""Plots as PNG bytes, drawn by matplotlib without a display."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

import numpy as np

COLORS = ("#c0392b", "#e08e0b", "#2e8b57", "#2c5fa8")
"""Colors of the four voices, distinct for most color-blind readers."""
LINES = ("#111111", "#8e44ad", "#16a0a0", "#d35f9c")
"""Colors of units, different from those of the voices."""


def piano_roll(
    pitches: np.ndarray,
    strikes: np.ndarray | None = None,
    *,
    bars: Sequence[int] = (),
    names: Sequence[str] = (),
    title: str = "",
    beat: int = 4,
) -> bytes:
    """Draws a piano roll as a PNG, a block for each note.

    Args:
        pitches: MIDI pitches ``(steps, voices)``; -1 is silence.
        strikes: Boolean ``(steps, voices)``, True where a note begins. By default, wherever the
            pitch changes.
        bars: Steps at which a bar begins.
        names: Names of the voices, for the legend.
        title: Title of the plot.
        beat: Steps per beat. Without bars there is a tick every four beats.
    """
    from matplotlib.figure import Figure

    steps, voices = pitches.shape
    figure = Figure(figsize=(float(np.clip(steps * 0.045, 5, 20)), 3.6), dpi=110)
    axes = figure.add_subplot()
    low, high = _draw_notes(axes, pitches, strikes, names)
    octaves = range(low // 12 * 12, high + 13, 12)
    axes.set_title(title)
    axes.set_yticks(octaves, [f"C{octave // 12 - 1}" for octave in octaves])
    axes.set(xlim=(0, steps), ylim=(low - 2, high + 2))
    if len(bars):
        axes.set_xticks(list(bars), [str(i + 1) if i % 2 == 0 else "" for i in range(len(bars))])
        axes.set_xlabel("bar")
    else:
        axes.set_xticks(range(0, steps + 1, 4 * beat))
        axes.set_xlabel("step")
    axes.grid(axis="x", color="#cccccc", linewidth=0.6)
    axes.grid(axis="y", color="#999999", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if names:
        axes.legend(ncols=voices, loc="upper left", bbox_to_anchor=(0, -0.16), frameon=False)
    return to_png(figure)


def gate_trace(
    gates: np.ndarray,
    labels: Sequence[str] | None = None,
    *,
    pitches: np.ndarray | None = None,
    strikes: np.ndarray | None = None,
    bars: Sequence[int] = (),
    units: int | Sequence[int] | None = None,
    title: str = "",
) -> bytes:
    """Draws the gates and the cell state of an LSTM layer over time as a PNG.

    The panels are, from top to bottom: the notes, if any; the input, forget and output gates, a
    row for each unit; the cell state; and the cell states of the four units that change most, as
    lines. Units are sorted by their mean forget gate, the highest on top.

    Args:
        gates: Gates of one sequence, ``(steps, 5, units)``, from a `shared.layers.LSTM` with
            ``return_gates``: input, forget, candidate and output gate, and the cell state.
        labels: Labels of the steps, such as words. If there are many, only every few are drawn.
        pitches: Notes to draw on top, ``(steps, voices)`` as in `piano_roll`.
        strikes: Boolean ``(steps, voices)`` as in `piano_roll`.
        bars: Steps at which a bar begins. Bars are marked by lines in all panels, and numbered in
            place of the steps.
        units: Number of units to draw, evenly spaced in the sorted order, or their indices. Draws
            all by default.
        title: Title of the plot.

    Raises:
        ValueError: The shapes do not match.
    """
    from matplotlib.figure import Figure

    if gates.ndim != 3 or gates.shape[1] != 5:
        raise ValueError(f"`gates` must be (steps, 5, units), got {gates.shape}")
    for name, other in (("labels", labels), ("pitches", pitches)):
        if other is not None and len(other) != len(gates):
            raise ValueError(f"{len(gates)} steps of gates, {len(other)} of {name}")
    steps = len(gates)
    written, kept, _, shown, cell = np.moveaxis(gates[:, :, _rows(gates, units)], 1, 0)
    # A quantile, not the maximum: one unit that counts would make all others pale.
    reach = float(np.quantile(np.abs(cell), 0.98)) or float(np.abs(cell).max()) or 1.0
    heat = [
        ("input gate\n(writes)", written, "Greens", (0, 1)),
        ("forget gate\n(1 keeps)", kept, "Blues", (0, 1)),
        ("output gate\n(shows)", shown, "Oranges", (0, 1)),
        ("cell state", cell, "RdBu_r", (-reach, reach)),
    ]
    heights = [1.6] * (pitches is not None) + [1] * len(heat) + [1.2]
    figure = Figure(figsize=(float(np.clip(steps * 0.2, 7, 16)), 1.35 * sum(heights)), dpi=100)
    grid = figure.add_gridspec(
        len(heights), 2, height_ratios=heights, width_ratios=(1, 0.012), wspace=0.03, hspace=0.12
    )
    rows = [figure.add_subplot(grid[row, 0]) for row in range(len(heights))]
    figure.suptitle(title, y=0.92)
    if pitches is not None:
        low, high = _draw_notes(rows[0], pitches, strikes)
        octaves = range(-(-low // 12) * 12, high + 1, 12)
        rows[0].set_yticks(octaves, [f"C{octave // 12 - 1}" for octave in octaves])
        rows[0].set_ylabel("notes")
    for row, (name, values, colors, limits) in enumerate(heat, len(rows) - 1 - len(heat)):
        image = rows[row].imshow(
            values.T,
            aspect="auto",
            interpolation="nearest",
            cmap=colors,
            vmin=limits[0],
            vmax=limits[1],
            extent=(0, steps, values.shape[1], 0),
        )
        rows[row].set_ylabel(name)
        rows[row].set_yticks([])
        extend = "both" if limits[1] < np.abs(values).max() else "neither"
        figure.colorbar(image, cax=figure.add_subplot(grid[row, 1]), extend=extend)
    busiest = np.sort(np.argsort(-np.abs(np.diff(cell, axis=0)).sum(0), kind="stable")[:4])
    for color, unit in zip(LINES, busiest, strict=False):
        rows[-1].plot(np.arange(steps) + 0.5, cell[:, unit], color=color, linewidth=1.4)
    rows[-1].axhline(0, color="#999999", linewidth=0.6)
    rows[-1].set_ylabel("four of\nthe cells")
    for axes in rows:
        axes.set(xlim=(0, steps), xticks=[])
        for bar in bars:
            axes.axvline(bar, color="#777777", linewidth=0.6, linestyle=":")
    rows[-1].text(1.005, 0, "heat maps: a row\nfor each unit,\nthose that keep\nlongest on top",
                  transform=rows[-1].transAxes, fontsize=7, color="#555555")  # fmt: skip
    if labels is None and len(bars):
        every = -(-len(bars) // 20)
        at = range(0, len(bars), every)
        rows[-1].set_xticks([bars[bar] for bar in at], [str(bar + 1) for bar in at])
        rows[-1].set_xlabel("bar")
    elif labels is None:
        every = 1 << max(0, (steps - 1).bit_length() - 4)  # at most 16 numbers
        rows[-1].set_xticks(range(0, steps, every), [str(step) for step in range(0, steps, every)])
        rows[-1].set_xlabel("step")
    else:
        every = -(-steps // 80)
        at = range(0, steps, every)
        rows[-1].set_xticks([step + 0.5 for step in at], [labels[step] for step in at])
        rows[-1].tick_params(axis="x", rotation=90, length=0)
    return to_png(figure)


def attention_map(
    weights: np.ndarray,
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    title: str = "",
) -> bytes:
    """Draws attention weights as a PNG; darker is more.

    Args:
        weights: Attention weights ``(targets, sources)``, 0 to 1.
        sources: Source symbols, along the top.
        targets: Target symbols, down the side.
        title: Title, below the map.

    Raises:
        ValueError: The shapes do not match.
    """
    from matplotlib.figure import Figure

    if weights.shape != (len(targets), len(sources)):
        raise ValueError(f"{weights.shape} weights, {len(targets)} x {len(sources)} symbols")
    size = [float(np.clip(0.36 * n + 1.4, 3, 24)) for n in (len(sources), len(targets))]
    figure = Figure(figsize=(size[0], size[1]), dpi=110)
    axes = figure.add_subplot()
    axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="equal", interpolation="nearest")
    # In matplotlib a dollar sign begins a formula.
    names = [[name.replace("$", r"\$") for name in part] for part in (sources, targets)]
    axes.set_xticks(range(len(sources)), names[0], rotation=90)
    axes.set_yticks(range(len(targets)), names[1])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(len(sources) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(targets) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#dddddd", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    axes.set_xlabel(title.replace("$", r"\$"))
    return to_png(figure)


def photo_attention(
    photo: np.ndarray,
    words: Sequence[str],
    weights: np.ndarray,
    *,
    title: str = "",
    columns: int = 6,
) -> bytes:
    """Draws a photo, and a copy for each word of its caption with a heat map, as a PNG.

    The photo is colored where attention weights are above their mean, on one scale for all words:
    a word that attends to everything alike leaves it as it is.

    Args:
        photo: Photo, uint8 ``(height, width, 3)``.
        words: Words of the caption.
        weights: Attention weights ``(words, rows, columns)`` over a grid on the photo.
        title: Title of the plot.
        columns: The most pictures in a row; rows are about equally long.

    Raises:
        ValueError: The shapes do not match.
    """
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from PIL import Image

    if len(words) != len(weights):
        raise ValueError(f"{len(weights)} attention maps, {len(words)} words")
    height, width = photo.shape[:2]
    rows = -(-(len(words) + 1) // columns)
    columns = -(-(len(words) + 1) // rows)
    tall = 2.1 * float(np.clip(height / width, 0.4, 2))
    figure = Figure(
        figsize=(2.1 * columns + 0.8, (tall + 0.35) * rows + 0.5), dpi=100, layout="constrained"
    )
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    grid[0].imshow(photo)
    times = weights / weights.mean((1, 2), keepdims=True)
    top = max(2.0, float(times.max(initial=0)))
    colors = colormaps["autumn_r"]
    gray = np.asarray(Image.fromarray(photo).convert("L").convert("RGB"))
    faded = 0.3 * photo + 0.7 * gray  # the heat map stands out from it
    for axes, word, one in zip(grid[1:], words, times, strict=False):
        small = Image.fromarray(np.asarray(one, np.float32))
        large = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))
        heat = np.clip((large - 1) / (top - 1), 0, 1)
        share = 0.75 * np.sqrt(heat)[..., None]
        colored = faded * (1 - share) + 255 * colors(heat)[..., :3] * share
        axes.imshow(colored.astype(np.uint8))
        axes.set_title(word.replace("$", r"\$"), fontsize=11)
    scale = ScalarMappable(Normalize(1, top), colors)
    figure.colorbar(scale, ax=grid.tolist(), label="weight, times the mean", aspect=30, shrink=0.7)
    figure.suptitle(title.replace("$", r"\$"))
    return to_png(figure)


def _rows(gates: np.ndarray, units: int | Sequence[int] | None) -> np.ndarray:
    """Returns the indices of the units to draw, highest mean forget gate first."""
    some = units is None or isinstance(units, int)
    chosen = np.arange(gates.shape[2]) if some else np.asarray(units)
    order = chosen[np.argsort(-gates[:, 1, chosen].mean(0), kind="stable")]
    if isinstance(units, int) and units < len(order):
        order = order[np.linspace(0, len(order) - 1, units).round().astype(int)]
    return order


def _draw_notes(axes, pitches, strikes=None, names=()) -> tuple[int, int]:
    """Draws the blocks of `piano_roll`; returns the lowest and the highest pitch."""
    steps, voices = pitches.shape
    for voice in range(voices):
        line = pitches[:, voice].astype(int)
        new = np.diff(line, prepend=-2) != 0
        if strikes is not None:
            new |= strikes[:, voice]
        starts = np.flatnonzero(new)
        lengths = np.diff(starts, append=steps)
        sounding = line[starts] >= 0
        axes.barh(
            line[starts][sounding],
            lengths[sounding] - 0.35,  # a gap separates repeated notes
            left=starts[sounding],
            height=0.85,
            color=COLORS[voice % len(COLORS)],
            label=names[voice] if names else None,
        )
    heard = pitches[pitches >= 0]
    low, high = (int(heard.min()), int(heard.max())) if len(heard) else (60, 72)
    return low, high


def to_png(figure) -> bytes:
    """Renders a matplotlib figure as a PNG."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():  # a character that the font lacks is drawn as a box
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        # Without matplotlib's version in the metadata, the same plot is the same file.
        figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()
