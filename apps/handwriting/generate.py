"""Write a text by hand: ``lstm-suite write``. Needs neither Keras nor TensorFlow."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.handwriting import drawing
from apps.handwriting.config import HandwritingConfig
from apps.handwriting.data import read_own
from apps.handwriting.ink import Ink, Stroke, strokes_json, symbols
from apps.handwriting.page import PAGES, PAPERS, SPACING, Layout, Page, break_text, place
from apps.handwriting.write import BIAS as BIAS
from apps.handwriting.write import DRAWS, Line, transliterate, write_text
from apps.handwriting.write import condition as condition
from apps.verbs.arguments import add_json, add_model_arguments, add_seed, report
from shared.application import Sample
from shared.decoding.mixture import PointOptions
from shared.errors import InputError
from shared.files import write_bytes
from shared.presets.open import Opened, open_preset
from shared.presets.store import config_from_json

Config = HandwritingConfig
ENDINGS = (".svg", ".png", ".json")
_PRIMER = 60  # characters of own ink that are read first, at most


def open_handwriting(args: argparse.Namespace) -> tuple[Opened, HandwritingConfig]:
    """The preset and backend that the arguments name."""
    opened = open_preset("handwriting", args.preset, args.backend, build_model)
    return opened, config_from_json(HandwritingConfig, opened.config, opened.name)


def build_model(config: dict[str, Any]) -> Any:
    """The Keras model; imports TensorFlow."""
    from apps.handwriting.model import HandwritingModel

    return HandwritingModel(config_from_json(HandwritingConfig, config, "config.json"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``write``."""
    add = parser.add_argument
    add("text", nargs="+", metavar="TEXT|FILE", help="what to write, or the one file it is in; "
        "- is standard input")  # fmt: skip
    add("-o", "--output", nargs="+", default=["note.svg"], metavar="FILE",
        help=f"one or several files, {', '.join(ENDINGS)}; of several pages -2, -3, ... are "
        "added; default: note.svg")  # fmt: skip
    add("--animate", metavar="FILE.svg", help="an SVG that is written before one's eyes, too")
    add("--style", metavar="NAME|N", help="a hand: any, printed, cursive, mixed, printed-1, ...; "
        "default: any, and with --like the hand that is most like it")  # fmt: skip
    add("--like", metavar="FILE.json", help="own ink, whose manner to go on in")
    add("--bias", type=float, default=BIAS, help="0 is as people write, more is neater; "
        "default: %(default)s")  # fmt: skip
    add("--draws", type=int, default=DRAWS, help="of a line until it is good, at most; "
        "default: %(default)s")  # fmt: skip
    add("--fallback", action="store_true", help="write accented letters and other signs as ASCII "
        "has them")  # fmt: skip
    add_layout_arguments(parser)
    add("--show-window", metavar="FILE.png", help="where the first line's window stood, and its "
        "mixtures")  # fmt: skip
    add_model_arguments(parser)
    add_seed(parser)
    add_json(parser)


def add_layout_arguments(parser: argparse.ArgumentParser) -> None:
    """Size, page and pen."""
    add = parser.add_argument
    add("--size", type=float, default=2.5, help="x-height in millimeters; default: %(default)s")
    add("--page", choices=PAGES, default="none", help="default: as large as the ink")
    add("--margin", type=float, default=20.0, help="of the page in mm; default: %(default)s")
    add("--spacing", type=float, default=SPACING, help="of lines in x-heights; %(default)s")
    add("--paper", choices=PAPERS, default="none", help="default: %(default)s")
    add("--ink", default=drawing.INK, metavar="COLOR", help="default: %(default)s")
    add("--pen", type=float, default=0.35, help="its width in millimeters; default: %(default)s")
    add("--width", choices=drawing.WIDTHS, default="constant", help="of the line: the same, or "
        "thinner where the pen is faster; default: %(default)s")  # fmt: skip
    add("--dpi", type=float, default=150, help="of a .png; default: %(default)s")


def run(args: argparse.Namespace) -> None:
    """``lstm-suite write``."""
    layout = _check(args)
    text = read_text(args.text)
    lines = break_text(transliterate(text) if args.fallback else text, layout.characters)
    for line in lines:
        symbols(line)
    if not any(lines):
        raise InputError("nothing to write; give a text, or a file with one")
    opened, config = open_handwriting(args)
    if longest := [line for line in lines if len(line) > config.length]:
        raise InputError(f"{longest[0][:20]!r}...: this model writes {config.length} characters")
    style = config.style_id(args.style) if args.style else None
    primer = read_primer(args.like, config) if args.like else None
    if primer:
        room = config.length - len(primer.text) - 1
        lines = break_text("\n".join(lines), min(layout.characters, room))
    written, style = write_text(
        opened.generator,
        config,
        [line for line in lines if line],
        style,
        args.bias,
        args.seed,
        primer,
        args.draws,
    )
    made = iter(written)
    rows = [next(made).rows if line else None for line in lines]
    pages = place(rows, layout)
    files = _files(args, pages, [line for line in lines if line])
    if args.show_window:
        files[args.show_window] = _picture(written[0], primer)
    for path, content in files.items():
        write_bytes(path, content)
    _report(args, opened, config.style_names[style], written, pages, list(files))


def _check(args: argparse.Namespace) -> Layout:
    """Looks at all that can be wrong before the work."""
    for path in args.output:
        if Path(path).suffix.lower() not in ENDINGS:
            raise InputError(f"{path}: cannot write this; use {', '.join(ENDINGS)}")
    for path, ending in ((args.animate, ".svg"), (args.show_window, ".png")):
        if path and Path(path).suffix.lower() != ending:
            raise InputError(f"{path}: it will be a {ending}; call it so")
    PointOptions(bias=args.bias)
    drawing.check_color(args.ink)
    for name, low, high in (("draws", 1, 100), ("pen", 0.01, 10.0), ("dpi", 20, 1200)):
        if not low <= getattr(args, name) <= high:
            raise InputError(f"--{name} must be {low} to {high}, not {getattr(args, name):g}")
    if args.seed < 0:
        raise InputError(f"--seed must be 0 or more, not {args.seed}")
    return Layout(args.size, args.page, args.margin, args.spacing, args.paper)


def read_text(words: Sequence[str]) -> str:
    """The text that the words are, or the one file that they name.

    Raises:
        InputError: The file is no text.
    """
    if len(words) == 1 and words[0] == "-":
        return sys.stdin.read()
    if len(words) == 1 and len(words[0]) < 256 and "\n" not in words[0]:
        path = Path(words[0])
        if path.is_file():
            try:
                return path.read_text(encoding="utf-8-sig")
            except UnicodeDecodeError as error:
                raise InputError(f"{path}: not UTF-8 text, at byte {error.start}") from error
        if path.suffix == ".txt" and " " not in words[0]:
            raise InputError(f"{path}: no such file; check the path")
    return " ".join(words)


def read_primer(path: str | Path, config: HandwritingConfig) -> Ink:
    """Own ink from a JSON file, as a primer: its first sample, or the first that is short enough.

    Raises:
        InputError: The file is bad, or all of it is too long.
    """
    items = read_own(path, config.arc, config.turning)
    room = min(_PRIMER, config.length // 2)
    short = [item for item in items if len(item.text) <= room]
    if not short:
        raise InputError(f"{path}: give a sample of at most {room} characters")
    return max(short, key=lambda item: len(item.text))


def _files(args: argparse.Namespace, pages: Sequence[Page], texts: list[str]) -> dict[str, bytes]:
    """The content of every file, by path."""
    files = {}
    for number, page in enumerate(pages):
        picture = drawing.svg(page, args.ink, args.pen, args.width)
        for path in args.output:
            ending = Path(path).suffix.lower()
            if ending == ".json":
                continue
            content = picture.encode() if ending == ".svg" else drawing.png(picture, args.dpi)
            files[numbered(path, number)] = content
        if args.animate:
            moving = drawing.moving_svg(page, args.ink, args.pen)
            files[numbered(args.animate, number)] = moving.encode()
    for path in args.output:
        if Path(path).suffix.lower() == ".json":
            files[path] = _json(pages, texts)
    return files


def _json(pages: Sequence[Page], texts: Sequence[str]) -> bytes:
    """The strokes of every line in millimeters, y down."""
    parts: list[list[Stroke]] = []
    for page in pages:
        for before, end in zip([0, *page.lines], page.lines, strict=False):
            if end > before:
                parts.append([stroke * [1.0, -1.0] for stroke in page.strokes[before:end]])
    return json.dumps(strokes_json(list(zip(texts, parts, strict=True)), digits=3)).encode() + b"\n"


def numbered(path: str, number: int) -> str:
    """``note.svg``, ``note-2.svg``, ..."""
    place_ = Path(path)
    return path if not number else str(place_.with_stem(f"{place_.stem}-{number + 1}"))


def _picture(line: Line, primer: Ink | None) -> bytes:
    from apps.handwriting.pictures import window

    offset = len(primer.text) + 1 if primer else 0
    return window(line, offset)


def _report(
    args: argparse.Namespace,
    opened: Opened,
    style: str,
    written: Sequence[Line],
    pages: Sequence[Page],
    files: list[str],
) -> None:
    again = sum(line.draws - 1 for line in written)
    bad = {line.text: list(line.problems) for line in written if line.problems}
    values = {
        "preset": opened.name,
        "backend": opened.backend,
        "precision": opened.precision,
        "seed": args.seed,
        "style": style,
        "bias": args.bias,
        "lines": len(written),
        "pages": len(pages),
        "points": int(np.sum([len(line.rows) for line in written])),
        "redrawn": again,
        "problems": bad,
        "files": files,
    }
    words = f"{len(written)} line{'s' * (len(written) != 1)}"
    note = f", {again} drawn again" if again else ""
    if bad:
        note += f", {len(bad)} still not good: another --seed or --style may help"
    report(args, values, f"{words}, seed {args.seed}{note}: {', '.join(files)}")


def demo(folder: Path, seed: int) -> list[Sample]:
    """The app's part of ``lstm-suite demo``: files in the folder, and what to say of them."""
    from apps.handwriting.demo import samples  # which imports this module

    return samples(folder, seed)
