import numpy as np
import pytest
import tensorflow as tf

from shared.decoding.mixture import (
    PointOptions,
    decode_points,
    log_density,
    nats,
    sample,
    split,
)
from shared.errors import InputError
from shared.generator import Signature, TensorSpec
from shared.layers import mixture as layers

RNG = np.random.default_rng(0)


def parameters(*shape, components=3):
    return RNG.normal(size=(*shape, 6 * components + 2)).astype(np.float32)


def test_it_is_the_layers_distribution():
    p = 2 * parameters(50)
    points = RNG.normal(size=(50, 3)).astype(np.float32)
    points[:, 2] = points[:, 2] > 0
    end = (RNG.random(50) > 0.5).astype(np.float32)
    expected = layers.split(tf.constant(p))
    for ours, theirs in zip(split(p), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    density = layers.log_density(expected, points[:, :2])
    np.testing.assert_allclose(log_density(p, points[:, :2]), density, rtol=1e-4, atol=1e-4)
    theirs = layers.negative_log_likelihood(p, points[:, :2], points[:, 2], end)
    np.testing.assert_allclose(nats(p, points, end), theirs, rtol=1e-4, atol=1e-4)


def test_samples_have_the_mixtures_moments():
    p = np.tile(parameters(1), (40_000, 1))
    points, over = sample(p, 0.0, RNG.random((len(p), 3)), RNG.normal(size=(len(p), 2)))
    weights, mx, my, sx, sy, rho, pen, end = (v[0] for v in split(p))
    w = np.exp(weights)
    mean = [(w * mx).sum(), (w * my).sum()]
    np.testing.assert_allclose(points[:, :2].mean(0), mean, atol=0.06)
    cross = (w * (rho * np.exp(sx + sy) + mx * my)).sum() - mean[0] * mean[1]
    spread = points[:, 0].std() * points[:, 1].std()
    assert np.cov(points[:, 0], points[:, 1])[0, 1] == pytest.approx(
        cross, abs=0.06 * float(spread)
    )
    up = points[:, 2] > 0.5
    assert up.mean() == pytest.approx(1 / (1 + np.exp(-pen)), abs=0.01)
    assert not over[~up].any()
    assert over[up].mean() == pytest.approx(1 / (1 + np.exp(-end)), abs=0.02)


def test_bias_makes_it_neater():
    p, n = np.tile(parameters(1), (5000, 1)), 5000
    random = RNG.random((n, 3)), RNG.normal(size=(n, 2))
    spreads = [sample(p, bias, *random)[0][:, :2].std() for bias in (0.0, 1.0, 5.0)]
    assert spreads[0] > spreads[1] > spreads[2]


class Walk:
    """Draws to the right, and ends after so many points as the item says."""

    signature = Signature(
        condition={},
        symbol={"point": TensorSpec((3,))},
        state={"left": TensorSpec(())},
        outputs={"mixture": TensorSpec((8,)), "attention": TensorSpec((2,))},
    )

    def __init__(self):
        self.rows = []

    def step(self, symbol, state):
        left = state["left"] - 1
        self.rows.append(len(left))
        ends = np.where(left <= 0, 50.0, -50.0)
        columns = [0 * left, 1 + 0 * left, 0 * left, -9 + 0 * left, -9 + 0 * left, 0 * left]
        mixture = np.stack([*columns, ends, ends], 1).astype(np.float32)
        attention = np.stack([left, symbol["point"][:, 0]], 1)
        return {"mixture": mixture, "attention": attention}, {"left": left}


def run(left, seeds, **options):
    walk = Walk()
    state = {"left": np.array(left, np.float32)}
    results = decode_points(walk, state, PointOptions(**options), seeds)
    return walk, results


def test_rows_that_have_ended_are_stepped_no_more():
    walk, results = run([2, 4, 1], [0, 1, 2])
    assert walk.rows == [3, 2, 1, 1]
    assert [len(r.points) for r in results] == [2, 4, 1]
    assert all(r.finished and r.points[-1, 2] == 1 for r in results)
    assert [len(r.attention) for r in results] == [2, 4, 1]
    np.testing.assert_allclose(results[1].attention[1:, 1], 1, atol=0.05)


def test_an_item_depends_on_its_own_seed_alone():
    _, [alone] = run([4], [7])
    _, many = run([9, 4, 1], [3, 7, 7])
    np.testing.assert_array_equal(alone.points, many[1].points)
    _, [other] = run([4], [8])
    assert (alone.points != other.points).any()


def test_what_does_not_end_is_cut():
    _, [result] = run([99], [0], max_points=5)
    assert len(result.points) == 5 and not result.finished


def test_a_prefix_is_read_and_not_returned():
    walk = Walk()
    prefix = np.tile(np.array([[0.5, 0, 0]], np.float32), (3, 1))
    [result] = decode_points(
        walk, {"left": np.array([5.0], np.float32)}, PointOptions(), [0], prefix=prefix
    )
    assert len(result.points) == 2
    assert result.attention[0, 1] == pytest.approx(0.5)


@pytest.mark.parametrize("options", [{"bias": -1.0}, {"bias": np.nan}, {"max_points": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(InputError):
        PointOptions(**options)


def test_each_item_needs_a_seed():
    with pytest.raises(ValueError, match="seeds"):
        run([1, 2], [0])
