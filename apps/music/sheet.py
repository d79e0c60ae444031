"""What a file of music says, before it is put on a grid: parts, bars, key, title and tempo."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np

from apps.music.key import estimate_key
from apps.music.piece import Facts, Piece, default_units, piece_from_pitches

COMMA, SENTENCE, BREATH = 1.0, 2.5, 3.0
"""How much lyrics' punctuation or a breath mark after a note suggests the end of a phrase."""

REPEATS = "repeats are played"
"""Said of a file that has some."""

LONGEST = 100_000
"""16ths of a piece, at most: 6,250 bars of 4/4."""

MOST_BYTES = 1_000_000
"""Size of a file of MIDI or ABC, at most."""

_MELODY = re.compile(r"sopran|melod|tune|vocal|voice|cantus|discant|treble|lead|^s\.?$", re.I)
_NAMES = (
    r"sopran|cantus|discant|^s\.?$",
    r"alto?\b|altus|contralto|^a\.?$",
    r"tenor|^t\.?$",
    r"bass|^b\.?$",
)
_BELOW = 12  # semitones under the highest part, on average: no melody


TOO_LONG = f"it lasts more than {LONGEST // 16:,} bars; shorten it"


class Rejected(ValueError):
    """A score that does not fit into a `Piece`; the message is the reason."""


@dataclass
class Note:
    """A sounding note; times are in 16ths and need not be whole.

    Attributes:
        start, end: When it begins and ends.
        midi: Its pitch.
        struck: Whether it begins there; false continues a tied note.
        fermata: Whether it is under a fermata.
        pause: How much speaks for the end of a phrase after it, such as `BREATH`.
    """

    start: float
    end: float
    midi: int
    struck: bool = True
    fermata: bool = False
    pause: float = 0.0


@dataclass
class Part:
    """The notes of a part in the order of their beginnings, chords as notes that begin together."""

    name: str
    notes: list[Note]
    others: int = 0  # notes of other voices, which were left out

    def mean(self) -> float:
        """The mean pitch, weighted by duration."""
        time = sum(note.end - note.start for note in self.notes)
        return sum(note.midi * (note.end - note.start) for note in self.notes) / max(time, 1e-9)


@dataclass
class Bar:
    """A bar of ``length`` 16ths; its time signature says it should be ``full``."""

    start: float
    length: float
    full: int
    unit: int  # 16ths in the note that the time signature counts


@dataclass
class Sheet:
    """A file's content.

    Attributes:
        parts: Those with pitched notes.
        bars: Empty if the metre is unknown.
        key: Tonic and mode if the file says so.
        facts: What is printed again; `piece_from_sheet` adds to what is said.
    """

    parts: list[Part]
    bars: list[Bar] = field(default_factory=list)
    key: tuple[int, int] | None = None
    facts: Facts = Facts()


def piece_from_sheet(
    sheet: Sheet,
    name: str,
    *,
    melody: bool = False,
    part: str | None = None,
    source: str = "",
    tolerance: float = 0.0,
    as_written: bool = False,
) -> Piece:
    """Puts a sheet on the grid of 16ths.

    Args:
        sheet: The content of a file.
        name: Of the piece.
        melody: Read one part, its highest notes, as the soprano; the others are silent.
        part: Number from 1 or name of that part; by default one whose name says so, else the first
            that is not an octave below the highest.
        source: Where it is from.
        tolerance: Share of the notes that may be off the grid; they are moved.
        as_written: Take the parts in their order, and estimate the key whatever the file says.

    Raises:
        Rejected: The sheet is not in four parts (``melody``: has no notes), a part is not a single
            voice, or notes are off the grid (tuplets, 32nds).
    """
    said = list(sheet.facts.said)
    parts = [p for p in sheet.parts if p.notes]
    if melody:
        if not parts:
            raise Rejected("no notes in it")
        parts = [_choose(parts, part, said)]
    elif len(parts) == 2 and not as_written:
        parts = [half for p in parts for half in _halves(p)]
    if not melody and len(parts) > 4 and not as_written and (named := _named(parts)):
        said.append(f"{len(parts) - 4} parts beside the four voices are left out")
        parts = named
    if not melody and len(parts) != 4:
        raise Rejected(f"{len(parts)} part{'s' * (len(parts) != 1)}, not four")
    if not melody and not as_written:
        parts = _in_order(parts, said)
    voices = [_on_grid(p, melody, said) for p in parts]
    _check_grid(parts, sheet.bars, tolerance)
    if not all(voices):
        raise Rejected("a part has no notes as long as a 16th")
    start = int(min(notes[0].start for notes in voices))  # silence before the music is left out
    steps = int(max(note.end for notes in voices for note in notes))
    if steps > LONGEST:
        raise Rejected(TOO_LONG)
    if not all(0 <= note.midi <= 127 for notes in voices for note in notes):
        raise Rejected("it has notes that are too high or too low for any instrument")

    pitches = np.full((steps, 4), -1, np.int16)
    strikes = np.zeros((steps, 4), bool)
    fermata = np.zeros((steps, 4), bool)
    for voice, notes in enumerate(voices):
        for note in notes:
            here = slice(int(note.start), int(note.end))
            if (pitches[here, voice] >= 0).any():
                raise Rejected(f"part {voice + 1} is more than one voice")
            pitches[here, voice] = note.midi
            strikes[here.start, voice] = note.struck
            fermata[here, voice] = note.fermata
    signature = sheet.facts.signature
    weight = 0.1 if as_written else 0.25
    estimated = estimate_key(pitches, signature, weight)
    tonic, mode = estimated if as_written or sheet.key is None else sheet.key
    position, bar_length, unit = _metre(sheet.bars, steps)
    # Some scores set the fermata in another voice than the soprano.
    voice = int(np.argmax(fermata.any(0)))
    pauses = {int(n.end) - start: n.pause for n in voices[0] if n.pause}
    facts = Facts() if as_written else replace(sheet.facts, said=tuple(said), pauses=pauses)
    piece = piece_from_pitches(
        name, pitches[start:], strikes[start:], position=position[start:],
        bar_length=bar_length[start:], fermata=fermata[start:, voice],
        tonic=tonic, mode=mode,
    )  # fmt: skip
    piece = replace(piece, source=source)
    return piece if as_written else replace(piece, unit=unit[start:], facts=facts)


# --- parts ----------------------------------------------------------------------------------


def _choose(parts: list[Part], wanted: str | None, said: list[str]) -> Part:
    """The part that is the melody."""
    names = ", ".join(f"{k} {p.name!r}" if p.name else f"{k}" for k, p in enumerate(parts, 1))
    if wanted is not None:
        if wanted.isdecimal() and 1 <= int(wanted) <= len(parts):
            return parts[int(wanted) - 1]
        low = wanted.casefold()
        for test in (str.__eq__, str.__contains__):
            found = [p for p in parts if low and test(p.name.casefold(), low)]
            if len(found) == 1:
                return found[0]
        raise Rejected(f"no single part {wanted!r}; it has: {names}")
    if len(parts) == 1:
        return parts[0]
    named = [p for p in parts if _MELODY.search(p.name)]
    highest = max(p.mean() for p in parts)
    chosen = named[0] if named else next(p for p in parts if p.mean() >= highest - _BELOW)
    number = [p is chosen for p in parts].index(True) + 1
    said.append(f"part {number} is taken for the melody; --part names another: {names}")
    return chosen


def _named(parts: list[Part]) -> list[Part]:
    """The parts that are named soprano, alto, tenor and bass, if there is one of each."""
    named = [[p for p in parts if re.search(word, p.name, re.I)] for word in _NAMES]
    distinct = {id(found[0]) for found in named if len(found) == 1}
    return [found[0] for found in named] if len(distinct) == 4 else []


def _in_order(parts: list[Part], said: list[str]) -> list[Part]:
    """Four parts from soprano to bass, by their names or else by their pitch."""
    ordered = _named(parts) or sorted(parts, key=lambda p: -p.mean())
    if any(a is not b for a, b in zip(ordered, parts, strict=True)):
        numbers = [[p is o for p in parts].index(True) + 1 for o in ordered]
        said.append(f"parts {', '.join(map(str, numbers))} are soprano, alto, tenor and bass")
    return ordered


def _halves(part: Part) -> list[Part]:
    """A staff of two voices as two parts; a note alone is sung by both. One voice stays one."""
    pairs = zip(part.notes, part.notes[1:], strict=False)
    if all(after.start > note.end - 1 for note, after in pairs):
        return [part]
    upper: list[Note] = []
    lower: list[Note] = []
    for _, group in groupby(part.notes, key=lambda n: n.start):
        first, *others = sorted(group, key=lambda n: -n.midi)
        held = [bool(v) and v[-1].end > first.start for v in (upper, lower)]
        if others or held != [True, False]:
            upper.append(first)
        lower += others
        if not others and held != [False, True]:
            lower.append(replace(first))
    return [Part(part.name, upper), Part(part.name, lower)]


# --- notes ----------------------------------------------------------------------------------


def _beside(note: Note) -> bool:
    return any(abs(t - round(t)) > 1e-3 for t in (float(note.start), float(note.end)))


def _check_grid(parts: list[Part], bars: list[Bar], tolerance: float) -> None:
    notes = [note for part in parts for note in part.notes]
    off = [note for note in notes if _beside(note)]
    if off and len(off) / len(notes) > tolerance:
        first = min(note.start for note in off)
        upbeat = bool(bars) and bars[0].length < bars[0].full
        bar = sum(b.start <= first for b in bars) - upbeat
        where = f", the first in bar {bar}" if bars else ""
        raise Rejected(
            f"{len(off)} of {len(notes)} notes are off the grid of 16ths{where}: triplets, 32nds or"
            " free timing; quantize them, or double all note values"
        )


def _on_grid(part: Part, top: bool, said: list[str]) -> list[Note]:
    """The notes of a part moved to the grid, tied ones joined; of chords the top, if wanted."""
    found: list[Note] = []
    beneath = part.others
    for k, given in enumerate(part.notes):
        if not top and k and part.notes[k - 1].start == given.start:
            raise Rejected("a part has chords")
        note = replace(given, start=int(given.start + 0.5), end=int(given.end + 0.5))
        if note.end <= note.start:
            continue  # an ornament shorter than the grid
        if found and found[-1].start < note.start == found[-1].end - 1:
            found[-1].end = note.start  # played legato
        if top and found and note.start < found[-1].end:
            beneath += 1
            if note.midi <= found[-1].midi:
                continue
            if note.start == found[-1].start:
                found.pop()
            else:
                found[-1].end = note.start
        tied = not note.struck and found and found[-1].midi == note.midi
        if tied and found[-1].end == note.start:
            found[-1].end = note.end
            found[-1].fermata |= note.fermata
            found[-1].pause = max(found[-1].pause, note.pause)
        else:
            note.struck = True
            found.append(note)
    if beneath:
        said.append(f"{beneath} notes that sound with the melody are left out")
    return found


def _metre(bars: list[Bar], steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Position, bar length and unit for each step; the first two are -1 where there are no bars."""
    position = np.full(steps, -1, np.int16)
    length = np.full(steps, -1, np.int16)
    unit = default_units(length)
    filled = 0  # of a bar that was left incomplete
    for index, bar in enumerate(bars):
        start, own, full = round(bar.start), round(bar.length), bar.full
        if index == 0 and own < full:
            late = full - own
        else:
            late = filled if filled + own <= full else 0
        here = np.arange(start, min(start + own, steps))
        position[here] = (late + here - start) % full
        length[here] = full
        unit[here] = bar.unit
        filled = (late + own) % full if own < full else 0
    return position, length, unit
