"""Captioning as an application: `CAPTIONING`."""

from __future__ import annotations

import dataclasses
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.captioning.config import FIRST_LANGUAGE, CaptioningConfig
from apps.captioning.data import Data, Photo, Source, read_photos
from shared.application import Application, Progress, Sample, Training, Verb
from shared.errors import InputError
from shared.export.goldens import Example
from shared.files import write_bytes, write_text
from shared.generator import Generator
from shared.presets.bundle import BundleFacts
from shared.presets.card import Card
from shared.presets.open import Opened
from shared.presets.store import Preset
from shared.recipe import Stage
from shared.training import FitOptions

_FIT = FitOptions(
    epochs=14,
    optimizer="adam",
    learning_rate=1e-3,
    schedule="cosine",
    warmup_steps=200,
    final_fraction=0.05,
    clip_norm=2.0,
    ema_momentum=0.995,
    patience=4,
    monitor="val_cider",
)
_BASE = Stage(CaptioningConfig(), _FIT, Data())
_TINY = CaptioningConfig(
    image_size=96,
    alpha=0.35,
    min_count=1,
    embedding=32,
    grid_units=48,
    units=64,
    attention_units=32,
    embedding_dropout=0,
    grid_dropout=0,
    output_dropout=0,
    label_smoothing=0,
    attention_penalty=0,
    length=16,
)
_TINY_FIT = dataclasses.replace(
    _FIT, epochs=40, learning_rate=3e-3, schedule="constant", ema_momentum=0.0, patience=0
)
_SCST_FIT = dataclasses.replace(_FIT, epochs=6, learning_rate=1e-4, warmup_steps=20)


class Captioning(Application):
    """Photos in, sentences out: a CNN encoder and an LSTM decoder with attention."""

    name = "captioning"
    default_preset = "flickr8k-scst"
    config_class = CaptioningConfig
    source_class = Source
    data_class = Data
    unit = "photos"
    verbs = {"caption": "say what is in a photo"}
    tunable = (
        "cut",
        "tune",
        "embedding_dropout",
        "grid_dropout",
        "output_dropout",
        "label_smoothing",
        "scheduled_sampling",
        "attention_penalty",
    )
    recipes = {
        "base": _BASE,
        "tiny": Stage(
            _TINY,
            _TINY_FIT,
            Data(batch=4, captions_per_photo=2),
        ),
        "scst": Stage(CaptioningConfig(), _SCST_FIT, Data(scst=True)),
        "up-down": dataclasses.replace(
            _BASE, config=CaptioningConfig(decoder="up-down", units=320)
        ),
        # Twice as many words, hence narrower embeddings: with 256 the int8 file has 11.16 MB.
        "en-de": dataclasses.replace(
            _BASE,
            config=CaptioningConfig(
                backbone="efficientnet-lite2", cut="block_19_add", embedding=232
            ),
        ),
        "subwords": dataclasses.replace(
            _BASE, config=CaptioningConfig(tokens="subwords", vocabulary=2500)
        ),
    }  # fmt: skip

    @property
    def trial(self) -> str:
        """``caption`` and a photo that is there."""
        from apps.captioning.photos import SAMPLES

        return shlex.join(["caption", str(SAMPLES / "cat.jpg")])

    def commands(self) -> Mapping[str, Verb]:
        """``caption``, ``evaluate`` and ``inspect``."""
        from apps.captioning.verbs import COMMANDS

        return COMMANDS

    def build(self, config: CaptioningConfig) -> Any:
        from apps.captioning.model import CaptioningModel

        return CaptioningModel(config)

    def tokenizer(self, folder: Path) -> Any:
        from apps.captioning.words import open_tokenizer

        return open_tokenizer(folder)

    def layers(self, config: CaptioningConfig) -> int:
        """Of the decoder."""
        return 2 if config.decoder == "up-down" else 1

    def read(self, source: Source, split: str, config: CaptioningConfig) -> Sequence[Photo]:
        return read_photos(source, split)

    def prepare(self, stage: Stage, folder: Path, start: Preset | None) -> Training:
        """See `Application.prepare`; features of the photos are computed, too."""
        from apps.captioning.training import prepare

        return prepare(stage, folder, start)

    def card(self, config: CaptioningConfig, data: Data, tuned: bool) -> Card:
        from apps.captioning.card import card

        return card(config, data)

    def figures(
        self, opened: Opened, items: Sequence[Photo], progress: Progress = lambda count: None
    ) -> dict[str, float]:
        """BLEU, CIDEr, ROUGE-L and the number of distinct captions."""
        from apps.captioning.evaluate import figures_of
        from apps.captioning.photos import load_photo

        squares = (load_photo(photo.path, opened.config) for photo in items)
        references = [photo.captions for photo in items]
        figures, _ = figures_of(
            opened.generator, opened.tokenizer, squares, references, progress=progress
        )
        return figures

    def notes(self, items: Sequence[Photo], figures: Mapping[str, float]) -> dict[str, str]:
        from apps.captioning.caption import DECODING

        counts = Counter(photo.language for photo in items)
        others = counts.keys() - {FIRST_LANGUAGE}  # the keys of their figures end with them

        def note(name: str) -> str:
            language = next((one for one in others if name.endswith(f"_{one}")), FIRST_LANGUAGE)
            where = f", --to {language}" if language in others else ""
            return (
                f"{counts[language]} {{}} photos{where}; beam {DECODING['beam_size']}; BLEU, "
                "CIDEr, ROUGE-L as pycocoevalcap's"
            )

        return {name: note(name) for name in figures}

    def examples(self, opened: Opened, items: Sequence[Photo]) -> list[Example]:
        """The demo's photos; never those of the data, which may not be passed on."""
        from apps.captioning.photos import SAMPLES, find_photos, load_photo
        from shared.text import START

        symbols = [START, *opened.tokenizer.encode("a man is standing in the")][:6]
        return [
            Example(
                {"photo": load_photo(path, opened.config)[None]},
                [{"symbol": np.array([symbol], np.int32)} for symbol in symbols],
            )
            for path in find_photos([SAMPLES])
        ]

    def bundle_facts(self, opened: Opened) -> BundleFacts:
        from apps.captioning.caption import DECODING
        from apps.captioning.words import starts_of
        from shared.text import END, PAD, START, UNKNOWN

        _, *others = starts_of(opened.tokenizer).items()
        config = opened.config
        photo = (
            f"upright RGB, what is transparent on white; {config.fit} to {config.image_size} x "
            f"{config.image_size}, bilinear with antialiasing, uint8; see "
            "apps/captioning/photos.py"
        )
        return BundleFacts(
            DECODING,
            {
                "pad": PAD,
                "unknown": UNKNOWN,
                "start": START,
                "end": END,
                **{f"start_{language}": symbol for language, symbol in others},
            },
            {"photo": photo},
        )

    def example(self, config: CaptioningConfig) -> Example:
        """A photo of noise and twelve words."""
        shape = (1, config.image_size, config.image_size, 3)
        photo = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        symbols = [{"symbol": np.array([20 + k], np.int32)} for k in range(12)]
        return Example({"photo": photo}, symbols)

    def generate(self, generator: Generator, config: CaptioningConfig, greedy: bool = False) -> Any:
        """A caption of twelve words by beam search."""
        from apps.captioning.caption import DECODING
        from shared.decoding import beam_options, decode
        from shared.text import END, START

        chosen = {"min_length": 12, "max_length": 12, **({"beam_size": 1} if greedy else {})}
        options = beam_options(DECODING, chosen)
        state = generator.encode(self.example(config).condition)
        return decode(generator, state, start=START, end=END, options=options)

    def random_batch(
        self, config: CaptioningConfig, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Features of photos and captions of up to twelve words."""
        from apps.captioning.backbone import Backbone
        from shared.text import START

        data, steps = self.stage().data, 13
        rows = data.batch * data.captions_per_photo
        mask = np.arange(steps) < rng.integers(9, steps + 1, (rows, 1))
        ids = {
            name: rng.integers(4, config.vocabulary, (rows, steps)).astype(np.int32) * mask
            for name in ("inputs", "targets")
        }
        shape = (data.batch, *Backbone(config).features_shape)
        features = rng.random(shape).astype(np.float16)
        return {"features": features, "row": np.arange(data.batch, dtype=np.int32),
                "start": np.full(data.batch, START, np.int32), "mask": mask, **ids}  # fmt: skip

    def samples(self, folder: Path, seed: int) -> list[Sample]:
        """Photos in the public domain, and where the model looked."""
        from apps.captioning.caption import Captioner
        from apps.captioning.photos import SAMPLES, find_photos

        try:
            bundle = self.find_bundle()
        except InputError:
            return []
        captioner = Captioner.from_preset(bundle.folder)
        made = []
        for photo in find_photos([SAMPLES]):
            picture = folder / f"captioning-{photo.stem}.png"
            written = folder / f"captioning-{photo.stem}.txt"
            found = captioner(photo)
            write_bytes(picture, captioner.attention_picture(photo, found))
            write_text(written, f"{found.said}\n")
            words = ["lstm-suite", "caption", photo.name, "--attention", picture.name]
            files = (picture, "where the model looked at each word"), (written, "the caption")
            made.append(Sample(found.said, shlex.join(words), f"The photo {photo.name}.", files))
        return made


CAPTIONING = Captioning()
