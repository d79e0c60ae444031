"""From raw pen data to ink: spikes, scale, baseline, order of the strokes, resampling, rejects.

Rates that recording programs state are unreliable, so that nothing here looks at the time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from apps.handwriting.config import CHARACTERS
from apps.handwriting.ink import Stroke

HEIGHTS = (0.6, 7.5)  # of a line in x-heights; what is outside is not what its label says
WIDTHS = (0.6, 3.2)  # of a line in x-heights per character
STEEPEST = 0.25  # slope of a baseline that is still turned level
_SPIKE = 1.5  # x-heights there and back, for a single point
_TREMOR = 0.15  # x-heights
_JUMP = 1.0  # x-heights back to the left, from which a stroke was put off
_FINE = 0.05  # x-heights between the points of which turning is measured
_SMOOTH = (
    np.array([1, 4, 11, 20, 26, 20, 11, 4, 1]) / 98
)  # of them: 0.1 x-heights, a tablet's pixel


def resample(strokes: Sequence[Stroke], arc: float = 0.6, turning: float = 60.0) -> list[Stroke]:
    """Points where the shape needs them: many in bends, few on straight lines.

    A stroke is cut into equal shares of ``length / arc + turning / turning``, each of at most 1;
    its ends stay. With 0.6 and 60 degrees the 95th percentile of the distance to the original is
    0.03 x-heights.

    Args:
        strokes: In x-heights.
        arc: X-heights, straight on, between two points.
        turning: Degrees, on the spot, between two points.
    """
    strokes = [np.asarray(stroke, np.float64) for stroke in strokes if len(stroke)]
    if not strokes:
        return []
    lengths = np.array([len(stroke) for stroke in strokes])
    points, counts = resample_points(np.concatenate(strokes), lengths, arc, turning)
    return np.split(points, np.cumsum(counts)[:-1])


def resample_points(
    points: np.ndarray, lengths: np.ndarray, arc: float, turning: float
) -> tuple[np.ndarray, np.ndarray]:
    """`resample` of strokes in one array.

    Args:
        points: ``(points, 2)``, stroke after stroke.
        lengths: ``(strokes,)``, how many belong to each.
        arc: See `resample`.
        turning: See `resample`.

    Returns:
        The new points and lengths.
    """
    first = np.cumsum(lengths) - lengths
    last = first + lengths - 1
    steps = np.diff(points, axis=0, prepend=points[:1])
    steps[first] = 0
    length = np.hypot(*steps.T)
    turned = np.zeros(len(points))
    moves = steps[:, 0] + 1j * steps[:, 1]
    inner = np.flatnonzero((length[:-1] > 0) & (length[1:] > 0))
    turned[inner] = np.abs(np.angle(moves[inner + 1] * np.conj(moves[inner])))
    bend = turned / math.radians(turning) / 2  # half to the piece before, half to that after
    share = length / arc
    share[1:] += bend[1:] + bend[:-1]
    share[first] = 1.0  # a gap, so that a place belongs to one stroke
    place = np.cumsum(share)
    total = place[last] - place[first]
    pieces = np.where(lengths > 1, np.maximum(1, np.ceil(total - 1e-9)), 0).astype(int)
    counts = pieces + 1
    stroke = np.repeat(np.arange(len(lengths)), counts)
    number = np.arange(len(stroke)) - np.repeat(np.cumsum(counts) - counts, counts)
    wanted = place[first[stroke]] + total[stroke] * number / np.maximum(pieces[stroke], 1)
    wanted = np.minimum(wanted, place[last[stroke]])
    columns = [np.interp(wanted, place, points[:, axis]) for axis in (0, 1)]
    return np.stack(columns, 1), counts


def drop_spikes(strokes: Sequence[Stroke], size: float) -> list[Stroke]:
    """Without single points that are farther than ``size`` from both their neighbors, on one side.

    A pen does not do this; a tablet does.
    """
    result = []
    for stroke in strokes:
        if len(stroke) > 2:
            there, back = stroke[1:-1] - stroke[:-2], stroke[2:] - stroke[1:-1]
            far = np.minimum(np.hypot(*there.T), np.hypot(*back.T)) > size
            spike = far & ((there * back).sum(1) < 0)
            stroke = stroke[np.concatenate([[True], ~spike, [True]])]
        result.append(stroke)
    return result


def half_strokes(strokes: Sequence[Stroke]) -> np.ndarray:
    """Heights of the runs that go up or down, but those of less than a tenth of the largest."""
    heights = []
    for stroke in strokes:
        y = stroke[:, 1]
        turns = _extrema(y)
        heights.append(np.abs(np.diff(y[turns])))
    joined = np.concatenate(heights) if heights else np.zeros(0)
    return joined[joined > 0.1 * joined.max(initial=0.0)]


def _extrema(y: np.ndarray) -> np.ndarray:
    """Places of the highest and lowest points between which it goes up or down, ends included."""
    direction = np.sign(np.diff(y))
    moving = np.flatnonzero(direction)
    if not len(moving):
        return np.array([0, len(y) - 1])
    flips = moving[1:][direction[moving][1:] != direction[moving][:-1]]
    return np.concatenate([[0], flips, [len(y) - 1]])


def x_height(samples: Sequence[Sequence[Stroke]]) -> float:
    """A writer's x-height in the unit of the strokes: the median half-stroke of all samples.

    Most half-strokes of any text are those of small letters. 0 if there is none.
    """
    heights = np.concatenate([half_strokes(strokes) for strokes in samples] or [np.zeros(0)])
    return float(np.median(heights)) if len(heights) else 0.0


def level(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Turned so that the baseline is level, at y = 0, and the ink begins at x = 0.

    The baseline is a line through the lower turning points, those of descenders and of what does
    not stand on it left out. The slant stays: it is style. Strokes are in x-heights.
    """
    lows = [_lows(stroke) for stroke in strokes]
    points = np.concatenate([low for low in lows if len(low)] or [np.concatenate(strokes)])
    slope, base = _baseline(points)
    angle = -math.atan(slope)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    turned = [(stroke - [0.0, base]) @ turn for stroke in strokes]
    left = min(stroke[:, 0].min() for stroke in turned)
    return [stroke - [left, 0.0] for stroke in turned]


def _lows(stroke: Stroke) -> np.ndarray:
    """The points ``(n, 2)`` of a stroke that are clearly lower than what is before and after them.

    A tremor of less than `_TREMOR` x-heights makes none, nor does a level stroke.
    """
    turns = _extrema(stroke[:, 1])
    change = np.diff(stroke[turns, 1])
    fall = np.concatenate([[np.nan], -change])  # before each of them; NaN at an end
    rise = np.concatenate([change, [np.nan]])
    low = ~(fall < _TREMOR) & ~(rise < _TREMOR) & (np.fmax(fall, rise) > 2 * _TREMOR)
    return stroke[turns[low]]


def _baseline(points: np.ndarray) -> tuple[float, float]:
    """Slope and height at x = 0 of the line on which most of the low points stand."""
    x, y = points.T
    slope = _slope(x, y)
    base = float(np.median(y - slope * x))
    for reach in (0.6, 0.4):
        kept = np.abs(y - slope * x - base) < reach
        if slope and kept.sum() >= 6:
            slope, base = (float(v) for v in np.polyfit(x[kept], y[kept], 1))
        elif kept.any():
            base = float(np.median((y - slope * x)[kept]))
    return slope, base


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    """The median of the slopes between all points (Theil 1950; Sen 1968), 0 of short lines.

    0, too, where it is steeper than `STEEPEST`: then it is not of a baseline.
    """
    if len(x) < 6 or np.ptp(x) < 6:
        return 0.0
    wide, high = (v[:, None] - v[None, :] for v in (x, y))
    apart = wide > 3.0
    slope = float(np.median(high[apart] / wide[apart]))
    return slope if abs(slope) <= STEEPEST else 0.0


def in_order(strokes: Sequence[Stroke]) -> list[Stroke]:
    """With strokes that were put off where they belong: the bar of a t, the dot of an i.

    A stroke that begins far to the left of where the pen was goes behind the first stroke that
    reaches as far to the right as its middle. Strokes are in x-heights.
    """
    result: list[Stroke] = []
    for stroke in strokes:
        middle = (stroke[:, 0].min() + stroke[:, 0].max()) / 2
        at = len(result)
        if result and max(s[:, 0].max() for s in result) - stroke[:, 0].max() > _JUMP:
            reaching = [k for k, s in enumerate(result) if s[:, 0].max() >= middle]
            at = reaching[0] + 1
        result.insert(at, stroke)
    return result


def clean(strokes: Sequence[Stroke], height: float) -> list[Stroke]:
    """Raw strokes, y up, as ink in x-heights, fine points: all of the above but resampling.

    Args:
        strokes: In any unit.
        height: The writer's `x_height` in that unit.
    """
    scaled = [np.asarray(s, np.float64) / height for s in strokes if len(s)]
    fine = [_fine(stroke) for stroke in drop_spikes(scaled, _SPIKE)]
    return in_order(level(fine))


def _fine(stroke: Stroke) -> Stroke:
    """Equal steps, smoothed: of points that are almost on each other no direction can be told."""
    length = np.hypot(*np.diff(stroke, axis=0).T)
    place = np.concatenate([[0.0], np.cumsum(length)])
    wanted = np.linspace(0, place[-1], max(2, round(place[-1] / _FINE) + 1))
    if len(stroke) < 2 or place[-1] == 0:
        return stroke[:1]
    even = np.stack([np.interp(wanted, place, stroke[:, axis]) for axis in (0, 1)], 1)
    reach = len(_SMOOTH) // 2
    if len(even) < 2 * reach:
        return even
    # Beyond the ends it goes on as mirrored, so that they stay where they are.
    padded = np.concatenate(
        [2 * even[0] - even[reach:0:-1], even, 2 * even[-1] - even[-2 : -reach - 2 : -1]]
    )
    return np.stack([np.convolve(padded[:, k], _SMOOTH, mode="valid") for k in (0, 1)], 1)


def why_rejected(text: str, strokes: Sequence[Stroke]) -> str:
    """Why ink cannot be what its label says, "" if it can; strokes are in x-heights."""
    if not text:
        return "no text"
    if set(text) - set(CHARACTERS):
        return "characters beyond ASCII"
    if not strokes:
        return "no ink"
    points = np.concatenate(list(strokes))
    if not np.isfinite(points).all():
        return "not finite"
    width, height = np.ptp(points, axis=0)
    if not HEIGHTS[0] <= height <= HEIGHTS[1]:
        return "too flat" if height < HEIGHTS[0] else "too high"
    # One character may be as narrow as an l.
    if not WIDTHS[0] * (len(text) - 1) <= width <= WIDTHS[1] * (len(text) + 1):
        return "too narrow for its text" if width < WIDTHS[0] * len(text) else "too wide"
    if len(points) < len(text):
        return "too few points"
    return ""
