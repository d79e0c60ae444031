"""Train a handwriting model: ``lstm-suite train handwriting``."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from apps.handwriting.card import describe, figures_table
from apps.handwriting.config import PRESETS, HandwritingConfig
from apps.handwriting.data import (
    DataOptions,
    load_splits,
    pipeline,
    plan_epoch,
    shape_of,
    tensor_specs,
    whole,
    writer_kinds,
)
from apps.handwriting.evaluate import nats_of
from apps.handwriting.ink import Ink
from apps.handwriting.model import HandwritingModel
from apps.verbs.arguments import add_field, add_json, add_seed, given, report
from shared.backends.keras_model import KerasBackend
from shared.errors import InputError
from shared.presets.catalog import find_preset
from shared.presets.open import load_model
from shared.presets.store import Preset, add_figures, assign_weights, config_from_json, save_preset
from shared.training import FitOptions
from shared.training.fit import FitResult, fit

RECIPE = FitOptions(
    epochs=20,
    optimizer="adam",
    learning_rate=3e-3,
    schedule="cosine",
    warmup_steps=100,
    total_steps=1 << 30,  # set from the number of batches
    final_fraction=1 / 6,  # 5e-4
    clip_norm=1.0,
    ema_momentum=0.998,
    monitor="val_nats_per_point",
)
"""What trains the shipped model; apps/handwriting/README.md has the log of runs."""


def train(
    config: HandwritingConfig,
    items: Sequence[Ink],
    valid: Sequence[Ink],
    options: FitOptions,
    data: DataOptions,
    run_dir: str | Path,
    start: Preset | None = None,
) -> tuple[HandwritingModel, FitResult]:
    """Trains a model from its first weights or a preset's, or goes on with the folder's run.

    ``options.total_steps`` is set to the batches of all epochs. Without a preset to start from the
    writers of ``items`` are the model's styles, in the order of `writer_kinds`, which is that of
    ``config.styles``; with one they are all "any".

    Returns:
        The model with its best weights, and the summary of the run.
    """
    keras.utils.set_random_seed(options.seed)
    model = HandwritingModel(config)
    if start:
        assign_weights(model, start)
    writers = [] if start else list(writer_kinds(items))

    plans = {
        number: plan_epoch(items, (options.seed, number), number / options.epochs, data)
        for number in range(options.epochs)
    }

    def epoch(number: int) -> tf.data.Dataset:
        seed = (options.seed, number)
        return pipeline(items, config, writers, plans[number], seed, data)

    steps = sum(map(len, plans.values()))
    options = dataclasses.replace(
        options, total_steps=max(steps, 2), warmup_steps=min(options.warmup_steps, steps // 10)
    )
    watched = list(whole(valid))
    signature = tensor_specs()
    batches = tf.data.Dataset.from_generator(lambda: watched, output_signature=signature)
    batches = batches.apply(tf.data.experimental.assert_cardinality(len(watched)))
    result = fit(model, epoch, batches, options, run_dir)
    return model, result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``train handwriting``."""
    add = parser.add_argument
    add("--data", required=True, metavar="PATH", help="a folder in UNIPEN's or IAM-OnDB's layout, "
        "an archive .npz, or JSON strokes of one hand")  # fmt: skip
    add("--config", choices=PRESETS, default="unipen", help="sizes; default: %(default)s")
    add("--start", metavar="NAME", help="go on from a trained model, by name or path, with its "
        "sizes, as style 'any'; lower the --learning-rate")  # fmt: skip
    add("--run", default="runs/handwriting", metavar="DIR", help="checkpoints and logs; an "
        "unfinished run goes on; %(default)s")  # fmt: skip
    add("-o", "--output", metavar="DIR", help="the preset; default: RUN/preset")
    add("--minutes", type=float, default=0, help="stop then, to go on later")
    add_seed(parser)
    add_json(parser)
    for title, defaults, names in _GROUPS:
        group = parser.add_argument_group(title)
        for name in names:
            add_field(group, name, getattr(defaults, name))


_CONFIG_FIELDS = ("units", "components", "mixtures", "style_size", "dropout", "arc", "turning")
_FIT_FIELDS = (
    "epochs",
    "learning_rate",
    "schedule",
    "warmup_steps",
    "final_fraction",
    "clip_norm",
    "ema_momentum",
    "patience",
)
_DATA_FIELDS = tuple(field.name for field in dataclasses.fields(DataOptions))
_GROUPS: tuple[tuple[str, Any, Sequence[str]], ...] = (
    ("the model; defaults, if --config is unipen", PRESETS["unipen"], _CONFIG_FIELDS),
    ("the training", RECIPE, _FIT_FIELDS),
    ("the data", DataOptions(), _DATA_FIELDS),
)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite train handwriting``."""
    start = find_preset("handwriting", args.start) if args.start else None
    config = _config(args, start)
    items, valid = load_training(args.data, config)
    if not start:
        config = dataclasses.replace(config, styles=tuple(writer_kinds(items).values()))
    data = DataOptions(**given(args, _DATA_FIELDS))
    options = dataclasses.replace(
        RECIPE, **given(args, _FIT_FIELDS), max_minutes=args.minutes, seed=args.seed
    )
    model, result = train(config, items, valid, options, data, args.run, start)
    if result.best_weights is None:
        report(args, result.summary, f"stopped before the first epoch ended; run again: {args.run}")
        return
    folder = Path(args.output or Path(args.run) / "preset")
    changed = given(args, [*_CONFIG_FIELDS, *_FIT_FIELDS, *_DATA_FIELDS])
    card = describe(args, config, result.summary, items, changed)
    preset = save_preset(folder, "handwriting", folder.name, config, model, card)
    # The figures of the weights as they are stored, in float16.
    stored = load_model(preset, lambda _: HandwritingModel(config))
    figures = nats_of(KerasBackend(stored), config, valid)
    add_figures(folder, figures_table(figures, folder.name, args.data, len(valid)))
    lines = [f"{name:20} {value:.4f}" for name, value in figures.items()]
    lines.append(f"wrote {folder}; next: lstm-suite export handwriting --preset {folder}")
    report(args, {**result.summary, **figures, "preset": str(folder)}, "\n".join(lines))


def _config(args: argparse.Namespace, start: Preset | None) -> HandwritingConfig:
    changed = given(args, _CONFIG_FIELDS)
    if not start:
        return dataclasses.replace(PRESETS[args.config], **changed)
    if fixed := sorted(set(changed) - {"dropout"}):
        raise InputError(f"--start keeps the model's sizes; leave out {', '.join(fixed)}")
    config = config_from_json(HandwritingConfig, start.config, start.folder)
    return dataclasses.replace(config, **changed)


def load_training(data: str, config: HandwritingConfig) -> tuple[list[Ink], list[Ink]]:
    """Training and validation ink; of the latter lines alone, if there are any.

    Raises:
        InputError: There is too little.
    """
    found = load_splits(data, ("train", "valid"), config.arc, config.turning)
    items = found["train"]
    lines = [item for item in found["valid"] if not item.word]
    valid = [item for item in lines or found["valid"] if shape_of(item)]
    if not valid:
        raise InputError(f"{data}: all ink for validation is too long; shorten its lines")
    return items, valid
