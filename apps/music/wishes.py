"""What a user wants of a piece beside its melody: notes that stay, and chords."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from apps.music.harmony import BEAT, Moment, completes
from apps.music.key import key_name
from apps.music.piece import VOICES, Piece
from shared.errors import InputError

_BASS = 3
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


def kept_notes(wanted: str, piece: Piece) -> np.ndarray:
    """Which notes of a piece in four parts stay, bool ``(steps, 4)``; the soprano does always.

    Args:
        wanted: Names of voices, and after the word ``bars`` numbers or ranges of bars, all of whose
            voices stay: ``"bass"``, ``"bars 1-4 9"``, ``"alto bass bars 1-2"``. An upbeat belongs
            to bar 1.
        piece: The piece.

    Raises:
        InputError: There is no such voice or bar.
    """
    kept = np.zeros((len(piece), 4), bool)
    kept[:, 0] = True
    bars = np.maximum(_bars(piece), 1)
    voices, _, numbers = wanted.replace(",", " ").partition("bars")
    for word in voices.split():
        if word not in VOICES:
            raise InputError(
                f"cannot keep {word!r}; name {', '.join(VOICES)}, or bars, as in 'bars 1-4'"
            )
        kept[:, VOICES.index(word)] = True
    for word in numbers.split():
        found = _RANGE.fullmatch(word)
        first, last = (int(n) for n in (found[1], found[2] or found[1])) if found else (0, 0)
        if not 1 <= first <= last <= bars[-1]:
            raise InputError(f"cannot keep bars {word!r}; name some of 1 to {bars[-1]}, as 1-4")
        kept[(bars >= first) & (bars <= last)] = True
    if not voices.split() and not numbers.split():
        raise InputError("nothing to keep; name voices, or bars, as in 'bars 1-4'")
    if kept.all():
        raise InputError("everything is kept; leave out some voices or bars")
    return kept


def _bars(piece: Piece) -> np.ndarray:
    """The number of the bar of each step; an upbeat is bar 0. Without a metre they have 16."""
    if piece.position[0] < 0:
        return np.arange(len(piece)) // 16 + 1
    return np.cumsum(np.diff(piece.position, prepend=99) <= 0) - (piece.position[0] > 0)


@dataclass(frozen=True)
class Chord:
    """A chord that is wanted: its figure, and pitch classes of all notes, of third and bass."""

    figure: str
    notes: frozenset[int]
    third: int
    bass: int

    def admits(self, moment: Moment, voice: int, pitch: np.ndarray) -> np.ndarray:
        """Which pitches ``(1, n)`` of a voice belong to it, bool, broadcasts with rows."""
        if voice == _BASS:
            return pitch % 12 == self.bass
        fits = np.isin(pitch % 12, list(self.notes))
        if not completes(moment, voice):
            return fits
        heard = (moment.now >= 0) & (moment.now % 12 == self.third)
        return fits & (heard.any(1, keepdims=True) | (pitch % 12 == self.third))


def chords_of(
    figures: str, piece: Piece, melody: bool
) -> tuple[Mapping[int, Chord], tuple[str, ...]]:
    """Places Roman numerals in a piece, one on the first beat of each bar.

    Args:
        figures: Such as ``"I IV V7 I6"``, ``-`` for a free bar. With bar lines, as in
            ``"I IV | V"``, the chords of a bar are spread over its beats.
        piece: Its metre and key count.
        melody: Whether its soprano is given; a chord that does not have its note is left out.

    Returns:
        The chords by the step on which they begin; and lines that say what was left out.

    Raises:
        InputError: A numeral cannot be read, the key is unknown, or there are too many.
    """
    if piece.tonic < 0:
        raise InputError(f"{piece.name}: its key cannot be told; name one for the chords")
    groups = [g.split() for g in figures.split("|")] if "|" in figures else figures.split()
    bars = _bars(piece)
    first = min(1, int(bars[-1]))
    if len(groups) > bars[-1] - first + 1:
        raise InputError(f"{len(groups)} bars of chords are more than the piece's {bars[-1]}")
    found: dict[int, Chord] = {}
    said = []
    for number, group in enumerate(groups, first):
        names = [group] if isinstance(group, str) else group
        steps = np.flatnonzero(bars == number)
        for k, name in enumerate(names):
            beat = round(k * len(steps) / len(names) / BEAT) * BEAT
            step = int(steps[min(beat, len(steps) - 1)])
            if name == "-":
                continue
            chord = _chord(name, piece)
            sung = int(piece.pitches[step, 0])
            if melody and sung >= 0 and sung % 12 not in chord.notes:
                said.append(f"bar {number}: the melody's note is not in {name}, which is left out")
            else:
                found[step] = chord
    return found, tuple(said)


def _chord(figure: str, piece: Piece) -> Chord:
    from music21 import exceptions21, key, roman

    tonic, mode = key_name(piece.tonic, piece.mode).split()
    try:
        numeral = roman.RomanNumeral(figure, key.Key(tonic.replace("b", "-"), mode))
        third, bass = numeral.third, numeral.bass()
    except (exceptions21.Music21Exception, ValueError, KeyError, AttributeError) as error:
        raise InputError(f"no chord {figure!r}; write it as I, ii6, V7 or viio") from error
    if third is None or bass is None:
        raise InputError(f"no chord {figure!r}; write it as I, ii6, V7 or viio")
    classes = frozenset(int(pitch.pitchClass) for pitch in numeral.pitches)
    return Chord(figure, classes, int(third.pitchClass), int(bass.pitchClass))
