"""``lstm-suite caption``, and captioning's part of ``evaluate`` and ``inspect``."""

from __future__ import annotations

import argparse
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from apps.captioning import unfamiliar
from apps.captioning.caption import DECODING, Caption, Captioner
from apps.captioning.data import Source, read_photos
from apps.captioning.evaluate import figures_of, meteor_of
from apps.captioning.familiarity import TRAINING_PHOTOS, fit, grids_of
from apps.captioning.metadata import has_caption, write_caption
from apps.captioning.photos import PhotoLike, find_photos, load_photo, open_photo
from apps.captioning.words import start_of
from apps.verbs.arguments import (
    add_beam_arguments,
    add_json,
    add_model_arguments,
    chosen_beam,
    report,
)
from apps.verbs.lines import Lines
from apps.verbs.progress import Progress
from shared.application import Trace, Verb
from shared.calibration import Calibration
from shared.datasets.split import spread
from shared.decoding import beam_options
from shared.errors import InputError
from shared.files import STDOUT, check_outputs, write_bytes, write_text
from shared.presets.open import Opened
from shared.readers import read_text
from shared.text import START

SIDECAR = ".txt"  # takes the place of the photo's own ending, as most tools have it


def add_caption_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``caption``."""
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="a file, or a folder whose "
                        "photos are all captioned, those in its folders too")  # fmt: skip
    parser.add_argument("-o", "--output", metavar="FILE", help="write the captions to a file")
    parser.add_argument(
        "--to",
        metavar="LANGUAGE",
        help="language of the captions, such as de; default: the model's first",
    )
    parser.add_argument("--sidecar", action="store_true", help="write each photo's captions "
                        "beside it, too: photo.jpg's to photo.txt")  # fmt: skip
    parser.add_argument("--write-metadata", action="store_true", help="write each caption into "
                        "the photo's own metadata, too: EXIF, IPTC and XMP")  # fmt: skip
    parser.add_argument("--resume", action="store_true",
                        help="pass over photos that have their caption already")  # fmt: skip
    parser.add_argument("--n-best", type=int, default=1, metavar="N",
                        help="captions of each photo; default: %(default)s")  # fmt: skip
    parser.add_argument("--csv", action="store_true",
                        help="write a table: photo, rank, caption, score, confidence")  # fmt: skip
    parser.add_argument("--attention", metavar="FILE.png",
                        help="of one photo: where the model looked at each word")  # fmt: skip
    add_beam_arguments(parser, DECODING, "tokens")
    add_model_arguments(parser)
    add_json(parser)


def run_caption(args: argparse.Namespace) -> None:
    """``lstm-suite caption``.

    Raises:
        InputError: The options contradict each other; or photos could not be read, which is
            reported after the others are captioned.
    """
    if args.csv and args.json:
        raise InputError("--csv and --json exclude each other; choose one")
    options = chosen_beam(args)
    beam_options(DECODING, options)  # refuses what is out of range before anything is opened
    paths = find_photos(args.photos)
    if args.attention and len(paths) > 1:
        raise InputError(f"--attention takes one photo, not {len(paths)}; name one")
    pictures = {args.attention: (".png",)} if args.attention else {}
    check_outputs({**pictures, **({args.output: ()} if args.output else {})}, paths)
    beside = args.sidecar or args.write_metadata
    named = not args.json and len(paths) > 1
    if args.resume and not (named if args.output else beside):
        raise InputError(
            "--resume goes on with --sidecar, --write-metadata, or --output FILE of several photos "
            "without --json"
        )
    captioner = Captioner.from_preset(args.preset, backend=args.backend)
    out = Lines(None if args.output == STDOUT else args.output, args.resume)
    done = _photos_done(paths, out.kept, args) if args.resume else set()
    found: dict[Path, Caption] = {}
    failed: dict[Path, str] = {}
    with ExitStack() as stack, Progress(len(paths), 5) as progress:
        left = [path for path in paths if path not in done]
        progress(len(paths) - len(left))
        asked = {**options, "to": args.to}
        for path, one in caption_files(captioner, left, asked, failed, progress):
            if not found:  # a first caption: what is in the output is worth replacing
                stack.enter_context(out)
                if args.csv and not out.kept:
                    out.write([",".join(_COLUMNS)])
            try:
                _keep(path, one, args)
            except InputError as error:
                failed[path] = str(error)
                continue
            except OSError as error:
                failed[path] = f"{error.filename}: {error.strerror}"
                continue
            found[path] = one
            if args.output or not args.json:
                out.write(_lines(path, one, args, len(paths) > 1))
    if args.attention and found:
        picture = captioner.attention_picture(paths[0], found[paths[0]])
        write_bytes(args.attention, picture)
    if args.json or (found and args.output and args.output != STDOUT):
        values = _values(captioner.opened, args.to, found, failed)
        report(args, values, f"wrote {args.output}: captions of {len(found)} photos")
    if failed:
        reasons = "; ".join([*list(failed.values())[:3], *["and more"] * (len(failed) > 3)])
        raise InputError(
            reasons
            if len(paths) == 1
            else f"{len(failed)} of {len(paths)} photos left out: {reasons}"
        )


def caption_files(
    captioner: Captioner,
    paths: Sequence[Path],
    options: Mapping[str, Any],
    failed: dict[Path, str],
    progress: Progress,
) -> Iterator[tuple[Path, Caption]]:
    """Captions files one after another; ``failed`` gets the reason for each that cannot be read."""
    good: list[Path] = []

    def photos() -> Iterator[Image.Image]:
        for path in paths:
            try:
                photo = open_photo(path)
            except InputError as error:
                failed[path] = str(error)
                progress(1)
            else:
                good.append(path)
                yield photo

    for number, one in enumerate(captioner.each(photos(), **options)):
        yield good[number], one
        progress(1)


def _values(
    opened: Opened,
    language: str | None,
    found: Mapping[Path, Caption],
    failed: Mapping[Path, str],
) -> dict[str, Any]:
    return {
        **opened.header,
        **({"language": language} if language else {}),
        "photos": [
            {
                "photo": str(path),
                "caption": one.text,
                "confidence": one.confidence,
                "doubtful": one.doubtful,
                "n_best": [other.to_json() for other in one.n_best],
            }
            for path, one in found.items()
        ],
        "failed": [{"photo": str(path), "error": error} for path, error in failed.items()],
    }


_COLUMNS = ("photo", "rank", "caption", "score", "confidence")


def _lines(path: Path, best: Caption, args: argparse.Namespace, named: bool) -> list[str]:
    """A line for each caption of a photo: a row, or its name and score where there are several."""
    lines = []
    for rank, one in enumerate(best.n_best, 1):
        if args.csv:
            sure = "" if one.confidence is None else round(one.confidence, 4)
            values = path, rank, one.text, round(one.score, 4), sure
            row = dict(zip(_COLUMNS, values, strict=True))
            lines.append(table([row], _COLUMNS).split("\n", 1)[1])
            continue
        name = [str(path)] if named else []
        score = [f"{one.score:8.3f}"] if args.n_best > 1 else []
        lines.append("  ".join([*name, *score, one.said]))
    return lines


def _keep(path: Path, best: Caption, args: argparse.Namespace) -> None:
    """Writes the captions of a photo to where they are kept with it, if that was asked for."""
    if args.sidecar:
        beside = path.with_suffix(SIDECAR)
        text = "".join(f"{one.said}\n" for one in best.n_best)
        if beside.exists() and read_text(beside) != text:
            raise InputError(f"{beside}: is there and says something else; move it away first")
        write_text(beside, text)
    if args.write_metadata:
        write_caption(path, best.said)


def _photos_done(
    paths: Sequence[Path], lines: Sequence[str], args: argparse.Namespace
) -> set[Path]:
    """The photos whose captions are where they belong, to go on with the others."""
    if args.output and args.csv:
        names = {row[0] for row in csv.reader(lines) if row}
        return {path for path in paths if str(path) in names}
    if args.output:
        begun = {line[: gap.start()] for line in lines for gap in re.finditer("  ", line)}
        return {path for path in paths if str(path) in begun}
    return {
        path
        for path in paths
        if (not args.sidecar or path.with_suffix(SIDECAR).exists())
        and (not args.write_metadata or has_caption(path))
    }


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().removesuffix("\n")


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate captioning`` beside those of every application."""
    parser.add_argument("-o", "--output", metavar="FILE", help="write the captions there, as CSV")
    parser.add_argument("--to", metavar="LANGUAGE", help="language of --captions, such as de; "
                        "default: the model's first")  # fmt: skip
    add_beam_arguments(parser, DECODING, "tokens")


def evaluate(args: argparse.Namespace, opened: Opened, source: Source) -> dict[str, Any]:
    """``lstm-suite evaluate captioning``: the figures, ``n`` first."""
    options = beam_options(DECODING, chosen_beam(args))
    if args.to and source.data:
        raise InputError("--to needs captions in that language: --images and --captions")
    start = start_of(opened.tokenizer, args.to)
    # Few splits have captions of all photos in two languages.
    photos = spread(read_photos(source, args.split, partly=bool(args.to)), args.limit)
    references = [photo.captions for photo in photos]
    with Progress(len(photos), 5) as progress:
        figures, found = figures_of(
            opened.generator,
            opened.tokenizer,
            (load_photo(photo.path, opened.config) for photo in photos),
            references,
            options,
            progress,
            start,
        )
    if args.output:
        rows = [
            {"image": photo.path.name, "caption": one.text, "score": round(one.score, 4)}
            for photo, one in zip(photos, found, strict=True)
        ]
        write_text(args.output, table(rows, ("image", "caption", "score")) + "\n")
    language = args.to or opened.config.languages[0]
    judged = meteor_of(found, references) if language == "en" else None
    return {
        "n": len(photos),
        **({"language": language} if args.to else {}),
        **figures,
        **({} if judged is None else {"meteor": judged}),
    }


def add_calibrate_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``calibrate captioning`` beside those of every application."""


def calibrate(args: argparse.Namespace, opened: Opened, source: Source) -> Calibration:
    """``lstm-suite calibrate captioning``: on photos of its data and on unfamiliar pictures."""
    training = spread(read_photos(source, "train"), args.limit or TRAINING_PHOTOS)
    known = spread(read_photos(source, args.split), args.limit)
    kinds, drawn = zip(*unfamiliar.pictures(), strict=True)
    with Progress(len(training) + len(known) + len(drawn), 20) as progress:

        def grids(photos: Iterable[PhotoLike]) -> np.ndarray:
            squares = (load_photo(photo, opened.config) for photo in photos)
            return grids_of(opened.generator, squares, progress)

        return fit(
            grids(photo.path for photo in training),
            grids(photo.path for photo in known),
            grids(drawn),
            kinds,
        )


def add_inspect_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``inspect captioning`` beside those of every application."""
    parser.add_argument("photo", metavar="PHOTO", help="a file")
    parser.add_argument("--attention", metavar="FILE.png",
                        help="where the model looked at each word")  # fmt: skip


def trace(args: argparse.Namespace, opened: Opened) -> Trace:
    """``lstm-suite inspect captioning``: the decoder's gates while it writes the caption."""
    import tensorflow as tf

    if args.attention:
        check_outputs({args.attention: (".png",)}, [args.photo])
    photo = load_photo(args.photo, opened.config)
    found = Captioner(opened)(photo)
    if args.attention:
        write_bytes(args.attention, Captioner(opened).attention_picture(args.photo, found))
    symbols = [START, *opened.tokenizer.encode(found.plain)]
    model = opened.generator.model  # type: ignore[attr-defined]
    features = model.backbone.first(tf.constant(photo[None], tf.float32))
    layers = model.gates(features, tf.constant([symbols]))
    return Trace(
        [gates[0].numpy() for gates in layers],
        title=found.said,
        labels=opened.tokenizer.pieces(symbols),
        text=found.said,
        values={"caption": found.text, "confidence": found.confidence},
    )


COMMANDS = {
    "caption": Verb(add_caption_arguments, run_caption),
    "evaluate": Verb(add_evaluate_arguments, evaluate),
    "calibrate": Verb(add_calibrate_arguments, calibrate),
    "inspect": Verb(add_inspect_arguments, trace),
}
