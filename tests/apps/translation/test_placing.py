import dataclasses

import numpy as np
import pytest

from apps.translation.lifting import WHOLE
from apps.translation.placing import Placing
from apps.translation.search import parts_of, translate
from shared.decoding import DecodingOptions, decode
from shared.text import END, START, train_tokenizer
from shared.text.placeholders import SYMBOLS, lift
from tests.apps.translation.toy import TINY


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    texts = [f"a dog {SYMBOLS[0]} has 7 cats", "the cat is there."] * 20
    path = tmp_path_factory.mktemp("t") / "tokenizer.model"
    return train_tokenizer(texts, path, 420, (), WHOLE)


class Stubborn:
    """Wants the same few symbols, in order, whatever the source; then the end, always."""

    def __init__(self, vocabulary, wanted, length=64):
        self.wanted, self.vocabulary = wanted, vocabulary
        self.length = length

    def encode(self, condition):
        return {"t": np.zeros((len(condition["source"]), 1), np.float32)}

    def step(self, symbol, state):
        t = state["t"][:, 0].astype(int)
        logits = np.random.default_rng(0).normal(0, 0.1, (len(t), self.vocabulary))
        for row, place in enumerate(t):
            logits[row, self.wanted[place] if place < len(self.wanted) else END] += 20
        attention = np.full((len(t), self.length), 1 / self.length, np.float32)
        outputs = {"logits": logits.astype(np.float32), "attention": attention}
        return outputs, {"t": state["t"] + 1}


@pytest.mark.parametrize("strategy", ["greedy", "beam"])
@pytest.mark.parametrize("limit", [4, 30])
def test_each_placeholder_comes_once_whatever_the_model_wants(tokenizer, strategy, limit):
    lifted = lift("5 dogs, 6 cats, bob@x.com")
    wanted = tokenizer.encode(f"the dog {SYMBOLS[5]} has {SYMBOLS[1]} {SYMBOLS[1]} 7 cats")
    generator = Stubborn(tokenizer.vocabulary, wanted)
    found = decode(
        generator,
        generator.encode({"source": np.zeros((2, 1))}),
        start=START,
        end=END,
        options=DecodingOptions(strategy=strategy, beam_size=3, max_length=limit),
        constraint=Placing(tokenizer).constraint([lifted.slots, ()], limit),
    )
    for results, slots in zip(found, (lifted.slots, ()), strict=True):
        text = tokenizer.decode(results[0].symbols)
        assert sorted(c for c in text if c in SYMBOLS) == sorted(slot.symbol for slot in slots)
        assert not any(c.isdecimal() for c in text)


def test_translations_have_the_digits_of_their_sources(tokenizer):
    config = dataclasses.replace(TINY, lifted=True, vocabulary=tokenizer.vocabulary)
    texts = ["At 3:30 <b>he</b> paid $48.87!", "the cat", "$5", "THE 2 CATS"]
    wanted = tokenizer.encode(f"the {SYMBOLS[1]} cat is {SYMBOLS[0]}")
    generator = Stubborn(tokenizer.vocabulary, wanted)
    options = DecodingOptions(strategy="beam", beam_size=2)
    first, second, third, fourth = (
        found[0].text
        for found in translate(generator, config, tokenizer, texts, ["de"] * 4, options)
    )
    assert "3:30" in first and "$48.87" in first and "<b>" in first and first.startswith("The ")
    assert second == "the cat is"
    assert third == "$5"
    assert fourth.startswith("THE") and "2" in fourth


def test_sentences_with_too_many_are_cut(tokenizer):
    text = " ".join(f"cat {n}" for n in range(20))
    parts = parts_of(text, tokenizer, 60, lifted=True)
    assert len(parts) > 1 and "".join(part + gap for part, gap in parts) == text
    assert all(not lift(part).left for part, _ in parts)
