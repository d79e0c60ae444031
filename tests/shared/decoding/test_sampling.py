import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shared.decoding.sampling import draw, keep_top_k, keep_top_p, log_softmax, with_temperature

logits = arrays(
    np.float32, (3, 6), elements=st.floats(-8, 8, width=32) | st.just(float("-inf"))
).filter(lambda a: np.isfinite(a).any(axis=1).all())


def probabilities(values):
    return np.exp(log_softmax(values.astype(np.float64)))


def test_log_softmax_by_hand_and_at_the_edges():
    values = log_softmax(np.array([[0, np.log(3.0)], [1e4, -np.inf], [-np.inf, -np.inf]]))
    np.testing.assert_allclose(np.exp(values), [[0.25, 0.75], [1, 0], [0, 0]])
    assert np.isneginf(values[2]).all()
    assert log_softmax(np.zeros((1, 2), np.float32)).dtype == np.float32


@given(logits, st.floats(0.2, 5))
@settings(max_examples=50, deadline=None)
def test_temperature_is_a_power_of_the_probabilities(values, temperature):
    power = probabilities(values) ** (1 / temperature)
    got = np.exp(with_temperature(log_softmax(values), temperature))
    np.testing.assert_allclose(got, power / power.sum(axis=1, keepdims=True), atol=2e-6)


@given(logits, st.integers(0, 8))
@settings(max_examples=50, deadline=None)
def test_top_k_keeps_the_k_likeliest_unchanged(values, k):
    got = keep_top_k(values, k)
    kept = got > -np.inf
    np.testing.assert_array_equal(got[kept], values[kept])
    for row, before, keep in zip(got, values, kept, strict=True):
        possible = int((before > -np.inf).sum())
        assert keep.sum() >= (min(k, possible) if k else possible)
        gone = before[~keep]
        if gone.size and k:
            assert gone.max() < row[keep].min() or np.isneginf(gone).all()
        if k and len(set(before)) == len(before):
            assert keep.sum() <= k


@given(logits, st.floats(0.01, 1))
@settings(max_examples=50, deadline=None)
def test_top_p_keeps_the_smallest_set_with_that_probability(values, p):
    got = keep_top_p(values, p)
    np.testing.assert_array_equal(got[got > -np.inf], values[got > -np.inf])
    for keep, chance in zip(got > -np.inf, probabilities(values), strict=True):
        inside = chance[keep]
        assert inside.sum() >= p - 1e-6
        if p < 1:  # the least likely of them was needed
            assert inside.sum() - inside.min() < p + 1e-6
        assert (~keep).all() or (chance[~keep] <= inside.min() + 1e-9).all()


def test_top_p_ignores_scale_and_breaks_ties_by_the_first():
    values = np.log([[0.5, 0.25, 0.25]]) - 3  # not normalized
    np.testing.assert_array_equal(keep_top_p(values, 0.6) > -np.inf, [[True, True, False]])
    np.testing.assert_array_equal(keep_top_p(values, 0.01) > -np.inf, [[True, False, False]])


@given(logits, st.floats(0, 1, exclude_max=True))
@settings(max_examples=50, deadline=None)
def test_draw_never_takes_what_is_forbidden(values, uniform):
    for u in (uniform, 0.0, 1 - 2**-53):
        chosen = draw(values, np.full(3, u))
        assert np.isfinite(values[np.arange(3), chosen]).all()


def test_draw_follows_the_distribution():
    chance = np.array([0.1, 0.0, 0.6, 0.3])
    with np.errstate(divide="ignore"):
        rows = np.tile(np.log(chance), (20000, 1))
    counts = np.bincount(draw(rows, np.random.default_rng(0).random(20000)), minlength=4)
    assert counts / 20000 == pytest.approx(chance, abs=0.012)
