"""Pictures of data, as PNG files in memory; matplotlib draws them without a display."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

COLORS = ("#c0392b", "#e08e0b", "#2e8b57", "#2c5fa8")
"""One for each of four voices or lines, far enough apart for most eyes."""


def piano_roll(
    pitches: np.ndarray,
    strikes: np.ndarray | None = None,
    *,
    bars: Sequence[int] = (),
    names: Sequence[str] = (),
    title: str = "",
    beat: int = 4,
) -> bytes:
    """Voices over time, a block for each note, as a PNG.

    Args:
        pitches: ``(steps, voices)`` MIDI numbers, -1 is silence.
        strikes: bool ``(steps, voices)``, true where a note begins; default where pitches change.
        bars: steps at which a bar begins.
        names: of the voices, for the legend.
        title: above the roll.
        beat: steps in a beat; there is a tick every beat when there are no bars.
    """
    from matplotlib.figure import Figure

    steps, voices = pitches.shape
    figure = Figure(figsize=(float(np.clip(steps * 0.045, 5, 20)), 3.6), dpi=110)
    axes = figure.add_subplot()
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
            lengths[sounding] - 0.35,  # a gap, so that repeated notes show
            left=starts[sounding],
            height=0.85,
            color=COLORS[voice % len(COLORS)],
            label=names[voice] if names else None,
        )
    heard = pitches[pitches >= 0]
    low, high = (int(heard.min()), int(heard.max())) if len(heard) else (60, 72)
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
    return _png(figure)


def _png(figure) -> bytes:
    buffer = io.BytesIO()
    # Without the version of matplotlib in it, the same picture is the same file.
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()
