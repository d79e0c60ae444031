import numpy as np
import pytest

from shared.decoding import DecodingOptions, decode
from shared.decoding.likelihood import score
from tests.shared.decoding.toys import END, START, Toy


def test_a_decoded_result_has_the_likelihood_that_it_was_found_with():
    toy = Toy(seed=3)
    state = toy.encode({"topic": [4, 5]})
    options = DecodingOptions(strategy="beam", beam_size=3, max_length=5)
    for row, [best] in enumerate(decode(toy, state, start=START, end=END, options=options)):
        symbols = np.array([[*best.symbols, *[END] * best.finished]], np.int32)
        nats = score(toy, {n: v[row : row + 1] for n, v in state.items()}, symbols, start=START)
        assert nats.shape == symbols.shape
        assert -nats.sum() == pytest.approx(best.log_probability, rel=1e-5)


def test_inputs_and_scores_may_be_others():
    class Vectors:
        def step(self, symbol, state):
            return {"mean": symbol["vector"] * symbol["weight"]}, state

    symbols = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    got = score(
        Vectors(),
        {},
        symbols,
        start=(1.0, 2.0),
        inputs=lambda t, last: {"vector": last, "weight": t + 1.0},
        nats=lambda outputs, symbols, t: (outputs["mean"] - symbols).sum(1),
    )
    before = np.concatenate([np.array([[[1.0, 2.0]]] * 2), symbols[:, :-1]], 1)
    weights = np.arange(1, 4)[:, None]
    np.testing.assert_allclose(got, (before * weights - symbols).sum(2))
