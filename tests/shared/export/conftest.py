import pytest

from shared.export.goldens import Example
from shared.export.pipeline import export_bundle
from shared.export.tflite import export_tflite
from shared.presets.bundle import BundleFacts
from shared.presets.card import Card
from shared.presets.store import figure, save_preset
from tests.shared.export.toy import conditions, symbols, toy


@pytest.fixture(scope="session")
def tflite_files(tmp_path_factory):
    return export_tflite(toy(), tmp_path_factory.mktemp("tflite"))


@pytest.fixture(scope="session")
def examples():
    return [Example(conditions(1, seed), symbols(1, 5, seed)) for seed in range(4)]


@pytest.fixture(scope="session")
def bundle(tmp_path_factory, examples):
    folder = tmp_path_factory.mktemp("bundles")
    tokenizer = folder / "vocabulary.txt"
    tokenizer.write_text("a\nb\n")
    card = Card("Toy", "A toy.", "It was not.", "Useless.", "mit", "Ours.", True, ("none",))
    preset = save_preset(
        folder / "toy",
        "music",
        {"units": 48},
        toy(),
        card,
        {"loss": figure(3.4, "none", "lstm-suite evaluate music", "2025-11-22")},
        [tokenizer],
    )
    return export_bundle(
        toy(),
        preset,
        folder / "music-toy",
        examples,
        BundleFacts({"strategy": "beam", "beam_size": 3}, {"start": 0, "end": 1}),
        metric=lambda generator: {
            "loss": float(abs(generator.encode(examples[0].condition)["h"]).mean())
        },
    )
