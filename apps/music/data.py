"""Chorales to train on: the canonical JSON, training crops, whole pieces, the `tf.data` pipeline.

`apps.music.corpus` has the readers that need music21; `apps.music.piece` what they all return.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.music.piece import (
    END,
    FEATURES,
    PITCH,
    START,
    Piece,
    ages,
    encode_piece,
    features,
    piece_from_pitches,
)
from shared.errors import InputError


def read_canonical(path: str | Path) -> dict[str, list[Piece]]:
    """The pieces of a file in the format of the JSB-Chorales dataset, by split.

    The file holds ``{"split": [piece, ...]}``, a piece is a list of 16th-note steps, a step
    ``[soprano, alto, tenor, bass]`` in MIDI numbers; -1, null and NaN are silence.

    Raises:
        InputError: In one line naming the file, the split, the piece and the step.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is not a JSON file: {error}") from error
    if not isinstance(content, dict) or not content:
        raise InputError(f'{path}: expected {{"split": [piece, ...]}} at the top level')
    return {split: _canonical_split(path, split, pieces) for split, pieces in content.items()}


def read_split(path: str | Path, split: str) -> list[Piece]:
    """The pieces of one split of a canonical JSON file; an unknown name is refused, listing all."""
    splits = read_canonical(path)
    if split not in splits:
        raise InputError(f"{path} has no split {split!r}; it has: {', '.join(splits)}")
    return splits[split]


def _canonical_split(path: Path, split: str, pieces: Any) -> list[Piece]:
    if not isinstance(pieces, list) or not pieces:
        raise InputError(f"{path}: split {split!r} must be a list of at least one piece")
    return [
        piece_from_pitches(
            f"{split}/{index:03d}",
            _canonical_pitches(steps, f"{path}: split {split!r}, piece {index}"),
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


def voice_ranges(pieces: Sequence[Piece]) -> np.ndarray:
    """Lowest and highest pitch of each voice over all pieces: int ``(4, 2)``."""
    pitches = np.concatenate([piece.pitches for piece in pieces]).astype(int)
    return np.stack([np.where(pitches < 0, 128, pitches).min(0), pitches.max(0)], axis=1)


def transpositions(piece: Piece, ranges: np.ndarray) -> range:
    """All shifts in semitones that keep each voice within its range; 0 is always among them."""
    own = voice_ranges([piece])
    sounding = own[:, 1] >= 0
    down = max(ranges[sounding, 0] - own[sounding, 0], default=0)
    up = min(ranges[sounding, 1] - own[sounding, 1], default=0)
    return range(min(int(down), 0), max(int(up), 0) + 1)


class _Encoded:
    """A piece as a model sees it, its end included: all that crops are cut from."""

    def __init__(self, piece: Piece, holds: bool) -> None:
        symbols = encode_piece(piece, holds)
        start = np.full((1, 4), START, np.int32)
        self.frames = np.vstack([start, symbols, np.full((1, 4), END, np.int32)])
        # What a hold holds: the model reads the notes that sound, and for how long they do.
        end = np.full((1, 4), END, np.int32)
        self.sounding = np.vstack([start, encode_piece(piece), end])
        self.ages = np.vstack([start * 0, ages(symbols, holds), end * 0])
        self.features = features(piece, end=True)
        self.mask = np.ones((len(piece) + 1, 4), bool)
        self.mask[-1, 1:] = False  # the soprano alone ends the piece

    def cut(self, start: int, steps: int, shift: int = 0) -> dict[str, np.ndarray]:
        """Steps ``start`` to ``start + steps``, padded by masked zeros."""
        frames = np.zeros((steps + 1, 4), np.int32)
        sounding = np.zeros((steps + 1, 4), np.int32)
        age = np.zeros((steps + 1, 4), np.int32)
        rows = np.zeros((steps, len(FEATURES)), np.int32)
        mask = np.zeros((steps, 4), bool)
        here = slice(start, start + steps)
        length = len(self.features[here])
        more = slice(start, start + steps + 1)
        frames[: length + 1] = self.frames[more]
        sounding[: length + 1] = self.sounding[more]
        age[: length + 1] = self.ages[more]
        for symbols in (frames, sounding):
            symbols[symbols >= PITCH] += shift
        rows[:length] = self.features[here]
        tonic = rows[:length, 4]
        tonic[tonic < 12] = (tonic[tonic < 12] + shift) % 12
        mask[:length] = self.mask[here]
        return {
            "frames": frames,
            "sounding": sounding,
            "ages": age,
            "features": rows,
            "mask": mask,
        }


def _stack(items: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.stack([item[name] for item in items]) for name in items[0]}


def batches_per_epoch(pieces: Sequence[Piece], steps: int, batch: int) -> int:
    """How many batches `crops` makes of these pieces in an epoch."""
    return -(-sum(_crop_count(piece, steps) for piece in pieces) // batch)


def _crop_count(piece: Piece, steps: int) -> int:
    return -(-(len(piece) + 1) // steps)


def crops(
    pieces: Sequence[Piece],
    steps: int,
    batch: int,
    seed: int,
    epoch: int = 0,
    *,
    transpose: bool = True,
    holds: bool = False,
    ranges: np.ndarray | None = None,
    given: float = 0.0,
    hidden: float = 0.0,
) -> Iterator[dict[str, np.ndarray]]:
    """The training batches of one epoch; the same arguments give the same batches.

    Each piece is cut as often as it takes to cover it, at random places; crops that would stick
    out are moved inside, so beginnings and ends come up more often than other places. The last
    batch is filled with crops of the first.

    Args:
        pieces: What to cut from.
        steps: Length of a crop; shorter pieces are padded.
        batch: Crops in a batch.
        seed, epoch: What the random choices depend on.
        transpose: Shift each crop by a random interval that keeps each voice in its range.
        holds: See `encode_piece`.
        ranges: ``(4, 2)`` lowest and highest pitch of each voice, default those of the pieces.
        given: Share of the crops whose melody the model is told beforehand, drawn at random.
        hidden: Share of the crops in which some of the lower voices go unheard for some time, so
            that the model cannot rely on any of them. They are to be predicted all the same.

    Yields:
        ``frames`` int32 ``(batch, steps + 1, 4)``, symbols with voices in `VOICE_ORDER`, the first
        frame being the one before the crop (`START` at the beginning of a piece); ``sounding``,
        the same with the note that sounds in place of every `HOLD`, and with `START` in place of
        what is hidden; ``ages``, for how long it has
        (see `ages`); ``features`` int32 ``(batch, steps, 7)`` for frames 1 and on; ``mask`` bool
        ``(batch, steps, 4)``, which symbols of frames 1 and on count: the soprano's `END` does;
        ``given`` bool ``(batch,)``.
    """
    limits = voice_ranges(pieces) if ranges is None else ranges
    yield from _crops([_Encoded(p, holds) for p in pieces], pieces, steps, batch,
                      (seed, epoch), limits if transpose else None, given, hidden)  # fmt: skip


def _crops(
    encoded: Sequence[_Encoded],
    pieces: Sequence[Piece],
    steps: int,
    batch: int,
    seed: tuple[int, int],
    ranges: np.ndarray | None,
    given: float,
    hidden: float,
) -> Iterator[dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    plan = []
    for index, piece in enumerate(pieces):
        shifts = [0] if ranges is None else transpositions(piece, ranges)
        count = _crop_count(piece, steps)
        last = max(0, len(piece) + 1 - steps)
        places = (np.arange(count) + rng.random(count)) / count  # spread over the piece
        for start in np.rint(places * (last + steps // 2) - steps // 4).astype(int):
            plan.append((index, min(max(start, 0), last), int(rng.choice(shifts))))
    order = rng.permutation(len(plan))
    order = np.resize(order, -(-len(order) // batch) * batch)
    for first in range(0, len(order), batch):
        chosen = [plan[i] for i in order[first : first + batch]]
        result = _stack([encoded[i].cut(start, steps, shift) for i, start, shift in chosen])
        for row in np.flatnonzero(rng.random(batch) < hidden):
            _hide(result["sounding"][row], result["ages"][row], rng)
        yield {**result, "given": rng.random(batch) < given}


def _hide(sounding: np.ndarray, ages: np.ndarray, rng: np.random.Generator) -> None:
    """One to three of the lower voices, from one frame of a crop to another."""
    voices = rng.choice([1, 2, 3], size=rng.integers(1, 4), replace=False)
    length = rng.integers(1, len(sounding) + 1)
    start = rng.integers(0, len(sounding) - length + 1)
    sounding[start : start + length, voices] = START
    ages[start : start + length, voices] = 0


def whole_pieces(
    pieces: Sequence[Piece], batch: int, holds: bool = False
) -> Iterator[dict[str, np.ndarray]]:
    """Whole pieces for evaluation, those of similar length together, padded to the longest.

    Yields:
        As `crops`, with as many steps as the longest piece of the batch has; `END` is there but
        masked, for it does not count. ``index`` int32 ``(rows,)`` says which piece a row is.
    """
    order = sorted(range(len(pieces)), key=lambda i: len(pieces[i]))
    for first in range(0, len(order), batch):
        chosen = order[first : first + batch]
        steps = max(len(pieces[i]) for i in chosen)
        result = _stack([_Encoded(pieces[i], holds).cut(0, steps + 1) for i in chosen])
        result["mask"] &= result["frames"][:, 1:, :1] != END
        yield {**result, "index": np.array(chosen, np.int32)}


def pipeline(
    pieces: Sequence[Piece],
    steps: int,
    batch: int,
    seed: int,
    first_epoch: int = 0,
    *,
    transpose: bool = True,
    holds: bool = False,
    ranges: np.ndarray | None = None,
    given: float = 0.0,
    hidden: float = 0.0,
):  # the type would import TensorFlow
    """`crops` of epoch after epoch without end, from ``first_epoch`` on, as a `tf.data.Dataset`.

    An epoch has `batches_per_epoch` elements; each is the dict that `crops` yields.
    """
    import tensorflow as tf

    encoded = [_Encoded(piece, holds) for piece in pieces]
    limits = (voice_ranges(pieces) if ranges is None else ranges) if transpose else None

    def generate() -> Iterator[dict[str, np.ndarray]]:
        epoch = first_epoch
        while True:
            yield from _crops(encoded, pieces, steps, batch, (seed, epoch), limits, given, hidden)
            epoch += 1

    signature = {
        "frames": tf.TensorSpec((batch, steps + 1, 4), tf.int32),
        "sounding": tf.TensorSpec((batch, steps + 1, 4), tf.int32),
        "ages": tf.TensorSpec((batch, steps + 1, 4), tf.int32),
        "features": tf.TensorSpec((batch, steps, len(FEATURES)), tf.int32),
        "mask": tf.TensorSpec((batch, steps, 4), tf.bool),
        "given": tf.TensorSpec((batch,), tf.bool),
    }
    return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(4)
