"""A language that takes seconds to learn, and models for it."""

import dataclasses
import itertools
from pathlib import Path

import keras
import numpy as np

from apps.translation.app import TRANSLATION
from apps.translation.model import TranslationModel
from shared.text import train_tokenizer

WORDS = {
    "the": "der",
    "dog": "Hund",
    "cat": "Kater",
    "man": "Mann",
    "sees": "sieht",
    "hears": "hört",
    "old": "alte",
    "big": "große",
}
TINY = dataclasses.replace(TRANSLATION.stage("tiny").config, length=16)


def toy_pairs() -> list[tuple[str, str]]:
    """All sentences of the language, with their translations."""
    nouns, verbs = ("dog", "cat", "man"), ("sees", "hears")
    phrases = [f"the {noun}" for noun in nouns]
    phrases += [f"the {adjective} {noun}" for adjective in ("old", "big") for noun in nouns]
    sentences = [
        f"{a} {verb} {b}" for a, verb, b in itertools.product(phrases, verbs, phrases) if a != b
    ]
    return [(text, " ".join(WORDS[word] for word in text.split())) for text in sentences]


def write_toy(folder: Path) -> tuple[Path, Path]:
    """Two parallel files, ``toy.en`` and ``toy.de``."""
    paths = folder / "toy.en", folder / "toy.de"
    order = np.random.default_rng(0).permutation(len(toy_pairs()))
    for side, path in enumerate(paths):
        path.write_text("".join(f"{toy_pairs()[i][side]}\n" for i in order), encoding="utf-8")
    return paths


def toy_tokenizer(folder: Path, symbols=()):
    """A tokenizer of both languages."""
    texts = [text for pair in toy_pairs() for text in pair]
    return train_tokenizer(texts, folder / "tokenizer.model", 400, symbols)


def random_model(seed: int = 0, **changes) -> TranslationModel:
    """An untrained model whose weights are large enough to tell outputs apart."""
    keras.utils.set_random_seed(seed)
    model = TranslationModel(dataclasses.replace(TINY, **changes))
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape).astype(np.float32) * 0.4)
    return model


def random_batch(config, rows: int = 3, source: int = 9, steps: int = 6, seed: int = 0):
    """Sentences of several lengths, as `apps.translation.batches.pipeline` would yield them."""
    rng = np.random.default_rng(seed)

    def ids(*shape):
        return rng.integers(4, config.vocabulary, shape).astype(np.int32)

    lengths = rng.permutation(np.linspace(2, source, rows).round().astype(int))[:, None]
    counts = rng.permutation(np.linspace(2, steps, rows).round().astype(int))[:, None]
    source_mask = np.arange(source) < lengths
    mask = np.arange(steps) < counts
    return {
        "source": ids(rows, source) * source_mask,
        "source_mask": source_mask,
        "inputs": ids(rows, steps) * mask,
        "targets": ids(rows, steps) * mask,
        "mask": mask,
    }
