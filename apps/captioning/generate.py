"""Caption photos: ``lstm-suite caption``. Needs neither Keras nor TensorFlow."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.captioning.caption import DECODING, Caption, as_json, caption
from apps.captioning.config import CaptioningConfig
from apps.captioning.output import table
from apps.captioning.photos import find_photos, load_photo, open_photo
from apps.captioning.words import AnyTokenizer, open_tokenizer
from apps.verbs.arguments import (
    add_beam_arguments,
    add_json,
    add_model_arguments,
    beam_options,
    report,
)
from apps.verbs.progress import Progress
from shared.application import Sample
from shared.decoding import DecodingOptions
from shared.errors import InputError
from shared.files import write_bytes, write_text
from shared.generator import Generator
from shared.presets.open import Opened, open_preset
from shared.presets.store import config_from_json

Config = CaptioningConfig


def build_model(config: dict[str, Any]) -> Any:
    """The Keras model of a preset's configuration; imports TensorFlow."""
    from apps.captioning.model import CaptioningModel

    return CaptioningModel(config_from_json(CaptioningConfig, config, "config.json"))


def open_captioning(args: argparse.Namespace) -> tuple[Opened, CaptioningConfig, AnyTokenizer]:
    """The model that ``--preset`` and ``--backend`` name, its configuration and its tokenizer."""
    opened = open_preset("captioning", args.preset, args.backend, build_model)
    config = config_from_json(CaptioningConfig, opened.config, opened.name)
    return opened, config, open_tokenizer(opened.folder)


def caption_photos(
    generator: Generator,
    config: CaptioningConfig,
    tokenizer: AnyTokenizer,
    paths: Sequence[Path],
    options: DecodingOptions,
    progress: Callable[[int], None] = lambda count: None,
) -> tuple[dict[Path, list[Caption]], dict[Path, str]]:
    """Captions photo files.

    Args:
        generator: A captioning model on any backend.
        config: The model's.
        tokenizer: The model's.
        paths: The files.
        options: How to decode.
        progress: As for `apps.captioning.caption.caption`.

    Returns:
        The captions of each file, best first; and of each that cannot be read, why.
    """
    good: list[Path] = []
    bad: dict[Path, str] = {}

    def photos() -> Iterator[np.ndarray]:
        for path in paths:
            try:
                photo = load_photo(path, config)
            except InputError as error:
                bad[path] = str(error)
                progress(1)
            else:
                good.append(path)
                yield photo

    found = list(caption(generator, tokenizer, photos(), options, progress))
    return dict(zip(good, found, strict=True)), bad


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``caption``."""
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="a file, or a folder of them, "
                        "with all that is in its folders")  # fmt: skip
    parser.add_argument("-o", "--output", metavar="FILE", help="write the captions there")
    parser.add_argument("--n-best", type=int, default=1, metavar="N",
                        help="captions of each photo; default: %(default)s")  # fmt: skip
    parser.add_argument("--csv", action="store_true",
                        help="as a table: photo, rank, caption, score")  # fmt: skip
    parser.add_argument("--attention", metavar="FILE.png",
                        help="of one photo: where the model looked at each word")  # fmt: skip
    add_beam_arguments(parser, DECODING, "tokens")
    add_model_arguments(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite caption``.

    Raises:
        InputError: The options contradict each other, or, once the others are done, photos could
            not be read.
    """
    if args.csv and args.json:
        raise InputError("--csv and --json exclude each other; choose one")
    if args.attention and Path(args.attention).suffix.lower() != ".png":
        raise InputError(f"{args.attention}: an attention map is a picture; call it FILE.png")
    options = beam_options(args, DECODING, args.n_best)
    paths = find_photos(args.photos)
    if args.attention and len(paths) > 1:
        raise InputError(f"--attention takes one photo, not {len(paths)}; name one")
    opened, config, tokenizer = open_captioning(args)
    with Progress(len(paths), 5) as progress:
        found, bad = caption_photos(opened.generator, config, tokenizer, paths, options, progress)
    if args.attention and found:
        write_bytes(args.attention, attention_picture(paths[0], found[paths[0]][0], config))
    words = _table(found) if args.csv else _lines(found, args.n_best, len(paths) > 1)
    if args.output and found:
        write_text(args.output, f"{words}\n")
        words = f"wrote {args.output}: captions of {len(found)} photos"
    values = {
        "preset": opened.name,
        "backend": opened.backend,
        "precision": opened.precision,
        "photos": [
            {"photo": str(path), "caption": best[0].text, "n_best": [as_json(c) for c in best]}
            for path, best in found.items()
        ],
        "failed": [{"photo": str(path), "error": error} for path, error in bad.items()],
    }
    if found or args.json:
        report(args, values, words)
    if bad:
        why = list(bad.values())
        reasons = "; ".join([*why[:3], *["and more"] * (len(why) > 3)])
        raise InputError(reasons if len(paths) == 1 else
                         f"{len(bad)} of {len(paths)} photos left out: {reasons}")  # fmt: skip


def _lines(found: dict[Path, list[Caption]], n_best: int, named: bool) -> str:
    """A line for each caption: the photo's name if there are several, the score if there are."""
    lines = []
    for path, captions in found.items():
        for one in captions:
            name = [str(path)] if named else []
            score = [f"{one.score:8.3f}"] if n_best > 1 else []
            lines.append("  ".join([*name, *score, one.text]))
    return "\n".join(lines)


def _table(found: dict[Path, list[Caption]]) -> str:
    rows = [
        {"photo": str(path), "rank": rank, "caption": one.text, "score": round(one.score, 4)}
        for path, captions in found.items()
        for rank, one in enumerate(captions, 1)
    ]
    return table(rows, ("photo", "rank", "caption", "score"))


def attention_picture(path: str | Path, found: Caption, config: CaptioningConfig) -> bytes:
    """The photo, once for each word with its attention laid over, as a PNG.

    A photo that was squashed for the model has its own shape again, and so has the attention; of a
    padded one the square is shown.
    """
    from shared.plots import photo_attention

    if config.fit == "squash":
        photo = open_photo(path)
        photo.thumbnail((448, 448))
        shown = np.asarray(photo)
    else:
        shown = load_photo(path, config)
    return photo_attention(shown, found.words, found.attention, title=found.text)


def demo(folder: Path, seed: int) -> list[Sample]:
    """The samples of ``lstm-suite demo``."""
    from apps.captioning.demo import samples

    return samples(folder, seed)
