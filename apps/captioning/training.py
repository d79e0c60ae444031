"""What `apps.captioning.app.Captioning.prepare` makes of a recipe: model, features, batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.captioning.backbone import load_weights
from apps.captioning.config import CaptioningConfig
from apps.captioning.data import Data, Photo, encode_captions, pipeline, read_photos, whole
from apps.captioning.evaluate import figures_of
from apps.captioning.features import cached_features
from apps.captioning.model import CaptioningModel, FromFeatures
from apps.captioning.selfcritical import SelfCriticalModel, cider_reward
from apps.captioning.words import AnyTokenizer, learn_tokenizer, open_tokenizer, tokenizer_file
from shared.application import Training
from shared.backends.keras_model import KerasBackend
from shared.decoding import DecodingOptions
from shared.errors import InputError
from shared.presets.open import Opened
from shared.presets.store import Preset, assign_weights
from shared.recipe import Stage
from shared.text.prepare import prepare_tokenizer
from shared.training.callbacks import LogFigures


def prepare(stage: Stage, folder: Path, start: Preset | None) -> Training:
    """See `shared.application.Application.prepare`."""
    data: Data = stage.data
    if data.scst and start is None:
        raise InputError("--scst needs a trained model to begin with; name it with --start")
    photos, valid = read_photos(data, "train"), read_photos(data, "valid")
    tokenizer = _tokenizer(stage.config, photos, folder, start)
    config = dataclasses.replace(stage.config, vocabulary=tokenizer.vocabulary)
    model = _model(config, data, photos, tokenizer, start)
    place = Path(data.features or folder / "features")
    features, held_features = (
        cached_features(place, [photo.path for photo in some], model.backbone, config, parts)
        for some, parts in ((photos, 2 * data.crops), (valid, 0))
    )
    seen = encode_captions(photos, range(len(photos)), tokenizer, config.length)
    held = encode_captions(valid, range(len(valid)), tokenizer, config.length)
    if not seen or not held:
        raise InputError(f"no caption has {config.length} tokens or fewer; raise --length")
    each, seed = data.captions_per_photo, stage.fit.seed

    def epoch(number: int) -> Any:
        return pipeline(seen, features, data.batch, each, seed, number, data.flip)

    upright = held_features[:, 0]
    watched = range(0, len(valid), max(1, len(valid) // data.cider_photos))
    cider = ValidationCider(tokenizer, [valid[k] for k in watched], upright[:: watched.step])
    return Training(
        config=dataclasses.replace(config, tune=False),  # a trained model is no longer tuned
        model=model,
        epoch=epoch,
        steps=stage.fit.epochs * int(epoch(0).cardinality()),
        valid=whole(held, held_features, data.batch, each),
        held=valid,
        examples=f"{len(photos)} photos",
        callbacks=[LogFigures(cider)],
        files=[folder / tokenizer_file(config)],
        figures=lambda opened: _figures(opened, valid, upright),
    )


def _tokenizer(
    config: CaptioningConfig, photos: Sequence[Photo], folder: Path, start: Preset | None
) -> AnyTokenizer:
    captions = [text for photo in photos for text in photo.captions]
    prepare_tokenizer(
        folder / tokenizer_file(config),
        [f"{photo.path.name}\t{text}" for photo in photos for text in photo.captions],
        {
            "photos": len(photos),
            "tokens": [config.tokens, config.vocabulary, config.min_count],
        },
        start.folder if start else None,
        lambda path: learn_tokenizer(captions, path.parent, config),
    )
    return open_tokenizer(folder)


def _model(
    config: CaptioningConfig,
    data: Data,
    photos: Sequence[Photo],
    tokenizer: AnyTokenizer,
    start: Preset | None,
) -> CaptioningModel:
    """The model with its first weights, or those of the trained model to start from."""
    if data.scst:
        references = {row: photo.captions for row, photo in enumerate(photos)}
        reward = cider_reward(references, tokenizer)
        model: CaptioningModel = SelfCriticalModel(
            config, reward, data.captions_per_photo, data.baseline
        )
    else:
        model = CaptioningModel(config)
    if start:
        assign_weights(model, start)
    else:
        load_weights(model.backbone, config, data.backbone_weights)
    return model


class ValidationCider:
    """Captions the validation photos greedily, for `shared.training.callbacks.LogFigures`.

    Args:
        tokenizer: The model's.
        photos: To caption.
        features: Of the photos, in the same order.
    """

    def __init__(self, tokenizer: AnyTokenizer, photos: Sequence[Photo], features: np.ndarray):
        self.tokenizer, self.features = tokenizer, features
        self.references = [photo.captions for photo in photos]
        self.generator: Any = None

    def __call__(self, model: CaptioningModel) -> tuple[Mapping[str, float], str]:
        """CIDEr, BLEU-4 and the number of distinct captions, and the first caption."""
        # Traced once, for the variables stay the same.
        self.generator = self.generator or KerasBackend(FromFeatures(model))
        greedy = DecodingOptions(max_length=model.config.length)
        figures, found = figures_of(
            self.generator, self.tokenizer, self.features, self.references, greedy
        )
        return {name: figures[name] for name in ("cider", "bleu4", "distinct")}, found[0].text


def _figures(opened: Opened, photos: Sequence[Photo], features: np.ndarray) -> dict[str, float]:
    """The figures of photos whose features are known, on the Keras backend."""
    generator = KerasBackend(FromFeatures(opened.generator.model))  # type: ignore[attr-defined]
    references = [photo.captions for photo in photos]
    return figures_of(generator, opened.tokenizer, features, references)[0]
