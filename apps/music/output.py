"""What compose, continue and harmonize share: their options, and the files that they write."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from apps.music import score, sound
from apps.music.key import key_name
from apps.music.piece import VOICES, Piece
from apps.music.rules import RULES, choose_rules
from apps.verbs.arguments import add_json, add_model_arguments, add_seed, report
from shared.decoding import DecodingOptions
from shared.errors import InputError
from shared.files import write_bytes
from shared.presets.open import Opened

# What the shipped bundles name as their defaults, too.
DECODING: dict[str, Any] = {"strategy": "sample", "temperature": 0.9, "top_p": 0.95}


def add_decoding_arguments(parser: argparse.ArgumentParser) -> None:
    """How notes are chosen, for every verb that makes music."""
    parser.add_argument("--temperature", type=float, default=DECODING["temperature"],
                        help="below 1 is safer, above is bolder; default: %(default)s")  # fmt: skip
    parser.add_argument("--top-p", type=float, default=DECODING["top_p"],
                        help="of the likeliest notes only; default: %(default)s")  # fmt: skip
    parser.add_argument("--without", default="", metavar="RULES", help="leave out some of the "
                        f"rules, with commas: {', '.join(RULES)}")  # fmt: skip
    parser.add_argument("--no-rules", action="store_true", help="leave all of them out")


def add_output_arguments(parser: argparse.ArgumentParser, name: str = "chorale.mid") -> None:
    """Where music goes, and the model that makes it."""
    parser.add_argument("-o", "--output", nargs="+", default=[name], metavar="FILE",
                        help=f"one or several files; {ENDINGS}; default: {name}")  # fmt: skip
    parser.add_argument("--roll", metavar="FILE.png", help="a piano roll too")
    parser.add_argument("--tempo", type=int, default=84, help="quarters a minute")
    parser.add_argument("--soundfont", metavar="FILE.sf2", help="to play a .wav with; by default "
                        "the system's, if it has fluidsynth; 'none': a plain one")  # fmt: skip
    add_model_arguments(parser)
    add_seed(parser)
    add_json(parser)


def check_common(args: argparse.Namespace) -> tuple[DecodingOptions, tuple[str, ...]]:
    """Looks at all that can be wrong before the work; returns how to decode, and the rules.

    Raises:
        InputError: An option is out of range, or a file cannot be written under that name.
    """
    for path in args.output:
        check_ending(path)
    if args.roll and Path(args.roll).suffix.lower() != ".png":
        raise InputError(f"{args.roll}: a piano roll is a picture; call it FILE.png")
    sound.find_soundfont(args.soundfont)
    check_range("--tempo", args.tempo, 20, 300)
    options = DecodingOptions(
        strategy="sample", temperature=args.temperature, top_p=args.top_p, seed=args.seed
    )
    return options, choose_rules(args.without, args.no_rules)


def check_range(name: str, value: float, low: int, high: int) -> None:
    """Refuses what is not within the bounds, which are."""
    if not low <= value <= high:
        raise InputError(f"{name} must be {low} to {high}, not {value:g}")


def bars_in_words(bars: int) -> str:
    """Such as ``"8 bars"``."""
    return f"{bars} bar{'s' * (bars != 1)}"


Writer = Callable[[Piece, int], bytes]
WRITERS: dict[str, Writer] = {
    ".mid": score.midi,
    ".musicxml": lambda piece, tempo: score.musicxml(piece, tempo=tempo).encode(),
    ".svg": lambda piece, tempo: _picture(piece, tempo).encode(),
    ".png": lambda piece, tempo: score.render_png(_picture(piece, tempo)),
    ".wav": sound.wav,
}
ENDINGS = f"use {', '.join(WRITERS)}"


def _picture(piece: Piece, tempo: int) -> str:
    return score.render_svg(score.musicxml(piece, tempo=tempo))


def check_ending(path: str | Path) -> str:
    """The ending of a file that can be written.

    Raises:
        InputError: It is none of `WRITERS`.
    """
    ending = Path(path).suffix.lower()
    if ending not in WRITERS:
        raise InputError(f"{path}: cannot write {ending or 'a file without an ending'}; {ENDINGS}")
    return ending


def roll(piece: Piece, title: str = "") -> bytes:
    """The piano roll as a PNG."""
    from shared.plots import piano_roll

    bars = np.flatnonzero(piece.position == 0).tolist()
    return piano_roll(piece.pitches, piece.strikes, bars=bars, names=VOICES, title=title)


def finish(
    args: argparse.Namespace, opened: Opened, piece: Piece, words: str, **values: Any
) -> None:
    """Writes the files and reports; nothing is written unless all of it can be made."""
    write_all(piece, args.output, args.roll, args.tempo, args.soundfont)
    files = [*args.output, *([args.roll] if args.roll else [])]
    values = {
        "preset": opened.name,
        "backend": opened.backend,
        "precision": opened.precision,
        "seed": args.seed,
        "key": key_name(piece.tonic, piece.mode) if piece.tonic >= 0 else None,
        "tempo": args.tempo,
        **values,
        "files": files,
        "pitches": piece.pitches.tolist(),
    }
    report(args, values, f"{words}, seed {args.seed}: {', '.join(files)}")


def write_all(
    piece: Piece, paths: Sequence[str], roll_path: str | None, tempo: int, soundfont: str | None
) -> None:
    """Writes a piece in every form that the endings ask for."""
    writers: dict[str, Writer] = {**WRITERS, ".wav": partial(sound.wav, soundfont=soundfont)}
    files = {path: writers[check_ending(path)](piece, tempo) for path in paths}
    if roll_path:
        files[roll_path] = roll(piece)
    for path, content in files.items():
        write_bytes(path, content)
