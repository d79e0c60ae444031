"""What `apps.captioning.app.Captioning.prepare` makes of a recipe: model, features, batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.captioning import pretraining
from apps.captioning.backbone import load_weights
from apps.captioning.config import CaptioningConfig
from apps.captioning.data import (
    Data,
    Photo,
    Source,
    caption_file,
    encode_captions,
    pipeline,
    read_photos,
    whole,
)
from apps.captioning.evaluate import language_figures
from apps.captioning.features import cached_features
from apps.captioning.formats import read_captions, read_sentences
from apps.captioning.languages import also_in
from apps.captioning.model import CaptioningModel, FromFeatures
from apps.captioning.selfcritical import SelfCriticalModel, cider_reward
from apps.captioning.words import (
    AnyTokenizer,
    learn_tokenizer,
    open_tokenizer,
    start_of,
    tokenizer_file,
)
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
    if data.text and start is not None:
        raise InputError("--text is trained on before photos; leave it out with --start")
    photos, valid = (also_in(read_photos(data, part), data.also) for part in ("train", "valid"))
    config = stage.config
    if start is None:
        languages = dict.fromkeys(photo.language for photo in photos)
        config = dataclasses.replace(config, languages=tuple(languages))
    tokenizer = _tokenizer(config, photos, folder, start)
    config = dataclasses.replace(config, vocabulary=tokenizer.vocabulary)
    (paths, rows), (held_paths, held_rows) = _files(photos), _files(valid)
    model = _model(config, data, photos, tokenizer, start)
    if data.text:
        options = pretraining.fit_options(data.text_epochs, stage.fit.seed)
        texts = read_sentences(data.text)
        pretraining.pretrain(model, tokenizer, texts, photos, valid, options, folder / "texts")
    place = Path(data.features or folder / "features")
    features, held_features = (
        cached_features(place, some, model.backbone, config, parts)
        for some, parts in ((paths, 2 * data.crops), (held_paths, 0))
    )
    seen = encode_captions(photos, rows, tokenizer, config.length)
    held = encode_captions(valid, held_rows, tokenizer, config.length)
    if not seen or not held:
        raise InputError(f"no caption has {config.length} tokens or fewer; raise --length")
    each, seed = data.captions_per_photo, stage.fit.seed

    def epoch(number: int) -> Any:
        return pipeline(seen, features, data.batch, each, seed, number, data.flip)

    upright = [held_features[row, 0] for row in held_rows]
    every = max(1, len(held_paths) // data.cider_photos)
    watched = [k for k, row in enumerate(held_rows) if row % every == 0]
    cider = ValidationCider(tokenizer, [valid[k] for k in watched], [upright[k] for k in watched])
    return Training(
        config=dataclasses.replace(config, tune=False),  # a trained model is no longer tuned
        model=model,
        epoch=epoch,
        steps=stage.fit.epochs * int(epoch(0).cardinality()),
        valid=whole(held, held_features, data.batch, each),
        held=valid,
        examples=f"{len(paths)} photos",
        callbacks=[LogFigures(cider)],
        files=[folder / tokenizer_file(config)],
        figures=lambda opened: _figures(opened, valid, upright),
        left_out={
            "photos with captions but no file": missing_photos(data),
            f"captions without words or longer than {config.length} tokens": sum(
                len(photo.captions) for photo in photos
            )
            - sum(len(photo.captions) for photo in seen),
        },
    )


def missing_photos(source: Source) -> int:
    """How many photos have captions and are not there; what a split file names has to be."""
    if source.split_file or (source.data and (Path(source.data) / "splits").is_dir()):
        return 0
    images = Path(source.images or Path(source.data) / "images")
    captions = read_captions(source.captions or caption_file(source.data))
    return sum(not (images / name).is_file() for name in captions)


def _files(photos: Sequence[Photo]) -> tuple[list[Path], list[int]]:
    """The files, each once, and for each photo the row of its file."""
    rows = {path: k for k, path in enumerate(dict.fromkeys(photo.path for photo in photos))}
    return list(rows), [rows[photo.path] for photo in photos]


def _tokenizer(
    config: CaptioningConfig, photos: Sequence[Photo], folder: Path, start: Preset | None
) -> AnyTokenizer:
    first, *others = config.languages
    captions = {
        language: [text for photo in photos if photo.language == language
                   for text in photo.captions]
        for language in config.languages
    }  # fmt: skip
    prepare_tokenizer(
        folder / tokenizer_file(config),
        [f"{photo.path.name}\t{text}" for photo in photos for text in photo.captions],
        {
            "photos": len(photos),
            "tokens": [config.tokens, config.vocabulary, config.min_count, *others],
        },
        start.folder if start else None,
        lambda path: learn_tokenizer(captions.pop(first), path.parent, config, captions),
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
        references = {
            (row, start_of(tokenizer, photo.language)): photo.captions
            for row, photo in zip(_files(photos)[1], photos, strict=True)
        }
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
        photos: To caption, in every language.
        features: Of the photos, in the same order.
    """

    def __init__(
        self, tokenizer: AnyTokenizer, photos: Sequence[Photo], features: Sequence[np.ndarray]
    ):
        self.tokenizer, self.photos, self.features = tokenizer, photos, features
        self.generator: Any = None

    def __call__(self, model: CaptioningModel) -> tuple[Mapping[str, float], str]:
        """CIDEr, BLEU-4 and the number of distinct captions, and the first caption.

        The keys of languages other than the first end with them: ``cider_de``.
        """
        # Traced once, for the variables stay the same.
        self.generator = self.generator or KerasBackend(FromFeatures(model))
        greedy = DecodingOptions(max_length=model.config.length)
        figures, found = language_figures(
            self.generator, self.tokenizer, self.photos, self.features, greedy
        )
        kept = [
            name for metric in ("cider", "bleu4", "distinct") for name in figures
            if name.partition("_")[0] == metric
        ]  # fmt: skip
        return {name: figures[name] for name in kept}, found[0].text


def _figures(
    opened: Opened, photos: Sequence[Photo], features: Sequence[np.ndarray]
) -> dict[str, float]:
    """The figures of photos whose features are known, on the Keras backend, in every language."""
    generator = KerasBackend(FromFeatures(opened.generator.model))  # type: ignore[attr-defined]
    return language_figures(generator, opened.tokenizer, photos, features)[0]
