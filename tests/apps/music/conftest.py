import dataclasses
from pathlib import Path

import pytest

from apps.music.app import MUSIC, Music
from shared.presets.open import Opened
from tests.apps.music.toy_data import Uniform


@pytest.fixture
def use_uniform(monkeypatch):
    """Lets whatever opens a music preset get a model that knows nothing; returns its generator."""

    def use(**changes):
        config = dataclasses.replace(MUSIC.stage().config, **changes)
        generator = Uniform(config.holds)

        def opened(self, name=None, backend="litert"):
            return Opened(generator, "made", config, backend, "float16", Path("made"))

        monkeypatch.setattr(Music, "open", opened)
        return generator

    return use
