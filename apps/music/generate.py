"""Compose chorales: ``lstm-suite compose``. Needs neither Keras nor TensorFlow."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.music.config import MusicConfig
from apps.music.key import parse_key
from apps.music.output import DECODING as DECODING
from apps.music.output import (
    add_decoding_arguments,
    add_output_arguments,
    bars_in_words,
    check_common,
    check_range,
    finish,
)
from apps.music.piece import (
    END,
    FEATURES,
    HOLD,
    SILENCE,
    START,
    VOICE_ORDER,
    Piece,
    ages,
    decode_symbols,
    encode_piece,
    features,
    metre,
    piece_from_pitches,
)
from apps.music.rules import RULES, Rules
from shared.application import Sample
from shared.decoding import DecodingOptions, decode
from shared.errors import InputError
from shared.generator import Generator
from shared.presets.open import Opened, open_preset
from shared.presets.store import config_from_json

Config = MusicConfig
KEY_COLUMNS = [FEATURES.index(name) for name in ("tonic", "mode")]
STEP_COLUMNS = [k for k in range(len(FEATURES)) if k not in KEY_COLUMNS]
MAX_BARS = 40
METRES = {"4/4": 16, "3/4": 12}
PHRASES = {"4/4": 2, "3/4": 4}  # bars
UPBEATS = {"4/4": 1, "3/4": 0}  # quarters; of Bach's chorales, two in three have one in 4/4


def plan(
    bars: int, key: tuple[int, int], bar_length: int = 16, phrase: int = 2, upbeat: int = 0
) -> Piece:
    """An empty piece: metre, key, and a fermata at the end of every phrase.

    Args:
        bars: Length.
        key: Tonic and mode.
        bar_length: In 16ths.
        phrase: Bars in a phrase; the last bar ends one in any case.
        upbeat: 16ths before the first bar line, which the last bar then lacks.
    """
    steps = bars * bar_length
    position, lengths = metre(steps, bar_length, upbeat)
    ends = [*range(phrase * bar_length, steps, phrase * bar_length), steps]
    return piece_from_pitches(
        "plan",
        np.full((steps, 4), -1),
        position=position,
        bar_length=lengths,
        fermata=fermatas(position, bar_length, ends),
        tonic=key[0],
        mode=key[1],
    )


def fermatas(position: np.ndarray, bar_length: int, ends: Sequence[int]) -> np.ndarray:
    """Where a phrase rests, bool ``(steps,)``: from the last accent before each of its ends.

    Accents are the first beat and, in bars of an even number of quarters, the last half.
    """
    accents = {0, bar_length - 8 if bar_length % 8 == 0 else 0}
    rest = np.zeros(len(position), bool)
    for end in ends:
        start = next((k for k in range(end - 1, -1, -1) if position[k] in accents), 0)
        rest[start:end] = True
    return rest


def compose(
    generator: Generator,
    config: MusicConfig,
    outline: Piece,
    options: DecodingOptions,
    melody: bool = False,
    rules: Sequence[str] = tuple(RULES),
    given: int = 0,
) -> Piece:
    """Fills a plan with notes, voice by voice.

    Args:
        generator: A music model on any backend.
        config: The model's.
        outline: Metre, fermatas, key and length, and the soprano if that is given.
        options: How to choose notes; ``max_length`` is set here.
        melody: Whether the plan's soprano is given, and the other voices are to be found.
        rules: Names of the rules to keep, see `apps.music.rules`.
        given: Steps at the beginning of the plan that are there already, as a primer.

    Returns:
        A piece of the plan's length.

    Raises:
        InputError: The plan is longer than the model's, or the model does not harmonize.
    """
    check_length(outline, config)
    # A model that never saw metre or key must not be told.
    known = outline if config.placed else piece_from_pitches(outline.name, outline.pitches)
    rows = features(known)
    state = generator.encode(condition(config, [outline], rows[None], given=melody))
    symbols = encode_piece(outline, config.holds)
    keep = Rules(known, rules, melody)

    def inputs(t: int, last: np.ndarray) -> dict[str, np.ndarray]:
        frame, voice = divmod(t, len(VOICE_ORDER))
        count = len(last)
        return step_inputs(config, last, frame, voice, np.tile(rows[frame], (count, 1)))

    def constraint(prefixes: np.ndarray, log_probabilities: np.ndarray) -> np.ndarray:
        frame, voice = divmod(prefixes.shape[1], len(VOICE_ORDER))
        if melody and voice == 0:
            return _only(log_probabilities, symbols[frame, 0])
        return keep(prefixes, _sensible(prefixes, log_probabilities))

    options = DecodingOptions(**{**vars(options), "max_length": 4 * len(outline)})
    [[result]] = decode(
        generator,
        state,
        start=START,
        end=END,
        options=options,
        inputs=inputs,
        constraint=constraint,
        prefix=symbols[:given].ravel(),
    )
    symbols = np.array(result.symbols, np.int32).reshape(-1, len(VOICE_ORDER))
    pitches, strikes = decode_symbols(symbols, config.holds)
    return piece_from_pitches(
        "composition",
        pitches,
        strikes,
        position=outline.position,
        bar_length=outline.bar_length,
        fermata=known.fermata,
        tonic=known.tonic,
        mode=known.mode,
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
        "melody_age": np.zeros(shape, np.int32),
        "melody_features": np.zeros((*shape, len(STEP_COLUMNS)), np.int32),
        "melody_mask": np.zeros(shape, np.uint8),
    }
    for row, piece in enumerate(pieces if given else ()):
        check_length(piece, config)
        here = slice(0, len(piece))
        result["melody"][row, here] = encode_piece(piece)[:, 0]
        result["melody_age"][row, here] = ages(encode_piece(piece, config.holds), config.holds)[
            :, 0
        ]
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


def check_length(piece: Piece, config: MusicConfig) -> None:
    """Raises `InputError` if it is longer than melodies of the model may be."""
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``compose``."""
    parser.add_argument("--bars", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--key", default="G major", help="such as 'Bb major' or 'F# minor'")
    parser.add_argument("--metre", choices=METRES, default="4/4", help="default: %(default)s")
    parser.add_argument("--upbeat", type=int, help="quarters before the first bar line, which the "
                        "last bar then lacks; 1, in 3/4 time 0")  # fmt: skip
    parser.add_argument("--phrase", type=int, help="bars before a fermata; 2, in 3/4 time 4")
    add_decoding_arguments(parser)
    add_output_arguments(parser)


def order(args: argparse.Namespace) -> Piece:
    """The plan that the arguments of ``compose`` ask for.

    Raises:
        InputError: One is out of range.
    """
    check_range("--bars", args.bars, 1, MAX_BARS)
    bar_length = METRES[args.metre]
    phrase = args.phrase if args.phrase is not None else PHRASES[args.metre]
    check_range("--phrase", phrase, 1, MAX_BARS)
    upbeat = args.upbeat if args.upbeat is not None else UPBEATS[args.metre]
    check_range("--upbeat", upbeat, 0, bar_length // 4 - 1)
    return plan(args.bars, parse_key(args.key), bar_length, phrase, 4 * upbeat)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite compose``."""
    options, rules = check_common(args)
    outline = order(args)
    opened, config = open_music(args)
    piece = compose(opened.generator, config, outline, options, rules=rules)
    finish(args, opened, piece, bars_in_words(args.bars), bars=args.bars)


def demo(folder: Path, seed: int) -> list[Sample]:
    """The app's part of ``lstm-suite demo``: files in the folder, and what to say of them."""
    from apps.music.demo import samples  # which imports this module

    return samples(folder, seed)
