"""Ink to train on: archives, JSON strokes and folders; splits; batches of like lengths."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from apps.handwriting.archive import read_archive
from apps.handwriting.cleaning import clean, resample, why_rejected, x_height
from apps.handwriting.config import HandwritingConfig
from apps.handwriting.corpus import Reject, read_unipen, reasons
from apps.handwriting.iam import read_iam
from apps.handwriting.ink import Ink, read_strokes, symbols, to_rows
from shared.decoding.mixture import START
from shared.errors import InputError

SPLITS = ("train", "valid", "withheld", "all")
# Points and characters of a batch's rows. Few shapes: the LSTM's fast path is compiled for each.
SHAPES = (
    (48, 24), (72, 24), (104, 24), (144, 24), (200, 32), (264, 48), (336, 64), (416, 64), (512, 64),
    (640, 80), (1024, 160),
)  # fmt: skip


def load(data: str | Path, split: str, arc: float, turning: float) -> list[Ink]:
    """The ink of one split, see `load_splits`."""
    return load_splits(data, (split,), arc, turning)[split]


def load_splits(
    data: str | Path, splits: Sequence[str], arc: float, turning: float
) -> dict[str, list[Ink]]:
    """The ink of each split, resampled; it is read once.

    Args:
        data: An archive ``.npz`` of offsets, JSON strokes, or a folder in the layout of UNIPEN
            (``data/``, ``include/``), of IAM-OnDB (``lineStrokes/``, ``ascii/``), or with either
            of the files.
        splits: Any of `SPLITS`. No writer is in both ``train`` and ``valid``, but where all ink is
            of one writer every tenth line is for validation; ``withheld`` are lines of writers
            who are trained on, see `withhold`.
        arc: See `apps.handwriting.cleaning.resample`.
        turning: The same.

    Raises:
        InputError: It is none of these, or there is no such ink.
    """
    if unknown := set(splits) - set(SPLITS):
        raise InputError(f"no split {unknown.pop()!r}; choose from {', '.join(SPLITS)}")
    path = Path(data)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; give an archive, JSON or a folder")
    if path.is_dir() and (found := sorted([*path.glob("*.npz"), *path.glob("*.json")])):
        path = found[0]
    if path.suffix == ".npz":
        items, own = read_archive(path, arc, turning)
    else:
        read = _read_folder if path.is_dir() else read_own
        items = read(path, arc, turning)
        own = splits_of(items)
    own = withhold(items, own)
    chosen = {
        split: [item for item, its in zip(items, own, strict=True) if split in ("all", its)]
        for split in splits
    }
    for split, members in chosen.items():
        if not members:
            raise InputError(f"{path}: no ink of the split {split!r}; it may have too few writers")
    return chosen


def _read_folder(path: Path, arc: float, turning: float) -> list[Ink]:
    if (path / "lineStrokes").is_dir():
        return _told(path, *read_iam(path, arc, turning))
    return _told(path, *read_unipen(path, arc, turning, progress=sys.stderr.isatty()))


def _told(path: Path, items: list[Ink], rejects: Sequence[Reject]) -> list[Ink]:
    """The ink, after a line on standard error of what was left out."""
    if rejects:
        why = ", ".join(f"{reason} {count}" for reason, count in reasons(rejects).items())
        print(f"{path}: {len(items)} kept, {len(rejects)} left out: {why}", file=sys.stderr)
    return items


def splits_of(items: Sequence[Ink]) -> list[str]:
    """``train`` or ``valid`` for each item, by its writer if there are several."""
    writers = sorted({item.writer for item in items})
    if len(writers) < 2:
        return ["valid" if k % 10 == 9 else "train" for k in range(len(items))]
    held = {writer for writer in writers if split_of(writer) == "valid"} or {writers[0]}
    return ["valid" if item.writer in held else "train" for item in items]


def withhold(items: Sequence[Ink], splits: Sequence[str]) -> list[str]:
    """The splits, every tenth line of a training writer with 20 lines or more now ``withheld``.

    With what the model has not seen of a hand that it knows one can ask whether it writes in that
    hand; `apps.handwriting.styles` does.
    """
    lines: dict[str, list[int]] = {}
    for k, (item, split) in enumerate(zip(items, splits, strict=True)):
        if split == "train" and not item.word:
            lines.setdefault(item.writer, []).append(k)
    result = list(splits)
    if len(lines) > 1:  # one's own ink is all trained on
        for members in lines.values():
            for k in members[9::10] if len(members) >= 20 else ():
                result[k] = "withheld"
    return result


def split_of(writer: str) -> str:
    """``train`` or ``valid``, by a hash of the writer's name: one in twenty validates."""
    place = int.from_bytes(hashlib.sha256(writer.encode()).digest()[:6], "big") / 2**48
    return "valid" if place < 0.05 else "train"


def read_own(path: str | Path, arc: float, turning: float) -> list[Ink]:
    """Ink of a JSON file of strokes, all of one hand, cleaned.

    Raises:
        InputError: The file is bad, or a sample cannot be what its text says.
    """
    samples = read_strokes(path)
    height = x_height([strokes for _, strokes in samples])
    items = []
    for number, (text, strokes) in enumerate(samples):
        symbols(text)
        cleaned = clean(strokes, height) if height else []
        if why := why_rejected(text, cleaned):
            raise InputError(f"{path}, sample {number} ({text[:20]!r}): {why}; draw it again")
        rows = to_rows(resample(cleaned, arc, turning))
        items.append(Ink(text, rows, writer=Path(path).stem, source=f"{path}#{number}"))
    return items


def writer_kinds(items: Sequence[Ink]) -> dict[str, str]:
    """Each writer with the kind of most of the ink, those with most points first."""
    points: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    for item in items:
        points[item.writer] += len(item)
        kinds.setdefault(item.writer, Counter())[item.kind] += len(item)
    return {writer: kinds[writer].most_common(1)[0][0] for writer, _ in points.most_common()}


# --- batches ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class DataOptions:
    """How batches are made of ink.

    Args:
        points: Of a batch, padding included, about.
        word_share: Of the items of an epoch, once lines have begun.
        words_until: Share of the epochs with words alone.
        longest_from: Share of the epochs after which there are lines of any length; before it the
            longest grows.
        balance: 0 draws every item equally often, 1 every writer.
        any_style: Share of the items whose style is hidden, so that "any" is learned.
        any_of_kind: Share of the items of which the kind alone is told.
        stretch: Standard deviation of a random width, height and slant.
    """

    points: int = 9600
    word_share: float = 0.25
    words_until: float = 0.2
    longest_from: float = 0.45
    balance: float = 0.5
    any_style: float = 0.2
    any_of_kind: float = 0.1
    stretch: float = 0.04


def choose(
    items: Sequence[Ink], rng: np.random.Generator, progress: float, options: DataOptions
) -> np.ndarray:
    """The items of an epoch, drawn with repetition; as many points as all lines have together.

    Args:
        items: To train on.
        rng: Of the draws.
        progress: How much of the training is done, 0 to 1.
        options: Of the curriculum.
    """
    word = np.array([item.word for item in items])
    lengths = np.array([len(item) for item in items])
    letters = np.array([len(item.text) for item in items])
    _, writer, counts = np.unique(
        [item.writer for item in items], return_inverse=True, return_counts=True
    )
    weight = counts[writer] ** -float(options.balance)
    grown = (progress - options.words_until) / max(options.longest_from - options.words_until, 1e-9)
    longest = 20 + np.clip(grown, 0, 1) * max(0, letters.max() - 20)
    lines = ~word & (letters <= longest)
    if not word.any() or not (~word).any():
        shares = [(np.ones(len(items), bool), 1.0)]
    elif progress < options.words_until:
        shares = [(word, 1.0)]
    else:
        shares = [(word, options.word_share), (lines if lines.any() else ~word, 1.0)]
    total = lengths[~word].sum() if (~word).any() else lengths.sum()
    chosen = []
    for group, share in shares:
        members = np.flatnonzero(group)
        share = share if len(shares) == 1 or share < 1 else 1 - options.word_share
        p = weight[members] / weight[members].sum()
        count = max(1, round(share * total / (p * lengths[members]).sum()))
        chosen.append(rng.choice(members, count, p=p))
    return np.concatenate(chosen)


def shape_of(item: Ink, shapes: Sequence[tuple[int, int]] = SHAPES) -> tuple[int, int] | None:
    """The smallest shape that the ink fits into, None if there is none."""
    return next((s for s in shapes if len(item) <= s[0] and len(item.text) <= s[1]), None)


Plan = list[tuple[tuple[int, int], list[int]]]


def plan_epoch(
    items: Sequence[Ink],
    seed: Sequence[int],
    progress: float,
    options: DataOptions,
    shapes: Sequence[tuple[int, int]] = SHAPES,
) -> Plan:
    """The batches of an epoch as shapes and places of items, in random order.

    Args:
        items: To train on; what fits none of the shapes is left out.
        seed: What the random choices depend on.
        progress: How much of the training is done, 0 to 1.
        options: How they are made.
        shapes: Points and characters of a batch's rows.

    Returns:
        Each batch is of one of the shapes, and of as many rows as any other of that shape: the last
        is filled up with ink that it has already.
    """
    rng = np.random.default_rng(list(seed))
    by_shape: dict[tuple[int, int], list[int]] = {}
    for index in choose(items, rng, progress, options):
        if shape := shape_of(items[index], shapes):
            by_shape.setdefault(shape, []).append(int(index))
    plan = []
    for shape, members in by_shape.items():
        rows = rows_of(shape, options.points)
        members = list(np.resize(members, -(-len(members) // rows) * rows))
        plan += [(shape, members[k : k + rows]) for k in range(0, len(members), rows)]
    return [plan[number] for number in rng.permutation(len(plan))]


def batches(
    items: Sequence[Ink],
    config: HandwritingConfig,
    writers: Sequence[str],
    plan: Plan,
    seed: Sequence[int],
    options: DataOptions,
) -> Iterator[dict[str, np.ndarray]]:
    """The batches that `plan_epoch` planned; the same arguments give the same ones.

    Args:
        items: Those of the plan.
        config: The model's.
        writers: In the order of ``config.styles``; others have style "any".
        plan: See there.
        seed: What hidden styles and stretching depend on.
        options: How they are made.

    Yields:
        As `stack`.
    """
    rng = np.random.default_rng([*seed, 1])
    known = {writer: config.writer_style(k) for k, writer in enumerate(writers)}
    for shape, members in plan:
        chosen = [items[k] for k in members]
        style = np.array([known.get(item.writer, 0) for item in chosen], np.int32)
        draw = rng.random(len(chosen))
        kind = np.array([config.kind_style(s) for s in style], np.int32)
        style = np.where(draw < options.any_style + options.any_of_kind, kind, style)
        style[draw < options.any_style] = 0
        rows = [_stretched(item.rows, rng, options.stretch) for item in chosen]
        yield stack(rows, [item.text for item in chosen], style, shape)


def rows_of(shape: tuple[int, int], points: int) -> int:
    """Rows of a batch of a shape."""
    return min(96, max(4, round(points / shape[0] / 4) * 4))


def _stretched(rows: np.ndarray, rng: np.random.Generator, deviation: float) -> np.ndarray:
    wide, high, slant = rng.normal(size=3) * deviation
    matrix = np.array([[1 + wide, 0, 0], [slant, 1 + high, 0], [0, 0, 1]], np.float32)
    return rows @ matrix


def stack(
    rows: Sequence[np.ndarray], texts: Sequence[str], style: np.ndarray, shape: tuple[int, int]
) -> dict[str, np.ndarray]:
    """A batch, padded to a shape.

    Returns:
        ``inputs`` float32 ``(batch, points, 3)``, `START` first; ``targets``, one point on;
        ``end`` float32 ``(batch, points)``, 1 at the last point; ``mask`` bool; ``text`` int32
        ``(batch, characters)`` and ``text_mask`` uint8; ``style`` int32 ``(batch,)``.
    """
    count, (points, characters) = len(rows), shape
    batch = {
        "inputs": np.zeros((count, points, 3), np.float32),
        "targets": np.zeros((count, points, 3), np.float32),
        "end": np.zeros((count, points), np.float32),
        "mask": np.zeros((count, points), bool),
        "text": np.zeros((count, characters), np.int32),
        "text_mask": np.zeros((count, characters), np.uint8),
        "style": np.asarray(style, np.int32),
    }
    for k, (ink, text) in enumerate(zip(rows, texts, strict=True)):
        n = len(ink)
        batch["inputs"][k, 0] = START
        batch["inputs"][k, 1:n] = ink[:-1]
        batch["targets"][k, :n] = ink
        batch["end"][k, n - 1] = 1
        batch["mask"][k, :n] = True
        batch["text"][k, : len(text)] = symbols(text)
        batch["text_mask"][k, : len(text)] = 1
    return batch


def whole(
    items: Sequence[Ink], rows: int = 32, shapes: Sequence[tuple[int, int]] = SHAPES
) -> Iterator[dict[str, np.ndarray]]:
    """All ink once, of like lengths together, style "any", for validation; as `stack`."""
    by_shape: dict[tuple[int, int], list[Ink]] = {}
    for item in items:
        if shape := shape_of(item, shapes):
            by_shape.setdefault(shape, []).append(item)
    for shape, members in sorted(by_shape.items()):
        for k in range(0, len(members), rows):
            part = members[k : k + rows]
            styles = np.zeros(len(part), np.int32)
            yield stack([i.rows for i in part], [i.text for i in part], styles, shape)


def pipeline(
    items: Sequence[Ink],
    config: HandwritingConfig,
    writers: Sequence[str],
    plan: Plan,
    seed: Sequence[int],
    options: DataOptions,
):  # the type would import TensorFlow
    """`batches` as a `tf.data.Dataset` of known cardinality."""
    import tensorflow as tf

    def generate() -> Iterator[dict[str, np.ndarray]]:
        return batches(items, config, writers, plan, seed, options)

    made = tf.data.Dataset.from_generator(generate, output_signature=tensor_specs())
    return made.apply(tf.data.experimental.assert_cardinality(len(plan))).prefetch(4)


def tensor_specs():
    """Of what `stack` makes, as `tf.TensorSpec` by name."""
    import tensorflow as tf

    return {
        "inputs": tf.TensorSpec((None, None, 3), tf.float32),
        "targets": tf.TensorSpec((None, None, 3), tf.float32),
        "end": tf.TensorSpec((None, None), tf.float32),
        "mask": tf.TensorSpec((None, None), tf.bool),
        "text": tf.TensorSpec((None, None), tf.int32),
        "text_mask": tf.TensorSpec((None, None), tf.uint8),
        "style": tf.TensorSpec((None,), tf.int32),
    }
