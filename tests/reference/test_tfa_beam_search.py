"""Beam search against tensorflow-addons' BeamSearchDecoder on a model read from a table."""

import numpy as np
import pytest

from shared.decoding import DecodingOptions, decode
from tests.reference.tfa_reference import load


class Table:
    """The recorder's toy model: logits and attention of a row at a step after a symbol."""

    def __init__(self, recorded):
        self.logits, self.attention = recorded["logits"], recorded["attention"]

    def step(self, symbol, state):
        place = state["row"], state["time"], symbol["symbol"]
        outputs = {"logits": self.logits[place], "attention": self.attention[place]}
        return outputs, {"row": state["row"], "time": state["time"] + 1}


def run(name):
    """The recorded arrays, and our results in the same setting."""
    recorded = load(name)
    rows, steps = recorded["logits"].shape[:2]
    beam = int(recorded["beam"])
    options = DecodingOptions(
        strategy="beam",
        beam_size=beam,
        n_best=beam,
        length_penalty=float(recorded.get("length_penalty_weight", 0.0)),
        coverage_penalty=float(recorded.get("coverage_penalty_weight", 0.0)),
        max_length=steps,
    )
    state = {"row": np.arange(rows), "time": np.zeros(rows, int)}
    start, end = int(recorded["start"]), int(recorded["end"])
    return recorded, decode(Table(recorded), state, start=start, end=end, options=options)


def words(recorded, row, slot):
    symbols = recorded["symbols"][row, :, slot].tolist()
    end = int(recorded["end"])
    return tuple(symbols[: symbols.index(end)] if end in symbols else symbols)


def test_without_penalties_all_is_equal():
    recorded, results = run("beam_plain")
    for row, hypotheses in enumerate(results):
        assert [h.symbols for h in hypotheses] == [
            words(recorded, row, slot) for slot in range(len(hypotheses))
        ]
        probabilities = [h.log_probability for h in hypotheses]
        np.testing.assert_allclose(probabilities, recorded["log_probabilities"][row], rtol=1e-5)


@pytest.mark.parametrize("name", ["beam_length", "beam_coverage"])
def test_with_penalties(name):
    """The best are equal, and so is the score of every hypothesis that both have.

    The rest of the beam may differ: in the step in which a hypothesis ends, tensorflow-addons
    ranks it without the length of its end symbol and without its coverage penalty.
    """
    recorded, results = run(name)
    last, shared, total = recorded["symbols"].shape[1], 0, 0
    for row, hypotheses in enumerate(results):
        assert hypotheses[0].symbols == words(recorded, row, 0)
        ours = np.array([h.log_probability for h in hypotheses])
        for probability, score, length in zip(
            *(recorded[key][row] for key in ("log_probabilities", "scores", "lengths")),
            strict=True,
        ):
            if length == last:  # ended in the last step, its score still without the end
                continue
            same = np.isclose(ours, probability, rtol=1e-5)
            total, shared = total + 1, shared + same.any()
            for place in np.flatnonzero(same):
                assert len(hypotheses[place].symbols) + 1 == length
                np.testing.assert_allclose(hypotheses[place].score, score, rtol=1e-5)
    assert shared >= 0.7 * total
