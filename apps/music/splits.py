"""Our own split of Bach's chorales, by tune: no melody is in two parts, in whatever key or setting.

The list is kept as ``splits.json``, so that figures stay comparable when music21 changes.
``python -m apps.music.splits`` makes it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from apps.music.corpus import read_bach
from apps.music.piece import Piece
from shared.errors import InputError
from shared.files import read_json, write_json

LIST = Path(__file__).with_name("splits.json")

_GRAM = 8  # intervals of a tune that count as the same passage
_SAME_TUNE = 0.2  # share of such passages in common that makes two tunes one
_SAME_CHORDS = 12  # chords in a row in common that do so as well


def _on_beats(piece: Piece) -> np.ndarray:
    """Pitches on the quarters, int ``(beats, 4)``, without beats where a voice is silent."""
    index = np.arange(len(piece))
    beat = np.where(piece.position >= 0, piece.position, index) % 4 == 0
    pitches = piece.pitches[beat].astype(int)
    return pitches[(pitches >= 0).all(1)]


def _passages(rows: np.ndarray, length: int) -> set[bytes]:
    flat = np.ascontiguousarray(rows, np.int8)
    return {flat[i : i + length].tobytes() for i in range(len(flat) - length + 1)}


def tune_passages(piece: Piece) -> set[bytes]:
    """All runs of eight intervals of the soprano on the beats, repeated notes counted once."""
    tune = _on_beats(piece)[:, 0]
    steps = np.diff(tune)
    return _passages(steps[steps != 0], _GRAM)


def chord_passages(piece: Piece, length: int) -> set[bytes]:
    """All runs of so many chords on the beats, as the motion of the voices: whatever the key."""
    chords = _on_beats(piece)
    shape = chords[:, :3] - chords[:, 3:]
    moved = np.diff(chords[:, 3], prepend=chords[:1, 3])[:, None]
    return _passages(np.hstack([shape, moved])[1:], length)


def tunes(pieces: Sequence[Piece]) -> list[list[int]]:
    """Indices of the pieces grouped by tune; two are joined by their melodies or their chords."""
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
    """The names of the pieces in ``train``, ``valid`` and ``test``.

    Settings of one tune stay together. Of pieces that are equal up to transposition, only the
    first is kept.

    Args:
        pieces: All of them, with names that differ.
        seed: Which tunes go where.
        shares: Of the pieces, for the three parts.
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
    """Bach's chorales in ``train``, ``valid`` and ``test``, as ``splits.json`` lists them.

    Args:
        folder: Of the cache, see `apps.music.corpus.read_bach`.

    Raises:
        InputError: This music21 lacks one of the pieces.
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
