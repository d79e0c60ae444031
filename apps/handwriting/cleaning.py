"""Cleaning of pen data: spikes, scale, baseline, order of strokes, resampling, and rejection.

The sampling rates that recording programs state are unreliable, so time is not used here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from apps.handwriting.config import CHARACTERS
from apps.handwriting.ink import Stroke

HEIGHTS = (0.6, 7.5)  # valid height of a line, in x-heights; outside, the label must be wrong
WIDTHS = (0.6, 3.2)  # valid width of a line, in x-heights per character
STEEPEST = 0.25  # largest slope of a baseline that is leveled
_SPIKE = 1.5  # distance of a spike from both its neighbors, in x-heights
_LEAST_HEIGHT = 1e-9  # in any unit; what is smaller is no ink
_TREMOR = 0.15  # extrema below this height, in x-heights, are ignored
_JUMP = 1.0  # a stroke that begins this far to the left, in x-heights, was delayed
_FINE = 0.05  # distance of points at which turning is measured, in x-heights
_MOST_FINE = 200_000  # such points of a text, at most: no line has a tenth of it
_MOST_POINTS = 1000
_SMOOTH = (
    np.array([1, 4, 11, 20, 26, 20, 11, 4, 1]) / 98
)  # of them: 0.1 x-heights, a tablet's pixel


def resample(strokes: Sequence[Stroke], arc: float = 0.6, turning: float = 60.0) -> list[Stroke]:
    """Resamples strokes with many points in bends and few on straight lines.

    A stroke is divided into equal shares of its length over ``arc`` plus its turning over
    ``turning``, each at most 1. Its ends are kept. With 0.6 and 60 degrees the 95th percentile of
    the distance to the original is 0.03 x-heights.

    Args:
        strokes: Strokes in x-heights.
        arc: Distance between two points of a straight line, in x-heights.
        turning: Angle between two points of a bend, in degrees.
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
    """Resamples strokes that are stored in one array, as `resample` does.

    Args:
        points: Points ``(points, 2)``, stroke after stroke.
        lengths: Number of points of each stroke, ``(strokes,)``.
        arc: Distance between two points of a straight line, in x-heights.
        turning: Angle between two points of a bend, in degrees.

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
    """Drops single points farther than ``size`` from both neighbors, in the same direction.

    They are errors of the tablet.
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
    """Returns the heights of all up and down strokes of at least a tenth of the largest."""
    heights = []
    for stroke in strokes:
        y = stroke[:, 1]
        turns = _extrema(y)
        heights.append(np.abs(np.diff(y[turns])))
    joined = np.concatenate(heights) if heights else np.zeros(0)
    return joined[joined > 0.1 * joined.max(initial=0.0)]


def _extrema(y: np.ndarray) -> np.ndarray:
    """Returns the indices of the local extrema, ends included."""
    direction = np.sign(np.diff(y))
    moving = np.flatnonzero(direction)
    if not len(moving):
        return np.array([0, len(y) - 1])
    flips = moving[1:][direction[moving][1:] != direction[moving][:-1]]
    return np.concatenate([[0], flips, [len(y) - 1]])


def x_height(samples: Sequence[Sequence[Stroke]]) -> float:
    """Estimates a writer's x-height in the unit of the strokes: the median of all half-strokes.

    Most half-strokes of a text belong to small letters. Returns 0 if there are none, or all but
    none.
    """
    heights = np.concatenate([half_strokes(strokes) for strokes in samples] or [np.zeros(0)])
    height = float(np.median(heights)) if len(heights) else 0.0
    return height if height > _LEAST_HEIGHT else 0.0


def level(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Rotates and shifts ink so that the baseline is at y = 0 and the ink begins at x = 0.

    The baseline is fitted to the local minima, except those of descenders and of strokes above it.
    The slant is kept, because it is style. Strokes are in x-heights.
    """
    slope, base = baseline(strokes)
    angle = -math.atan(slope)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    turned = [(stroke - [0.0, base]) @ turn for stroke in strokes]
    left = min(stroke[:, 0].min() for stroke in turned)
    return [stroke - [left, 0.0] for stroke in turned]


def _lows(stroke: Stroke) -> np.ndarray:
    """Returns the local minima ``(n, 2)`` of a stroke, without tremor and level strokes."""
    turns = _extrema(stroke[:, 1])
    change = np.diff(stroke[turns, 1])
    fall = np.concatenate([[np.nan], -change])  # before each of them; NaN at an end
    rise = np.concatenate([change, [np.nan]])
    low = ~(fall < _TREMOR) & ~(rise < _TREMOR) & (np.fmax(fall, rise) > 2 * _TREMOR)
    return stroke[turns[low]]


def baseline(strokes: Sequence[Stroke]) -> tuple[float, float]:
    """Fits slope and height at x = 0 of the line through most of the local minima."""
    lows = [_lows(stroke) for stroke in strokes]
    x, y = np.concatenate([low for low in lows if len(low)] or [np.concatenate(strokes)]).T
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
    """Returns the median of the slopes between all points (Theil 1950; Sen 1968).

    It is 0 for short lines, and where it exceeds `STEEPEST` and cannot be that of a baseline.
    """
    if len(x) < 6 or np.ptp(x) < 6:
        return 0.0
    some = -(-len(x) // _MOST_POINTS)  # of so many the pairs are compared
    x, y = x[::some], y[::some]
    wide, high = (v[:, None] - v[None, :] for v in (x, y))
    apart = wide > 3.0
    slope = float(np.median(high[apart] / wide[apart]))
    return slope if abs(slope) <= STEEPEST else 0.0


def in_order(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Moves delayed strokes, such as the bar of a t or the dot of an i, to where they belong.

    A stroke that begins far to the left of the pen is moved behind the first stroke that reaches as
    far to the right as its middle. Strokes are in x-heights.
    """
    result: list[Stroke] = []
    reach: list[float] = []  # of each of them
    farthest = -math.inf
    for stroke in strokes:
        left, right = float(stroke[:, 0].min()), float(stroke[:, 0].max())
        at = len(result)
        if farthest - right > _JUMP:
            at = next(k for k, own in enumerate(reach) if own >= (left + right) / 2) + 1
        result.insert(at, stroke)
        reach.insert(at, right)
        farthest = max(farthest, right)
    return result


def clean(strokes: Sequence[Stroke], height: float) -> list[Stroke]:
    """Cleans raw strokes: all steps of this module except resampling.

    Args:
        strokes: Strokes with y up, in any unit.
        height: The writer's `x_height` in that unit.

    Returns:
        Strokes in x-heights, as fine points.
    """
    scaled = [np.asarray(s, np.float64) / height for s in strokes if len(s)]
    smooth = drop_spikes(scaled, _SPIKE)
    total = sum(float(np.hypot(*np.diff(stroke, axis=0).T).sum()) for stroke in smooth)
    step = max(_FINE, total / _MOST_FINE)  # ink of an absurd length is refused later
    return in_order(level([_fine(stroke, step) for stroke in smooth]))


def _fine(stroke: Stroke, step: float) -> Stroke:
    """Resamples to equal steps and smooths, because coincident points have no direction."""
    length = np.hypot(*np.diff(stroke, axis=0).T)
    place = np.concatenate([[0.0], np.cumsum(length)])
    wanted = np.linspace(0, place[-1], max(2, round(place[-1] / step) + 1))
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
    """Returns why ink cannot match its label, "" if it can; strokes are in x-heights."""
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
