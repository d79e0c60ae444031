"""The command's part of handwriting: options in, engine, files out."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.handwriting.config import HandwritingConfig
from apps.handwriting.data import Source, load, read_lines
from apps.handwriting.drawing import check_pixels
from apps.handwriting.judge import Judge, error_rate_of, rapidocr
from apps.handwriting.lines import BIAS, DRAWS
from apps.handwriting.page import Layout
from apps.handwriting.phrases import PHRASES
from apps.handwriting.plotter import Plotter
from apps.handwriting.write import DPI, ENDINGS, Note, Writer
from apps.verbs.arguments import (
    add_fields,
    add_json,
    add_model_arguments,
    add_seed,
    chosen_fields,
    report,
)
from apps.verbs.progress import Progress
from shared.application import Trace, Verb
from shared.datasets.split import spread
from shared.decoding.mixture import PointOptions
from shared.errors import InputError, check_range
from shared.files import STDOUT, check_outputs, write_bytes
from shared.presets.open import Opened
from shared.readers import read_text
from shared.training import FitOptions


def _add_hand(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    told = default or "the model's, printed or any"
    parser.add_argument("--style", default=default, metavar="NAME|N", help="a hand: any, printed, "
                        f"cursive, mixed, printed-1, ...; default: {told}")  # fmt: skip
    parser.add_argument("--bias", type=float, default=BIAS, help="0 is as people write, more is "
                        "neater; default: %(default)s")  # fmt: skip


# --- write --------------------------------------------------------------------------------------


def _add_write(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("text", nargs="*", metavar="TEXT|FILE", help="what to write, or the one file it is in; "
        "- or nothing for standard input")  # fmt: skip
    add("-o", "--output", nargs="+", default=["note.svg"], metavar="FILE",
        help=f"one or several files, {', '.join(ENDINGS)}; of several pages -2, -3, ... are "
        "added; default: note.svg")  # fmt: skip
    add("--animate", metavar="FILE.svg", help="also an SVG that shows how it is written")
    _add_hand(parser)
    add("--like", metavar="FILE.json", help="own ink, in whose manner to go on; the style is "
        "then the likeliest one")  # fmt: skip
    add("--draws", type=int, default=DRAWS, help="how often a line is drawn until it is good, at "
        "most; default: %(default)s")  # fmt: skip
    add("--fallback", action="store_true", help="spell in ASCII what cannot be written otherwise")
    add_fields(parser, "size, page and pen", Layout())
    add_fields(parser, "a plotter, for .gcode", Plotter())
    add("--dpi", type=float, default=DPI, help="of a .png; default: %(default)s")
    add("--show-window", metavar="FILE.png", help="where the first line's window stood, and its "
        "mixtures")  # fmt: skip
    add_model_arguments(parser)
    add_seed(parser)
    add_json(parser)


def _write(args: argparse.Namespace) -> None:
    outputs: dict[str, Sequence[str]] = {}
    asked = [(path, ENDINGS) for path in args.output]
    for path, endings in [*asked, (args.animate, (".svg",)), (args.show_window, (".png",))]:
        if path in outputs:
            raise InputError(f"{path}: is asked for twice; name another file")
        outputs |= {path: endings} if path else {}
    if STDOUT in outputs:
        raise InputError(f"-: name a file, {', '.join(ENDINGS)}")
    check_outputs(outputs, [*args.text, *([args.like] if args.like else [])])
    check_range("dpi", args.dpi, 20, 1200)
    layout = Layout(**chosen_fields(args, Layout))
    plotter = Plotter(**chosen_fields(args, Plotter))
    text = read_words(args.text)
    if any(path.lower().endswith(".png") for path in args.output):
        check_pixels(*layout.extent(text), args.dpi)
    writer = Writer.from_preset(args.preset, backend=args.backend)
    note = writer.write(
        text,
        style=args.style,
        like=args.like,
        bias=args.bias,
        seed=args.seed,
        draws=args.draws,
        fallback=args.fallback,
        layout=layout,
    )
    files = [file for path in args.output for file in note.save(path, args.dpi, plotter)]
    if args.animate:
        files += note.animate(args.animate)
    if args.show_window:
        write_bytes(args.show_window, note.window)
        files.append(args.show_window)
    _report(args, writer.opened, note, files)


def read_words(words: Sequence[str]) -> str:
    """The text that the words are, or that of the one file that they name, or standard input.

    Raises:
        InputError: The file is not there, or is no text; or there are no words and no input.
    """
    if not words and sys.stdin.isatty():
        raise InputError("nothing to write; give a text, or a file with one")
    words = words or [STDOUT]
    if len(words) == 1:
        if words[0] == STDOUT or os.path.isfile(words[0]):  # False if it is too long for a name
            return read_text(words[0])
        if words[0].endswith(".txt") and not words[0].split()[1:]:
            raise InputError(f"{words[0]}: no such file; check the path")
    return " ".join(words)


def _report(args: argparse.Namespace, opened: Opened, note: Note, files: Sequence[str]) -> None:
    values = {
        **opened.header,
        "seed": note.seed,
        "style": note.style,
        "bias": args.bias,
        "lines": len(set(note.numbers)),
        "pages": len(note.pages),
        "points": sum(len(line.rows) for line in note.lines),
        "redrawn": note.redrawn,
        "problems": note.problems,
        "files": files,
    }
    remedy = ": another --seed or --style may help" if note.problems else ""
    report(args, values, f"{note.summary}{remedy}: {', '.join(files)}")


# --- sheets -------------------------------------------------------------------------------------


def _add_sheets(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("data", metavar="PATH", help="ink, as for training")
    add("-o", "--output", default="sheets", metavar="DIR", help="default: %(default)s")
    add("--split", default="all", help="train, valid, withheld or all; default: %(default)s")
    add("--by", choices=("contributor", "writer"), default="contributor",
        help="a sheet for each; default: %(default)s")  # fmt: skip
    add("--items", type=int, default=12, help="on a sheet; default: %(default)s")
    add("--lines", action="store_true", help="lines alone, no words")
    add("--points", action="store_true", help="show every point")
    add_fields(parser, "the resampling", HandwritingConfig(), ("arc", "turning"))
    add_seed(parser)
    add_json(parser)


def _sheets(args: argparse.Namespace) -> None:
    from apps.handwriting.sheets import grouped, sheet

    check_range("items", args.items, 1)
    check_outputs({str(Path(args.output) / "sheet.png"): ()})
    config = HandwritingConfig(**chosen_fields(args, HandwritingConfig))
    items = load(args.data, args.split, config.arc, config.turning)
    groups = grouped([item for item in items if not (args.lines and item.word)], args.by)
    rng = np.random.default_rng(args.seed)
    files = []
    for name, members in groups.items():
        chosen = rng.choice(len(members), min(args.items, len(members)), replace=False)
        path = Path(args.output) / f"{name}.png"
        write_bytes(path, sheet([members[k] for k in sorted(chosen)], name, args.points))
        files.append(str(path))
    counts = {name: len(members) for name, members in groups.items()}
    report(args, {"items": counts, "files": files}, f"{len(files)} sheets in {args.output}")


# --- evaluate, and its judges -------------------------------------------------------------------


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--judge", default="auto", metavar="NAME", help="what reads the writing: rapidocr, none, "
        "or the folder of a recognizer; default: rapidocr where it is installed")  # fmt: skip
    add("--phrases", action="store_true", help="write 96 phrases of our own, not the ink's texts")
    add("-n", "--lines", type=int, default=96, help="how many texts of the ink are written; "
        "default: %(default)s")  # fmt: skip
    add("--seeds", type=int, default=1, help="draws of each; default: %(default)s")
    _add_hand(parser, "any")


def _evaluate(args: argparse.Namespace, opened: Opened, source: Source) -> dict[str, Any]:
    from apps.handwriting.evaluate import figures_of, nats_of

    for name in ("lines", "seeds"):
        check_range(name, getattr(args, name), 1)
    PointOptions(bias=args.bias)
    judge = open_judge(args.judge)
    generator, config = opened.generator, opened.config
    style = config.style_id(args.style)
    items = spread(read_lines(source.data, args.split, config), args.limit)
    with Progress(len(items), 100) as progress:
        nats = nats_of(generator, config, items, style, progress)
    values: dict[str, Any] = {
        "n": len(items),
        **nats,
        "resampling": f"{config.arc:g}/{config.turning:g}",
    }
    if judge:
        chosen = spread(items, args.lines)
        texts = list(PHRASES) if args.phrases else [item.text for item in chosen]
        figures, _ = figures_of(generator, config, texts, judge, args.seeds, style, args.bias)
        values |= {**figures, "cer_real": error_rate_of(chosen, judge)}
        values |= {"bias": args.bias, "style": args.style, "written": len(texts) * args.seeds}
    return values


def open_judge(name: str) -> Judge | None:
    """RapidOCR, our own recognizer in a folder, or None for ``none`` and where there is none."""
    if name == "none":
        return None
    if name in ("auto", "rapidocr"):
        try:
            return rapidocr()
        except InputError as error:
            if name == "rapidocr":
                raise
            print(f"no character error rates: {error}", file=sys.stderr)
            return None
    from apps.handwriting.recognizer import own_judge  # which needs TensorFlow

    return own_judge(name)


def _add_recognizer(parser: argparse.ArgumentParser) -> None:
    from apps.handwriting.recognizer import FIT

    add = parser.add_argument
    add("--data", required=True, metavar="PATH", help="ink, as for training")
    add("-o", "--output", required=True, metavar="DIR", help="of the recognizer and its run")
    add("--units", type=int, default=80, help="of each LSTM; default: %(default)s")
    add("--points", type=int, default=9600, help="of a batch; default: %(default)s")
    add("--minutes", type=float, default=0.0, metavar="X", help="stop then, to go on later")
    add_fields(parser, "the training", FIT)
    add_seed(parser)
    add_json(parser)


def _recognizer(args: argparse.Namespace) -> None:
    from apps.handwriting.recognizer import FIT, train_on

    chosen = chosen_fields(args, FitOptions) | {"max_minutes": args.minutes, "seed": args.seed}
    options = dataclasses.replace(FIT, **chosen)
    n, rate = train_on(args.data, options, args.output, args.points, args.units)
    values = {"n": n, "cer_real": rate, "folder": args.output}
    report(args, values, f"cer_real {rate:.4f} on {n} lines; wrote {args.output}")


def _add_hands(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", required=True, metavar="PATH", help="ink, as for training")
    add("--bias", type=float, default=BIAS, help="default: %(default)s")
    add("--lines", type=int, default=4, help="of each hand; default: %(default)s")
    add("-o", "--output", metavar="FILE.png", help="a picture: for each hand a primer, and what "
        "followed")  # fmt: skip
    add_model_arguments(parser, backend="keras")
    add_seed(parser)
    add_json(parser)


def _hands(args: argparse.Namespace) -> None:
    from apps.handwriting.styles import measure, picture

    check_range("lines", args.lines, 1)
    check_outputs({args.output: (".png",)} if args.output else {})
    opened = Writer.from_preset(args.preset, backend=args.backend).opened
    values, rows = measure(opened, args.data, args.bias, args.lines, args.seed)
    if args.output:
        write_bytes(args.output, picture(rows))
    report(args, values, "\n".join(f"{name:20} {value}" for name, value in values.items()))


# --- inspect ------------------------------------------------------------------------------------


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="+", help="a line to write")
    _add_hand(parser)


def _inspect(args: argparse.Namespace, opened: Opened) -> Trace:
    from apps.handwriting.gates import trace

    style = args.style or opened.config.default_style
    return trace(opened, " ".join(args.text), style, args.bias, args.seed)


COMMANDS = {
    "write": Verb(_add_write, _write),
    "sheets": Verb(_add_sheets, _sheets),
    "recognizer": Verb(_add_recognizer, _recognizer),
    "hands": Verb(_add_hands, _hands),
    "evaluate": Verb(_add_evaluate, _evaluate),
    "inspect": Verb(_add_inspect, _inspect),
}
