"""Scores as pieces: music21's own corpus of Bach's chorales, and the user's MIDI, MusicXML, ABC."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from apps.music.abc import read_abc
from apps.music.midi_file import read_midi
from apps.music.notation import parse, sheet_from_score
from apps.music.piece import HIGHEST, LOWEST, Piece
from apps.music.sheet import Rejected, Sheet, piece_from_sheet
from shared.datasets import cache_dir
from shared.errors import InputError
from shared.files import write_bytes
from shared.readers import read_arrays

SUFFIXES = (".mid", ".midi", ".mxl", ".musicxml", ".xml", ".abc")
"""File name endings that `read_score` knows."""

FORMAT = 1  # of the cache; raise it when `piece_from_score` changes its mind
_GRID_TOLERANCE = 0.05  # share of notes that may lie beside the grid of 16ths


# --- one score ------------------------------------------------------------------------------


def read_score(path: str | Path, melody: bool = False, part: str | None = None) -> Piece:
    """A file of the user's as a piece: MIDI, MusicXML (`.mxl` too) or ABC.

    Args:
        path: The file. Of ABC with several tunes the first is read.
        melody: Read one voice, the highest notes of a part, as the soprano; the others are
            silent. Otherwise four parts are wanted, or two staves of two voices.
        part: Number or name of that part, see `piece_from_sheet`.

    Raises:
        InputError: The file cannot be read as such, in one line with the reason.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"cannot read {path}: no such file")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: expected a file ending in {', '.join(SUFFIXES)}")
    try:
        sheet = _sheet(path, melody)
        return piece_from_sheet(sheet, path.stem, melody=melody, part=part, source=path.name)
    except Rejected as error:
        raise InputError(f"{path}: {error}") from error


def _sheet(path: Path, melody: bool = False) -> Sheet:
    """What a file says, whatever its format."""
    ending = path.suffix.lower()
    try:
        if ending == ".abc":
            return read_abc(path)
        if ending in (".mid", ".midi"):
            return read_midi(path)
        return sheet_from_score(parse(path), melody=melody)
    except InputError as error:
        raise Rejected(str(error).removeprefix(f"{path}: ")) from error
    except ArithmeticError as error:  # of times beyond all numbers
        raise Rejected(f"it has absurd times ({error}); correct it") from error


def piece_from_score(
    score: Any,
    name: str,
    *,
    melody: bool = False,
    part: str | None = None,
    source: str = "",
    as_written: bool = False,
) -> Piece:
    """A music21 score as a piece, see `sheet_from_score` and `piece_from_sheet`.

    ``as_written`` is how the chorales of the corpus are read, for the models were trained on that:
    notes are moved to the nearest 16th if few are off, and keys are estimated.

    Raises:
        Rejected: The score does not fit into a piece.
    """
    return piece_from_sheet(
        sheet_from_score(score, melody=melody, as_written=as_written),
        name,
        melody=melody,
        part=part,
        source=source,
        tolerance=_GRID_TOLERANCE if as_written else 0.0,
        as_written=as_written,
    )


# --- many scores ----------------------------------------------------------------------------

Found = tuple[list[Piece], dict[str, str]]
"""The pieces read, and by name why each of the others was not."""


def _read_all(
    paths: dict[str, Path],
    read: Callable[[Path, str], Piece],
    progress: Callable[[str], None] | None,
) -> Found:
    pieces, rejected = [], {}
    for index, (name, path) in enumerate(paths.items()):
        try:
            piece = read(path, name)
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

    def read(path: Path, name: str) -> Piece:
        source, tolerance = folder.name, _GRID_TOLERANCE
        return piece_from_sheet(_sheet(path), name, source=source, tolerance=tolerance)

    pieces, rejected = _read_all(paths, read, progress)
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
    if cache.exists():
        with suppress(InputError):  # damaged: it is made anew
            return unpack(cache)
    paths = {_bach_name(p): Path(p) for p in music21.corpus.getComposer("bach")}
    write_bytes(cache, pack(*_read_all(paths, _read_chorale, progress)))
    return unpack(cache)


def _read_chorale(path: Path, name: str) -> Piece:
    return piece_from_score(parse(path), name, source="music21", as_written=True)


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


def unpack(path: Path) -> Found:
    """Reads what `pack` made.

    Raises:
        InputError: The file is damaged.
    """
    columns: dict[str, Any] = dict(read_arrays(path))
    try:
        words = json.loads(str(columns.pop("words")))
        pieces, start = [], 0
        for name, steps, tonic, mode, source in words["pieces"]:
            here = {key: column[start : start + steps] for key, column in columns.items()}
            pieces.append(Piece(name, **here, tonic=tonic, mode=mode, source=source))
            start += steps
        return pieces, words["rejected"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged; delete it") from error
