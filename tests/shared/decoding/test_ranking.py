"""A generator that ranks symbols itself gives the hypotheses that its logits give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decoding import DecodingOptions
from shared.decoding.sampling import log_softmax, top
from shared.generator import select_rows
from tests.shared.decoding.toys import Toy, plain, run, topics


class Ranked(Toy):
    """`Toy`, which ranks; it refuses to give its logits once the prefix is fed."""

    fed = 0

    def step(self, symbol, state):
        assert self.fed > 0
        self.fed -= 1
        return super().step(symbol, state)

    def likeliest(self, symbol, state, count):
        outputs, state = super().step(symbol, state)
        values = log_softmax(outputs.pop("logits"))
        ranked = dict(zip(("symbols", "log_probabilities"), top(values, count), strict=True))
        return outputs | ranked, state

    select = staticmethod(select_rows)


@given(
    st.integers(0, 10**6),
    st.integers(3, 6),
    topics,
    st.sampled_from(["greedy", "beam"]),
    st.integers(0, 3),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from([(), (2,), (2, 0)]),
)
def test_results_are_those_of_the_logits(seed, size, topics, strategy, least, beta, prefix):
    options = DecodingOptions(
        strategy, beam_size=3, min_length=least, max_length=6,
        coverage_penalty=beta, length_penalty=0.6,
    )  # fmt: skip
    parts = {"seed": seed, "vocabulary": size, "memory": 4}
    ranked = Ranked(**parts)
    ranked.fed = len(prefix)
    found = run(ranked, topics, options, prefix=prefix)
    assert plain(found) == plain(run(Toy(**parts), topics, options, prefix=prefix))


@pytest.mark.parametrize(
    "options, more",
    [
        (DecodingOptions("sample"), {}),
        (DecodingOptions("beam", no_repeat_ngram=2), {}),
        (DecodingOptions("greedy"), {"constraint": lambda prefixes, values: values}),
    ],
)
def test_who_wants_every_symbol_asks_step(options, more):
    ranked = Ranked(memory=4)
    ranked.fed = 1000
    run(ranked, [3], options, **more)
    assert ranked.fed < 1000


def test_what_is_wrong_is_told_here_too():
    toy = Ranked.constant([0.0, np.nan, 0.0])
    with pytest.raises(ValueError, match="NaN among the log-probabilities after 0 symbols"):
        run(toy, [0], DecodingOptions("greedy"))
