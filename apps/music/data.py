"""Chorales to train on: where they are, training crops of them, `tf.data` pipelines."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from apps.music.canonical import read_canonical
from apps.music.corpus import read_folder
from apps.music.piece import (
    END,
    FEATURES,
    PITCH,
    START,
    Piece,
    ages,
    encode_piece,
    features,
)
from apps.music.splits import bach_splits
from shared.datasets.split import hold_out
from shared.errors import InputError, check_range

BACH = "bach"
TEST = "test"


@dataclass(frozen=True)
class Source:
    """Where chorales are.

    Args:
        data: A file of pieces in the canonical JSON format, a folder of scores, or ``bach`` for
            the chorales in music21's corpus.
    """

    data: str = field(default=BACH, metadata={"metavar": "PATH"})


@dataclass(frozen=True)
class Data(Source):
    """How training batches are made of chorales.

    Args:
        passes: Passes over the pieces in an epoch, that is, between two validations.
        crop_frames: Length of a training crop, in 16ths.
        batch: Crops in a batch.
        melody_rate: Share of the crops whose melody a model with an encoder is told beforehand.
        masked_rate: Share of the crops in which some of the lower voices are masked in the input
            for some time.

    Raises:
        InputError: A value is out of range.
    """

    passes: int = 4
    crop_frames: int = 128
    batch: int = 16
    melody_rate: float = 0.6
    masked_rate: float = 0.5

    def __post_init__(self) -> None:
        """Checks the ranges."""
        for name in ("passes", "crop_frames", "batch"):
            check_range(f"--{name.replace('_', '-')}", getattr(self, name), 1)
        for name in ("melody_rate", "masked_rate"):
            check_range(f"--{name.replace('_', '-')}", getattr(self, name), 0, 1)


# --- pieces ---------------------------------------------------------------------------------


def read_pieces(source: Source, split: str, left_out: dict[str, int] | None = None) -> list[Piece]:
    """The pieces of a split.

    Args:
        source: Names the data. A folder of scores has no parts: every twentieth piece validates.
        split: ``train``, ``valid`` or ``test``, or what a file calls its parts; "" for the test
            part, or all pieces of data that has none.
        left_out: Gets the files of a folder that are no pieces, with the reason.

    Raises:
        InputError: The data is missing or bad, or has no such split.
    """
    if source.data == BACH:
        splits = bach_splits()
    elif Path(source.data).is_dir():
        pieces, rejected = read_folder(source.data)
        if left_out is not None:
            left_out |= {f"{name} ({reason})": 1 for name, reason in rejected.items()}
        if not split:
            return pieces
        train, valid = hold_out(pieces, source.data)
        splits = {"train": train, "valid": valid}
    else:
        splits = read_canonical(source.data)
    if not split and TEST not in splits:
        return list(itertools.chain(*splits.values()))
    if (split or TEST) not in splits:
        raise InputError(f"{source.data} has no split {split!r}; it has: {', '.join(splits)}")
    return splits[split or TEST]


# --- pieces as a model reads them -----------------------------------------------------------


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
        # The model reads the notes that sound, and for how long they have, in place of holds.
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


# --- training batches -----------------------------------------------------------------------


def batches_per_pass(pieces: Sequence[Piece], data: Data) -> int:
    """How many batches `crops` makes of these pieces."""
    return -(-sum(_crop_count(piece, data.crop_frames) for piece in pieces) // data.batch)


def _crop_count(piece: Piece, frames: int) -> int:
    return -(-(len(piece) + 1) // frames)


def crops(
    pieces: Sequence[Piece],
    data: Data,
    seed: int,
    number: int = 0,
    *,
    transpose: bool = True,
    holds: bool = False,
) -> Iterator[dict[str, np.ndarray]]:
    """The training batches of one pass over the pieces; the same arguments give the same batches.

    Each piece is cut as often as it takes to cover it, at random places; crops that would stick
    out are moved inside, so beginnings and ends come up more often than other places. The last
    batch is filled with crops of the first.

    Args:
        pieces: What to cut from.
        data: Length and number of the crops, and what the model is told of them.
        seed: What the random choices depend on.
        number: The 0-based number of the pass, on which they depend, too.
        transpose: Whether to shift each crop by a random interval that keeps each voice in its
            range.
        holds: As for `encode_piece`.

    Yields:
        A dict of ``frames`` int32 ``(batch, crop_frames + 1, 4)``, symbols with voices in
        `VOICE_ORDER`, the first frame being the one before the crop (`START` at the beginning of
        a piece); ``sounding``, the same with the note that sounds in place of every `HOLD`, and
        `START` in place of what is masked; ``ages``, for how long it has sounded (see `ages`);
        ``features`` int32 ``(batch, crop_frames, 7)`` for frames 1 and on; ``mask`` bool
        ``(batch, crop_frames, 4)``, which symbols of frames 1 and on count, the soprano's `END`
        among them; ``given`` bool ``(batch,)``, whether the melody is told beforehand.
    """
    encoded = [_Encoded(piece, holds) for piece in pieces]
    ranges = voice_ranges(pieces)
    rng = np.random.default_rng((seed, number))
    steps, batch = data.crop_frames, data.batch
    plan = []
    for index, piece in enumerate(pieces):
        shifts = transpositions(piece, ranges) if transpose else [0]
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
        for row in np.flatnonzero(rng.random(batch) < data.masked_rate):
            _mask_voices(result["sounding"][row], result["ages"][row], rng)
        yield {**result, "given": rng.random(batch) < data.melody_rate}


def _mask_voices(sounding: np.ndarray, ages: np.ndarray, rng: np.random.Generator) -> None:
    """Masks one to three of the lower voices, from one frame of a crop to another, in place.

    The model cannot rely on any of them then. They are to be predicted all the same.
    """
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


# --- tf.data, whose types would import TensorFlow -------------------------------------------


def epoch_pipeline(
    pieces: Sequence[Piece], data: Data, seed: int, number: int, *, holds: bool = False
) -> Any:
    """The `crops` of a 0-based epoch, which is some passes, as a `tf.data.Dataset`."""
    import tensorflow as tf

    def generate() -> Iterator[dict[str, np.ndarray]]:
        for k in range(number * data.passes, (number + 1) * data.passes):
            yield from crops(pieces, data, seed, k, holds=holds)

    batch, steps = data.batch, data.crop_frames
    signature = {
        "frames": tf.TensorSpec((batch, steps + 1, 4), tf.int32),
        "sounding": tf.TensorSpec((batch, steps + 1, 4), tf.int32),
        "ages": tf.TensorSpec((batch, steps + 1, 4), tf.int32),
        "features": tf.TensorSpec((batch, steps, len(FEATURES)), tf.int32),
        "mask": tf.TensorSpec((batch, steps, 4), tf.bool),
        "given": tf.TensorSpec((batch,), tf.bool),
    }
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(4)
    count = data.passes * batches_per_pass(pieces, data)
    return dataset.apply(tf.data.experimental.assert_cardinality(count))


def validation_pipeline(pieces: Sequence[Piece], batch: int, holds: bool = False) -> Any:
    """`whole_pieces` in memory, as a `tf.data.Dataset`."""
    import tensorflow as tf

    batches = list(whole_pieces(pieces, batch, holds))
    for arrays in batches:
        del arrays["index"]
    signature = {
        name: tf.TensorSpec((None, *[None] * (value.ndim - 2), value.shape[-1]), value.dtype)
        for name, value in batches[0].items()
    }
    dataset = tf.data.Dataset.from_generator(lambda: batches, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches))).cache()
