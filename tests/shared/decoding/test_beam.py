import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.decoding import DecodingOptions
from shared.decoding.sampling import top
from tests.shared.decoding.toys import END, Toy, plain, run, slow_beam, topics, toys

quick = settings(max_examples=40, deadline=None)
toys_of_four = st.builds(Toy, seed=st.integers(0, 10**6), memory=st.just(4))
alphas = st.sampled_from([0.0, 0.6, 1.0, 2.5])


@given(toys, topics, alphas, st.integers(0, 2), st.integers(0, 3))
@quick
def test_beam_of_one_is_greedy(toy, topics, alpha, ngram, least):
    rules = {"length_penalty": alpha, "no_repeat_ngram": ngram, "min_length": least}
    if ngram == 1:  # few symbols: they may run out, in both alike
        rules["max_length"] = 2
        rules["min_length"] = 0
    else:
        rules["max_length"] = 12
    greedy = DecodingOptions("greedy", **rules)
    beam = DecodingOptions("beam", beam_size=1, **rules)
    try:
        expected = plain(run(toy, topics, greedy))
    except ValueError:
        with pytest.raises(ValueError, match="forbidden"):
            run(toy, topics, beam)
    else:
        assert plain(run(toy, topics, beam)) == expected


def check(results, slow, options):
    assert len(results) == len(slow)
    for result, expected in zip(results, slow, strict=True):
        assert result.score == pytest.approx(expected.score(options), abs=1e-9)
        assert result.log_probability == pytest.approx(expected.total, abs=1e-9)
        assert (result.symbols, result.finished) == (expected.symbols, expected.finished)


@given(toys_of_four, topics, alphas, st.sampled_from([0.0, 0.2, 2.0]))
@settings(max_examples=25, deadline=None)
def test_a_beam_as_wide_as_the_space_is_exhaustive_search(toy, topics, alpha, beta):
    penalties = {"length_penalty": alpha, "coverage_penalty": beta, "max_length": 4}
    options = DecodingOptions("beam", beam_size=121, n_best=121, **penalties)
    for topic, results in zip(topics, run(toy, topics, options), strict=True):
        everything = slow_beam(toy, topic, options)
        assert len(everything) == 121  # 1 + 3 + 9 + 27 that end, 81 that are cut
        check(results, everything, options)
    best = run(toy, topics, DecodingOptions("beam", beam_size=121, **penalties))
    assert [item[0].symbols for item in best] == [
        max(slow_beam(toy, topic, options), key=lambda h: h.score(options)).symbols
        for topic in topics
    ]


@given(toys, topics, st.data(), alphas, st.sampled_from([0.0, 0.3, 3.0]))
@settings(max_examples=200, deadline=None)
def test_a_narrow_beam_equals_the_slow_one(toy, topics, data, alpha, beta):
    width = data.draw(st.integers(1, 6))
    options = DecodingOptions(
        "beam",
        beam_size=width,
        n_best=data.draw(st.integers(1, width)),
        length_penalty=alpha,
        coverage_penalty=beta,
        max_length=data.draw(st.integers(1, 10)),
    )
    for topic, results in zip(topics, run(toy, topics, options), strict=True):
        check(results, slow_beam(toy, topic, options, width)[: options.n_best], options)


def test_ended_hypotheses_are_frozen_and_cost_nothing():
    toy = Toy.constant([0.0, 1.0, -2.0])
    options = DecodingOptions("beam", beam_size=3, n_best=3, max_length=50)
    (item,) = run(toy, [0], options)
    value = toy.logits[0] - np.log(np.exp(toy.logits[0]).sum())
    assert [r.symbols for r in item] == [(), (0,), (0, 0)]  # ended at steps 1, 2 and 3
    assert [r.score for r in item] == pytest.approx([value[1] + n * value[0] for n in range(3)])
    assert toy.stepped == 1 + 2 + 1  # what had ended was not stepped again, nor what cannot win
    toy.stepped = 0
    run(toy, [0], DecodingOptions("beam", beam_size=3))
    assert toy.stepped == 1  # the best of all ended at once


def test_a_hypothesis_without_a_way_on_dies_and_the_others_live():
    def dead_end(prefixes, values):
        if prefixes.shape[1]:
            values[prefixes[:, 0] == 2] = -np.inf
        return values

    toy = Toy.constant([1.0, -3.0, 4.0, 0.0])  # 2 is the likeliest by far, and leads nowhere
    options = DecodingOptions("beam", beam_size=4, n_best=4, max_length=3)
    (item,) = run(toy, [0], options, constraint=dead_end)
    assert item and all(2 not in r.symbols[:1] and np.isfinite(r.score) for r in item)

    def only_two(prefixes, values):  # two continuations in all, for a beam of four
        values[:, [0, 1] if prefixes.shape[1] == 0 else [0, 2, 3]] = -np.inf
        return values

    (item,) = run(toy, [0], options, constraint=only_two)
    assert sorted(r.symbols for r in item) == [(2,), (3,)]
    assert all(r.finished for r in item)


def test_length_penalty_favors_longer_and_coverage_penalty_what_covers():
    toy = Toy(seed=5, memory=3)
    lengths = []
    for alpha in (0.0, 1.0, 3.0):
        options = DecodingOptions("beam", beam_size=40, length_penalty=alpha, max_length=8)
        lengths.append(sum(len(item[0].symbols) for item in run(toy, range(20), options)))
    assert lengths[0] < lengths[1] <= lengths[2]
    covered = []
    for beta in (0.0, 5.0):
        options = DecodingOptions("beam", beam_size=40, coverage_penalty=beta, max_length=8)
        items = run(toy, range(20), options)
        covered.append(sum(np.minimum(i[0].attention.sum(axis=0), 1).sum() for i in items))
    assert covered[0] < covered[1]


def test_top_takes_the_first_of_equals():
    values = np.array([[1.0, 3.0, 3.0, 2.0], [0.0, 0.0, 0.0, -np.inf]])
    best, found = top(values, 3)
    np.testing.assert_array_equal(best, [[1, 2, 3], [0, 1, 2]])
    np.testing.assert_array_equal(found, [[3, 3, 2], [0, 0, 0]])
    assert END not in top(np.array([[0.0, -1.0, 2.0]]), 2)[0]
    few = np.array([[-np.inf, 5.0, -np.inf]])
    np.testing.assert_array_equal(top(few, 3)[1], [[5, -np.inf, -np.inf]])
    np.testing.assert_array_equal(few, [[-np.inf, 5, -np.inf]])


def test_no_hypothesis_comes_twice_where_symbols_are_few():
    toy = Toy(seed=0, vocabulary=4)
    options = DecodingOptions("beam", beam_size=3, n_best=3, min_length=1, max_length=1)
    [results] = run(toy, [0], options)
    assert len({result.symbols for result in results}) == 3
