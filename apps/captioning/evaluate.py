"""Measure a captioning model: ``lstm-suite evaluate captioning``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.captioning.caption import DECODING, Caption, caption
from apps.captioning.config import CaptioningConfig
from apps.captioning.data import Photo, load
from apps.captioning.demo import PHOTOS
from apps.captioning.generate import open_captioning
from apps.captioning.metrics import meteor, scores, words
from apps.captioning.output import table
from apps.captioning.photos import find_photos, load_photo
from apps.captioning.words import AnyTokenizer, open_tokenizer
from apps.verbs.arguments import (
    add_beam_arguments,
    add_json,
    add_limit,
    add_model_arguments,
    beam_options,
    limited,
    report,
)
from apps.verbs.progress import Progress
from shared.decoding import DecodingOptions
from shared.errors import InputError
from shared.export.goldens import Example
from shared.files import write_text
from shared.generator import Generator
from shared.text import END, PAD, START, UNKNOWN

SPLITS = {"train": ("train",), "valid": ("valid", "val", "dev"), "test": ("test",)}
_CAPTIONS = ("captions.txt", "captions.json", "Flickr8k.token.txt", "results_20130124.token",
             "results.csv")  # fmt: skip


def figures_of(
    generator: Generator,
    tokenizer: AnyTokenizer,
    conditions: Iterable[np.ndarray],
    references: Sequence[Sequence[str]],
    options: DecodingOptions | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> tuple[dict[str, float], list[Caption]]:
    """`apps.captioning.metrics.scores` and ``distinct``, and the captions that they are of.

    Args:
        generator: A captioning model on any backend.
        tokenizer: The model's.
        conditions: What its ``encode`` takes, a photo after the other.
        references: What people wrote about each.
        options: How to decode.
        progress: As for `apps.captioning.caption.caption`.
    """
    options = options or DecodingOptions(**DECODING)
    found = [best for best, *_ in caption(generator, tokenizer, conditions, options, progress)]
    known = [[words(text) for text in texts] for texts in references]
    figures = scores([words(one.plain) for one in found], known)
    return {**figures, "distinct": float(len({one.plain for one in found}))}, found


def load_folder(data: str | Path, split: str) -> list[Photo]:
    """The photos of a split of a folder with ``images/``, a file of captions and ``splits/``.

    The captions are in one of ``captions.txt``, ``captions.json`` and the names of the official
    releases; ``splits/valid.txt`` may be called ``val`` or ``dev``, too. Without ``splits/`` every
    photo with captions counts.

    Raises:
        InputError: Something of this is missing.
    """
    folder = Path(data)
    captions = next((folder / name for name in _CAPTIONS if (folder / name).is_file()), None)
    if captions is None:
        raise InputError(f"{data}: no file of captions ({', '.join(_CAPTIONS)}) in this folder")
    if not (folder / "splits").is_dir():
        return load(folder / "images", captions)
    names = SPLITS.get(split, (split,))
    for name in names:
        if (path := folder / "splits" / f"{name}.txt").is_file():
            return load(folder / "images", captions, path)
    raise InputError(f"{folder / 'splits'}: no {' or '.join(f'{name}.txt' for name in names)}")


def load_photos(args: argparse.Namespace) -> list[Photo]:
    """What ``--images`` and ``--captions``, or ``--data`` and ``--split``, name.

    Raises:
        InputError: They do not go together.
    """
    if args.data:
        if args.images or args.captions or args.split_file:
            raise InputError("--data excludes --images, --captions and --split-file")
        return load_folder(args.data, args.split)
    if not (args.images and args.captions):
        raise InputError("name the photos with --images and their captions with --captions")
    return load(args.images, args.captions, args.split_file)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate captioning``."""
    parser.add_argument("--images", metavar="DIR", help="the photos")
    parser.add_argument("--captions", metavar="FILE", help="what people wrote about them: "
                        "Flickr8k's or 30k's text, or COCO's JSON")  # fmt: skip
    parser.add_argument("--split-file", metavar="FILE", help="names of the photos that count, "
                        "one a line; default: all")  # fmt: skip
    parser.add_argument("--data", metavar="DIR", help="instead: a folder with images/, "
                        "captions.txt and splits/NAME.txt")  # fmt: skip
    parser.add_argument("--split", default="test", metavar="NAME", help="%(default)s")
    add_limit(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="write the captions there, as CSV")
    add_beam_arguments(parser, DECODING, "tokens")
    add_model_arguments(parser, backend="keras")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite evaluate captioning``."""
    options = beam_options(args, DECODING)
    photos = load_photos(args)
    photos = limited(photos, args.limit)
    opened, config, tokenizer = open_captioning(args)
    with Progress(len(photos), 5) as progress:
        figures, found = figures_of(
            opened.generator,
            tokenizer,
            (load_photo(photo.path, config) for photo in photos),
            [photo.captions for photo in photos],
            options,
            progress,
        )
    if args.output:
        rows = [
            {"image": photo.path.name, "caption": one.text, "score": round(one.score, 4)}
            for photo, one in zip(photos, found, strict=True)
        ]
        write_text(args.output, table(rows, ("image", "caption", "score")) + "\n")
    values = {
        "n": len(photos),
        "preset": opened.name,
        "backend": opened.backend,
        "precision": opened.precision,
        **figures,
    }
    known = [[words(text) for text in photo.captions] for photo in photos]
    if (judged := meteor([words(one.plain) for one in found], known)) is not None:
        values["meteor"] = judged
    report(args, values, "\n".join(f"{name:12} {value}" for name, value in values.items()))


# What export needs to know of the app.


def export_parts(
    config: CaptioningConfig,
    split: str,
    folder: str | Path,
    data: str | None = None,
    limit: int = 0,
) -> Mapping[str, Any]:
    """Examples, task metric and decoding defaults for `shared.export.pipeline.export_bundle`.

    The examples are the demo photos, never those of the data, which may not be passed on; without
    data there is no metric.
    """
    tokenizer = open_tokenizer(folder)
    photos = limited(load_folder(data, split), limit) if data else []

    def metric(generator: Generator) -> Mapping[str, float]:
        seen = (load_photo(photo.path, config) for photo in photos)
        return figures_of(generator, tokenizer, seen, [photo.captions for photo in photos])[0]

    return {
        "examples": [_example(tokenizer, load_photo(p, config)) for p in find_photos([PHOTOS])],
        "metric": metric if photos else None,
        "measured": f"{len(photos)} photos, {split}" if photos else "",
        "decoding": DECODING,
        "special_ids": {"pad": PAD, "unknown": UNKNOWN, "start": START, "end": END},
        "normalization": {
            "photo": f"upright RGB, what is transparent on white; {config.fit} to "
            f"{config.image_size} x {config.image_size}, bilinear with antialiasing, uint8; "
            "see apps/captioning/photos.py",
        },
    }


def _example(tokenizer: AnyTokenizer, photo: np.ndarray) -> Example:
    symbols = [START, *tokenizer.encode("a man is standing in the")][:6]
    return Example({"photo": photo[None]}, [{"symbol": np.array([s], np.int32)} for s in symbols])
