"""The verbs of music: compose, continue, harmonize; its part of evaluate and inspect."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from apps.music.compare import FIGURES, KEYS, Copies, generate, measure, table
from apps.music.compose import RENDERERS, Composer, Composition, Sampling, ending_of
from apps.music.corpus import read_score
from apps.music.data import Source
from apps.music.decoding import DECODING
from apps.music.grade import FEATURES, Grader
from apps.music.piece import Piece
from apps.music.planning import MAX_BARS, METRES, UPBEATS, plan
from apps.music.quiz import EACH, write_quiz
from apps.music.rules import RULES, choose_rules
from apps.music.score import TEMPO, musicxml
from apps.music.sound import find_soundfont
from apps.verbs import evaluate as evaluate_verb
from apps.verbs.arguments import add_json, add_model_arguments, add_seed, report
from shared.application import Trace, Verb
from shared.datasets.split import spread
from shared.errors import check_range
from shared.files import check_outputs, write_bytes, write_text
from shared.presets.open import Opened

# --- what makes music -----------------------------------------------------------------------


def add_compose(parser: argparse.ArgumentParser) -> None:
    """The options of ``compose``."""
    parser.add_argument("--bars", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--key", default="G major", help="such as 'Bb major' or 'F# minor'; "
                        "default: %(default)s")  # fmt: skip
    parser.add_argument("--metre", choices=METRES, default="4/4", help="default: %(default)s")
    parser.add_argument("--upbeat", type=int, metavar="N", help="quarters before the first bar "
                        "line, which the last bar then lacks; default: 1, in 3/4 time 0"
                        )  # fmt: skip
    parser.add_argument("--phrase", type=int, metavar="N", help="bars before a fermata; default: "
                        "2, in 3/4 time 4")  # fmt: skip
    _add_common(parser, "chorale.mid")


def compose(args: argparse.Namespace) -> None:
    """``lstm-suite compose``."""
    composer, sampling = _begin(args)
    made = composer.compose(
        key=args.key,
        bars=args.bars,
        metre=args.metre,
        upbeat=args.upbeat,
        phrase=args.phrase,
        seed=args.seed,
        sampling=sampling,
    )
    _finish(args, composer.opened, made, bars_in_words(args.bars), bars=args.bars)


def add_continue(parser: argparse.ArgumentParser) -> None:
    """The options of ``continue``."""
    parser.add_argument("primer", metavar="PRIMER", help="four parts: MIDI, MusicXML or ABC")
    parser.add_argument("--bars", type=int, default=8, help="bars to add; default: %(default)s")
    parser.add_argument("--primer-bars", type=int, metavar="N", help="begin with the first N only")
    parser.add_argument("--key", help="such as 'Bb major'; default: the primer's, or estimated")
    parser.add_argument("--phrase", type=int, default=2, metavar="N",
                        help="bars before a fermata; default: %(default)s")  # fmt: skip
    _add_common(parser, "continued.mid")


def prolong(args: argparse.Namespace) -> None:
    """``lstm-suite continue``."""
    composer, sampling = _begin(args, args.primer)
    made = composer.prolong(
        args.primer,
        args.bars,
        primer_bars=args.primer_bars,
        key=args.key,
        phrase=args.phrase,
        seed=args.seed,
        sampling=sampling,
    )
    words = f"{bars_in_words(args.bars)} after the {made.primer_steps} 16ths of {args.primer}"
    words += f", in {made.key}" if made.key else ""
    _finish(args, composer.opened, made, words, bars=args.bars, primer_steps=made.primer_steps)


def add_harmonize(parser: argparse.ArgumentParser) -> None:
    """The options of ``harmonize``."""
    parser.add_argument("melody", metavar="MELODY", help="MIDI, MusicXML or ABC; the highest "
                        "notes of a part count")  # fmt: skip
    parser.add_argument("--part", metavar="N|NAME", help="the part that is the melody; default: "
                        "one whose name says so, else the first that is not low")  # fmt: skip
    parser.add_argument("--keep", nargs="+", metavar="WHAT", help="of a file in four parts, beside "
                        "the soprano: alto, tenor, bass, or bars 1-4 9; the rest is found anew"
                        )  # fmt: skip
    parser.add_argument("--key", help="such as 'Bb major'; default: the file's, or estimated")
    parser.add_argument("--phrase", type=int, metavar="N", help="bars before a fermata; default: "
                        "as the file says, else guessed and not printed")  # fmt: skip
    _add_common(parser, "harmonized.mid")


def harmonize(args: argparse.Namespace) -> None:
    """``lstm-suite harmonize``."""
    composer, sampling = _begin(args, args.melody)
    made = composer.harmonize(
        args.melody,
        part=args.part,
        keep=" ".join(args.keep) if args.keep else None,
        key=args.key,
        phrase=args.phrase,
        seed=args.seed,
        sampling=sampling,
    )
    words = f"{args.melody} in {made.key}" if made.key else args.melody
    if made.octaves:
        way = "up" if made.octaves > 0 else "down"
        count = abs(made.octaves)
        words += f", moved {count} octave{'s' * (count > 1)} {way} for the soprano"
    _finish(args, composer.opened, made, words, octaves=made.octaves)


def _add_common(parser: argparse.ArgumentParser, name: str) -> None:
    """How notes are drawn, where music goes, and the model that makes it."""
    parser.add_argument("--chords", default="", metavar="NUMERALS", help="a wish: 'I IV V7 I' for "
                        "the first beats of bars, - is free, or 'I IV | V' with bar lines"
                        )  # fmt: skip
    parser.add_argument("--n-best", type=int, default=1, metavar="N", help="draw so many and write "
                        "all, the likeliest first; default: %(default)s")  # fmt: skip
    parser.add_argument("--temperature", type=float, default=DECODING["temperature"],
                        help="below 1 is safer, above is bolder; default: %(default)s")  # fmt: skip
    parser.add_argument("--top-p", type=float, default=DECODING["top_p"],
                        help="of the likeliest notes only; default: %(default)s")  # fmt: skip
    parser.add_argument("--without", default="", metavar="RULES", help="leave out some of the "
                        f"rules, with commas: {', '.join(RULES)}")  # fmt: skip
    parser.add_argument("--no-rules", action="store_true", help="leave all of them out")
    parser.add_argument("-o", "--output", nargs="+", default=[name], metavar="FILE",
                        help=f"one or several files; use {', '.join(RENDERERS)}; default: {name}"
                        )  # fmt: skip
    parser.add_argument("--roll", metavar="FILE.png", help="a piano roll too")
    parser.add_argument("--tempo", type=int, help="quarters a minute; default: the file's, or "
                        f"{TEMPO}")  # fmt: skip
    parser.add_argument("--soundfont", metavar="FILE.sf2", help="to play a .wav with; by default "
                        "the system's, if it has fluidsynth; 'none': a plain one")  # fmt: skip
    add_model_arguments(parser)
    add_seed(parser)
    add_json(parser)


def _begin(args: argparse.Namespace, *inputs: str) -> tuple[Composer, Sampling]:
    """Checks what can be wrong before the work, and opens the model.

    Raises:
        InputError: An option is out of range, or a file cannot be written under that name.
    """
    outputs: dict[str, list[str]] = {path: list(RENDERERS) for path in args.output}
    for path in outputs:
        ending_of(path)
    check_outputs(outputs | ({args.roll: [".png"]} if args.roll else {}), inputs)
    find_soundfont(args.soundfont)
    if args.tempo is not None:
        check_range("--tempo", args.tempo, 20, 300)
    rules = choose_rules(args.without, args.no_rules)
    sampling = Sampling(args.temperature, args.top_p, rules, args.n_best, args.chords)
    return Composer.from_preset(args.preset, backend=args.backend), sampling


def _finish(
    args: argparse.Namespace, opened: Opened, made: Composition, words: str, **values: Any
) -> None:
    """Writes the files and reports; nothing is written unless all of it can be made."""
    roll = made.roll() if args.roll else b""
    made.write(*args.output, tempo=args.tempo, soundfont=args.soundfont)
    if args.roll:
        write_bytes(args.roll, roll)
    files = [*args.output, *([args.roll] if args.roll else [])]
    values = {
        **opened.header,
        "seed": made.seed,
        "key": made.key,
        "tempo": args.tempo or made.tempo,
        **values,
        "said": list(made.said),
        "files": files,
        "pitches": made.piece.pitches.tolist(),
    }
    if len(made.candidates) > 1:
        values["candidates"] = [
            {"nats_per_note": one.nats_per_note, "pitches": one.piece.pitches.tolist()}
            for one in made.candidates
        ]
        shown = ", ".join(f"{one.nats_per_note:.3f}" for one in made.candidates)
        words += f", {len(made.candidates)} candidates of {shown} nats per note"
    _say(made.said)
    report(args, values, f"{words}, seed {made.seed}: {', '.join(files)}")


def _say(lines: Iterable[str]) -> None:
    """Prints what was chosen, moved or left out of a file."""
    for line in lines:
        print(f"note: {line}", file=sys.stderr)


def bars_in_words(bars: int) -> str:
    """Such as ``"8 bars"``."""
    return f"{bars} bar{'s' * (bars != 1)}"


# --- evaluate and inspect -------------------------------------------------------------------


def add_evaluate(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate music`` beside those of every application."""
    parser.add_argument("--generate", type=int, metavar="N", help="compose N pieces, seeds 0 to "
                        "N-1, and compare them with those of the split, by default valid"
                        )  # fmt: skip
    parser.add_argument("--bars", type=int, default=16, help="of each; default: %(default)s")
    parser.add_argument("--quiz", action="store_true", help=f"write {EACH} excerpts of real and "
                        f"{EACH} of composed pieces in a random order, and a key to them"
                        )  # fmt: skip
    parser.add_argument("-o", "--output", metavar="DIR", help="keep the pieces there, as MusicXML; "
                        "of --quiz, default: quiz")  # fmt: skip
    add_seed(parser)


def evaluate(
    args: argparse.Namespace, opened: Opened, source: Source
) -> dict[str, Any] | tuple[dict[str, Any], str]:
    """``lstm-suite evaluate music``: likelihood, or with ``--generate`` `apps.music.compare`."""
    if args.quiz:
        real = args.app.read(source, args.split or "valid", opened.config)
        files = write_quiz(opened, real, args.output or "quiz", args.seed)
        return {"n": 2 * EACH, "seed": args.seed, "files": files}, f"wrote {', '.join(files)}"
    if args.generate is None:
        return evaluate_verb.measure(args, opened, source)
    check_range("--generate", args.generate, 1, 1000)
    check_range("--bars", args.bars, 1, MAX_BARS)
    app, config = args.app, opened.config
    real = spread(app.read(source, args.split or "valid", config), args.limit)
    training = app.read(source, "train", config)
    copies, grader = Copies(training), Grader(training)
    made = {"real": real}
    upbeat = 4 * UPBEATS["4/4"]
    plans = [plan(args.bars, KEYS[k % len(KEYS)], upbeat=upbeat) for k in range(args.generate)]
    tasks: dict[str, tuple[list[Piece], tuple[str, ...]]] = {
        "generated": (plans, tuple(RULES)),
        "no_rules": (plans, ()),
    }
    if config.encoder_units:
        melodies = [piece for piece in real if len(piece) <= config.frames]
        tasks["harmonized"] = (melodies[: args.generate], tuple(RULES))
    for name, (outlines, rules) in tasks.items():
        made[name] = generate(opened, outlines, rules, melody=name == "harmonized")
        print(f"{len(made[name])} pieces: {name}", file=sys.stderr)
        for index, piece in enumerate(made[name] if args.output else ()):
            write_text(Path(args.output) / f"{name}-{index:02}.musicxml", musicxml(piece))
    columns = {
        name: measure(pieces, copies) | grader.measure(pieces, None if name == "real" else real)
        for name, pieces in made.items()
    }
    flat = {f"{name}_{key}": v for name, values in columns.items() for key, v in values.items()}
    values = {"n": args.generate, "n_real": len(real), "bars": args.bars, **flat}
    return values, table(columns, FIGURES | FEATURES)


def add_inspect(parser: argparse.ArgumentParser) -> None:
    """The options of ``inspect music`` beside those of every application."""
    parser.add_argument("input", help="a four-part piece: MIDI, MusicXML or ABC")
    parser.add_argument("--steps", type=int, default=128, help="16ths from the beginning; "
                        "default: %(default)s")  # fmt: skip


def inspect(args: argparse.Namespace, opened: Opened) -> Trace:
    """``lstm-suite inspect music``."""
    from apps.music.gates import trace

    check_range("--steps", args.steps, 1)
    piece = read_score(args.input)
    _say(piece.facts.said)
    title = f"{Path(args.input).name} read by {opened.name}"
    return trace(opened.generator.model, piece, args.steps, title)  # type: ignore[attr-defined]


COMMANDS = {
    "compose": Verb(add_compose, compose),
    "continue": Verb(add_continue, prolong),
    "harmonize": Verb(add_harmonize, harmonize),
    "evaluate": Verb(add_evaluate, evaluate),
    "inspect": Verb(add_inspect, inspect),
}
