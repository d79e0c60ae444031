"""Scores as pieces: music21's own corpus of Bach's chorales, and the user's MIDI, MusicXML, ABC."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from apps.music.key import estimate_key
from apps.music.piece import HIGHEST, LOWEST, Piece, piece_from_pitches
from shared.datasets import cache_dir
from shared.errors import InputError
from shared.files import write_bytes

SUFFIXES = (".mid", ".midi", ".mxl", ".musicxml", ".xml", ".abc")
"""File name endings that `read_score` knows."""

FORMAT = 1  # of the cache; raise it when `piece_from_score` changes its mind
_GRID_TOLERANCE = 0.05  # share of notes that may lie beside the grid of 16ths


class Rejected(ValueError):
    """A score that does not fit into a `Piece`; the message is the reason."""


# --- one score ------------------------------------------------------------------------------


@dataclass
class _Note:
    """A note on the grid."""

    start: int
    end: int
    midi: int
    struck: bool
    fermata: bool


def read_score(path: str | Path, melody: bool = False) -> Piece:
    """A file of the user's as a piece: MIDI, MusicXML (`.mxl` too) or ABC.

    Args:
        path: The file. A MIDI file is taken to begin on a bar line, ABC with several tunes to
            be its first.
        melody: Read one voice, the highest notes of the first part, as the soprano; the others
            are silent. Otherwise four parts are wanted, or two staves of two voices.

    Raises:
        InputError: The file cannot be read as such, in one line with the reason.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"cannot read {path}: no such file")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: expected a file ending in {', '.join(SUFFIXES)}")
    try:
        return piece_from_score(_parse(path), path.stem, melody=melody, source=path.name)
    except Rejected as error:
        raise InputError(f"{path}: {error}") from error


def _parse(path: Path):
    """The music21 score in a file; what the parser throws becomes `Rejected`."""
    from music21 import converter, stream

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = converter.parse(path, forceSource=True)
    except Exception as error:  # music21 raises whatever its parsers stumble over
        reason = " ".join(str(error).split())[:120]
        raise Rejected(f"music21 cannot parse it ({type(error).__name__}: {reason})") from error
    if isinstance(score, stream.Opus):
        score = score.scores[0] if len(score.scores) else stream.Score()
    if isinstance(score, stream.Part):
        score = stream.Score([score])
    return score


def piece_from_score(score, name: str, *, melody: bool = False, source: str = "") -> Piece:
    """A music21 score as a piece.

    Notes are moved to the nearest 16th. Bars that begin late (upbeats, the second half of a bar
    that a repeat sign divides) start at their position within the full bar. The key is
    estimated from the notes, the last bass note and the signature (`estimate_key`).

    Raises:
        Rejected: The score is not in four parts (`melody`: has no notes), or a part is not a
            single voice, or too many notes are off the grid (tuplets, 32nds).
    """
    parts = [part for part in score.parts if part.recurse().notes]
    if melody:
        parts = parts[:1]
        if not parts:
            raise Rejected("no notes in it")
    elif len(parts) == 2:
        parts = [part for part in score.voicesToParts().parts if part.recurse().notes]
    if not melody and len(parts) != 4:
        raise Rejected(f"{len(parts)} part{'s' * (len(parts) != 1)}, not four")
    voices, beside = [], []
    for part in parts:
        notes, off = _part_notes(part, top=melody)
        voices.append(notes)
        beside += off
    if np.mean(beside) > _GRID_TOLERANCE:
        raise Rejected(f"{np.mean(beside):.0%} of the notes are off the grid of 16ths")
    if not all(voices):
        raise Rejected("a part has no notes as long as a 16th")
    start = min(notes[0].start for notes in voices)  # silence before the music is left out
    steps = max(note.end for notes in voices for note in notes)

    pitches = np.full((steps, 4), -1, np.int16)
    strikes = np.zeros((steps, 4), bool)
    fermata = np.zeros((steps, 4), bool)
    for voice, notes in enumerate(voices):
        for note in notes:
            here = slice(note.start, note.end)
            if (pitches[here, voice] >= 0).any():
                raise Rejected(f"part {voice + 1} is more than one voice")
            pitches[here, voice] = note.midi
            strikes[note.start, voice] = note.struck
            fermata[here, voice] = note.fermata
    signature = next(iter(parts[0].recurse().getElementsByClass("KeySignature")), None)
    tonic, mode = estimate_key(pitches, signature.sharps if signature is not None else None)
    position, bar_length = _metre(parts[0], steps)
    # Some scores set the fermata in another voice than the soprano.
    voice = int(np.argmax(fermata.any(0)))
    return piece_from_pitches(
        name, pitches[start:], strikes[start:], position=position[start:],
        bar_length=bar_length[start:], fermata=fermata[start:, voice],
        tonic=tonic, mode=mode, source=source,
    )  # fmt: skip


def _part_notes(part, top: bool) -> tuple[list[_Note], list[bool]]:
    """The notes of a part in time, tied ones joined; and for each whether it is off the grid."""
    found: list[_Note] = []
    beside = []
    for element in part.flatten().notes:
        if element.duration.isGrace or not element.isNote and not element.isChord:
            continue
        if element.isChord and not top:
            raise Rejected("a part has chords")
        start, end = float(element.offset) * 4, float(element.offset + element.quarterLength) * 4
        beside.append(abs(start - round(start)) > 1e-3 or abs(end - round(end)) > 1e-3)
        note = _Note(
            int(start + 0.5),
            int(end + 0.5),
            max(pitch.midi for pitch in element.pitches),
            element.tie is None or element.tie.type == "start",
            any("Fermata" in expression.classes for expression in element.expressions),
        )
        if note.end <= note.start:
            continue  # an ornament shorter than the grid
        if found and found[-1].start < note.start == found[-1].end - 1:
            found[-1].end = note.start  # played legato
        if top and found and note.start < found[-1].end:
            if note.midi <= found[-1].midi:
                continue  # beneath the melody
            if note.start == found[-1].start:
                found.pop()
            else:
                found[-1].end = note.start
        tied = not note.struck and found and found[-1].midi == note.midi
        if tied and found[-1].end == note.start:
            found[-1].end = note.end
            found[-1].fermata |= note.fermata
        else:
            note.struck = True
            found.append(note)
    return found, beside


def _metre(part, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Position within the bar and length of the bar for each step, -1 where there are no bars."""
    position = np.full(steps, -1, np.int16)
    length = np.full(steps, -1, np.int16)
    filled = 0  # of a bar that was left incomplete
    for index, bar in enumerate(part.getElementsByClass("Measure")):
        full = round(float(bar.barDuration.quarterLength) * 4)
        own = round(float(bar.duration.quarterLength) * 4)
        start = round(float(bar.offset) * 4)
        if index == 0 and own < full:
            late = full - own
        else:
            late = filled if filled + own <= full else 0
        here = np.arange(start, min(start + own, steps))
        position[here] = (late + here - start) % full
        length[here] = full
        filled = (late + own) % full if own < full else 0
    return position, length


# --- many scores ----------------------------------------------------------------------------

Found = tuple[list[Piece], dict[str, str]]
"""The pieces read, and by name why each of the others was not."""


def _read_all(paths: dict[str, Path], source: str, progress: Callable[[str], None] | None) -> Found:
    pieces, rejected = [], {}
    for index, (name, path) in enumerate(paths.items()):
        try:
            piece = piece_from_score(_parse(path), name, source=source)
            sounding = piece.pitches[piece.pitches >= 0]
            if sounding.min() < LOWEST or sounding.max() > HIGHEST:
                raise Rejected(f"pitches outside of {LOWEST} to {HIGHEST}")
            pieces.append(piece)
        except Rejected as error:
            rejected[name] = str(error)
        if progress and (index + 1) % 20 == 0:
            progress(f"{index + 1} of {len(paths)} scores read")
    return pieces, rejected


def read_folder(folder: str | Path, progress: Callable[[str], None] | None = None) -> Found:
    """The four-part pieces among the user's files in a folder and those below it.

    Args:
        folder: Where they are; what ends in none of `SUFFIXES` is passed over.
        progress: Called with a line now and then.

    Returns:
        The pieces, named by their paths within the folder, and why the others failed.

    Raises:
        InputError: There is no such folder, or no file in it could be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder")
    paths = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES
    }
    pieces, rejected = _read_all(paths, folder.name, progress)
    if not pieces:
        first = "; ".join(f"{name}: {why}" for name, why in list(rejected.items())[:1])
        raise InputError(
            f"{folder} has no four-part piece that can be used ({len(rejected)} files"
            f" {'tried, ' + first if first else 'ending in ' + ', '.join(SUFFIXES)})"
        )
    return pieces, rejected


def read_bach(
    folder: str | Path | None = None, progress: Callable[[str], None] | None = None
) -> Found:
    """Bach's four-part chorales from music21's own corpus, parsed once (two minutes) and cached.

    Args:
        folder: Of the cache, default `cache_dir()`.
        progress: Called with a line now and then while parsing.

    Returns:
        The pieces, named as music21 names them (``bwv66.6``), and why the others were left out.
    """
    import music21

    cache = Path(folder) if folder is not None else cache_dir()
    cache = cache / f"bach-{music21.__version__}-{FORMAT}.npz"
    if not cache.exists():
        paths = {_bach_name(p): Path(p) for p in music21.corpus.getComposer("bach")}
        write_bytes(cache, pack(*_read_all(paths, "music21", progress)))
    return unpack(cache.read_bytes())


def _bach_name(path: str | Path) -> str:
    path = Path(path)
    return path.stem if path.suffix == ".mxl" else path.name


def pack(pieces: list[Piece], rejected: dict[str, str]) -> bytes:
    """Pieces and reasons as the bytes of an ``.npz`` file."""
    names = ("pitches", "strikes", "position", "bar_length", "fermata")
    columns: dict[str, Any] = {n: np.concatenate([getattr(p, n) for p in pieces]) for n in names}
    words = {
        "pieces": [[p.name, len(p), p.tonic, p.mode, p.source] for p in pieces],
        "rejected": rejected,
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, words=np.array(json.dumps(words)), **columns)
    return buffer.getvalue()


def unpack(content: bytes) -> Found:
    """The inverse of `pack`."""
    with np.load(io.BytesIO(content)) as file:
        words = json.loads(str(file["words"]))
        columns = {name: file[name] for name in file.files if name != "words"}
    pieces, start = [], 0
    for name, steps, tonic, mode, source in words["pieces"]:
        here = {key: column[start : start + steps] for key, column in columns.items()}
        pieces.append(Piece(name, **here, tonic=tonic, mode=mode, source=source))
        start += steps
    return pieces, words["rejected"]
