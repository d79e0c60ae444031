"""The suite's split of Bach's chorales by tune: all settings of a melody, in any key, are together.

The list is stored in ``splits.json``, so that figures stay comparable when music21 changes.
``python -m apps.music.splits`` creates it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from apps.music.corpus import read_bach
from apps.music.piece import Piece
from shared.errors import InputError
from shared.files import write_json
from shared.readers import read_json

LIST = Path(__file__).with_name("splits.json")

_GRAM = 8  # length of a passage of a tune, in intervals
_SAME_TUNE = 0.2  # two tunes are the same if they share this fraction of their passages
_SAME_CHORDS = 12  # or if they share this many chords in a row


def _on_beats(piece: Piece) -> np.ndarray:
    """Returns the pitches on the quarters, ``(beats, 4)``, without beats where a voice rests."""
    index = np.arange(len(piece))
    beat = np.where(piece.position >= 0, piece.position, index) % 4 == 0
    pitches = piece.pitches[beat].astype(int)
    return pitches[(pitches >= 0).all(1)]


def _passages(rows: np.ndarray, length: int) -> set[bytes]:
    flat = np.ascontiguousarray(rows, np.int8)
    return {flat[i : i + length].tobytes() for i in range(len(flat) - length + 1)}


def tune_passages(piece: Piece) -> set[bytes]:
    """Returns all runs of eight intervals of the soprano on the beats, without repeated notes."""
    tune = _on_beats(piece)[:, 0]
    steps = np.diff(tune)
    return _passages(steps[steps != 0], _GRAM)


def chord_passages(piece: Piece, length: int) -> set[bytes]:
    """Returns all runs of ``length`` chords on the beats, as motions of the voices in any key."""
    chords = _on_beats(piece)
    shape = chords[:, :3] - chords[:, 3:]
    moved = np.diff(chords[:, 3], prepend=chords[:1, 3])[:, None]
    return _passages(np.hstack([shape, moved])[1:], length)


def tunes(pieces: Sequence[Piece]) -> list[list[int]]:
    """Groups the indices of pieces by tune, compared by melody and by chords."""
    melodies = [tune_passages(piece) for piece in pieces]
    chords = [chord_passages(piece, _SAME_CHORDS) for piece in pieces]
    group = list(range(len(pieces)))

    def root(index: int) -> int:
        while group[index] != index:
            index = group[index]
        return index

    for i in range(len(pieces)):
        for j in range(i):
            shared = len(melodies[i] & melodies[j])
            shorter = min(len(melodies[i]), len(melodies[j]))
            if (shorter and shared >= _SAME_TUNE * shorter) or chords[i] & chords[j]:
                group[root(i)] = root(j)
    found: dict[int, list[int]] = {}
    for index in range(len(pieces)):
        found.setdefault(root(index), []).append(index)
    return list(found.values())


def split_by_tune(
    pieces: Sequence[Piece], seed: int = 0, shares: Sequence[float] = (0.8, 0.1, 0.1)
) -> dict[str, list[str]]:
    """Splits pieces into ``train``, ``valid`` and ``test``; returns their names.

    Settings of one tune are in the same split. Of pieces that are equal up to transposition, only
    the first is kept.

    Args:
        pieces: All pieces, with unique names.
        seed: Seed of the assignment of tunes.
        shares: Fractions of the pieces in the three splits.
    """
    distinct: dict[bytes, Piece] = {}
    for piece in pieces:
        relative = np.where(piece.pitches < 0, -99, piece.pitches - piece.pitches.max())
        distinct.setdefault(relative.astype(np.int8).tobytes(), piece)
    kept = list(distinct.values())
    parts: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    groups = tunes(kept)
    for index in np.random.default_rng(seed).permutation(len(groups)):
        lack = {
            part: share * len(kept) - len(names)
            for (part, names), share in zip(parts.items(), shares, strict=True)
        }
        part = max(lack, key=lambda name: lack[name])
        parts[part] += [kept[i].name for i in groups[index]]
    order = {piece.name: index for index, piece in enumerate(pieces)}
    return {part: sorted(names, key=order.__getitem__) for part, names in parts.items()}


def bach_splits(folder: str | Path | None = None) -> dict[str, list[Piece]]:
    """Returns Bach's chorales in ``train``, ``valid`` and ``test``, as listed in ``splits.json``.

    Args:
        folder: Folder of the cache of `apps.music.corpus.read_bach`.

    Raises:
        InputError: The installed music21 lacks one of the pieces.
    """
    by_name = {piece.name: piece for piece in read_bach(folder)[0]}
    parts = read_json(LIST)
    missing = [name for names in parts.values() for name in names if name not in by_name]
    if missing:
        raise InputError(
            f"music21's corpus lacks {missing[0]} and {len(missing) - 1} more of the chorales in"
            f" {LIST.name}; install the version of music21 that setup.cfg asks for"
        )
    return {part: [by_name[name] for name in names] for part, names in parts.items()}


if __name__ == "__main__":
    write_json(LIST, split_by_tune(read_bach()[0]))
