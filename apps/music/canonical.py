"""Chorales in the canonical format of the JSB-Chorales dataset, a JSON file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from apps.music.piece import Piece, piece_from_pitches
from shared.errors import InputError
from shared.readers import read_json


def read_canonical(path: str | Path) -> dict[str, list[Piece]]:
    """The pieces of a file in the format of the JSB-Chorales dataset, by split.

    The file holds ``{"split": [piece, ...]}``, a piece is a list of 16th-note steps, a step
    ``[soprano, alto, tenor, bass]`` in MIDI numbers; -1, null and NaN are silence.

    Raises:
        InputError: It is no such file; the message names it, the split, the piece and the step.
    """
    path = Path(path)
    content = read_json(path)
    if not isinstance(content, dict) or not content:
        raise InputError(f'{path}: expected {{"split": [piece, ...]}} at the top level')
    return {split: _canonical_split(path, split, pieces) for split, pieces in content.items()}


def _canonical_split(path: Path, split: str, pieces: Any) -> list[Piece]:
    if not isinstance(pieces, list) or not pieces:
        raise InputError(f"{path}: split {split!r} must be a list of at least one piece")
    return [
        replace(
            piece_from_pitches(
                f"{split}/{index:03d}",
                _canonical_pitches(steps, f"{path}: split {split!r}, piece {index}"),
            ),
            source=path.name,
        )
        for index, steps in enumerate(pieces)
    ]


def _canonical_pitches(steps: Any, where: str) -> np.ndarray:
    if not isinstance(steps, list) or not steps:
        raise InputError(f"{where} must be a list of at least one step")
    pitches = np.empty((len(steps), 4), np.int16)
    for index, step in enumerate(steps):
        if not isinstance(step, list) or len(step) != 4:
            raise InputError(f"{where}, step {index} must be four pitches, one for each voice")
        for voice, value in enumerate(step):
            if value is None or value != value:  # null and NaN
                value = -1
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not -1 <= value <= 127 or value != int(value):
                raise InputError(
                    f"{where}, step {index}: {value!r} is no MIDI pitch"
                    " (0 to 127; -1, null or NaN for silence)"
                )
            pitches[index, voice] = value
    return pitches
