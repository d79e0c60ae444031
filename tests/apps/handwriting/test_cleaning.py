import time

import numpy as np
import pytest

from apps.handwriting.cleaning import (
    clean,
    drop_spikes,
    half_strokes,
    in_order,
    level,
    resample,
    resample_points,
    why_rejected,
    x_height,
)
from tests.apps.handwriting.toy_ink import along, drawn


def test_straight_lines_need_few_points_and_bends_more():
    line = along(np.array([(0, 0), (6, 0)]))
    assert len(resample([line], 0.6, 60)[0]) == 11
    angle = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1) * 0.01  # almost on the spot
    assert len(resample([circle], 0.6, 60)[0]) == pytest.approx(7, abs=1)


def test_resampling_keeps_ends_dots_and_shape():
    strokes = [*drawn("lot"), np.array([[3.0, 1.0]])]
    again = resample(strokes)
    assert len(again) == len(strokes) and len(again[-1]) == 1
    for old, new in zip(strokes, again, strict=True):
        np.testing.assert_allclose(new[[0, -1]], old[[0, -1]], atol=1e-9)
        fine = along(new, 0.01)
        away = np.sqrt(((old[:, None] - fine[None]) ** 2).sum(-1)).min(1)
        assert np.quantile(away, 0.95) < 0.2


def test_coarser_resampling_has_fewer_points():
    strokes = drawn("an ant in a tin")
    counts = [sum(map(len, resample(strokes, *how))) for how in ((0.6, 60), (1.0, 90))]
    assert counts[1] < 0.85 * counts[0]


def test_all_strokes_at_once_are_as_each_alone():
    strokes = drawn("tail")
    points, counts = resample_points(
        np.concatenate(strokes), np.array([len(s) for s in strokes]), 0.6, 60
    )
    for a, b in zip(np.split(points, np.cumsum(counts)[:-1]), strokes, strict=True):
        np.testing.assert_allclose(a, resample([b])[0])


def test_a_spike_is_dropped_and_a_corner_is_not():
    stroke = along(np.array([(0, 0), (3, 0)]))
    spoiled = np.insert(stroke, 10, [1.0, 9.0], axis=0)
    np.testing.assert_allclose(drop_spikes([spoiled], 1.5)[0], stroke)
    corner = np.array([(0, 0), (3, 0), (3, 3)], float)
    assert len(drop_spikes([corner], 1.5)[0]) == 3


def test_the_x_height_is_that_of_small_letters():
    samples = [drawn("nnonaono nan tin", 37.0, 0.01)]
    assert x_height(samples) == pytest.approx(37, rel=0.1)
    assert x_height([[np.zeros((3, 2))]]) == 0
    assert len(half_strokes([np.array([[0, 0], [0, 1], [0, 0.0]])])) == 2


@pytest.mark.parametrize("slope", [-0.1, 0.0, 0.15])
def test_baselines_become_level(slope):
    strokes = drawn("an ant not on tin oil lion")
    tilted = [s + np.stack([0 * s[:, 0], slope * s[:, 0] + 5], 1) for s in strokes]
    made = level(tilted)
    lows = [s[:, 1].min() for s in made if np.ptp(s[:, 1]) > 0.8]
    assert np.abs(lows).max() < 0.25
    assert min(s[:, 0].min() for s in made) == pytest.approx(0)


def test_strokes_that_were_put_off_go_where_they_belong():
    strokes = drawn("tall")
    bar = strokes.pop(1)
    made = in_order([*strokes, bar])
    assert made[1] is bar and len(made) == len(strokes) + 1
    in_line = drawn("no on")
    assert all(a is b for a, b in zip(in_order(in_line), in_line, strict=True))


def test_cleaning_brings_all_sizes_to_one():
    small, large = (clean(drawn("into oil", s), s) for s in (1.0, 300.0))
    for a, b in zip(small, large, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-2)


@pytest.mark.parametrize(
    "text, strokes, reason",
    [
        ("an ant", drawn("an ant"), ""),
        ("", drawn("an"), "no text"),
        ("\xe9", drawn("an"), "characters beyond ASCII"),
        ("an", [], "no ink"),
        ("an", [along(np.array([(0, 0), (3, 0)]))], "too flat"),
        ("an", [along(np.array([(0, 0), (3, 9)]))], "too high"),
        ("an ant in a tin", drawn("an"), "too narrow for its text"),
        ("an", drawn("an ant in a tin"), "too wide"),
        ("an", [np.array([[0.0, np.nan]])], "not finite"),
    ],
)
def test_ink_that_cannot_be_its_text_is_rejected(text, strokes, reason):
    assert why_rejected(text, strokes) == reason


def test_a_far_point_makes_no_more_points_than_are_needed():
    ink = clean([np.array([[0, 0], [1, 5], [2, 0]]), np.array([[0.0, 0], [1e8, 5]])], 1.0)
    assert sum(map(len, ink)) < 300_000


def test_many_strokes_take_no_long():
    begin = time.process_time()
    dots = [np.array([[400 - k * 0.05, 0], [400.1 - k * 0.05, 1]]) for k in range(5_000)]
    assert len(clean(dots, 1.0)) == 5_000
    assert time.process_time() - begin < 5
