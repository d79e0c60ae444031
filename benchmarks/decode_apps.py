"""What benchmarks/decode.py asks of each application; an app that comes adds an entry to `APPS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

import numpy as np

from shared.decoding import DecodingOptions, decode
from shared.generator import Arrays, Generator

Config = dict[str, Any]


@dataclass(frozen=True)
class App:
    """How an application's model is made, fed and run; NumPy only until `build` is called.

    Args:
        name: Of its folder in apps.
        preset: Name of the configuration, and of the trained preset if there is one.
        output: What a finished output is, in words.
        condition: For ``encode``, batch 1.
        symbols: For ``step``, in a cycle; what a step takes is the mean over it.
        finish: Makes one output with a generator.
        port: Module with the model in PyTorch, or None.
        compared: Of the outputs of ``step``, the one that has to be the same everywhere.
    """

    name: str
    preset: str
    output: str
    condition: Callable[[Config], Arrays]
    symbols: Callable[[Config], list[Arrays]]
    finish: Callable[[Generator, Config], Any]
    port: str | None = None
    compared: str = "logits"

    def config(self, name: str) -> Config:
        """The configuration of that name, as JSON values."""
        return asdict(import_module(f"apps.{self.name}.config").PRESETS[name])

    def build(self, config: Config) -> Any:
        """The Keras model of a configuration."""
        return import_module(f"apps.{self.name}.generate").build_model(config)


class _Recorded(Exception):
    """The calls that were wanted have been seen."""


class _Recorder:
    """Records what the app's own decoding hands to a generator, and answers nothing."""

    def __init__(self, state: Arrays, vocabulary: int, steps: int) -> None:
        self.state, self.vocabulary, self.steps = state, vocabulary, steps
        self.condition: Arrays = {}
        self.symbols: list[Arrays] = []

    def encode(self, condition):
        """Keeps the condition."""
        self.condition = dict(condition)
        return self.state

    def step(self, symbol, state):
        """Keeps the symbol."""
        self.symbols.append(dict(symbol))
        if len(self.symbols) == self.steps:
            raise _Recorded
        return {"logits": np.zeros((1, self.vocabulary), np.float32)}, state


def _music_calls(config: Config) -> _Recorder:
    """One bar's calls, as composing makes them."""
    from apps.music.piece import VOCABULARY

    recorder = _Recorder({"h": np.zeros((1, 1), np.float32)}, VOCABULARY, 64)
    try:
        _music_finish(recorder, config)
    except _Recorded:
        pass
    return recorder


def _music_finish(generator: Any, config: Config) -> Any:
    from apps.music.config import MusicConfig
    from apps.music.generate import DECODING, compose, plan
    from shared.presets.store import config_from_json

    music = config_from_json(MusicConfig, config, "config.json")
    return compose(generator, music, plan(8, (0, 0)), DecodingOptions(**DECODING), rules=())


def _translation_condition(config: Config) -> Arrays:
    """A source of twelve subwords and the end."""
    from apps.translation.translate import condition
    from shared.text import END

    return condition([[*range(280, 292), END]], config["length"])


def _translation_finish(generator: Any, config: Config) -> Any:
    from apps.translation.translate import DECODING
    from shared.text import END, START

    options = DecodingOptions(**{**DECODING, "min_length": 16, "max_length": 16})
    state = generator.encode(_translation_condition(config))
    return decode(generator, state, start=START, end=END, options=options)


def _captioning_condition(config: Config) -> Arrays:
    """A photo of noise."""
    shape = (1, config["image_size"], config["image_size"], 3)
    return {"photo": np.random.default_rng(0).integers(0, 256, shape, np.uint8)}


def _captioning_finish(generator: Any, config: Config) -> Any:
    from apps.captioning.caption import DECODING
    from shared.text import END, START

    options = DecodingOptions(**{**DECODING, "min_length": 12, "max_length": 12})
    state = generator.encode(_captioning_condition(config))
    return decode(generator, state, start=START, end=END, options=options)


def _handwriting_condition(config: Config) -> Arrays:
    """A line of 24 characters."""
    from apps.handwriting.config import HandwritingConfig
    from apps.handwriting.write import condition
    from shared.presets.store import config_from_json

    own = config_from_json(HandwritingConfig, config, "config.json")
    return condition(own, ["Winter came late, Olga.."], [0])


def _handwriting_symbols(config: Config) -> list[Arrays]:
    offsets = np.random.default_rng(0).normal(0, 0.4, (16, 1, 2))
    points = np.concatenate([offsets, np.zeros((16, 1, 1))], -1).astype(np.float32)
    return [{"point": point} for point in points]


def _handwriting_finish(generator: Generator, config: Config) -> Any:
    """As many points as the line has on average, whatever they are."""
    from apps.handwriting.write import BIAS
    from shared.decoding.mixture import PointOptions, decode_points

    state = generator.encode(_handwriting_condition(config))
    points = round(24 * config["points_per_character"])
    return decode_points(generator, state, PointOptions(BIAS, points), [0])


APPS = {
    "captioning": App(
        name="captioning",
        preset="flickr8k-scst",
        output="a photo, 12 words, beam 5",
        condition=_captioning_condition,
        symbols=lambda config: [{"symbol": np.array([20 + k], np.int32)} for k in range(12)],
        finish=_captioning_finish,
    ),
    "handwriting": App(
        name="handwriting",
        preset="unipen",
        output="a line of 24 characters",
        condition=_handwriting_condition,
        symbols=_handwriting_symbols,
        finish=_handwriting_finish,
        compared="mixture",
    ),
    "music": App(
        name="music",
        preset="chorales",
        output="8 bars, 512 steps",
        condition=lambda config: _music_calls(config).condition,
        symbols=lambda config: _music_calls(config).symbols,
        finish=_music_finish,
        port="benchmarks.decode_music_torch",
    ),
    "translation": App(
        name="translation",
        preset="multi30k-en-de",
        output="16 subwords, beam 5",
        condition=_translation_condition,
        symbols=lambda config: [{"symbol": np.array([280 + k], np.int32)} for k in range(16)],
        finish=_translation_finish,
    ),
}
