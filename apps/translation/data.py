"""Sentence pairs: files and folders of them, splits, and batches of like lengths."""

from __future__ import annotations

import gzip
import hashlib
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from apps.translation.config import language_symbol
from shared.datasets import cache_dir, download
from shared.errors import InputError
from shared.text import END, START, Tokenizer

MULTI30K = "https://github.com/multi30k/dataset/raw/master/data/task1/raw/"
TATOEBA = "https://www.manythings.org/anki/"
SPLITS = {"train": "train", "valid": "val", "test": "test_2016_flickr"}  # of Multi30k
CODES = {"de": "deu", "es": "spa", "fr": "fra"}  # of Tatoeba's files
SHARE = 0.01  # of Tatoeba's English sentences that validate, and as many that test
# Few lengths: the LSTM's fast path is compiled for each.
LENGTHS = (8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128)

Directions = Sequence[tuple[str, str]]


class Pair(NamedTuple):
    """A sentence and its translation, with their ISO 639-1 codes."""

    source: str
    target: str
    source_language: str
    target_language: str


# --- files ------------------------------------------------------------------------------------


def read_parallel(
    source: str | Path, target: str | Path, source_language: str, target_language: str
) -> list[Pair]:
    """Pairs of two files, line by line; lines empty on either side are left out.

    Raises:
        InputError: A file is missing or no text, or they have not equally many lines.
    """
    left, right = _lines(source), _lines(target)
    if len(left) != len(right):
        raise InputError(
            f"{source} has {len(left)} lines and {target} {len(right)}; a line of one is to "
            "translate the same line of the other"
        )
    return _pairs(zip(left, right, strict=True), source_language, target_language)


def read_tsv(path: str | Path, source_language: str, target_language: str) -> list[Pair]:
    """Pairs of a file with a tab between source and target; further columns are left out.

    Raises:
        InputError: The file is missing or no text, or a line has no tab.
    """
    return _pairs(_columns(_lines(path), path), source_language, target_language)


def _pairs(rows, source_language: str, target_language: str) -> list[Pair]:
    stripped = ((source.strip(), target.strip()) for source, target in rows)
    return [Pair(s, t, source_language, target_language) for s, t in stripped if s and t]


def _columns(lines: Sequence[str], path: str | Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        columns = line.split("\t")
        if len(columns) < 2:
            raise InputError(f"{path}, line {number}: no tab between source and target")
        yield columns[0], columns[1]


def _lines(path: str | Path) -> list[str]:
    path = Path(path)
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text, at byte {error.start}") from error
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    # Not `splitlines`: a sentence may hold a Unicode line separator.
    return [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")] if text else []


# --- the two data sets ------------------------------------------------------------------------


def load(data: str | Path, split: str, directions: Directions) -> list[Pair]:
    """The pairs of a split, direction after direction.

    Args:
        data: A folder with Multi30k's files (``train.en``, plain or ``.gz``) or Tatoeba's zips
            (``deu-eng.zip``); or ``multi30k`` or ``tatoeba``, downloaded once into the cache.
        split: ``train``, ``valid`` or ``test``; of Multi30k also the name of another set, as
            ``test_2017_flickr``.
        directions: Source and target language of each.

    Raises:
        InputError: It is neither, or has not this split or these languages.
    """
    folder, fetched = Path(data), str(data) in ("multi30k", "tatoeba")
    if not fetched and not folder.is_dir():
        raise InputError(
            f"{data}: no such folder; give one with Multi30k's files or Tatoeba's zips, or one of "
            "the names 'multi30k' and 'tatoeba'"
        )
    tatoeba = is_tatoeba(data)
    if tatoeba and split not in SPLITS:
        raise InputError(f"Tatoeba has no split {split!r}; choose from {', '.join(SPLITS)}")
    read = _tatoeba if tatoeba else _multi30k
    return [p for way in directions for p in read(None if fetched else folder, split, *way)]


def is_tatoeba(data: str | Path) -> bool:
    """Whether `load` takes the data for Tatoeba's."""
    return data == "tatoeba" or (data != "multi30k" and any(Path(data).glob("*-eng.zip")))


def _multi30k(folder: Path | None, split: str, source: str, target: str) -> list[Pair]:
    stem = SPLITS.get(split, split)
    files = []
    for language in (source, target):
        if folder is None:
            name = f"{stem}.{language}.gz"
            files.append(download(MULTI30K + name, folder=cache_dir() / "multi30k"))
            continue
        found = [f for s in ("", ".gz") if (f := folder / f"{stem}.{language}{s}").is_file()]
        if not found:
            raise InputError(f"{folder}: no {stem}.{language}; it needs {stem}.{source} and "
                             f"{stem}.{target} (or .gz)")  # fmt: skip
        files.append(found[0])
    return read_parallel(files[0], files[1], source, target)


def _tatoeba(folder: Path | None, split: str, source: str, target: str) -> list[Pair]:
    other = target if source == "en" else source
    if "en" not in (source, target) or other not in CODES:
        raise InputError(f"Tatoeba's files are of English and {', '.join(CODES)}; not "
                         f"{source}-{target}")  # fmt: skip
    name = f"{CODES[other]}-eng.zip"
    path = folder / name if folder else download(TATOEBA + name, folder=cache_dir() / "tatoeba")
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(f"{CODES[other]}.txt").decode()
    except (OSError, KeyError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not Tatoeba's {name} ({error})") from error
    rows = dict.fromkeys(_columns(text.split("\n"), path))
    chosen = [row for row in rows if split_of(row[0]) == split]
    ordered = (
        chosen if source == "en" else [(translation, english) for english, translation in chosen]
    )
    return _pairs(ordered, source, target)


def split_of(english: str) -> str:
    """The part that a sentence of Tatoeba belongs to, with its translations into all languages.

    By a hash of its letters and digits: sentences that differ in case or punctuation alone stay
    together, and new ones move no old ones.
    """
    key = "".join(c for c in english.casefold() if c.isalnum())
    place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2**48
    return "test" if place < SHARE else "valid" if place < 2 * SHARE else "train"


# --- augmentation -----------------------------------------------------------------------------

_WORD = re.compile(r"\w+(?:[-'’]\w+)*")
_ONSETS = "b br c ch d dr f g gr h j k kl l m n p pr qu r s sch st t th tr v w x z š ñ ł".split()
_VOWELS = "a e i o u a e i o u y ä ö ü é è ô ie ou ei á".split()
_CODAS = ["", "", "", "", *"l m n r s t k ck ll nn rd".split()]
_ENDINGS = ["", "", "", "", *"n r s a o i ski sky son sen ez mann berg ova ini eau".split()]


def copy_augment(pairs: Sequence[Pair], rng: np.random.Generator, rate: float) -> list[Pair]:
    """Pairs in which what is the same on both sides is something else, the same on both sides.

    Of the given share of pairs, one name or number that source and target have in common becomes
    a made-up one. So a model learns to copy what it has never seen.
    """
    return [_renamed(pair, rng) if rng.random() < rate else pair for pair in pairs]


def _renamed(pair: Pair, rng: np.random.Generator) -> Pair:
    left = [word for word in _WORD.findall(pair.source) if word[0].isdigit() or word[0].isupper()]
    common = sorted(set(left) & set(_WORD.findall(pair.target)))
    if not common:
        return pair
    old = common[rng.integers(len(common))]
    new = str(rng.integers(10 ** rng.integers(1, 5))) if old[0].isdigit() else _name(rng)
    place = re.compile(rf"(?<!\w){re.escape(old)}(?!\w)")
    source, target = (place.sub(new, text) for text in pair[:2])
    return pair._replace(source=source, target=target)


def _name(rng: np.random.Generator) -> str:
    parts = (_ONSETS, _VOWELS, _CODAS)
    syllables = ["".join(rng.choice(part) for part in parts) for _ in range(rng.integers(1, 4))]
    return ("".join(syllables) + str(rng.choice(_ENDINGS))).title()


# --- batches ----------------------------------------------------------------------------------


def epoch_part(pairs: Sequence[Pair], size: int, seed: int, epoch: int) -> Sequence[Pair]:
    """The pairs of an epoch that has about ``size`` of them; all, where it is 0.

    Successive epochs share none until all pairs have had their turn; then the order is another.
    """
    count = -(-len(pairs) // size) if size else 1
    if count == 1:
        return pairs
    turn, part = divmod(epoch, count)
    order = np.random.default_rng([seed, turn]).permutation(len(pairs))
    return [pairs[i] for i in order[part::count]]


def pipeline(
    pairs: Sequence[Pair],
    tokenizer: Tokenizer,
    tokens_per_batch: int,
    seed: int,
    epoch: int,
    dropout: float = 0.0,
):  # the type would import TensorFlow
    """The training batches of one epoch; the same arguments give the same batches.

    Args:
        pairs: To train on.
        tokenizer: Of source and target. If it has symbols for the target languages, each source
            begins with one.
        tokens_per_batch: Target subwords of a batch, about, padding included.
        seed: Of the order.
        epoch: Number of the epoch, which has an order of its own.
        dropout: Of the tokenizer, see `Tokenizer.encode`. The merges that it leaves out are
            SentencePiece's to draw: with it, batches are not the same again.

    Returns:
        A `tf.data.Dataset` of known cardinality with ``source``, ``inputs`` (from `START`) and
        ``targets`` (up to `END`), int32 ``(batch, length)``, and ``source_mask`` and ``mask``,
        bool. Each batch is of one of `LENGTHS`, and of as many rows as any other of that length:
        the last is filled up with pairs that it has already.
    """
    rng = np.random.default_rng([seed, epoch])
    rows = _encode(pairs, tokenizer, dropout)
    plan = []
    for length, members in _by_length(rows, rng.permutation(len(rows))).items():
        size = max(1, tokens_per_batch // length)
        plan += [np.resize(members[k : k + size], size) for k in range(0, len(members), size)]
    rng.shuffle(plan)
    return _dataset([[rows[i] for i in chosen] for chosen in plan])


def whole(pairs: Sequence[Pair], tokenizer: Tokenizer, tokens_per_batch: int = 4096):
    """As `pipeline`, every pair once and in order of length: rows that fill up do not count."""
    rows = _encode(pairs, tokenizer, 0.0)
    batches, counts = [], []
    for length, members in _by_length(rows, range(len(rows))).items():
        size = max(1, tokens_per_batch // length)
        for k in range(0, len(members), size):
            batches.append([rows[i] for i in np.resize(members[k : k + size], size)])
            counts.append(len(members[k : k + size]))
    return _dataset(batches, counts)


def _encode(
    pairs: Sequence[Pair], tokenizer: Tokenizer, dropout: float
) -> list[tuple[list[int], list[int]]]:
    sources = tokenizer.encode_all([pair.source for pair in pairs], dropout)
    targets = tokenizer.encode_all([pair.target for pair in pairs], dropout)
    symbols = {name: language_symbol(name) for name in {pair.target_language for pair in pairs}}
    first = {n: [tokenizer.id(s)] for n, s in symbols.items() if s in tokenizer.symbols}
    return [
        ([*first.get(pair.target_language, []), *source, END], target)
        for pair, source, target in zip(pairs, sources, targets, strict=True)
    ]


def _by_length(rows, order) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for i in order:
        groups.setdefault(_length(rows[i]), []).append(int(i))
    return dict(sorted(groups.items()))


def _length(row: tuple[list[int], list[int]]) -> int:
    longest = max(len(row[0]), len(row[1]) + 1)
    return next((n for n in LENGTHS if n >= longest), -(-longest // 64) * 64)


def _dataset(batches, counts: Sequence[int] | None = None):
    import tensorflow as tf

    def generate() -> Iterator[dict[str, np.ndarray]]:
        for k, rows in enumerate(batches):
            batch = _batch(rows, max(map(_length, rows)))
            if counts:
                batch["mask"][counts[k] :] = False
            yield batch

    kinds = dict.fromkeys(("source", "inputs", "targets"), tf.int32)
    kinds |= dict.fromkeys(("source_mask", "mask"), tf.bool)
    signature = {name: tf.TensorSpec((None, None), kind) for name, kind in kinds.items()}
    data = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return data.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(4)


def _batch(rows, length: int) -> dict[str, np.ndarray]:
    shape = (len(rows), length)
    result = {name: np.zeros(shape, np.int32) for name in ("source", "inputs", "targets")}
    result |= {name: np.zeros(shape, bool) for name in ("source_mask", "mask")}
    for k, (source, target) in enumerate(rows):
        result["source"][k, : len(source)] = source
        result["source_mask"][k, : len(source)] = True
        result["inputs"][k, : len(target) + 1] = [START, *target]
        result["targets"][k, : len(target) + 1] = [*target, END]
        result["mask"][k, : len(target) + 1] = True
    return result
