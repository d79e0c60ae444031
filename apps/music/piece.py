"""A four-part piece on a grid of 16th notes, as symbols and as features.

The voices of a `Piece` are soprano, alto, tenor and bass. A model generates them in `VOICE_ORDER`,
the outer voices first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from shared.errors import InputError

SILENCE = 0
START = 1  # input only: all voices before the first step
END = 2  # the soprano instead of a note, one step after the last
HOLD = 3  # this voice's note goes on; used only when a model has holds
PITCH = 4  # the symbol of LOWEST
LOWEST = 36
HIGHEST = 81
VOCABULARY = PITCH + HIGHEST - LOWEST + 1
AGES = 32

VOICES = ("soprano", "alto", "tenor", "bass")
VOICE_ORDER = (0, 3, 1, 2)  # soprano, bass, alto, tenor

FEATURES = ("position", "phase", "fermata", "fermata_in", "tonic", "mode", "last_bar")
FEATURE_SIZES = (25, 16, 2, 32, 13, 3, 3)
"""Number of values of each feature. Unknown is 24, 12, 2, 2 for position, tonic, mode, last_bar."""


@dataclass(frozen=True)
class Facts:
    """What a file says beside its notes.

    Attributes:
        title, composer: Empty if unknown.
        tempo: Quarters per minute, 0 unknown.
        signature: Number of sharps in the key signature, negative for flats; None unknown.
        said: Lines for the user: what was left out, moved or chosen.
        pauses: By the step after a soprano note, what speaks for the end of a phrase there.
        marks: By the step a word that is printed above it, after a double bar line.
    """

    title: str = ""
    composer: str = ""
    tempo: int = 0
    signature: int | None = None
    said: tuple[str, ...] = ()
    pauses: Mapping[int, float] = field(default_factory=dict)
    marks: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Piece:
    """A four-part piece on a grid of 16th notes.

    Attributes:
        name: Unique within its source.
        pitches: int16 ``(steps, 4)``, MIDI numbers, -1 is silence.
        strikes: Boolean ``(steps, 4)``, true where a note begins. A pitch that changes is always
            struck, a silence never.
        position: int16 ``(steps,)``, 16ths since the bar line, -1 unknown.
        bar_length: int16 ``(steps,)``, 16ths in the bar as its time signature says, -1 unknown.
        fermata: Boolean ``(steps,)``, true as long as a soprano note under a fermata sounds.
        tonic: Pitch class 0 to 11, -1 unknown.
        mode: 0 major, 1 minor, -1 unknown.
        source: Where the piece is from.
        unit: int16 ``(steps,)``, 16ths in the note that the time signature counts: 2 in 6/8. None
            is that of `default_units`.
        guessed: Whether the fermatas were guessed. They are not printed then.
        facts: What its file says beside the notes.
    """

    name: str
    pitches: np.ndarray
    strikes: np.ndarray
    position: np.ndarray
    bar_length: np.ndarray
    fermata: np.ndarray
    tonic: int = -1
    mode: int = -1
    source: str = ""
    unit: np.ndarray | None = None
    guessed: bool = False
    facts: Facts = Facts()

    def __post_init__(self) -> None:
        """Validates the shapes of the arrays."""
        steps = len(self.pitches)
        if steps == 0 or self.pitches.shape != (steps, 4):
            raise ValueError(f"{self.name}: pitches must be (steps, 4), got {self.pitches.shape}")
        if self.strikes.shape != (steps, 4):
            raise ValueError(f"{self.name}: strikes must be ({steps}, 4), not {self.strikes.shape}")
        for name in ("position", "bar_length", "fermata"):
            if getattr(self, name).shape != (steps,):
                raise ValueError(f"{self.name}: {name} must be ({steps},)")
        silent = self.pitches < 0
        if (self.strikes & silent).any() or (changes(self.pitches) & ~self.strikes).any():
            raise ValueError(
                f"{self.name}: strikes must hold where a pitch changes, not in silence"
            )

    def __len__(self) -> int:
        """Number of 16th-note steps."""
        return len(self.pitches)

    def transpose(self, semitones: int) -> Piece:
        """Returns the piece transposed by a number of semitones, with its tonic."""
        pitches = np.where(self.pitches < 0, -1, self.pitches + semitones).astype(np.int16)
        tonic = self.tonic if self.tonic < 0 else (self.tonic + semitones) % 12
        facts = replace(self.facts, signature=None) if semitones % 12 else self.facts
        return replace(self, pitches=pitches, tonic=tonic, facts=facts)

    @property
    def units(self) -> np.ndarray:
        """The `unit` of each step, by default that of `default_units`."""
        return default_units(self.bar_length) if self.unit is None else self.unit

    @property
    def beats(self) -> np.ndarray:
        """16ths in the beat of each step: three units in 6/8, 9/8 and their like, else a quarter
        or the unit if that is longer."""
        three = 3 * self.units
        compound = (self.bar_length > three) & (self.bar_length % three == 0) & (self.units <= 4)
        return np.where(compound, three, np.maximum(self.units, 4))


def default_units(bar_length: np.ndarray) -> np.ndarray:
    """The note that a time signature counts when only the bar's length is known, in 16ths."""
    longest = [8 * (bar_length == 24), 4 * (bar_length % 4 == 0), 2 * (bar_length % 2 == 0)]
    return np.maximum.reduce([*longest, np.ones_like(bar_length)]).astype(np.int16)


def changes(pitches: np.ndarray) -> np.ndarray:
    """Returns where a voice changes its pitch or enters, bool ``(steps, 4)``; silence is False."""
    before = np.vstack([np.full_like(pitches[:1], -1), pitches[:-1]])
    return (pitches != before) & (pitches >= 0)


def piece_from_pitches(
    name: str,
    pitches: np.ndarray,
    strikes: np.ndarray | None = None,
    *,
    position: np.ndarray | None = None,
    bar_length: np.ndarray | None = None,
    fermata: np.ndarray | None = None,
    tonic: int = -1,
    mode: int = -1,
) -> Piece:
    """Creates a `Piece` from pitches; other attributes are unknown by default.

    Args:
        name: Name of the piece.
        pitches: MIDI pitches ``(steps, 4)``; -1 is silence.
        strikes: Boolean ``(steps, 4)``, True where a note begins. Changes of pitch are added,
            strikes in silence dropped.
        position, bar_length, fermata: Attributes of `Piece`, ``(steps,)``.
        tonic, mode: Attributes of `Piece`.
    """
    pitches = np.asarray(pitches, np.int16)
    struck = changes(pitches)
    if strikes is not None:
        struck |= np.asarray(strikes, bool) & (pitches >= 0)
    unknown = np.full(len(pitches), -1, np.int16)
    return Piece(
        name,
        pitches,
        struck,
        unknown if position is None else np.asarray(position, np.int16),
        unknown if bar_length is None else np.asarray(bar_length, np.int16),
        np.zeros(len(pitches), bool) if fermata is None else np.asarray(fermata, bool),
        tonic,
        mode,
    )


def in_a_row(pieces: Sequence[Piece]) -> Piece:
    """Joins pieces of one key, one after the other, with their numbers as marks."""
    if len(pieces) == 1:
        return pieces[0]
    starts = np.cumsum([0, *map(len, pieces[:-1])]).tolist()
    marks = {start: str(number) for number, start in enumerate(starts, 1)}
    names = ("pitches", "strikes", "position", "bar_length", "fermata", "units")
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in names
    }
    return replace(
        pieces[0],
        unit=joined.pop("units"),
        facts=replace(pieces[0].facts, marks=marks),
        **joined,
    )


def metre(steps: int, bar_length: int = 16, pickup: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns ``position`` and ``bar_length`` of a `Piece` in one metre, after ``pickup`` steps."""
    position = (np.arange(steps) - pickup) % bar_length
    return position.astype(np.int16), np.full(steps, bar_length, np.int16)


def notes(piece: Piece, voice: int) -> list[tuple[int, int, int]]:
    """Lists the notes and rests of a voice as ``(start, end, midi)`` in steps; -1 is a rest."""
    pitch = piece.pitches[:, voice]
    new = piece.strikes[:, voice] | (np.diff(pitch, prepend=-2) != 0)
    starts = [*np.flatnonzero(new).tolist(), len(piece)]
    return [(a, b, int(pitch[a])) for a, b in zip(starts, starts[1:], strict=False)]


def encode_piece(piece: Piece, holds: bool = False) -> np.ndarray:
    """Encodes a piece as symbols, int32 ``(steps, 4)``, with voices in `VOICE_ORDER`.

    With ``holds`` a note is its pitch followed by `HOLD`; without, its pitch at every step.

    Raises:
        InputError: A pitch is outside of `LOWEST` to `HIGHEST`.
    """
    pitches = piece.pitches[:, VOICE_ORDER].astype(np.int32)
    outside = (pitches >= 0) & ((pitches < LOWEST) | (pitches > HIGHEST))
    if outside.any():
        step, voice = np.argwhere(outside)[0]
        raise InputError(
            f"{piece.name}: the {VOICES[VOICE_ORDER[voice]]} at step {step} is MIDI pitch"
            f" {pitches[step, voice]}, outside of {LOWEST} to {HIGHEST}; transpose the piece"
        )
    symbols = np.where(pitches < 0, SILENCE, pitches - LOWEST + PITCH)
    if holds:
        symbols = np.where(piece.strikes[:, VOICE_ORDER] | (pitches < 0), symbols, HOLD)
    return symbols.astype(np.int32)


def ages(symbols: np.ndarray, holds: bool = False) -> np.ndarray:
    """Computes the age of each voice's note, or silence, in steps: 0 where it begins.

    Args:
        symbols: Symbols of `encode_piece`, ``(steps, 4)``.
        holds: The ``holds`` of `encode_piece`. Without it, a repeated note counts as one held note.

    Returns:
        Ages, int32 ``(steps, 4)``, at most ``AGES - 1``.
    """
    same = symbols == np.vstack([np.full_like(symbols[:1], START), symbols[:-1]])
    on = (symbols == HOLD) | (same & ((symbols == SILENCE) | (not holds)))
    steps = np.arange(len(symbols), dtype=np.int32)[:, None]
    began = np.maximum.accumulate(np.where(on, 0, steps), axis=0)
    return np.minimum(steps - began, AGES - 1)


def decode_symbols(symbols: np.ndarray, holds: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Decodes symbols to ``pitches``, int16, and ``strikes``, bool, both ``(steps, 4)``.

    The piece ends before the first `END` of the soprano. A `HOLD` after silence is silence.
    """
    symbols = np.asarray(symbols)
    ends = np.flatnonzero(symbols[:, 0] == END)
    symbols = symbols[: ends[0]] if len(ends) else symbols
    order = np.argsort(VOICE_ORDER)
    pitches = np.where(symbols >= PITCH, symbols - PITCH + LOWEST, -1).astype(np.int16)
    if holds:
        for step in range(1, len(symbols)):
            held = symbols[step] == HOLD
            pitches[step, held] = pitches[step - 1, held]
    strikes = changes(pitches)
    if holds:
        strikes |= symbols >= PITCH
    return pitches[:, order], strikes[:, order]


def features(piece: Piece, end: bool = False) -> np.ndarray:
    """Computes the features of each step besides its notes, int32 ``(steps, 7)``.

    The columns are `FEATURES`. They do not depend on the pitches, and each is below its
    `FEATURE_SIZES`:

    * position: 16th within the bar, 24 when unknown or longer,
    * phase: index of the step modulo 16, whatever the metre,
    * fermata: 1 while a note under a fermata sounds,
    * fermata_in: steps until the next fermata begins, 0 under it, at most 31,
    * tonic: pitch class, 12 unknown,
    * mode: 0 major, 1 minor, 2 unknown,
    * last_bar: 1 in the last bar, 2 when the metre is unknown.

    Args:
        piece: The piece.
        end: Whether to append a row for the step after the last one, where the piece ends.
    """
    steps = len(piece) + int(end)
    rows = np.zeros((steps, len(FEATURES)), np.int32)
    position = piece.position.astype(np.int32)
    metre = position >= 0
    bars = np.flatnonzero(position == 0)
    last_bar = np.where(metre, np.arange(len(piece)) >= (bars[-1] if len(bars) else 0), 2)
    if end:
        following = (position[-1] + 1) % max(1, piece.bar_length[-1]) if metre[-1] else -1
        position = np.append(position, following)
        last_bar = np.append(last_bar, last_bar[-1])
    rows[:, 0] = np.where((position < 0) | (position > 23), 24, position)
    rows[:, 1] = np.arange(steps) % 16
    rows[: len(piece), 2] = piece.fermata
    wait = 31
    for step in reversed(range(steps)):
        under = step < len(piece) and piece.fermata[step]
        wait = 0 if under else min(wait + 1, 31)
        rows[step, 3] = wait
    rows[:, 4] = piece.tonic % 12 if piece.tonic >= 0 else 12
    rows[:, 5] = piece.mode if piece.mode >= 0 else 2
    rows[:, 6] = last_bar
    return rows
