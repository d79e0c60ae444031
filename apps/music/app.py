"""The music application: four-part chorales."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from apps.music.config import MusicConfig
from apps.music.data import Data, Source
from apps.music.piece import Piece
from shared.application import Application, Progress, Sample, Training, Verb
from shared.datasets.split import spread
from shared.export.goldens import Example
from shared.generator import Generator
from shared.presets.bundle import BundleFacts
from shared.presets.card import Card
from shared.presets.open import Opened
from shared.presets.store import Preset, assign_weights
from shared.recipe import Stage
from shared.training import FitOptions

_BASE = Stage(
    MusicConfig(),
    FitOptions(
        epochs=63,
        learning_rate=2e-3,
        schedule="cosine",
        warmup_steps=200,
        final_fraction=0.05,
        weight_decay=0.05,
        ema_momentum=0.999,
        monitor="val_nats_per_note",
        patience=8,
    ),
    Data(),
)
_PLAIN = MusicConfig(holds=False, placed=False, head_units=256, encoder_units=0)
_TINY = dataclasses.replace(
    _PLAIN,
    embedding=8,
    feature_embedding=8,
    units=(16, 16),
    head_units=16,
    dropout=0.0,
    head_dropout=0.0,
)
_PARITY_PIECES = 12  # from which the examples for export are taken


class Music(Application):
    """Composes, continues and harmonizes chorales."""

    name = "music"
    default_preset = "chorales"
    config_class = MusicConfig
    source_class = Source
    data_class = Data
    unit = "pieces"
    tunable = ("dropout", "head_dropout")
    recipes = {
        "base": _BASE,
        "plain": dataclasses.replace(_BASE, config=_PLAIN),
        "tiny": dataclasses.replace(
            _BASE,
            config=_TINY,
            fit=dataclasses.replace(_BASE.fit, epochs=2, ema_momentum=0.0),
        ),
    }
    verbs = {
        "compose": "compose a chorale",
        "continue": "continue a piece",
        "harmonize": "harmonize a melody in four parts",
    }

    def commands(self) -> Mapping[str, Verb]:
        from apps.music.verbs import COMMANDS

        return COMMANDS

    def build(self, config: MusicConfig) -> Any:
        from apps.music.model import MusicModel

        return MusicModel(config)

    def read(self, source: Source, split: str, config: MusicConfig) -> list[Piece]:
        from apps.music.data import read_pieces
        from apps.verbs.progress import say_left_out

        left_out: dict[str, int] = {}
        pieces = read_pieces(source, split, left_out)
        say_left_out(left_out)
        return pieces

    def prepare(self, stage: Stage, folder: Path, start: Preset | None) -> Training:
        from apps.music.data import (
            batches_per_pass,
            epoch_pipeline,
            read_pieces,
            validation_pipeline,
        )

        config, data = stage.config, stage.data
        left_out: dict[str, int] = {}
        pieces = read_pieces(data, "train", left_out)
        valid = read_pieces(data, "valid")
        model = self.build(config)
        if start:
            assign_weights(model, start)
        told = data if config.encoder_units else dataclasses.replace(data, melody_rate=0.0)
        return Training(
            config=config,
            model=model,
            epoch=partial(epoch_pipeline, pieces, told, stage.fit.seed, holds=config.holds),
            steps=stage.fit.epochs * data.passes * batches_per_pass(pieces, data),
            valid=validation_pipeline(valid, data.batch, config.holds),
            held=valid,
            examples=f"{len(pieces)} pieces",
            left_out=left_out,
        )

    def card(self, config: MusicConfig, data: Data, tuned: bool) -> Card:
        from apps.music.card import card

        return card(data)

    def figures(
        self, opened: Opened, items: Sequence[Piece], progress: Progress = lambda count: None
    ) -> dict[str, float]:
        from apps.music.evaluate import figures

        return figures(opened.generator, items, opened.config, progress)

    def examples(self, opened: Opened, items: Sequence[Piece]) -> list[Example]:
        from apps.music.decoding import example

        return [example(piece, opened.config) for piece in spread(items, _PARITY_PIECES)[:4]]

    def bundle_facts(self, opened: Opened) -> BundleFacts:
        from apps.music.decoding import DECODING
        from apps.music.piece import END, HOLD, SILENCE, START, VOICE_ORDER

        return BundleFacts(
            decoding={**DECODING, "voice_order": list(VOICE_ORDER)},
            special_ids={"silence": SILENCE, "start": START, "end": END, "hold": HOLD},
            normalization={
                "symbol": "4 + MIDI pitch - 36",
                "features": "position, phase, fermata, fermata_in, last_bar: "
                "see apps/music/piece.py",
            },
        )

    def example(self, config: MusicConfig) -> Example:
        """Implements `Application.example`: a bar of chords in C major."""
        from apps.music.decoding import example
        from apps.music.piece import piece_from_pitches
        from apps.music.planning import plan

        outline = plan(1, (0, 0))
        piece = piece_from_pitches(
            "chords",
            np.repeat([[72, 67, 64, 48], [71, 67, 62, 43]], 8, axis=0),
            position=outline.position,
            bar_length=outline.bar_length,
            fermata=outline.fermata,
            tonic=0,
            mode=0,
        )
        return example(piece, config, frames=len(piece), given=False)

    def generate(self, generator: Generator, config: MusicConfig, greedy: bool = False) -> Piece:
        """Implements `Application.generate`: eight bars without rules."""
        from apps.music.decoding import DECODING, fill
        from apps.music.planning import plan
        from shared.decoding import DecodingOptions

        return fill(generator, config, plan(8, (0, 0)), DecodingOptions(**DECODING), rules=())

    def random_batch(self, config: MusicConfig, rng: np.random.Generator) -> dict[str, np.ndarray]:
        from apps.music.piece import FEATURE_SIZES, PITCH, VOCABULARY

        data = Data()
        rows, frames = data.batch, data.crop_frames
        notes = rng.integers(PITCH, VOCABULARY, (rows, frames + 1, 4)).astype(np.int32)
        features = [rng.integers(0, size, (rows, frames)) for size in FEATURE_SIZES]
        return {
            "frames": notes,
            "sounding": notes,
            "ages": np.zeros_like(notes),
            "features": np.stack(features, -1).astype(np.int32),
            "mask": np.ones((rows, frames, 4), bool),
        }

    def samples(self, folder: Path, seed: int) -> list[Sample]:
        from apps.music.samples import samples

        return samples(folder, seed)


MUSIC = Music()
