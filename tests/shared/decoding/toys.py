"""A generator small enough to search by hand, and searches written the slow way."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from shared.decoding import decode
from shared.decoding.sampling import log_softmax
from shared.generator import Signature, TensorSpec

START, END = 0, 1
MIX = np.uint64(0x9E3779B97F4A7C15)


class Toy:
    """A language model whose next distribution is a hash of the topic and all symbols so far.

    No two histories share a distribution, so no two hypotheses tie, unless all is `constant`. It
    refuses to be fed the end symbol: whatever has ended must not be stepped again.
    """

    def __init__(self, seed=0, vocabulary=4, memory=0, spread=2.0):
        random = np.random.default_rng(seed)
        self.logits = random.normal(0, spread, (97, vocabulary)).astype(np.float32)
        weights = np.exp(random.normal(0, 2, (97, memory)))
        self.weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        self.signature = Signature(
            condition={"topic": TensorSpec((), "int32")},
            symbol={"symbol": TensorSpec((), "int32")},
            state={"history": TensorSpec((), "uint64")},
            outputs={"logits": TensorSpec((vocabulary,))},
            memory={"keep": TensorSpec((memory,))},
        )
        self.jitter = 0.5
        self.stepped = 0

    @classmethod
    def constant(cls, logits):
        """The same distribution each time."""
        toy = cls(vocabulary=len(logits))
        toy.logits[:], toy.jitter = logits, 0.0
        return toy

    def encode(self, condition):
        topic = np.asarray(condition["topic"], np.uint64)
        keep = np.ones((len(topic), self.weights.shape[1]), np.float32)
        keep[:, 3:] = 0  # padding from the fourth position on
        return {"history": topic, "keep": keep}

    def step(self, symbol, state):
        symbol = symbol["symbol"]
        assert symbol.dtype == np.int32 and symbol.shape == state["history"].shape
        assert (symbol != END).all()
        self.stepped += len(symbol)
        history = (state["history"] + symbol.astype(np.uint64) + 7) * MIX  # modulo 2 ** 64
        history ^= history >> 32
        place = (history % 97).astype(int)
        noise = (history[:, None] + np.arange(self.logits.shape[1], dtype=np.uint64)) * MIX >> 40
        outputs = {"logits": self.logits[place] + np.float32(self.jitter / 2**24) * noise}
        outputs["logits"] = outputs["logits"].astype(np.float32)
        if self.weights.shape[1]:
            outputs["attention"] = self.weights[place] * state["keep"]
        return outputs, {"history": history, "keep": state["keep"]}


toys = st.builds(Toy, seed=st.integers(0, 10**6), vocabulary=st.integers(3, 5), memory=st.just(4))
topics = st.lists(st.integers(0, 96), min_size=1, max_size=4)


def run(toy, topics, options, **more):
    state = toy.encode({"topic": topics})
    return decode(toy, state, start=START, end=END, options=options, **more)


def plain(results):
    """Results as values that compare."""
    return [
        [
            (r.symbols, r.score, r.log_probability, r.finished)
            + (() if r.attention is None else (r.attention.tobytes(),))
            for r in item
        ]
        for item in results
    ]


@dataclass
class Slow:
    """One hypothesis of the slow searches."""

    symbols: tuple = ()
    total: float = 0.0
    steps: int = 0
    coverage: np.ndarray | float = 0.0
    finished: bool = False
    state: dict | None = None

    def score(self, options, complete=True):
        value = self.total / ((5 + self.steps) / 6) ** options.length_penalty
        if complete and options.coverage_penalty:
            covered = self.coverage[self.coverage > 0].astype(np.float64)
            value += options.coverage_penalty * np.log(np.minimum(covered, 1)).sum()
        return value


def children(toy, parent):
    """Every hypothesis that is one symbol longer."""
    last = parent.symbols[-1] if parent.symbols else START
    outputs, state = toy.step({"symbol": np.array([last], np.int32)}, parent.state)
    coverage = parent.coverage + outputs.get("attention", np.zeros((1, 0), np.float32))[0]
    for symbol, value in enumerate(log_softmax(outputs["logits"])[0].astype(np.float64)):
        ended = symbol == END
        yield Slow(
            parent.symbols if ended else (*parent.symbols, symbol),
            parent.total + value,
            parent.steps + 1,
            coverage,
            ended,
            state,
        )


def slow_beam(toy, topic, options, width=None):
    """Beam search without early stop; all hypotheses there are if `width` is None."""
    beam = [Slow(state=toy.encode({"topic": [topic]}))]
    for t in range(options.max_length):
        beam = [c for h in beam for c in ([h] if h.finished else children(toy, h))]
        last = t + 1 == options.max_length
        beam.sort(key=lambda h: -h.score(options, h.finished or last))
        beam = beam[:width]
    return beam
