"""Writes single lines: sampling of points, the checks of a line, and another try if they fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apps.handwriting.config import KINDS, HandwritingConfig
from apps.handwriting.ink import Ink, symbols
from shared.decoding.mixture import PointOptions, PointResult, decode_points, score_points
from shared.errors import InputError
from shared.generator import Arrays, Generator

BIAS = 1.0
DRAWS = 6  # samples of a line, at most
# How far a pen reaches above and below the baseline, and its longest step on paper, in x-heights.
HIGHEST, LOWEST, LONGEST = 5.5, -3.5, 5.0
# A line that has so many times the average number of points for its text is cut.
MOST_POINTS = 3.5
MOST_GAP = 3  # spaces between a primer and a line, at most
_SCORED_TOGETHER = 64  # styles in a batch
# A character is skipped whose largest attention weight is below this share of the line's mean peak.
_SKIPPED = 0.15
# The window has left the text when the weight of the last character falls below this share of its
# peak.
_LEFT = 0.45


@dataclass(frozen=True, eq=False)
class Line:
    """A written line.

    Attributes:
        text: The text.
        rows: Its points, float32 ``(points, 3)``, see `apps.handwriting.ink.Ink`.
        problems: The checks that failed, see `problems_of`.
        draws: Number of samples that were drawn.
        seed: Seed of the sample that was kept.
        result: That sample.
        offset: Characters of a primer before the text.
    """

    text: str
    rows: np.ndarray
    problems: tuple[str, ...]
    draws: int
    seed: int
    result: PointResult
    offset: int = 0


def condition(config: HandwritingConfig, texts: Sequence[str], styles: Sequence[int]) -> Arrays:
    """Makes the inputs of ``encode``.

    Args:
        config: Configuration of the model.
        texts: A batch of texts.
        styles: Number of the style of each, see `HandwritingConfig.style_names`.

    Raises:
        InputError: A text is too long, or has characters that cannot be written.
    """
    result: Arrays = {
        "text": np.zeros((len(texts), config.length), np.int32),
        "text_mask": np.zeros((len(texts), config.length), np.uint8),
        "style": np.asarray(styles, np.int32),
    }
    for row, text in enumerate(texts):
        if len(text) > config.length:
            raise InputError(
                f"{text[:20]!r}...: {len(text)} characters are more than this model's "
                f"{config.length}; split it"
            )
        result["text"][row, : len(text)] = symbols(text)
        result["text_mask"][row, : len(text)] = 1
    return result


def write_lines(
    generator: Generator,
    config: HandwritingConfig,
    texts: Sequence[str],
    style: int = 0,
    bias: float = BIAS,
    seed: int = 0,
    primer: Ink | None = None,
    draws: int = DRAWS,
) -> list[Line]:
    """Writes lines; those that fail a check are sampled again.

    Args:
        generator: A handwriting model on any backend.
        config: Configuration of the model.
        texts: Lines, none of them empty.
        style: Number of the style, see `HandwritingConfig.style_id`.
        bias: Probability bias, see `PointOptions`.
        seed: Seed of the first sample of the first line.
        primer: Ink that the model reads first, whose style it continues.
        draws: Samples of each line, at most. The one with the fewest problems is kept.

    Raises:
        InputError: A text cannot be written, or the bias is out of range.
    """
    best: dict[int, Line] = {}
    left = list(range(len(texts)))
    gaps = [1] * len(texts)
    for draw in range(draws):
        seeds = [_seed(seed, line, draw) for line in left]
        asked, apart = [texts[line] for line in left], [gaps[line] for line in left]
        made = write_each(generator, config, asked, seeds, style, bias, primer, apart)
        for line, one in zip(left, made, strict=True):
            gaps[line] = min(gaps[line] + ("late" in one.problems), MOST_GAP)
            kept = best.get(line, one)
            better = one if len(one.problems) < len(kept.problems) else kept
            best[line] = dataclasses.replace(better, draws=draw + 1)
        left = [line for line in left if best[line].problems]
        if not left:
            break
    return [best[line] for line in range(len(texts))]


def write_each(
    generator: Generator,
    config: HandwritingConfig,
    texts: Sequence[str],
    seeds: Sequence[int],
    style: int = 0,
    bias: float = BIAS,
    primer: Ink | None = None,
    gaps: Sequence[int] | None = None,
) -> list[Line]:
    """Writes each text once, from a seed of its own; see `write_lines`.

    ``gaps`` are the numbers of spaces between the primer and each text, by default 1.
    """
    gaps = gaps or [1] * len(texts)
    before = [primer.text + " " * gap if primer else "" for gap in gaps]
    whole = [start + text for start, text in zip(before, texts, strict=True)]
    given = condition(config, whole, [style] * len(texts))
    state = generator.encode(given)
    limits = [_most_points(config, text) for text in texts]
    prefix = primer.rows if primer else None
    options = PointOptions(bias=bias)
    results = decode_points(generator, state, options, seeds, limits, prefix)
    lines = []
    for text, start, number, drawn in zip(texts, before, seeds, results, strict=True):
        result = _up_to(drawn, end_of_text(text, drawn, len(start)))
        rows = _begin_anew(result.points, primer.rows) if primer else result.points
        found = problems_of(text, rows, result, len(start))
        lines.append(Line(text, rows, found, 1, number, result, len(start)))
    return lines


def write_text(
    generator: Generator,
    config: HandwritingConfig,
    texts: Sequence[str],
    style: int | None = None,
    bias: float = BIAS,
    seed: int = 0,
    primer: Ink | None = None,
    draws: int = DRAWS,
) -> tuple[list[Line], int]:
    """Writes the lines of a text in the style of one writer; see `write_lines`.

    Without a style it is the likeliest one for the primer. In the style of several writers ("any",
    or a kind) each line would differ: those after the first take the likeliest writer of the first.

    Returns:
        The lines, and the number of the style of those after the first.
    """
    if style is None:
        style = likeliest_style(generator, config, primer) if primer else 0
    rest = (bias, seed, primer, draws)
    lines = write_lines(generator, config, texts[:1], style, *rest)
    if len(texts) > 1:
        if style <= len(KINDS) and not primer:
            writers = range(1 + len(KINDS), config.style_count)
            own = [w for w in writers if style in (0, config.kind_style(w))]
            first = Ink(texts[0], lines[0].rows)
            style = likeliest_style(generator, config, first, own or [style])
        rest = (bias, _seed(seed, 1, 0), primer, draws)
        lines += write_lines(generator, config, texts[1:], style, *rest)
    return lines, style


def likeliest_style(
    generator: Generator,
    config: HandwritingConfig,
    ink: Ink,
    styles: Sequence[int] | None = None,
) -> int:
    """Finds the style, of some or all, under which ink has the highest likelihood.

    Most styles are dropped after the first points.
    """
    left = list(styles or range(config.style_count))
    for points, kept in ((60, 24), (240, 1)):
        totals = _nats_under(generator, config, ink, points, left)
        left = [left[k] for k in np.argsort(totals, kind="stable")[:kept]]
    return left[0]


def _nats_under(
    generator: Generator, config: HandwritingConfig, ink: Ink, points: int, styles: Sequence[int]
) -> list[float]:
    """Computes the nats of the first points of ink under each style."""
    rows = ink.rows[:points]
    end = np.zeros((1, len(rows)))
    end[0, -1] = len(rows) == len(ink)
    totals: list[float] = []
    for first in range(0, len(styles), _SCORED_TOGETHER):
        part = styles[first : first + _SCORED_TOGETHER]
        state = generator.encode(condition(config, [ink.text] * len(part), part))
        given, ends = np.tile(rows, (len(part), 1, 1)), np.tile(end, (len(part), 1))
        totals += score_points(generator, state, given, ends).sum(1).tolist()
    return totals


def _seed(seed: int, line: int, draw: int) -> int:
    """The seed of a sample; that of the first sample of the first line is ``seed``."""
    return seed + 1009 * line + 100_003 * draw


def _most_points(config: HandwritingConfig, text: str) -> int:
    return int(MOST_POINTS * config.points_per_character * (len(text) + 3))


def _begin_anew(rows: np.ndarray, primer: np.ndarray) -> np.ndarray:
    """Moves what follows a primer to x = 0, and keeps its height over the baseline."""
    rows = rows.copy()
    rows[0, 1] += primer[:, 1].sum()
    rows[0, 0] = 0.0
    reached = np.cumsum(rows[:, 0]).min()
    rows[0, 0] -= reached
    return rows


def problems_of(
    text: str, rows: np.ndarray, result: PointResult, offset: int = 0
) -> tuple[str, ...]:
    """Checks a line.

    Args:
        text: The text.
        rows: Its points.
        result: The sample, with the attention weights of the window.
        offset: Characters of a primer before the text.

    Returns:
        Any of ``unfinished``, ``runaway`` (a stroke too far up, down or along), ``skipped``
        (characters that the window passed over), ``lost`` (it never reached the last one) and
        ``late`` (after a primer it was past the first character before that was drawn).
    """
    found = []
    if not result.finished:
        found.append("unfinished")
    heights = np.cumsum(rows[:, 1])
    down = np.concatenate([[False], rows[:-1, 2] < 0.5])
    steps = np.hypot(rows[:, 0], rows[:, 1])
    if heights.max() > HIGHEST or heights.min() < LOWEST or (steps[down] > LONGEST).any():
        found.append("runaway")
    if result.attention is not None and text.strip():
        seen = result.attention[:, offset : offset + len(text)]
        peaks = seen.max(0)[[c != " " for c in text]]
        missed = peaks < _SKIPPED * peaks.mean()
        if missed[:-1].any():
            found.append("skipped")
        if missed[-1]:
            found.append("lost")
        if offset and seen[:, 0].argmax() == 0:
            found.append("late")
    return tuple(found)


def end_of_text(text: str, result: PointResult, offset: int = 0) -> int:
    """Counts the points that belong to the text.

    The model may go on after it. A stroke that begins when the window has left the last character
    is surplus, unless it is a late bar or dot: these cross or lie over what is there already.

    Args:
        text: The text.
        result: The sample.
        offset: Characters of a primer before the text.
    """
    last = len(text.rstrip()) - 1
    if result.attention is None or last < 0:
        return len(result.points)
    weight = result.attention[:, offset + last]
    peak = np.maximum.accumulate(weight)
    usual = result.attention[:, offset : offset + last + 1].max(0).mean()
    x, y = np.cumsum(result.points[:, :2], 0).T
    starts = np.flatnonzero(result.points[:-1, 2] > 0.5) + 1
    for start, end in zip(starts, [*starts[1:], len(x)], strict=False):
        left = peak[start - 1] > usual / 2 and weight[start] < _LEFT * peak[start - 1]
        apart = x[start:end].min() > x[:start].max() and y[start:end].min() < 1.0
        if left and (apart or text[last] in ".,"):
            return int(start)
    return len(x)


def _up_to(result: PointResult, count: int) -> PointResult:
    attention = None if result.attention is None else result.attention[:count]
    points, mixtures = result.points[:count], result.mixtures[:count]
    return PointResult(points, result.finished, attention, mixtures)
