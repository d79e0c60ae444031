"""A chorale decoded from a model, note by note. Needs neither Keras nor TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from apps.music.config import MusicConfig
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
    piece_from_pitches,
)
from apps.music.rules import RULES, Rules
from apps.music.sheet import REPEATS
from apps.music.wishes import Chord
from shared.decoding import DecodingOptions, decode
from shared.errors import InputError
from shared.export.goldens import Example
from shared.generator import Generator

# The shipped bundles name these as their defaults, too.
DECODING: dict[str, Any] = {"strategy": "sample", "temperature": 0.9, "top_p": 0.95}

KEY_COLUMNS = [FEATURES.index(name) for name in ("tonic", "mode")]
STEP_COLUMNS = [k for k in range(len(FEATURES)) if k not in KEY_COLUMNS]


def fill(
    generator: Generator,
    config: MusicConfig,
    outline: Piece,
    options: DecodingOptions,
    melody: bool = False,
    rules: Sequence[str] = tuple(RULES),
) -> Piece:
    """Fills a plan with notes, voice by voice: the likeliest of `candidates`."""
    return candidates(generator, config, outline, options, melody, rules)[0].piece


@dataclass(frozen=True, eq=False)
class Candidate:
    """A piece that was drawn, and the mean nats of its notes, kept ones and the melody included.

    A kept beginning does not count.
    """

    piece: Piece
    nats_per_note: float


def candidates(
    generator: Generator,
    config: MusicConfig,
    outline: Piece,
    options: DecodingOptions,
    melody: bool = False,
    rules: Sequence[str] = tuple(RULES),
    kept: np.ndarray | None = None,
    chords: Mapping[int, Chord] | None = None,
) -> list[Candidate]:
    """Fills a plan with notes, voice by voice, as often as the options' ``n_best`` says.

    Args:
        generator: A music model on any backend.
        config: The model's.
        outline: Metre, fermatas, key and length, and the notes that are given.
        options: How to draw notes; ``max_length`` is set here.
        melody: Whether the plan's soprano is given, and only the other voices are to be found.
        rules: Names of the rules to keep, see `apps.music.rules`.
        kept: Which other notes of the plan stay, bool ``(steps, 4)``; by default none.
        chords: By step a chord that is wanted, see `apps.music.wishes`.

    Returns:
        Pieces of the plan's length, the likeliest first.

    Raises:
        InputError: The plan is longer than the model's, or the model does not harmonize.
    """
    check_length(outline, config)
    # A model that never saw metre or key must not be told.
    known = outline if config.placed else piece_from_pitches(outline.name, outline.pitches)
    rows = features(known)
    state = generator.encode(condition(config, [outline], rows[None], given=melody))
    kept = np.zeros(outline.pitches.shape, bool) if kept is None else kept.copy()
    kept[:, 0] |= melody
    # What stays after what does not begins there: it must not hold another note.
    begins = kept & ~np.vstack([kept[:1], kept[:-1]]) & (outline.pitches >= 0)
    outline = replace(outline, strikes=outline.strikes | begins)
    symbols = encode_piece(outline, config.holds)
    stays = kept[:, VOICE_ORDER]
    given = int(np.argmin(np.append(stays.all(1), False)))
    keep = Rules(known, rules, melody, kept, chords)

    def inputs(t: int, last: np.ndarray) -> dict[str, np.ndarray]:
        frame, voice = divmod(t, len(VOICE_ORDER))
        count = len(last)
        return step_inputs(config, last, frame, voice, np.tile(rows[frame], (count, 1)))

    def constraint(prefixes: np.ndarray, log_probabilities: np.ndarray) -> np.ndarray:
        frame, voice = divmod(prefixes.shape[1], len(VOICE_ORDER))
        if stays[frame, voice]:
            return _only(log_probabilities, symbols[frame, voice])
        return keep(prefixes, _sensible(prefixes, log_probabilities))

    options = DecodingOptions(**{**vars(options), "max_length": 4 * len(outline)})
    [results] = decode(
        generator,
        state,
        start=START,
        end=END,
        options=options,
        inputs=inputs,
        constraint=constraint,
        prefix=symbols[:given].ravel(),
    )
    made = []
    for result in results:
        notes = np.array(result.symbols, np.int32).reshape(-1, len(VOICE_ORDER))
        pitches, strikes = decode_symbols(notes, config.holds)
        piece = replace(
            outline,
            name="composition",
            pitches=pitches,
            strikes=strikes,
            fermata=known.fermata,
            tonic=known.tonic,
            mode=known.mode,
            source="lstm-suite",
        )
        nats = -result.log_probability / max(1, stays[given:].size)
        made.append(Candidate(piece, nats))
    return sorted(made, key=lambda one: one.nats_per_note)


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


def example(piece: Piece, config: MusicConfig, frames: int = 6, given: bool = True) -> Example:
    """The inputs of ``encode``, and of ``step`` for the first frames, when a piece is decoded.

    Args:
        piece: What is emitted.
        config: The model's.
        frames: How many frames.
        given: Whether a model with an encoder is given the melody.
    """
    rows = features(piece)
    steps, last = [], START
    for t, symbols in enumerate(encode_piece(piece, config.holds)[:frames]):
        for voice, symbol in enumerate(symbols):
            steps.append(step_inputs(config, np.array([last], np.int32), t, voice, rows[t : t + 1]))
            last = int(symbol)
    melody = given and bool(config.encoder_units)
    return Example(condition(config, [piece], rows[None], melody), steps)


def check_length(piece: Piece, config: MusicConfig) -> None:
    """Raises `InputError` if it is longer than melodies of the model may be."""
    if len(piece) > config.frames:
        raise InputError(
            f"{piece.name}: {len(piece)} 16ths are more than this model's {config.frames}; "
            + ("remove repeat signs" if REPEATS in piece.facts.said else "make it shorter")
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
