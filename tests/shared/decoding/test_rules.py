import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.decoding.rules import block_repeated_ngrams, coverage_penalty, length_penalty


def test_length_penalty_by_hand():
    assert length_penalty(1, 0.7) == 1
    assert length_penalty(7, 1.0) == 2
    assert length_penalty(19, 0.5) == 2
    np.testing.assert_array_equal(length_penalty(np.array([3, 50]), 0.0), [1, 1])


def test_coverage_penalty_by_hand():
    # 0.5 -> log 0.5; 1.5 is fully covered; 0 is padding; 0.25 -> log 0.25.
    attention = np.array([[0.5, 1.5, 0.0, 0.25], [1.0, 1.0, 1.0, 1.0]])
    expected = [0.2 * (np.log(0.5) + np.log(0.25)), 0]
    assert coverage_penalty(attention, 0.2) == pytest.approx(expected)


@given(st.lists(st.integers(0, 2), max_size=12), st.integers(0, 4))
@settings(max_examples=100, deadline=None)
def test_exactly_the_symbols_that_repeat_an_ngram_are_blocked(prefix, n):
    seen = {tuple(prefix[i : i + n]) for i in range(len(prefix) - n + 1)} if n else set()
    repeats = [tuple((prefix + [s])[len(prefix) + 1 - n :]) in seen for s in range(4)]
    values = np.zeros((2, 4), np.float32)
    blocked = block_repeated_ngrams(values, np.array([prefix, prefix], np.int32), n)
    np.testing.assert_array_equal(np.isneginf(blocked), [repeats, repeats])
    assert (values == 0).all()
