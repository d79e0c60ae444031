"""Shipped weights and bundles are those of today's models, by name and shape."""

from pathlib import Path

import keras
import pytest

from apps.captioning.config import CaptioningConfig
from apps.captioning.model import CaptioningModel
from apps.handwriting.config import HandwritingConfig
from apps.handwriting.model import HandwritingModel
from apps.music.config import MusicConfig
from apps.music.model import MusicModel
from apps.translation.config import TranslationConfig
from apps.translation.model import TranslationModel
from shared.presets.bundle import load_bundle
from shared.presets.store import assign_weights, config_from_json, load_preset

ROOT = Path(__file__).parents[2]
MODELS = {
    "captioning": (CaptioningConfig, CaptioningModel),
    "handwriting": (HandwritingConfig, HandwritingModel),
    "music": (MusicConfig, MusicModel),
    "translation": (TranslationConfig, TranslationModel),
}


def build(app, config):
    keras.utils.clear_session()
    config_class, model_class = MODELS[app]
    return model_class(config_from_json(config_class, config, app))


@pytest.mark.parametrize("folder", sorted(ROOT.glob("saved_models/*/*/")), ids=lambda p: p.name)
def test_weights_have_the_paths_of_the_model(folder):
    preset = load_preset(folder)
    assign_weights(build(preset.app, preset.config), preset)


@pytest.mark.parametrize(
    "folder", [p.parent for p in sorted(ROOT.glob("tflite/*/bundle.json"))], ids=lambda p: p.name
)
def test_bundles_have_the_signature_of_the_model(folder):
    bundle = load_bundle(folder)
    assert bundle.signature == build(bundle.app, bundle.config).signature
