"""Reads ink from archives, JSON and folders, and makes batches of lines of similar length."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from apps.handwriting.archive import read_archive
from apps.handwriting.config import HandwritingConfig
from apps.handwriting.corpus import read_unipen, say_rejected
from apps.handwriting.iam import read_iam
from apps.handwriting.ink import Ink, symbols
from apps.handwriting.own import read_own
from apps.handwriting.splits import SPLITS, splits_of, withhold
from shared.decoding.mixture import START
from shared.errors import InputError, check_range

# Points and characters of the rows of a batch. The LSTM is compiled for each shape: there are few.
SHAPES = (
    (48, 24), (72, 24), (104, 24), (144, 24), (200, 32), (264, 48), (336, 64), (416, 64), (512, 64),
    (640, 80), (1024, 160),
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Where ink is.

    Args:
        data: Folder in the layout of UNIPEN (data/, include/) or IAM-OnDB (lineStrokes/, ascii/),
            an archive .npz, a .json of strokes of one hand, or a folder with such a file.
    """

    data: str = field(default="", metadata={"metavar": "PATH"})


@dataclass(frozen=True)
class Data(Source):
    """How batches are made of ink.

    Args:
        points: Points of a batch, padding included, about.
        word_share: Share of words among the items of an epoch once lines have begun.
        words_until: Share of the epochs with words alone.
        longest_from: Share of the epochs after which lines have any length; the longest line
            grows until then.
        balance: 0 draws every item equally often, 1 every writer.
        any_style: Share of the items whose style is hidden, from which the style "any" is learned.
        any_of_kind: Share of the items of which only the kind of style is told.
        stretch: Standard deviation of the random stretching in width, height and slant.
    """

    points: int = 9600
    word_share: float = 0.25
    words_until: float = 0.2
    longest_from: float = 0.45
    balance: float = 0.5
    any_style: float = 0.2
    any_of_kind: float = 0.1
    stretch: float = 0.04

    def __post_init__(self) -> None:
        """Checks the ranges."""
        check_range("points", self.points, 1)
        for name, value in vars(self).items():
            if name not in ("data", "points"):
                check_range(name, value, 0, 1)


def find_ink(data: str | Path) -> Path:
    """Finds the file or folder that a `Source` names.

    Raises:
        InputError: There is none.
    """
    path = Path(data)
    if not str(data) or not path.exists():
        wrong = f"{path}: no such file or folder" if str(data) else "there is no ink"
        raise InputError(f"{wrong}; name an archive, JSON or a folder with --data")
    if path.is_dir() and (found := sorted([*path.glob("*.npz"), *path.glob("*.json")])):
        return found[0]
    return path


def read_lines(data: str | Path, split: str, config: HandwritingConfig) -> list[Ink]:
    """Reads the lines of a split that are not too long; words if it has no lines.

    Raises:
        InputError: See `load_splits`; or there are none.
    """
    return lines_of(load(data, split, config.arc, config.turning), data, config.length)


def lines_of(items: Sequence[Ink], data: str | Path, length: int = SHAPES[-1][1]) -> list[Ink]:
    """Selects the lines that are not too long; words if there are no lines.

    Args:
        items: Ink.
        data: Its file or folder, for messages.
        length: Characters of the longest text.

    Raises:
        InputError: All of it is too long.
    """
    return short_of([item for item in items if not item.word] or items, data, length)


def short_of(
    items: Sequence[Ink], data: str | Path, length: int, strict: bool = False
) -> list[Ink]:
    """Selects the ink that is not too long, and reports on standard error what was left out.

    Args:
        items: Ink.
        data: Its file or folder, for messages.
        length: Characters of the longest text.
        strict: Whether nothing may be left out.

    Raises:
        InputError: All of it is too long, or with ``strict`` any.
    """
    kept = [item for item in items if shape_of(item) and len(item.text) <= length]
    long = [item for item in items if not shape_of(item) or len(item.text) > length]
    limit = f"more than {length} characters or {SHAPES[-1][0]} points"
    if long and (strict or not kept):
        item = long[0]
        raise InputError(
            f"{item.source or data}: {item.text[:20]!r} has {len(item.text)} characters and "
            f"{len(item)} points; this model takes no {limit}; split it, or set --length"
        )
    if long:
        print(f"{data}: {len(long)} left out, of {limit}", file=sys.stderr)
    return kept


def load(data: str | Path, split: str, arc: float, turning: float) -> list[Ink]:
    """Reads the ink of one split, see `load_splits`."""
    return load_splits(data, (split,), arc, turning)[split]


def load_splits(
    data: str | Path, splits: Sequence[str], arc: float, turning: float
) -> dict[str, list[Ink]]:
    """Reads the ink of several splits at once, resampled.

    Args:
        data: See `Source`.
        splits: Any of `apps.handwriting.splits.SPLITS`; "" is ``all``. No writer is in both
            ``train`` and ``valid``; of ink by a single writer every twentieth line validates.
            ``withheld`` are lines of writers who are trained on, see `withhold`.
        arc: See `apps.handwriting.cleaning.resample`.
        turning: See `apps.handwriting.cleaning.resample`.

    Raises:
        InputError: It is none of these, or there is no such ink.
    """
    if unknown := set(splits) - {*SPLITS, ""}:
        raise InputError(f"no split {unknown.pop()!r}; choose from {', '.join(SPLITS)}")
    path = find_ink(data)
    if path.suffix == ".npz":
        items, own = read_archive(path, arc, turning)
    else:
        items = (_read_folder if path.is_dir() else read_own)(path, arc, turning)
        own = splits_of(items, str(path)) if len(items) > 1 else ["train"] * len(items)
    own = withhold(items, own)
    chosen = {
        split: [item for item, its in zip(items, own, strict=True) if split in ("", "all", its)]
        for split in splits
    }
    for split, members in chosen.items():
        if not members:
            raise InputError(f"{path}: no ink for the split {split!r}; add lines or writers")
    return chosen


def _read_folder(path: Path, arc: float, turning: float) -> list[Ink]:
    if (path / "lineStrokes").is_dir():
        return say_rejected(path, *read_iam(path, arc, turning))
    return say_rejected(path, *read_unipen(path, arc, turning, progress=sys.stderr.isatty()))


# --- batches ----------------------------------------------------------------------------------


def choose(
    items: Sequence[Ink], rng: np.random.Generator, progress: float, options: Data
) -> np.ndarray:
    """Samples the items of an epoch with replacement, about as many points as all lines have.

    Args:
        items: Training data.
        rng: Random generator.
        progress: Share of the training that is done, 0 to 1.
        options: The curriculum.

    Returns:
        Indices of items.
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
    """Finds the smallest shape that ink fits into; None if there is none."""
    return next((s for s in shapes if len(item) <= s[0] and len(item.text) <= s[1]), None)


Plan = list[tuple[tuple[int, int], list[int]]]


def plan_epoch(
    items: Sequence[Ink],
    seed: Sequence[int],
    progress: float,
    options: Data,
    shapes: Sequence[tuple[int, int]] = SHAPES,
) -> Plan:
    """Plans the batches of an epoch, as shapes and indices of items, in random order.

    Args:
        items: Training data; items that fit none of the shapes are left out.
        seed: Seed of all random choices.
        progress: Share of the training that is done, 0 to 1.
        options: How batches are made.
        shapes: Points and characters of the rows of a batch.

    Returns:
        The batches. Those of one shape have the same number of rows: the last one is filled by
        repeating items.
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
    options: Data,
) -> Iterator[dict[str, np.ndarray]]:
    """Makes the batches that `plan_epoch` planned; the same arguments give the same batches.

    Args:
        items: Training data.
        config: Configuration of the model.
        writers: Writers in the order of ``config.styles``; others have the style "any".
        plan: From `plan_epoch`.
        seed: Seed of hidden styles and of stretching.
        options: How batches are made.

    Yields:
        Batches, see `stack`.
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
    """Number of rows in a batch of a shape."""
    return min(96, max(4, round(points / shape[0] / 4) * 4))


def _stretched(rows: np.ndarray, rng: np.random.Generator, deviation: float) -> np.ndarray:
    wide, high, slant = rng.normal(size=3) * deviation
    matrix = np.array([[1 + wide, 0, 0], [slant, 1 + high, 0], [0, 0, 1]], np.float32)
    return rows @ matrix


def stack(
    rows: Sequence[np.ndarray], texts: Sequence[str], style: np.ndarray, shape: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Stacks lines to a batch, padded to a shape.

    Args:
        rows: Points of each line, ``(points, 3)``.
        texts: Text of each line.
        style: Number of the style of each, ``(batch,)``.
        shape: Points and characters to pad to.

    Returns:
        ``inputs``, float32 ``(batch, points, 3)``, `START` first; ``targets``, the points
        themselves; ``end``, float32 ``(batch, points)``, 1 at the last point; ``mask``, bool;
        ``text``, int32 ``(batch, characters)``, and ``text_mask``, uint8; ``style``, int32.
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
    """Makes batches of all ink once, by length, in the style "any"; see `stack`."""
    by_shape: dict[tuple[int, int], list[Ink]] = {}
    for item in items:
        if shape := shape_of(item, shapes):
            by_shape.setdefault(shape, []).append(item)
    for shape, members in sorted(by_shape.items()):
        for k in range(0, len(members), rows):
            part = members[k : k + rows]
            styles = np.zeros(len(part), np.int32)
            yield stack([i.rows for i in part], [i.text for i in part], styles, shape)


def dataset(
    make: Callable[[], Iterable[dict[str, np.ndarray]]], count: int, names: Sequence[str] = ()
):  # the type would import TensorFlow
    """Makes a `tf.data.Dataset` of known cardinality.

    Args:
        make: Called for the batches, see `stack`.
        count: Number of batches.
        names: Arrays to keep; by default all.
    """
    import tensorflow as tf

    specs = {
        "inputs": tf.TensorSpec((None, None, 3), tf.float32),
        "targets": tf.TensorSpec((None, None, 3), tf.float32),
        "end": tf.TensorSpec((None, None), tf.float32),
        "mask": tf.TensorSpec((None, None), tf.bool),
        "text": tf.TensorSpec((None, None), tf.int32),
        "text_mask": tf.TensorSpec((None, None), tf.uint8),
        "style": tf.TensorSpec((None,), tf.int32),
    }
    specs = {name: specs[name] for name in names or specs}

    def generate() -> Iterator[dict[str, np.ndarray]]:
        for batch in make():
            yield {name: batch[name] for name in specs}

    made = tf.data.Dataset.from_generator(generate, output_signature=specs)
    return made.apply(tf.data.experimental.assert_cardinality(count)).prefetch(4)
