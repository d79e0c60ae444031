"""Sampling of pen points from a mixture density, in NumPy.

    state = generator.encode(condition)
    results = decode_points(generator, state, PointOptions(bias=1.0), seeds=[0, 1])
    results[0].points                       # of the first item: dx, dy, pen up

Like `shared.decoding.decode`, it calls nothing but ``step``, and steps only the live rows. The
symbol input of ``step`` is ``point`` ``(rows, 3)``. Its outputs are ``mixture``
``(rows, 6 M + 2)``, the parameters of `shared.layers.mixture`, and optionally ``attention``
``(rows, memory)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shared.decoding.likelihood import score
from shared.decoding.sampling import draw, log_softmax
from shared.errors import InputError
from shared.generator import Arrays, Generator, select_rows

LEAST_LOG_SIGMA = -5.0  # as in shared.layers.mixture
MOST_CORRELATION = 0.95
START = (0.0, 0.0, 1.0)
"""The point fed first: no offset, pen lifted."""


@dataclass(frozen=True)
class PointOptions:
    """How points are sampled. Values out of range raise `InputError`.

    Args:
        bias: Probability bias of Graves (2013): standard deviations are multiplied by
            ``exp(-bias)``, the logits of components, pen and end by ``1 + bias``. 0 samples from
            the model's own distribution; larger values give neater, less varied writing.
        max_points: Number of points at which a result is cut, unfinished.
    """

    bias: float = 0.0
    max_points: int = 1000

    def __post_init__(self) -> None:
        """Validates the options."""
        if not math.isfinite(self.bias) or self.bias < 0:
            raise InputError(f"bias is {self.bias}: give 0 or more, 1 is neat")
        if self.max_points < 1:
            raise InputError(f"max_points is {self.max_points}: give 1 or more")


@dataclass(frozen=True, eq=False)
class PointResult:
    """One sampled sequence.

    Attributes:
        points: Points, float32 ``(n, 3)``: dx, dy, and 1 where the pen is lifted after the point.
        finished: Whether the model ended it. If False, ``max_points`` cut it.
        attention: Attention weights ``(n, memory)``; None if the generator outputs none.
        mixtures: Mixture parameters that the points were sampled from, float32 ``(n, 6 M + 2)``,
            without bias.
    """

    points: np.ndarray
    finished: bool
    attention: np.ndarray | None
    mixtures: np.ndarray


def split(parameters: np.ndarray, bias: float = 0.0) -> tuple[np.ndarray, ...]:
    """Splits mixture parameters, as `shared.layers.mixture.split`, and applies a bias.

    Args:
        parameters: Mixture parameters ``(..., 6 M + 2)``.
        bias: Probability bias of `PointOptions`.

    Returns:
        Log weights, means x and y, log sigmas x and y, and correlations, ``(..., M)`` each; then
        the logits of pen and end, ``(...,)``.
    """
    components = (parameters.shape[-1] - 2) // 6
    parts = np.split(parameters, np.arange(1, 7) * components, axis=-1)
    weights, x, y, sx, sy, rho, rest = parts
    sigmas = (np.maximum(s, LEAST_LOG_SIGMA) - bias for s in (sx, sy))
    sharper = 1.0 + bias
    return (
        log_softmax(weights * sharper),
        x,
        y,
        *sigmas,
        MOST_CORRELATION * np.tanh(rho),
        rest[..., 0] * sharper,
        rest[..., 1] * sharper,
    )


def log_density(parameters: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Computes the log density ``(...,)`` of offsets ``(..., 2)``, in nats, without bias."""
    weights, mx, my, sx, sy, rho, *_ = split(parameters.astype(np.float64))
    x = (offsets[..., 0, None] - mx) * np.exp(-sx)
    y = (offsets[..., 1, None] - my) * np.exp(-sy)
    rest = 1.0 - rho * rho
    power = -(x * x + y * y - 2.0 * rho * x * y) / (2.0 * rest)
    terms = weights + power - math.log(2 * math.pi) - sx - sy - 0.5 * np.log(rest)
    peak = terms.max(-1)
    return peak + np.log(np.exp(terms - peak[..., None]).sum(-1))


def nats(parameters: np.ndarray, points: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Computes the negative log-likelihood ``(...,)`` of points ``(..., 3)``.

    It includes offset and pen, and the end where the pen is lifted.
    """
    pen_logit, end_logit = (v.astype(np.float64) for v in split(parameters)[-2:])
    up, over = points[..., 2] > 0.5, np.asarray(end) > 0.5
    pen = np.logaddexp(0, np.where(up, -pen_logit, pen_logit))
    last = np.logaddexp(0, np.where(over, -end_logit, end_logit))
    return pen + up * last - log_density(parameters, points[..., :2].astype(np.float64))


def score_points(
    generator: Generator, state: Arrays, points: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """Scores points by teacher forcing.

    Args:
        generator: A generator whose ``step`` takes ``point``.
        state: The state of all rows, from ``generator.encode``.
        points: Reference points ``(rows, points, 3)``.
        end: Indicator ``(rows, points)``, 1 at the last point.

    Returns:
        `nats` of each point given those before it, float64 ``(rows, points)``.
    """
    return score(
        generator,
        state,
        points,
        start=START,
        inputs=lambda t, last: {"point": last},
        nats=lambda outputs, point, t: nats(outputs["mixture"], point, end[:, t]),
    )


def sample(
    parameters: np.ndarray, bias: float, uniform: np.ndarray, normal: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Samples one point for each row.

    Args:
        parameters: Mixture parameters ``(rows, 6 M + 2)``.
        bias: Probability bias of `PointOptions`.
        uniform: Random numbers in [0, 1) for component, pen and end, ``(rows, 3)``.
        normal: Standard normal random numbers, ``(rows, 2)``.

    Returns:
        Points, float32 ``(rows, 3)``, and whether each is the last, bool ``(rows,)``.
    """
    weights, mx, my, sx, sy, rho, pen_logit, end_logit = split(parameters, bias)
    rows, chosen = np.arange(len(parameters)), draw(weights, uniform[:, 0])
    mx, my, sx, sy, rho = (v[rows, chosen] for v in (mx, my, sx, sy, rho))
    along = rho * normal[:, 0] + np.sqrt(1.0 - rho * rho) * normal[:, 1]
    up = uniform[:, 1] < _sigmoid(pen_logit)
    over = up & (uniform[:, 2] < _sigmoid(end_logit))
    columns = [mx + np.exp(sx) * normal[:, 0], my + np.exp(sy) * along, up]
    return np.stack(columns, 1).astype(np.float32), over


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0.0, -x))


def decode_points(
    generator: Generator,
    state: Arrays,
    options: PointOptions,
    seeds: Sequence[int],
    limits: Sequence[int] | None = None,
    prefix: np.ndarray | None = None,
) -> list[PointResult]:
    """Samples every item of a batch until it is finished.

    Args:
        generator: A generator whose ``step`` takes ``point``.
        state: The state of all items, from ``generator.encode``.
        options: How to sample.
        seeds: A seed for each item. A result depends on the seed of its own item and on no other
            item.
        limits: A ``max_points`` for each item, in place of the options'.
        prefix: Points ``(p, 3)`` that all items begin with. They are fed through ``step`` and are
            not part of the results.

    Returns:
        A `PointResult` for each item.

    Raises:
        ValueError: The number of seeds is not the number of items, or the generator returned NaN.
    """
    items = len(next(iter(state.values())))
    if len(seeds) != items:
        raise ValueError(f"{items} items and {len(seeds)} seeds")
    longest = np.full(items, options.max_points) if limits is None else np.asarray(limits)
    last = np.tile(np.array([START], np.float32), (items, 1))
    for point in np.zeros((0, 3), np.float32) if prefix is None else prefix:
        _, state = generator.step({"point": last}, state)
        last = np.tile(np.asarray(point, np.float32)[None], (items, 1))
    randoms = [np.random.default_rng(np.random.SeedSequence(seed)) for seed in seeds]
    drawn: list[list[tuple[np.ndarray, ...]]] = [[] for _ in range(items)]
    finished = np.zeros(items, bool)
    live = np.arange(items)
    while len(live):
        outputs, state = generator.step({"point": last}, state)
        mixture = outputs["mixture"]
        if np.isnan(mixture).any():
            raise ValueError("NaN among the parameters of the mixture")
        uniform = np.stack([randoms[item].random(3) for item in live])
        normal = np.stack([randoms[item].standard_normal(2) for item in live])
        last, over = sample(mixture, options.bias, uniform, normal)
        attention = outputs.get("attention")
        for row, item in enumerate(live):
            weights = () if attention is None else (attention[row],)
            drawn[item].append((last[row], mixture[row], *weights))
        finished[live[over]] = True
        counts = np.array([len(drawn[item]) for item in live])
        running = ~over & (counts < longest[live])
        if not running.all():
            kept = np.flatnonzero(running)
            state, last, live = select_rows(state, kept), last[kept], live[kept]
    return [_result(steps, bool(done)) for steps, done in zip(drawn, finished, strict=True)]


def _result(steps: list[tuple[np.ndarray, ...]], finished: bool) -> PointResult:
    points, mixtures, *attention = (np.stack(column) for column in zip(*steps, strict=True))
    return PointResult(points, finished, attention[0] if attention else None, mixtures)
