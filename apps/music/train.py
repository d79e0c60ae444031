"""Train a chorale model: ``lstm-suite train music``."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from apps.music.config import PRESETS, MusicConfig
from apps.music.data import batches_per_epoch, pipeline, whole_pieces
from apps.music.evaluate import BACH, figures_of, load_pieces
from apps.music.model import MusicModel
from apps.music.output import check_range
from apps.music.piece import Piece
from apps.verbs.arguments import add_json, add_seed, report
from shared.backends.keras_model import KerasBackend
from shared.errors import InputError
from shared.presets.card import Card
from shared.presets.catalog import find_preset
from shared.presets.open import load_model
from shared.presets.store import (
    Preset,
    add_figures,
    assign_weights,
    config_from_json,
    figure,
    save_preset,
)
from shared.training import FitOptions
from shared.training.fit import FitResult, fit

STEPS, BATCH = 128, 16
PASSES = 4  # over the data, between two validations
GIVEN = 0.6  # share of the crops whose melody a model with an encoder is told
HIDDEN = 0.5  # share of the crops in which some lower voices go unheard for some time


RECIPE = FitOptions(
    epochs=63,
    learning_rate=2e-3,
    schedule="cosine",
    warmup_steps=200,
    total_steps=9_000,
    final_fraction=0.05,
    weight_decay=0.05,
    clip_norm=1.0,
    ema_momentum=0.999,
    monitor="val_nats_per_note",
    patience=8,
)
"""What trained the shipped models; apps/music/README.md has the log of runs."""


def train(
    config: MusicConfig,
    pieces: Sequence[Piece],
    valid: Sequence[Piece],
    options: FitOptions,
    run_dir: str | Path,
    start: Preset | None = None,
    steps: int = STEPS,
    batch: int = BATCH,
    given: float = GIVEN,
    hidden: float = HIDDEN,
) -> tuple[MusicModel, FitResult]:
    """Trains a model from its first weights or a preset's, or goes on with the folder's run.

    Args:
        config: Its sizes.
        pieces: To train on.
        valid: To choose the best weights by.
        options: Of the run.
        run_dir: Its folder.
        start: Where the first weights are from.
        steps: Frames of a crop.
        batch: Crops of a batch.
        given: Share of the crops whose melody a model with an encoder is told.
        hidden: Share of the crops in which some lower voices go unheard for some time.

    Returns:
        The model with its best weights, and the summary of the run.
    """
    keras.utils.set_random_seed(options.seed)
    model = MusicModel(config)
    if start:
        assign_weights(model, start)
    per_epoch = PASSES * batches_per_epoch(pieces, steps, batch)

    def epoch(number: int) -> tf.data.Dataset:
        data = pipeline(
            pieces,
            steps,
            batch,
            options.seed,
            number * PASSES,
            holds=config.holds,
            given=given if config.encoder_units else 0.0,
            hidden=hidden,
        )
        return data.take(per_epoch).apply(tf.data.experimental.assert_cardinality(per_epoch))

    result = fit(model, epoch, _whole(valid, config.holds), options, run_dir)
    return model, result


def _whole(pieces: Sequence[Piece], holds: bool) -> tf.data.Dataset:
    """Validation batches, in memory: a few lengths, so that XLA compiles a few shapes."""
    batches = list(whole_pieces(pieces, BATCH, holds))
    for batch in batches:
        del batch["index"]
    signature = {
        name: tf.TensorSpec((None, *[None] * (value.ndim - 2), value.shape[-1]), value.dtype)
        for name, value in batches[0].items()
    }
    data = tf.data.Dataset.from_generator(lambda: batches, output_signature=signature)
    return data.apply(tf.data.experimental.assert_cardinality(len(batches))).cache()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``train music``."""
    parser.add_argument("--data", default=BACH, metavar="PATH", help="canonical JSON, a folder of "
                        "scores, or 'bach' for music21's chorales (default)")  # fmt: skip
    parser.add_argument("--config", choices=PRESETS, default="chorales", help="sizes; %(default)s")
    parser.add_argument("--start", metavar="NAME", help="go on from a trained model, by name or "
                        "path, with its sizes; lower the --learning-rate")  # fmt: skip
    parser.add_argument("--run", default="runs/music", metavar="DIR", help="checkpoints and logs; "
                        "an unfinished run goes on; %(default)s")  # fmt: skip
    parser.add_argument("-o", "--output", metavar="DIR", help="the preset; default: RUN/preset")
    parser.add_argument("--epochs", type=int, default=RECIPE.epochs,
                        help=f"of {PASSES} passes over the data; default: %(default)s")  # fmt: skip
    parser.add_argument("--minutes", type=float, default=0, help="stop then, to go on later")
    parser.add_argument("--frames", type=int, default=STEPS, help="of a training crop, in 16ths; "
                        "%(default)s")  # fmt: skip
    parser.add_argument("--batch", type=int, default=BATCH, help="crops of a step; %(default)s")
    parser.add_argument("--learning-rate", type=float, default=RECIPE.learning_rate)
    parser.add_argument("--given", type=float, default=GIVEN, metavar="SHARE", help="of the crops "
                        "whose melody the model is told beforehand; %(default)s")  # fmt: skip
    parser.add_argument("--hidden", type=float, default=HIDDEN, metavar="SHARE", help="of the "
                        "crops in which some lower voices go unheard; %(default)s")  # fmt: skip
    add_seed(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite train music``."""
    check_range("--given", args.given, 0, 1)
    check_range("--hidden", args.hidden, 0, 1)
    start = find_preset("music", args.start) if args.start else None
    config = config_from_json(MusicConfig, start.config, start.folder) if start else None
    config = config or PRESETS[args.config]
    pieces, valid = load_training(args.data)
    per_epoch = PASSES * batches_per_epoch(pieces, args.frames, args.batch)
    options = dataclasses.replace(
        RECIPE,
        epochs=args.epochs,
        total_steps=max(args.epochs * per_epoch, RECIPE.warmup_steps + 1),
        learning_rate=args.learning_rate,
        max_minutes=args.minutes,
        seed=args.seed,
    )
    model, result = train(
        config, pieces, valid, options, args.run, start, args.frames, args.batch, args.given,
        args.hidden,
    )  # fmt: skip
    if result.best_weights is None:
        report(args, result.summary, f"stopped before the first epoch ended; run again: {args.run}")
        return
    folder = Path(args.output or Path(args.run) / "preset")
    preset = save_preset(folder, "music", folder.name, config, model, _card(args, result, pieces))
    # The figures of the weights as they are stored, in float16.
    stored = load_model(preset, lambda _: MusicModel(config))
    figures = figures_of(KerasBackend(stored), valid, config)
    data = _data_name(args.data)
    command = f"lstm-suite evaluate music --preset {folder.name} --data {data} --split valid"
    today = datetime.date.today().isoformat()
    add_figures(
        folder,
        {
            n: figure(v, f"{len(valid)} validation pieces", command, today)
            for n, v in figures.items()
        },
    )
    lines = [f"{name:20} {value:.4f}" for name, value in figures.items()]
    lines.append(f"wrote {folder}; next: lstm-suite export music --preset {folder}")
    report(args, {**result.summary, **figures, "preset": str(folder)}, "\n".join(lines))


def load_training(data: str) -> tuple[list[Piece], list[Piece]]:
    """Training and validation pieces; of a folder of scores every tenth is for validation.

    Raises:
        InputError: A folder has too few pieces.
    """
    if not Path(data).is_dir():
        return load_pieces(data, "train"), load_pieces(data, "valid")
    pieces = load_pieces(data, "")
    if len(pieces) < 2:
        raise InputError(f"{data}: {len(pieces)} piece; training and validation need one each")
    valid = pieces[::10]
    return [piece for piece in pieces if piece not in valid], valid


def _data_name(data: str) -> str:
    return data if data == BACH else Path(data).name


def _card(args: argparse.Namespace, result: FitResult, pieces: Sequence[Piece]) -> Card:
    sources = {
        BACH: "Chorales by J. S. Bach in four parts from the corpus of music21",
    }
    data = sources.get(args.data, f"{_data_name(args.data)}, its training part")
    summary = result.summary
    origin = f"--start {args.start}" if args.start else f"--config {args.config}"
    return Card(
        title="Four-part chorales, one LSTM",
        summary="Writes four-part chorales on a grid of 16th notes, voice by voice: an LSTM over "
        "frames with chained heads for soprano, bass, alto and tenor.",
        training=f"{len(pieces)} pieces ({data}), transposed at random within the voices' ranges; "
        f"{summary['steps']} steps of {args.batch} x {args.frames} frames, "
        f"{summary['minutes']:.0f} minutes on {summary['hardware']['cores']} cores; "
        f"`lstm-suite train music {origin} --data {_data_name(args.data)} "
        f"--epochs {args.epochs} --frames {args.frames} --batch {args.batch} "
        f"--learning-rate {args.learning_rate} --given {args.given} --hidden {args.hidden} "
        f"--seed {args.seed}`.",
        limits="It knows chorales in the style of Bach and nothing else. Without rules it writes "
        "parallel fifths and octaves more often than Bach, and no long form.",
        license="apache-2.0",
        license_note="The weights are Apache-2.0. The music is in the public domain.",
        commercial_use=True,
        data=(data,),
        tags=("music", "lstm", "bach", "midi"),
    )
