"""Train a captioning model: ``lstm-suite train captioning``.

From photos and captions to a preset: tokens are learned first, then the features of all photos are
computed, once, and then the decoder is trained; with ``--scst`` on CIDEr-D itself.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from apps.captioning.backbone import load_weights
from apps.captioning.caption import DECODING
from apps.captioning.card import describe
from apps.captioning.config import DECODERS, FITS, PRESETS, TOKENS, CaptioningConfig
from apps.captioning.data import Photo, encode_captions, load, pipeline, whole
from apps.captioning.evaluate import figures_of, load_folder
from apps.captioning.features import cached_features
from apps.captioning.generate import build_model
from apps.captioning.model import CaptioningModel, FromFeatures
from apps.captioning.selfcritical import BASELINES, SelfCriticalModel, cider_reward
from apps.captioning.words import AnyTokenizer, learn_tokenizer, open_tokenizer, tokenizer_file
from apps.verbs.arguments import add_field, add_json, add_seed, given, report
from shared.backends.keras_model import KerasBackend
from shared.decoding import DecodingOptions
from shared.errors import InputError
from shared.files import read_json, write_json
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

DATA_FILE = "data.json"  # in the run's folder: what it was trained on
RECIPE = FitOptions(
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
    mode="max",
    total_steps=1 << 30,  # set from the number of batches
)
SCST = dataclasses.replace(RECIPE, epochs=6, learning_rate=1e-4, warmup_steps=20)
"""Of the self-critical stage."""


@dataclasses.dataclass(frozen=True)
class DataOptions:
    """How batches are made of photos, and what is drawn.

    Args:
        batch: Photos of a batch.
        captions_per_photo: Of each photo of a batch; with ``--scst`` drawn from the model.
        flip: Whether half of the photos are seen in the mirror, unless a caption says left or
            right.
        crops: Pairs of parts of a photo that it may be seen as instead, one of each in the mirror.
        baseline: Of ``--scst``, one of `apps.captioning.selfcritical.BASELINES`.
        cider_photos: Validation photos captioned after each epoch, at most.
    """

    batch: int = 24
    captions_per_photo: int = 5
    flip: bool = True
    crops: int = 0
    baseline: str = "mean"
    cider_photos: int = 500


class ValidationCider(keras.callbacks.Callback):
    """Logs ``val_cider`` after each epoch: greedy captions of the validation photos."""

    def __init__(self, tokenizer: AnyTokenizer, photos: Sequence[Photo], features: np.ndarray):
        """Of these photos, whose features stand in the same order."""
        super().__init__()
        self.tokenizer, self.photos, self.features = tokenizer, photos, features
        self.generator: Any = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Sees the averaged weights; traced once, for the variables stay the same."""
        self.generator = self.generator or KerasBackend(FromFeatures(self.model))
        greedy = DecodingOptions(max_length=self.model.config.length)
        texts = [photo.captions for photo in self.photos]
        figures, found = figures_of(self.generator, self.tokenizer, self.features, texts, greedy)
        if logs is not None:
            logs["val_cider"] = figures["cider"]
            logs["val_bleu4"] = figures["bleu4"]
            logs["val_distinct"] = figures["distinct"]
        print(f"\nepoch {epoch + 1}: CIDEr {figures['cider']:.3f}, BLEU-4 {figures['bleu4']:.1f}, "
              f"{figures['distinct']:.0f} distinct of {len(found)}  {found[0].text}",
              flush=True)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Trained:
    """What `train` returns.

    Attributes:
        model: With its best weights.
        result: The summary of the run.
        features: Of the validation photos, in their order.
    """

    model: CaptioningModel
    result: FitResult
    features: np.ndarray


def train(
    config: CaptioningConfig,
    tokenizer: AnyTokenizer,
    photos: Sequence[Photo],
    valid: Sequence[Photo],
    options: FitOptions,
    data: DataOptions,
    run_dir: str | Path,
    *,
    start: Preset | None = None,
    backbone_weights: str = "imagenet",
    features_dir: str | Path | None = None,
    scst: bool = False,
) -> Trained:
    """Trains a model from its first weights or a preset's, or goes on with the folder's run.

    ``options.total_steps`` is set to the batches of all epochs.

    Args:
        config: The sizes, the vocabulary that of the tokenizer.
        tokenizer: Of the captions.
        photos: To train on.
        valid: To choose the best epoch by.
        options: Of the run.
        data: Of its batches.
        run_dir: Its folder.
        start: Where the first weights are from, those of the network that sees included.
        backbone_weights: Without ``start``: those of the network; see
            `apps.captioning.backbone.load_weights`.
        features_dir: Where features are kept; by default in the run's folder.
        scst: Whether to train on CIDEr-D, see `apps.captioning.selfcritical`.
    """
    keras.utils.set_random_seed(options.seed)
    if scst:
        references = {row: photo.captions for row, photo in enumerate(photos)}
        reward = cider_reward(references, tokenizer)
        model = SelfCriticalModel(config, reward, data.captions_per_photo, data.baseline)
    else:
        model = CaptioningModel(config)
    if start:
        assign_weights(model, start)
    else:
        load_weights(model.sight, config, backbone_weights)
    place = Path(features_dir or Path(run_dir) / "features")
    features, held_features = (
        cached_features(place, [photo.path for photo in some], model.sight, config, parts)
        for some, parts in ((photos, 2 * data.crops), (valid, 0))
    )
    seen = encode_captions(photos, range(len(photos)), tokenizer, config.length)
    held = encode_captions(valid, range(len(valid)), tokenizer, config.length)
    if not seen or not held:
        raise InputError(f"no caption has {config.length} tokens or fewer; raise --length")

    def epoch(number: int) -> tf.data.Dataset:
        return pipeline(
            seen, features, data.batch, data.captions_per_photo, options.seed, number, data.flip
        )

    steps = options.epochs * int(epoch(0).cardinality())
    warmup = min(options.warmup_steps, steps // 10)
    options = dataclasses.replace(options, total_steps=max(steps, 1), warmup_steps=warmup)
    watched = range(0, len(valid), max(1, len(valid) // data.cider_photos))
    upright = held_features[:, 0]
    cider = ValidationCider(tokenizer, [valid[k] for k in watched], upright[:: watched.step])
    batches = whole(held, held_features, data.batch, data.captions_per_photo)
    result = fit(model, epoch, batches, options, run_dir, callbacks=[cider])
    return Trained(model, result, upright)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``train captioning``."""
    add = parser.add_argument
    add("--images", metavar="DIR", help="the photos")
    add("--captions", metavar="FILE", help="what people wrote about them: Flickr8k's or 30k's "
        "text, or COCO's JSON")  # fmt: skip
    add("--split-file", metavar="FILE", help="names of the photos to train on; default: all but "
        "every twentieth, which is for validation")  # fmt: skip
    add("--valid-split-file", metavar="FILE", help="names of the photos for validation")
    add("--data", metavar="DIR", help="instead: a folder with images/, captions.txt, "
        "splits/train.txt and splits/dev.txt")  # fmt: skip
    add("--config", choices=PRESETS, default="flickr8k", help="sizes; default: %(default)s")
    add("--backbone-weights", metavar="PATH", default="imagenet", help="MobileNetV2's, without "
        "top, as .weights.h5; default: those of ImageNet, which Keras downloads")  # fmt: skip
    add("--start", metavar="NAME", help="go on from a trained model, by name or path, with its "
        "sizes and tokenizer; lower the --learning-rate")  # fmt: skip
    add("--scst", action="store_true", help="train on CIDEr-D itself, with --start")
    add("--features", metavar="DIR", help="where the features of photos are kept; default: "
        "RUN/features")  # fmt: skip
    add("--run", default="runs/captioning", metavar="DIR",
        help="checkpoints and logs; an unfinished run goes on; %(default)s")  # fmt: skip
    add("-o", "--output", metavar="DIR", help="the preset; default: RUN/preset")
    add("--minutes", type=float, default=0, help="stop then, to go on later")
    add_seed(parser)
    add_json(parser)
    for title, defaults, names in _GROUPS:
        group = parser.add_argument_group(title)
        for name in names:
            add_field(group, name, getattr(defaults, name), _CHOICES.get(name))


_CONFIG_FIELDS = tuple(
    f.name for f in dataclasses.fields(CaptioningConfig) if f.name not in ("cell",)
)
# What a model that is trained further may have otherwise.
_FREE_FIELDS = ("cut", "tune", "embedding_dropout", "grid_dropout", "output_dropout",
                "label_smoothing", "scheduled_sampling", "attention_penalty")  # fmt: skip
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
_CHOICES = {"decoder": DECODERS, "fit": FITS, "tokens": TOKENS, "baseline": BASELINES}
_GROUPS: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("the model; defaults, if --config is flickr8k", CaptioningConfig(), _CONFIG_FIELDS),
    ("the training; with --scst 6 epochs at 0.0001", RECIPE, _FIT_FIELDS),
    ("the data", DataOptions(), _DATA_FIELDS),
)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite train captioning``."""
    if args.scst and not args.start:
        raise InputError("--scst needs a trained model to begin with; name it with --start")
    start = find_preset("captioning", args.start) if args.start else None
    config = _config(args, start)
    photos, valid = load_training(args)
    folder = Path(args.run)
    tokenizer = prepare_tokenizer(folder, config, photos, start)
    config = dataclasses.replace(config, vocabulary=tokenizer.vocabulary)
    data = DataOptions(**given(args, _DATA_FIELDS))
    if data.crops < 0:
        raise InputError(f"--crops {data.crops}: give 0 or more")
    if args.scst and data.captions_per_photo < 2:
        raise InputError("--scst compares captions of a photo; raise --captions-per-photo")
    options = dataclasses.replace(
        SCST if args.scst else RECIPE,
        **given(args, _FIT_FIELDS),
        max_minutes=args.minutes,
        seed=args.seed,
    )
    if options.monitor not in ("val_cider", "val_bleu4"):
        options = dataclasses.replace(options, mode="min")
    trained = train(
        config,
        tokenizer,
        photos,
        valid,
        options,
        data,
        folder,
        start=start,
        backbone_weights=args.backbone_weights,
        features_dir=args.features,
        scst=args.scst,
    )
    summary = trained.result.summary
    if trained.result.best_weights is None:
        report(args, summary, f"stopped before the first epoch ended; run again: {folder}")
        return
    output = Path(args.output or folder / "preset")
    changed = given(args, [*_CONFIG_FIELDS, *_FIT_FIELDS, *_DATA_FIELDS])
    preset = save_preset(
        output,
        "captioning",
        output.name,
        dataclasses.replace(config, tune=False),  # a preset is not trained, it is used
        trained.model,
        describe(args, config, summary, len(photos), changed),
        extra_files=[folder / tokenizer_file(config)],
    )
    # The figures of the weights as they are stored, in float16.
    stored = KerasBackend(FromFeatures(load_model(preset, build_model)))
    texts = [photo.captions for photo in valid]
    figures, _ = figures_of(stored, tokenizer, trained.features, texts)
    _add_figures(args, preset, figures, len(valid))
    lines = [f"{name:12} {value:.4f}" for name, value in figures.items()]
    lines.append(f"wrote {output}; next: lstm-suite export captioning --preset {output}")
    report(args, {**summary, **figures, "preset": str(output)}, "\n".join(lines))


def _config(args: argparse.Namespace, start: Preset | None) -> CaptioningConfig:
    changed = given(args, _CONFIG_FIELDS)
    if not start:
        return dataclasses.replace(PRESETS[args.config], **changed)
    if fixed := sorted(changed.keys() - set(_FREE_FIELDS)):
        raise InputError(f"--start keeps the model's sizes; leave out {', '.join(fixed)}")
    config = config_from_json(CaptioningConfig, start.config, start.folder)
    return dataclasses.replace(config, **changed)


def load_training(args: argparse.Namespace) -> tuple[list[Photo], list[Photo]]:
    """Photos to train on and to validate with.

    Raises:
        InputError: Options contradict each other, or there are too few photos.
    """
    if args.data:
        if args.images or args.captions or args.split_file or args.valid_split_file:
            raise InputError("--data excludes --images, --captions and the split files")
        if (Path(args.data) / "splits").is_dir():
            return load_folder(args.data, "train"), load_folder(args.data, "valid")
        photos = load_folder(args.data, "train")
    elif not (args.images and args.captions):
        raise InputError("name the photos with --images and their captions with --captions")
    else:
        photos = load(args.images, args.captions, args.split_file)
        if args.valid_split_file:
            return photos, load(args.images, args.captions, args.valid_split_file)
    if len(photos) < 2:
        raise InputError(f"{len(photos)} photo; training and validation need one each")
    return [photo for k, photo in enumerate(photos) if k % 20], photos[::20]


def prepare_tokenizer(
    folder: Path, config: CaptioningConfig, photos: Sequence[Photo], start: Preset | None
) -> AnyTokenizer:
    """The run's tokenizer: that of the preset to start from, or learned from the captions.

    An unfinished run keeps its own.

    Raises:
        InputError: The folder's run has other data or other tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{photo.path.name}\t{text}" for photo in photos for text in photo.captions]
    facts = {
        "photos": len(photos),
        "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        "tokens": [config.tokens, config.vocabulary, config.min_count],
        "start": str(start.folder) if start else None,
    }
    if (folder / tokenizer_file(config)).exists() and (folder / DATA_FILE).exists():
        if read_json(folder / DATA_FILE) != facts:
            raise InputError(f"{folder}: a run on other data is here; name another run folder")
        return open_tokenizer(folder)
    if start:
        open_tokenizer(start.folder).save(folder / tokenizer_file(config))
    else:
        learn_tokenizer([text for photo in photos for text in photo.captions], folder, config)
    write_json(folder / DATA_FILE, facts)
    return open_tokenizer(folder)


def _add_figures(
    args: argparse.Namespace, preset: Preset, figures: dict[str, float], n: int
) -> None:
    where = "--data DIR --split valid" if args.data else "--images DIR --captions FILE"
    if args.valid_split_file:
        where += " --split-file FILE"
    command = f"lstm-suite evaluate captioning --preset {preset.name} {where}"
    today = datetime.date.today().isoformat()
    beam = DECODING["beam_size"]
    note = f"{n} validation photos; beam {beam}; BLEU, CIDEr, ROUGE-L as pycocoevalcap's"
    add_figures(
        preset.folder,
        {name: figure(value, note, command, today) for name, value in figures.items()},
    )
