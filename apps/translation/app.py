"""The application translation: its recipes, data, model and figures."""

from __future__ import annotations

import dataclasses
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.translation.config import TranslationConfig
from apps.translation.data import Data, Pair, Source, read, say_doubts
from apps.translation.files import describe_counts, filled
from shared.application import Application, Progress, Sample, Training, Verb
from shared.errors import InputError
from shared.export.goldens import Example
from shared.files import write_bytes, write_text
from shared.generator import Generator
from shared.presets.bundle import BundleFacts
from shared.presets.card import Card
from shared.presets.open import Opened
from shared.presets.store import Preset, assign_weights
from shared.recipe import Stage
from shared.training import FitOptions

if TYPE_CHECKING:
    from shared.text import Tokenizer

TOKENIZER = "tokenizer.model"
SAMPLES = (
    ("I don't understand what you are saying.", "de"),
    ("Where is the station?", "fr"),
    ("Mañana voy a trabajar.", "en"),
)
"""Sentences of the demo, and the languages to translate them into."""

_OTHERS = ("de", "es", "fr")
_DIRECTIONS = tuple(pair for other in _OTHERS for pair in (("en", other), (other, "en")))
_FIT = FitOptions(
    epochs=20,
    optimizer="adam",
    learning_rate=2e-3,
    schedule="cosine",
    warmup_steps=200,
    final_fraction=0.05,
    clip_norm=5.0,
    ema_momentum=0.998,
    patience=6,
    monitor="val_bleu",
)
RECIPES = {
    "base": Stage(
        TranslationConfig(
            directions=_DIRECTIONS,
            multilingual=True,
            vocabulary=8000,
            encoder_units=(256,),
            decoder_units=(512,),
            embedding_dropout=0.1,
            context_dropout=0.2,
            output_dropout=0.2,
        ),
        _FIT,
        Data(),
    ),
    "pair": Stage(TranslationConfig(), _FIT, Data()),
    "everyday": Stage(
        TranslationConfig(
            directions=_DIRECTIONS,
            multilingual=True,
            vocabulary=16000,
            encoder_units=(256, 256),
            decoder_units=(512, 512),
            embedding_dropout=0.1,
            context_dropout=0.2,
            output_dropout=0.2,
            lifted=True,
        ),
        dataclasses.replace(
            _FIT,
            epochs=60,
            schedule="constant",
            learning_rate=1.5e-3,
            warmup_steps=500,
            patience=15,
        ),
        Data(
            batch_tokens=5000,
            epoch_pairs=150_000,
            copy_rate=0.2,
            scene_rate=0.2,
            bare_rate=0.1,
            thing_rate=0.05,
            precision="bfloat16",
        ),
    ),
    "tiny": Stage(
        TranslationConfig(
            vocabulary=300,
            embedding=48,
            encoder_units=(48,),
            decoder_units=(96,),
            embedding_dropout=0,
            context_dropout=0,
            output_dropout=0,
            label_smoothing=0,
        ),
        _FIT,
        Data(),
    ),
}


class TranslationApp(Application):
    """Sentences from one language to another, one model for several directions."""

    name = "translation"
    default_preset = "tatoeba"
    config_class = TranslationConfig
    source_class = Source
    data_class = Data
    recipes = RECIPES
    unit = "pairs"
    trial = 'translate "Hello."'
    verbs: Mapping[str, str] = {"translate": "translate sentences, a text or a file"}
    tunable = ("embedding_dropout", "context_dropout", "output_dropout", "label_smoothing")

    def commands(self) -> Mapping[str, Verb]:
        """``translate``, ``evaluate`` and ``inspect``."""
        from apps.translation.verbs import COMMANDS

        return COMMANDS

    def build(self, config: TranslationConfig) -> Any:
        """The Keras model; imports TensorFlow."""
        from apps.translation.model import TranslationModel

        return TranslationModel(config)

    def tokenizer(self, folder: Path) -> Tokenizer:
        """The tokenizer in a folder."""
        from shared.text import Tokenizer

        return Tokenizer(folder / TOKENIZER)

    def layers(self, config: TranslationConfig) -> int:
        """The decoder's layers."""
        return len(config.decoder_units)

    def read(self, source: Source, split: str, config: TranslationConfig) -> list[Pair]:
        """See `apps.translation.data.read`."""
        return read(source, split, config)

    def prepare(self, stage: Stage, folder: Path, start: Preset | None) -> Training:
        """Reads the pairs, learns a tokenizer on those to train on, and builds the model."""
        from apps.translation.batches import epoch_batches, whole
        from apps.translation.lifting import lift_pairs, proper_words
        from apps.translation.search import source_room
        from apps.translation.vocabulary import short_enough
        from shared.text.prepare import DATA_FILE
        from shared.training.precision import computed_in

        data, config = stage.data, stage.config
        if data.own and start is None:
            source, target = config.directions[0]
            direction = (
                data.source_language.lower() or source,
                data.target_language.lower() or target,
            )
            config = dataclasses.replace(config, directions=(direction,), multilingual=False)
        left_out: Counter[str] = Counter()
        pairs, valid = self._read_pairs(data, config, left_out)
        tokenizer = self._prepare_tokenizer(folder, config, pairs, start, data.scene_rate)
        config = dataclasses.replace(config, vocabulary=tokenizer.vocabulary)  # of little text less
        short = short_enough(pairs, tokenizer, config)
        left_out[f"longer than {source_room(config)} subwords"] = len(pairs) - len(short)
        if not short or not valid:
            for name in (TOKENIZER, DATA_FILE):  # better data may have the run's folder
                (folder / name).unlink(missing_ok=True)
            raise InputError(
                f"{data.own or data.data}: no pair to train on, or none to validate with; check "
                f"the data; left out: {describe_counts(left_out) or 'nothing'}"
            )
        pairs = short
        with computed_in(data.precision):
            model = self.build(config)
        if start:
            assign_weights(model, start)
        proper = proper_words(pairs) if config.lifted else {}

        def epoch(number: int) -> Any:
            return epoch_batches(
                pairs, tokenizer, config, data, number, seed=stage.fit.seed, proper=proper
            )

        return Training(
            config,
            model,
            epoch,
            steps=stage.fit.epochs * int(epoch(0).cardinality()),
            valid=whole(lift_pairs(valid, proper) if config.lifted else valid, tokenizer).cache(),
            held=valid,
            examples=f"{len(pairs)} pairs",
            callbacks=[self._log_bleu(model, tokenizer, valid, data.bleu_sentences)],
            files=[folder / TOKENIZER],
            left_out=left_out,
        )

    def _read_pairs(
        self, data: Data, config: TranslationConfig, left_out: Counter[str]
    ) -> tuple[list[Pair], list[Pair]]:
        """The pairs to train on and those to validate with; counts what is left out."""
        from apps.translation.extra import read_extra
        from apps.translation.held_out import without_held_out

        pairs = filled(read(data, "train", config, left_out), left_out)
        valid = filled(read(data, "valid", config))
        say_doubts(data, pairs)
        if data.extra:
            known = config.directions_between(data.source_language, data.target_language)
            pairs += read_extra(data.extra, known[0], config.directions)
        if config.lifted:  # the training pairs of the models that came before must not change
            count = len(pairs)
            pairs = without_held_out(pairs)
            left_out["also in benchmarks/everyday"] = count - len(pairs)
        return pairs, valid

    def _prepare_tokenizer(
        self,
        folder: Path,
        config: TranslationConfig,
        pairs: Sequence[Pair],
        start: Preset | None,
        scene_rate: float,
    ) -> Tokenizer:
        """The run's tokenizer: that of the preset to start from, or learned from the pairs."""
        from apps.translation.vocabulary import learn_tokenizer
        from shared.text.prepare import prepare_tokenizer

        prepare_tokenizer(
            folder / TOKENIZER,
            (f"{pair.source}\t{pair.target}" for pair in pairs),
            {"vocabulary": config.vocabulary, "symbols": list(config.symbols)},
            start.folder if start else None,
            lambda path: learn_tokenizer(path, config, pairs, scene_rate),
        )
        return self.tokenizer(folder)

    def _log_bleu(self, model: Any, tokenizer: Tokenizer, valid: Sequence[Pair], count: int) -> Any:
        """Logs ``val_bleu`` of greedy translations of about so many pairs after each epoch."""
        from apps.translation.evaluate import figures_of
        from apps.translation.model import buckets
        from shared.decoding import DecodingOptions
        from shared.training.callbacks import LogFigures

        # What decodes is what will be stored, a float32 model.
        twin = model if model.compute_dtype == "float32" else self.build(model.config)
        generator = buckets(twin)  # traced once, for the variables stay the same
        pairs = valid[:: max(1, len(valid) // count)]
        greedy = DecodingOptions(max_length=model.config.length)

        def measure(model: Any) -> tuple[dict[str, float], str]:
            if twin is not model:
                twin.set_weights(model.get_weights())
            figures, found = figures_of(generator, model.config, tokenizer, pairs, greedy)
            return {"bleu": figures["bleu"]}, found[0]

        return LogFigures(measure)

    def card(self, config: TranslationConfig, data: Data, tuned: bool) -> Card:
        """See `apps.translation.card.describe`."""
        from apps.translation.card import describe

        return describe(config, data)

    def figures(
        self, opened: Opened, items: Sequence[Pair], progress: Progress = lambda count: None
    ) -> dict[str, float]:
        """``bleu`` and ``chrf``; of several directions each one's, too."""
        from apps.translation.evaluate import figures_of, numbers_of
        from apps.translation.search import quickest

        figures, _ = figures_of(
            quickest(opened.generator), opened.config, opened.tokenizer, items, progress=progress
        )
        return numbers_of(figures)

    def notes(self, items: Sequence[Pair], figures: Mapping[str, float]) -> dict[str, str]:
        """How many pairs each figure is of, and sacreBLEU's signature."""
        from apps.translation.evaluate import counts_of, scores

        signature = scores(["a"], ["a"])["bleu_signature"]
        return {
            name: f"{count} {{}} pairs; sacreBLEU {signature}"
            for name, count in counts_of(items, figures).items()
        }

    def examples(self, opened: Opened, items: Sequence[Pair]) -> list[Example]:
        """Four of the pairs at most, the first subwords of each."""
        from apps.translation.lifting import form_of
        from apps.translation.search import condition, source_ids
        from shared.text import START

        config, tokenizer = opened.config, opened.tokenizer
        examples = []
        for pair in items[:: max(1, len(items) // 4)][:4]:
            source = source_ids(tokenizer, config, pair.source, pair.target_language)
            target = form_of(pair.target).text if config.lifted else pair.target
            symbols = [START, *tokenizer.encode(target)][:6]
            examples.append(Example(condition([source], config.length), _fed(symbols)))
        return examples

    def bundle_facts(self, opened: Opened) -> BundleFacts:
        """The beam search by default, the special subwords, and how text is normalized."""
        from apps.translation.search import DECODING
        from shared.text import END, PAD, START, UNKNOWN

        symbols = {symbol: opened.tokenizer.id(symbol) for symbol in opened.config.symbols}
        return BundleFacts(
            decoding=DECODING,
            special_ids={"pad": PAD, "unknown": UNKNOWN, "start": START, "end": END, **symbols},
            normalization={
                "source": "Unicode NFC, see shared/text; subwords by tokenizer.model",
            },
        )

    def example(self, config: TranslationConfig) -> Example:
        """A source of twelve subwords and the end, and sixteen subwords of a target."""
        from apps.translation.search import condition
        from shared.text import END

        return Example(condition([[*range(280, 292), END]], config.length), _fed(range(280, 296)))

    def generate(
        self, generator: Generator, config: TranslationConfig, greedy: bool = False
    ) -> Any:
        """Decodes sixteen subwords by beam search."""
        from apps.translation.search import DECODING
        from shared.decoding import beam_options, decode
        from shared.text import END, START

        chosen = {"min_length": 16, "max_length": 16, **({"beam_size": 1} if greedy else {})}
        options = beam_options(DECODING, chosen)
        state = generator.encode(self.example(config).condition)
        return decode(generator, state, start=START, end=END, options=options)

    def random_batch(
        self, config: TranslationConfig, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """74 pairs of 16 subwords at most."""
        rows, length = 74, 16
        real = np.arange(length) < rng.integers(12, length + 1, (rows, 1))
        ids = {
            name: rng.integers(4, config.vocabulary, (rows, length)).astype(np.int32) * real
            for name in ("source", "inputs", "targets")
        }
        return {**ids, "source_mask": real, "mask": real}

    def samples(self, folder: Path, seed: int) -> list[Sample]:
        """Three sentences, and what the model attended to."""
        from apps.translation.translate import Translator

        try:
            self.find_bundle()
        except InputError:
            return []
        translator = Translator(self.open())
        samples = []
        for number, (text, to) in enumerate(SAMPLES, 1):
            name = f"translation-{number}"
            picture, written = folder / f"{name}.png", folder / f"{name}.txt"
            found = translator(text, to=to)
            write_bytes(picture, found.attention_map())
            write_text(written, f"{found.text}\n")
            words = ["lstm-suite", "translate", text, "--to", to, "--attention", picture.name]
            made = ((picture, "what each subword attended to"), (written, "the translation"))
            samples.append(Sample(text, shlex.join(words), found.text, made))
        return samples


def _fed(symbols: Sequence[int]) -> list[dict[str, np.ndarray]]:
    """The inputs of ``step``, one subword after another."""
    return [{"symbol": np.array([symbol], np.int32)} for symbol in symbols]


TRANSLATION = TranslationApp()
