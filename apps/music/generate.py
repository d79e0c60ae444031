"""Compose chorales: ``lstm-suite compose``. Needs neither Keras nor TensorFlow."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.arguments import add_json, add_model_arguments, add_seed, report
from apps.demo import Sample
from apps.music import score
from apps.music.config import MusicConfig
from apps.music.key import key_name, parse_key
from apps.music.piece import (
    END,
    FEATURES,
    HOLD,
    SILENCE,
    START,
    VOICE_ORDER,
    VOICES,
    Piece,
    decode_symbols,
    encode_piece,
    features,
    metre,
    piece_from_pitches,
)
from shared.backends.presets import Opened, open_preset
from shared.decoding import DecodingOptions, decode
from shared.errors import InputError
from shared.files import write_bytes
from shared.generator import Generator
from shared.presets import config_from_json

Config = MusicConfig
KEY_COLUMNS = [FEATURES.index(name) for name in ("tonic", "mode")]
STEP_COLUMNS = [k for k in range(len(FEATURES)) if k not in KEY_COLUMNS]
MAX_BARS = 40
METRES = {"4/4": 16, "3/4": 12}
# What the shipped bundles name as their defaults, too.
DECODING = {"strategy": "sample", "temperature": 0.9, "top_p": 0.95}


def plan(bars: int, key: tuple[int, int], bar_length: int = 16, phrase: int = 2) -> Piece:
    """An empty piece: metre, key, and a fermata on the last half note of every phrase.

    Args:
        bars: Length.
        key: Tonic and mode.
        bar_length: In 16ths.
        phrase: Bars in a phrase; the last bar ends one in any case.
    """
    steps = bars * bar_length
    position, lengths = metre(steps, bar_length)
    bar = np.arange(steps) // bar_length
    ends = ((bar + 1) % phrase == 0) | (bar == bars - 1)
    return piece_from_pitches(
        "plan",
        np.full((steps, 4), -1),
        position=position,
        bar_length=lengths,
        fermata=ends & (position >= bar_length - 8),
        tonic=key[0],
        mode=key[1],
    )


def compose(
    generator: Generator,
    config: MusicConfig,
    outline: Piece,
    options: DecodingOptions,
    melody: bool = False,
) -> Piece:
    """Fills a plan with notes, voice by voice.

    Args:
        generator: A music model on any backend.
        config: The model's.
        outline: Metre, fermatas, key and length, and the soprano if that is given.
        options: How to choose notes; ``max_length`` is set here.
        melody: Whether the plan's soprano is given, and the other voices are to be found.

    Returns:
        A piece of the plan's length.

    Raises:
        InputError: The plan is longer than the model's, or the model does not harmonize.
    """
    _check_length(outline, config)
    rows = features(outline)
    if not config.placed:  # a model that never saw metre or key must not be told
        blank = piece_from_pitches("blank", outline.pitches)
        rows = features(blank)
    state = generator.encode(condition(config, [outline], rows[None], given=melody))
    soprano = encode_piece(outline, config.holds)[:, 0]

    def inputs(t: int, last: np.ndarray) -> dict[str, np.ndarray]:
        frame, voice = divmod(t, len(VOICE_ORDER))
        count = len(last)
        return step_inputs(config, last, frame, voice, np.tile(rows[frame], (count, 1)))

    def constraint(prefixes: np.ndarray, log_probabilities: np.ndarray) -> np.ndarray:
        frame, voice = divmod(prefixes.shape[1], len(VOICE_ORDER))
        if melody and voice == 0:
            return _only(log_probabilities, soprano[frame])
        return _sensible(prefixes, log_probabilities)

    options = DecodingOptions(**{**vars(options), "max_length": 4 * len(outline)})
    [[result]] = decode(
        generator,
        state,
        start=START,
        end=END,
        options=options,
        inputs=inputs,
        constraint=constraint,
    )
    symbols = np.array(result.symbols, np.int32).reshape(-1, len(VOICE_ORDER))
    pitches, strikes = decode_symbols(symbols, config.holds)
    return piece_from_pitches(
        "composition",
        pitches,
        strikes,
        position=outline.position,
        bar_length=outline.bar_length,
        fermata=outline.fermata,
        tonic=outline.tonic if config.placed else -1,
        mode=outline.mode if config.placed else -1,
        source="lstm-suite",
    )


def condition(
    config: MusicConfig, pieces: Sequence[Piece], rows: np.ndarray, given: bool
) -> dict[str, np.ndarray]:
    """What ``encode`` takes.

    Args:
        config: The model's.
        pieces: A batch of them; their sopranos are the melodies.
        rows: Their features, ``(batch, steps, features)``.
        given: Whether the melodies are given.

    Raises:
        InputError: Melodies are given to a model without an encoder.
    """
    result = {"key": rows[:, 0, KEY_COLUMNS]}
    if not config.encoder_units:
        if given:
            raise InputError("this model was trained without melodies; use one that harmonizes")
        return result
    shape = (len(pieces), config.frames)
    result |= {
        "melody": np.zeros(shape, np.int32),
        "melody_held": np.zeros(shape, np.int32),
        "melody_features": np.zeros((*shape, len(STEP_COLUMNS)), np.int32),
        "melody_mask": np.zeros(shape, np.uint8),
    }
    for row, piece in enumerate(pieces if given else ()):
        _check_length(piece, config)
        here = slice(0, len(piece))
        result["melody"][row, here] = encode_piece(piece)[:, 0]
        result["melody_held"][row, here] = encode_piece(piece, config.holds)[:, 0] == HOLD
        result["melody_features"][row, here] = rows[row, here][:, STEP_COLUMNS]
        result["melody_mask"][row, here] = 1
    return result


def step_inputs(
    config: MusicConfig, symbol: np.ndarray, frame: int, voice: int, rows: np.ndarray
) -> dict[str, np.ndarray]:
    """What ``step`` takes beside the state, for a batch of last symbols and of features."""
    count = len(symbol)
    inputs = {
        "symbol": symbol,
        "voice": np.full(count, voice, np.int32),
        "features": np.ascontiguousarray(rows[:, STEP_COLUMNS]),
    }
    if config.encoder_units:
        inputs["frame"] = np.full(count, min(frame, config.frames - 1), np.int32)
    return inputs


def _check_length(piece: Piece, config: MusicConfig) -> None:
    if len(piece) > config.frames:
        raise InputError(
            f"{piece.name}: {len(piece)} 16ths are more than this model's {config.frames}; "
            "make it shorter"
        )


def _only(log_probabilities: np.ndarray, symbol: int) -> np.ndarray:
    """Nothing but this symbol."""
    kept = log_probabilities[:, symbol].copy()
    log_probabilities[:] = -np.inf
    log_probabilities[:, symbol] = kept
    return log_probabilities


def _sensible(prefixes: np.ndarray, log_probabilities: np.ndarray) -> np.ndarray:
    """No end before the plan's, and nothing held that does not sound."""
    log_probabilities[:, END] = -np.inf
    voices = len(VOICE_ORDER)
    before = prefixes[:, prefixes.shape[1] % voices :: voices]  # this voice's symbols
    if before.shape[1] == 0:
        log_probabilities[:, HOLD] = -np.inf
    else:  # silence is never held, so a hold after it is the only one that holds nothing
        log_probabilities[before[:, -1] == SILENCE, HOLD] = -np.inf
    return log_probabilities


def open_music(args: argparse.Namespace) -> tuple[Opened, MusicConfig]:
    """The preset and backend that the arguments name."""
    opened = open_preset("music", args.preset, args.backend, build_model)
    return opened, config_from_json(MusicConfig, opened.config, opened.name)


def build_model(config: dict[str, Any]) -> Any:
    """The Keras model; imports TensorFlow."""
    from apps.music.model import MusicModel

    return MusicModel(config_from_json(MusicConfig, config, "config.json"))


WRITERS: dict[str, Callable[[Piece, int], bytes]] = {
    ".mid": score.midi,
    ".musicxml": lambda piece, tempo: score.musicxml(piece, tempo=tempo).encode(),
    ".svg": lambda piece, tempo: _picture(piece, tempo).encode(),
    ".png": lambda piece, tempo: score.render_png(_picture(piece, tempo)),
    ".wav": score.wav,
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``compose``."""
    parser.add_argument("-o", "--output", nargs="+", default=["chorale.mid"], metavar="FILE",
                        help=f"one or several files; {ENDINGS}")  # fmt: skip
    parser.add_argument("--roll", metavar="FILE.png", help="a piano roll too")
    parser.add_argument("--bars", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--key", default="G major", help="such as 'Bb major' or 'F# minor'")
    parser.add_argument("--metre", choices=METRES, default="4/4", help="default: %(default)s")
    parser.add_argument("--phrase", type=int, default=2, help="bars before a fermata")
    parser.add_argument("--tempo", type=int, default=84, help="quarters a minute")
    parser.add_argument("--temperature", type=float, default=DECODING["temperature"])
    parser.add_argument("--top-p", type=float, default=DECODING["top_p"])
    add_model_arguments(parser)
    add_seed(parser)
    add_json(parser)


def order(args: argparse.Namespace) -> tuple[Piece, DecodingOptions]:
    """The plan and the options that the arguments ask for.

    Raises:
        InputError: One is out of range.
    """
    if not 1 <= args.bars <= MAX_BARS:
        raise InputError(f"--bars must be 1 to {MAX_BARS}, not {args.bars}")
    if args.phrase < 1 or not 20 <= args.tempo <= 300:
        raise InputError("--phrase must be at least 1 and --tempo 20 to 300")
    options = DecodingOptions(
        strategy="sample", temperature=args.temperature, top_p=args.top_p, seed=args.seed
    )
    return plan(args.bars, parse_key(args.key), METRES[args.metre], args.phrase), options


def run(args: argparse.Namespace) -> None:
    """``lstm-suite compose``."""
    outline, options = order(args)
    for path in args.output:  # before the work, not after it
        check_ending(path)
    opened, config = open_music(args)
    piece = compose(opened.generator, config, outline, options)
    _write_all(piece, args.output, args.roll, args.tempo)
    files = [*args.output, *([args.roll] if args.roll else [])]
    values = {
        "preset": opened.name,
        "backend": opened.backend,
        "precision": opened.precision,
        "seed": args.seed,
        "key": key_name(piece.tonic, piece.mode) if config.placed else None,
        "bars": args.bars,
        "tempo": args.tempo,
        "files": files,
        "pitches": piece.pitches.tolist(),
    }
    report(args, values, f"{args.bars} bars, seed {args.seed}: {', '.join(files)}")


def _write_all(piece: Piece, paths: Sequence[str], roll_path: str | None, tempo: int) -> None:
    for path in paths:
        write_bytes(path, WRITERS[check_ending(path)](piece, tempo))
    if roll_path:
        write_bytes(roll_path, roll(piece))


def demo(folder: Path, seed: int) -> list[Sample]:
    """The app's part of ``lstm-suite demo``: files in the folder, and what to say of them."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    samples = []
    for name, key, bars in (("chorale-major", "G major", 8), ("chorale-minor", "E minor", 8)):
        made = [
            (folder / f"{name}.png", "the score, engraved by verovio"),
            (folder / f"{name}-roll.png", "the same as a piano roll"),
            (folder / f"{name}.wav", "played by the built-in synthesizer"),
            (folder / f"{name}.mid", "MIDI, four tracks"),
            (folder / f"{name}.musicxml", "MusicXML, for a notation program"),
        ]
        words = ["--key", key, "--bars", str(bars), "--seed", str(seed)]
        args = parser.parse_args(words)
        outputs = [str(path) for path, _ in made if "-roll" not in path.name]
        opened, config = open_music(args)
        piece = compose(opened.generator, config, *order(args))
        _write_all(piece, outputs, str(made[1][0]), args.tempo)
        samples.append(
            Sample(
                title=f"A chorale in {key}",
                given=f"{bars} bars in {key}, seed {seed}",
                command=f'lstm-suite compose --key "{key}" --bars {bars} --seed {seed}',
                made=tuple(made),
            )
        )
    return samples
