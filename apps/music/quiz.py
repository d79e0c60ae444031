"""A quiz for people: which excerpts are Bach's, and which were composed by a model?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from apps.music.compose import RENDERERS
from apps.music.decoding import DECODING, fill
from apps.music.key import key_name
from apps.music.piece import Facts, Piece
from apps.music.planning import plan
from apps.music.score import TEMPO
from shared.decoding import DecodingOptions
from shared.errors import InputError
from shared.files import write_bytes, write_text
from shared.presets.open import Opened

EACH = 10  # excerpts by either
_BARS = 16  # of a composed piece, of which the beginning is heard
_LEAST, _MOST = 5 * 16, 10 * 16  # 16ths of an excerpt
_UPBEAT = 12  # position of a piece that begins with a quarter before the bar line


def write_quiz(opened: Opened, real: Sequence[Piece], folder: str | Path, seed: int) -> list[str]:
    """Writes excerpts of real and of composed pieces in a random order, and a key to them.

    All are in 4/4 after an upbeat, in the same keys, and end with a phrase. Excerpts are
    ``01.mid`` and ``01.png`` and so on, the key is ``key.json``.

    Args:
        opened: A music model on any backend.
        real: Pieces to choose from.
        folder: Where the files go.
        seed: Of what is chosen, composed and shuffled.

    Returns:
        The paths of the files.

    Raises:
        InputError: Too few of the pieces are in 4/4 after an upbeat, with phrases.
    """
    rng = np.random.default_rng(seed)
    fits = [p for p in real if (p.bar_length == 16).all() and p.position[0] == _UPBEAT]
    fits = [p for p in fits if p.tonic >= 0 and _end(p)]
    if len(fits) < EACH:
        raise InputError(f"{len(fits)} pieces for a quiz are too few; it takes {EACH}")
    chosen = [fits[k] for k in rng.permutation(len(fits))[:EACH]]
    excerpts = [(excerpt(piece), f"real: {piece.name}") for piece in chosen]
    for number, piece in enumerate(chosen):
        outline = plan(_BARS, (piece.tonic, piece.mode), upbeat=4)
        options = DecodingOptions(**DECODING, seed=seed + number)
        made = fill(opened.generator, opened.config, outline, options)
        key = key_name(piece.tonic, piece.mode)
        excerpts.append((excerpt(made), f"composed: {key}, seed {seed + number}"))
    answers, files = {}, []
    for number, k in enumerate(rng.permutation(len(excerpts)), 1):
        piece, answer = excerpts[k]
        answers[f"{number:02}"] = answer
        for ending in (".mid", ".png"):
            files.append(str(Path(folder) / f"{number:02}{ending}"))
            write_bytes(files[-1], RENDERERS[ending](piece, TEMPO))
    files.append(str(Path(folder) / "key.json"))
    write_text(files[-1], json.dumps(answers, indent=1) + "\n")
    return files


def excerpt(piece: Piece) -> Piece:
    """The beginning of a piece, to the end of a phrase, without its title."""
    steps = _end(piece) or len(piece)
    names = ("pitches", "strikes", "position", "bar_length", "fermata")
    cut: dict[str, Any] = {name: getattr(piece, name)[:steps] for name in names}
    return replace(piece, **cut, unit=piece.units[:steps], facts=Facts())


def _end(piece: Piece) -> int | None:
    """The first step after a phrase of a length that is enough, and not too much."""
    ends = np.flatnonzero(np.diff(np.append(piece.fermata, False).astype(int)) == -1) + 1
    return next((int(end) for end in ends if _LEAST <= end <= _MOST), None)
