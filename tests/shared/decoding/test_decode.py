"""What holds for every strategy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.decoding import DecodingOptions, decode
from tests.shared.decoding.toys import (
    END,
    START,
    Slow,
    Toy,
    children,
    plain,
    run,
    topics,
    toys,
)

quick = settings(max_examples=40, deadline=None)
strategies = st.sampled_from(["greedy", "sample", "beam"])
seeds = st.integers(0, 2**32)


def follow(toy, topic, symbols, finished, scored_from=0):
    """The slow hypothesis that emits exactly `symbols`."""
    path = Slow(state=toy.encode({"topic": [topic]}))
    rows = []
    for t, symbol in enumerate((*symbols, END) if finished else symbols):
        before = path.coverage
        path = list(children(toy, path))[symbol]
        rows.append(path.coverage - before)
        if t < scored_from:
            path.total, path.steps = 0.0, 0
    return path, rows[: len(symbols)]


@given(toys, topics, strategies, seeds)
@quick
def test_seeds_repeat_and_the_batch_is_each_alone(toy, topics, strategy, seed):
    options = DecodingOptions(strategy, beam_size=3, min_length=3, max_length=8, seed=seed)
    together = plain(run(toy, topics, options))
    assert together == plain(run(toy, topics, options))
    if strategy != "sample":
        assert together == [plain(run(toy, [topic], options))[0] for topic in topics]


@given(toys, seeds, st.integers(1, 4), st.integers(1, 3))
@quick
def test_a_sample_depends_on_its_place_and_not_on_the_batch(toy, seed, few, n_best):
    rules = {"min_length": 3, "max_length": 8, "seed": seed}
    many = run(toy, range(5), DecodingOptions("sample", n_best=3, **rules))
    less = run(toy, range(few), DecodingOptions("sample", n_best=n_best, **rules))
    for item, fewer in zip(plain(many), plain(less), strict=False):
        assert set(fewer) <= set(item)


@given(toys, topics, strategies, seeds, st.floats(0, 2), st.floats(0, 1))
@quick
def test_scores_are_of_the_symbols_and_none_outlives_its_end(toy, topics, strategy, seed, a, b):
    options = DecodingOptions(
        strategy, beam_size=3, max_length=7, seed=seed, length_penalty=a, coverage_penalty=b
    )
    for topic, item in zip(topics, run(toy, topics, options), strict=True):
        for result in item:
            assert END not in result.symbols
            assert len(result.symbols) < 7 if result.finished else len(result.symbols) == 7
            path, rows = follow(toy, topic, result.symbols, result.finished)
            assert result.log_probability == pytest.approx(path.total, abs=1e-5)
            assert result.score == pytest.approx(path.score(options), abs=1e-5)
            assert result.attention.shape == (len(result.symbols), 4)
            np.testing.assert_allclose(result.attention, np.reshape(rows, (-1, 4)), atol=1e-6)


@given(toys, topics, strategies, seeds, st.integers(0, 6), st.integers(6, 9))
@quick
def test_lengths_hold(toy, topics, strategy, seed, least, most):
    options = DecodingOptions(strategy, min_length=least, max_length=most, seed=seed)
    for item in run(toy, topics, options):
        assert all(least <= len(r.symbols) <= most for r in item)


@given(topics, strategies, seeds, st.integers(1, 3))
@quick
def test_no_ngram_repeats(topics, strategy, seed, n):
    toy = Toy(seed=seed, vocabulary=5, spread=0.5)
    options = DecodingOptions(strategy, no_repeat_ngram=n, max_length=20, seed=seed)
    for item in run(toy, topics, options):
        for r in item:
            ngrams = [r.symbols[i : i + n] for i in range(len(r.symbols) - n + 1)]
            assert len(ngrams) == len(set(ngrams))


@given(toys, topics, strategies, seeds)
@quick
def test_the_constraint_sees_each_row_in_its_place(toy, topics, strategy, seed):
    options = DecodingOptions(strategy, beam_size=3, max_length=6, seed=seed)
    odd = np.arange(len(topics)) % 2 == 1

    def alternate(prefixes, values):
        """Even items never repeat a symbol at once; odd items may emit only 2, or end."""
        assert prefixes.dtype == np.int32 and values.dtype == np.float32
        rows = np.arange(len(values))
        special = odd[rows // (len(values) // len(topics))]
        values[special] = np.where(np.isin(np.arange(values.shape[1]), [2, END]), 0, -np.inf)
        if prefixes.shape[1]:
            values[rows[~special], prefixes[~special, -1]] = -np.inf
        return values

    free = plain(run(toy, topics, options))
    assert plain(run(toy, topics, options, constraint=lambda prefixes, values: values)) == free
    for i, item in enumerate(run(toy, topics, options, constraint=alternate)):
        for r in item:
            if odd[i]:
                assert set(r.symbols) <= {2} and r.log_probability == 0
            else:
                assert all(a != b for a, b in zip(r.symbols, r.symbols[1:], strict=False))


@given(toys, topics, strategies, seeds, st.lists(st.sampled_from([0, 2]), max_size=6))
@quick
def test_the_prefix_is_forced_fed_and_not_scored(toy, topics, strategy, seed, prefix):
    options = DecodingOptions(
        strategy,
        beam_size=3,
        n_best=1 if strategy == "greedy" else 2,
        max_length=6,
        seed=seed,
        length_penalty=1.0,
        coverage_penalty=0.1,
    )
    results = run(toy, topics, options, prefix=prefix)
    assert plain(results) == plain(run(toy, topics, options, prefix=[prefix] * len(topics)))
    for topic, item in zip(topics, results, strict=True):
        assert len(item) == (1 if len(prefix) == 6 and strategy == "beam" else options.n_best)
        for r in item:
            assert r.symbols[: len(prefix)] == tuple(prefix)
            assert len(r.symbols) <= 6 and len(r.attention) == len(r.symbols)
            path, rows = follow(toy, topic, r.symbols, r.finished, scored_from=len(prefix))
            assert r.log_probability == pytest.approx(path.total, abs=1e-5)
            assert r.score == pytest.approx(path.score(options), abs=1e-5)
            np.testing.assert_allclose(r.attention, np.reshape(rows, (-1, 4)), atol=1e-6)


def test_a_prefix_of_each_item_its_own():
    options = DecodingOptions("sample", n_best=2, max_length=5)
    results = run(Toy(), [5, 5], options, prefix=[[2, 3], [3, 0]])
    assert [[r.symbols[:2] for r in item] for item in results] == [[(2, 3)] * 2, [(3, 0)] * 2]


def test_inputs_builds_the_symbol_from_step_and_last_symbol():
    calls = []

    def inputs(t, last):
        assert last.dtype == np.int32
        calls.append((t, last.tolist()))
        return {"symbol": last}

    options = DecodingOptions(max_length=3, min_length=3)
    (result,), _ = run(Toy(), [4, 9], options, inputs=inputs, prefix=[3])
    assert [t for t, _ in calls] == [0, 1, 2]
    assert calls[0][1] == [START, START] and calls[1][1] == [3, 3]
    assert calls[2][1][0] == result.symbols[1]


def test_n_best_samples_are_independent_and_sorted():
    options = DecodingOptions("sample", n_best=6, max_length=9, seed=3, temperature=1.5)
    (item,) = run(Toy(vocabulary=9, spread=0.3), [4], options)
    assert len({r.symbols for r in item}) == 6
    assert [r.score for r in item] == sorted((r.score for r in item), reverse=True)
    few = run(Toy(vocabulary=9, spread=0.3), [4], DecodingOptions(**vars(options) | {"n_best": 3}))
    assert {r.symbols for r in few[0]} < {r.symbols for r in item}


@given(toys, topics, seeds)
@quick
def test_sampling_from_one_symbol_is_greedy(toy, topics, seed):
    greedy = plain(run(toy, topics, DecodingOptions(max_length=9)))
    for narrow in ({"top_k": 1}, {"top_p": 1e-6}):
        options = DecodingOptions("sample", max_length=9, seed=seed, **narrow)
        assert plain(run(toy, topics, options)) == greedy


@pytest.mark.parametrize("strategy", ["greedy", "sample", "beam"])
def test_clear_errors(strategy):
    toy, options = Toy(), DecodingOptions(strategy, max_length=4, beam_size=2)

    def forbid(prefixes, values):
        return (
            values - np.inf if prefixes.shape[1] == 2 else np.where([1, 0, 1, 1], values, -np.inf)
        )

    with pytest.raises(ValueError, match="item 0: every .* forbidden"):
        run(toy, [1], options, constraint=forbid)
    with pytest.raises(ValueError, match="NaN"):
        run(toy, [1], options, constraint=lambda p, v: v * np.nan)
    with pytest.raises(ValueError, match="shape"):
        run(toy, [1], options, constraint=lambda p, v: v[:, :2])
    with pytest.raises(ValueError, match="read-only"):
        run(toy, [1], options, constraint=lambda p, v: p.fill(0))
    with pytest.raises(ValueError, match="end symbol"):
        run(toy, [1], options, prefix=[END])
    with pytest.raises(ValueError, match="max_length"):
        run(toy, [1], options, prefix=[2] * 5)
    with pytest.raises(ValueError, match="attention"):
        run(toy, [1], DecodingOptions(strategy, coverage_penalty=1.0))
    with pytest.raises(ValueError, match="end symbol 7"):
        decode(toy, toy.encode({"topic": [1]}), start=START, end=7, options=options)
    assert run(toy, [], options) == []
