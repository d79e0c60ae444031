"""Train a translation model: ``lstm-suite train translation``.

From raw text to a preset: the tokenizer is trained first, on the training part, then the model.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from apps.translation.card import describe
from apps.translation.config import ATTENTIONS, PRESETS, TranslationConfig
from apps.translation.data import (
    Pair,
    copy_augment,
    epoch_part,
    load,
    pipeline,
    read_parallel,
    read_tsv,
    whole,
)
from apps.translation.evaluate import DATA, figures_of
from apps.translation.figures import record
from apps.translation.generate import TOKENIZER, open_tokenizer
from apps.translation.model import TranslationModel, buckets
from apps.translation.translate import source_room
from apps.verbs.arguments import add_field, add_json, add_seed, given, report
from shared.decoding import DecodingOptions
from shared.errors import InputError
from shared.files import read_json, write_json
from shared.presets.catalog import find_preset
from shared.presets.open import load_model
from shared.presets.store import Preset, assign_weights, config_from_json, save_preset
from shared.text import Tokenizer, train_tokenizer
from shared.training import FitOptions
from shared.training.fit import FitResult, fit

DATA_FILE = "data.json"  # in the run's folder: what it was trained on
RECIPE = FitOptions(
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
    mode="max",
    total_steps=1 << 30,  # set from the number of batches
)


@dataclasses.dataclass(frozen=True)
class DataOptions:
    """How batches are made of pairs.

    Args:
        batch_tokens: Target subwords of a batch, about, padding included.
        bpe_dropout: Share of merges left out at random, drawn anew each epoch (Provilkov et al.
            2020); 0 is off.
        copy_rate: Share of the pairs in which names and numbers are replaced by made-up ones.
        epoch_pairs: Pairs of an epoch, after which it is validated and kept; the next goes on with
            others until all have had their turn. 0 for all of them.
        bleu_sentences: Validation sentences translated after each epoch, at most.
    """

    batch_tokens: int = 1200
    bpe_dropout: float = 0.0
    copy_rate: float = 0.0
    epoch_pairs: int = 0
    bleu_sentences: int = 1500


class ValidationBleu(keras.callbacks.Callback):
    """Logs ``val_bleu`` after each epoch: greedy translations of the validation pairs."""

    def __init__(self, config: TranslationConfig, tokenizer: Tokenizer, pairs: Sequence[Pair]):
        """Of these pairs."""
        super().__init__()
        self.config, self.tokenizer, self.pairs = config, tokenizer, pairs
        self.generator: Any = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Sees the averaged weights; traced once, for the variables stay the same."""
        self.generator = self.generator or buckets(self.model)
        greedy = DecodingOptions(max_length=self.config.length)
        figures, found = figures_of(self.generator, self.config, self.tokenizer, self.pairs, greedy)
        if logs is not None:
            logs["val_bleu"] = figures["bleu"]
        print(f"\nepoch {epoch + 1}: BLEU {figures['bleu']:.2f}  {found[0]}", flush=True)


def train(
    config: TranslationConfig,
    tokenizer: Tokenizer,
    pairs: Sequence[Pair],
    valid: Sequence[Pair],
    options: FitOptions,
    data: DataOptions,
    run_dir: str | Path,
    start: Preset | None = None,
) -> tuple[TranslationModel, FitResult]:
    """Trains a model from its first weights or a preset's, or goes on with the folder's run.

    ``options.total_steps`` is set to the batches of all epochs.

    Returns:
        The model with its best weights, and the summary of the run.
    """
    keras.utils.set_random_seed(options.seed)
    model = TranslationModel(config)
    if start:
        assign_weights(model, start)

    def epoch(number: int) -> tf.data.Dataset:
        used = epoch_part(pairs, data.epoch_pairs, options.seed, number)
        if data.copy_rate:
            rng = np.random.default_rng([options.seed, number])
            used = copy_augment(used, rng, data.copy_rate)
        return pipeline(
            used,
            tokenizer,
            data.batch_tokens,
            options.seed,
            number,
            data.bpe_dropout,
        )

    steps = options.epochs * int(epoch(0).cardinality())
    warmup = min(options.warmup_steps, steps // 10)
    options = dataclasses.replace(options, total_steps=max(steps, 1), warmup_steps=warmup)
    step = max(1, len(valid) // data.bleu_sentences)
    bleu = ValidationBleu(config, tokenizer, valid[::step])
    watched = whole(valid, tokenizer).cache()
    result = fit(model, epoch, watched, options, run_dir, callbacks=[bleu])
    return model, result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``train translation``."""
    add = parser.add_argument
    add("--data", metavar="PATH", help="a folder of Multi30k or of Tatoeba's zips, or 'multi30k' "
        f"or 'tatoeba', which are downloaded once; default: {DATA}")  # fmt: skip
    add("--source", metavar="FILE", help="instead: sentences, one a line")
    add("--target", metavar="FILE", help="their translations, line by line")
    add("--tsv", metavar="FILE", help="instead: a pair a line, with a tab between")
    add("--from", dest="source_language", default="en", metavar="LANG",
        help="source language of one's own files; default: %(default)s")  # fmt: skip
    add("--to", default="de", metavar="LANG",
        help="target language of one's own files; default: %(default)s")  # fmt: skip
    add("--config", choices=PRESETS,
        help="sizes; default: tatoeba, or multi30k-en-de for one's own files")  # fmt: skip
    add("--start", metavar="NAME", help="go on from a trained model, by name or path, with its "
        "sizes and tokenizer; lower the --learning-rate")  # fmt: skip
    add("--run", default="runs/translation", metavar="DIR",
        help="checkpoints and logs; an unfinished run goes on; %(default)s")  # fmt: skip
    add("-o", "--output", metavar="DIR", help="the preset; default: RUN/preset")
    add("--minutes", type=float, default=0, help="stop then, to go on later")
    add_seed(parser)
    add_json(parser)
    for title, defaults, names in _GROUPS:
        group = parser.add_argument_group(title)
        for name in names:
            choices = ATTENTIONS if name == "attention" else None
            add_field(group, name, getattr(defaults, name), choices)


_CONFIG_FIELDS = (
    "vocabulary",
    "embedding",
    "encoder_units",
    "decoder_units",
    "residual",
    "attention",
    "attention_units",
    "input_feeding",
    "embedding_dropout",
    "context_dropout",
    "output_dropout",
    "label_smoothing",
)
_FIT_FIELDS = (
    "epochs",
    "optimizer",
    "learning_rate",
    "schedule",
    "warmup_steps",
    "final_fraction",
    "weight_decay",
    "clip_norm",
    "ema_momentum",
    "patience",
    "monitor",
)
_DATA_FIELDS = tuple(field.name for field in dataclasses.fields(DataOptions))
_GROUPS = (
    ("the model; defaults, if --config is multi30k-en-de", TranslationConfig(), _CONFIG_FIELDS),
    ("the training", RECIPE, _FIT_FIELDS),
    ("the data", DataOptions(), _DATA_FIELDS),
)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite train translation``."""
    start = find_preset("translation", args.start) if args.start else None
    config = _config(args, start)
    pairs, valid = load_training(args, config)
    folder = Path(args.run)
    tokenizer = prepare_tokenizer(folder, config, pairs, start)
    config = dataclasses.replace(config, vocabulary=tokenizer.vocabulary)  # of little text, less
    room = source_room(config)
    pairs = _short_enough(pairs, tokenizer, room)
    data = DataOptions(**given(args, _DATA_FIELDS))
    options = dataclasses.replace(
        RECIPE, **given(args, _FIT_FIELDS), max_minutes=args.minutes, seed=args.seed
    )
    if options.monitor != "val_bleu":
        options = dataclasses.replace(options, mode="min")
    model, result = train(config, tokenizer, pairs, valid, options, data, folder, start)
    if result.best_weights is None:
        report(args, result.summary, f"stopped before the first epoch ended; run again: {folder}")
        return
    output = Path(args.output or folder / "preset")
    names = [*_CONFIG_FIELDS, *_FIT_FIELDS, *_DATA_FIELDS]
    card = describe(args, config, result.summary, len(pairs), given(args, names))
    preset = save_preset(
        output,
        "translation",
        output.name,
        config,
        model,
        card,
        extra_files=[folder / TOKENIZER],
    )
    # The figures of the weights as they are stored, in float16.
    stored = load_model(preset, lambda _: TranslationModel(config))
    figures, _ = figures_of(buckets(stored), config, tokenizer, valid)
    own = args.tsv or args.source
    record(preset, figures, valid, "valid", None if own else args.data or DATA)
    lines = [f"{name:20} {value}" for name, value in figures.items()]
    lines.append(f"wrote {output}; next: lstm-suite export translation --preset {output}")
    report(args, {**result.summary, **figures, "preset": str(output)}, "\n".join(lines))


def _config(args: argparse.Namespace, start: Preset | None) -> TranslationConfig:
    own = args.source or args.target or args.tsv
    if start:
        config = config_from_json(TranslationConfig, start.config, start.folder)
    else:
        config = PRESETS[args.config or ("multi30k-en-de" if own else "tatoeba")]
    if own and not start:
        config = dataclasses.replace(
            config, directions=((args.source_language, args.to),), multilingual=False
        )
    changed = given(args, _CONFIG_FIELDS)
    if start and (fixed := sorted(n for n in changed if not n.endswith(("dropout", "smoothing")))):
        raise InputError(f"--start keeps the model's sizes; leave out {', '.join(fixed)}")
    return dataclasses.replace(config, **changed)


def load_training(
    args: argparse.Namespace, config: TranslationConfig
) -> tuple[list[Pair], list[Pair]]:
    """Training and validation pairs; of one's own files every fiftieth is for validation.

    Raises:
        InputError: Options contradict each other, or there are too few pairs.
    """
    own = [args.source or args.target, args.tsv]
    if sum(map(bool, [*own, args.data])) > 1:
        raise InputError("--data, --source with --target, and --tsv exclude each other")
    if not any(own):
        data = args.data or DATA
        return load(data, "train", config.directions), load(data, "valid", config.directions)
    direction = (args.source_language, args.to)
    if direction not in config.directions:
        raise InputError(f"this model does not translate {'-'.join(direction)}; see --from, --to")
    if args.tsv:
        pairs = read_tsv(args.tsv, *direction)
    elif args.source and args.target:
        pairs = read_parallel(args.source, args.target, *direction)
    else:
        raise InputError("--source and --target go together: a line of one translates the other")
    if len(pairs) < 2:
        raise InputError(f"{len(pairs)} pair; training and validation need one each")
    valid = pairs[::50]
    return [pair for k, pair in enumerate(pairs) if k % 50], valid


def prepare_tokenizer(
    folder: Path, config: TranslationConfig, pairs: Sequence[Pair], start: Preset | None
) -> Tokenizer:
    """The run's tokenizer: that of the preset to start from, or trained on the pairs.

    An unfinished run keeps its own.

    Raises:
        InputError: The folder's run has other data or another vocabulary.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256("\n".join(f"{p.source}\t{p.target}" for p in pairs).encode())
    facts = {
        "pairs": len(pairs),
        "sha256": digest.hexdigest(),
        "vocabulary": config.vocabulary,
        "symbols": list(config.symbols),
        "start": str(start.folder) if start else None,
    }
    path = folder / TOKENIZER
    if path.exists() and (folder / DATA_FILE).exists():
        if read_json(folder / DATA_FILE) != facts:
            raise InputError(f"{folder}: a run on other data is here; name another run folder")
        return open_tokenizer(folder)
    if start:
        open_tokenizer(start.folder).save(path)
    else:
        texts = dict.fromkeys(text for pair in pairs for text in (pair.source, pair.target))
        train_tokenizer(list(texts), path, config.vocabulary, config.symbols)
    write_json(folder / DATA_FILE, facts)
    return open_tokenizer(folder)


def _short_enough(pairs: Sequence[Pair], tokenizer: Tokenizer, room: int) -> list[Pair]:
    """Without the few whose source the model cannot read, or whose target is as long as that."""

    sources = tokenizer.encode_all([pair.source for pair in pairs])
    targets = tokenizer.encode_all([pair.target for pair in pairs])
    return [
        pair
        for pair, source, target in zip(pairs, sources, targets, strict=True)
        if max(len(source), len(target)) <= room
    ]
