"""Sentence pairs: where they are, and how they are read."""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from apps.translation.config import TranslationConfig
from apps.translation.files import (
    Row,
    filled,
    hold_out_distinct,
    read_parallel,
    read_tsv,
    split_columns,
)
from shared.datasets import cache_dir, download
from shared.datasets.split import spread
from shared.errors import InputError, check_range
from shared.readers import decode_text, read_member
from shared.text.language import NAMES, guess_language, name_of

TATOEBA = "https://www.manythings.org/anki/"
CODES = {"de": "deu", "es": "spa", "fr": "fra"}
"""Of Tatoeba's files, by the language that is paired with English."""
SHARE = 0.01
"""Of Tatoeba's English sentences that are held out for validation, and as many for the test."""
MULTI30K = "https://github.com/multi30k/dataset/raw/master/data/task1/raw/"
SPLITS = {"train": "train", "valid": "val", "test": "test_2016_flickr"}
"""Stems of Multi30k's files."""
DATA = "tatoeba"
PIPELINES = ("numpy", "keras-nlp")
PRECISIONS = ("float32", "bfloat16")

Directions = Sequence[tuple[str, str]]


class Pair(NamedTuple):
    """A sentence and its translation, with their ISO 639-1 codes."""

    source: str
    target: str
    source_language: str
    target_language: str


@dataclass(frozen=True)
class Source:
    """Where sentence pairs are.

    Args:
        data: A folder with Multi30k's files (``train.en``, plain or ``.gz``) or Tatoeba's zips
            (``deu-eng.zip``); or ``multi30k`` or ``tatoeba``, which are downloaded once.
        source: Your own sentences instead, one a line.
        target: Their translations, line by line.
        tsv: Your own pairs in one file instead, with a tab between source and target.
        source_language: Source language of your own files, such as en, or the only one to take of
            the data; by default the model's.
        target_language: Target language, in the same way.

    Raises:
        InputError: The fields contradict each other.
    """

    data: str = field(default=DATA, metadata={"metavar": "PATH"})
    source: str = field(default="", metadata={"metavar": "FILE"})
    target: str = field(
        default="", metadata={"metavar": "FILE", "flags": ("--target", "--reference")}
    )
    tsv: str = field(default="", metadata={"metavar": "FILE"})
    source_language: str = field(default="", metadata={"metavar": "LANG", "flags": ("--from",)})
    target_language: str = field(default="", metadata={"metavar": "LANG", "flags": ("--to",)})

    def __post_init__(self) -> None:
        """Refuses more than one place, and half of one."""
        if bool(self.source) != bool(self.target):
            raise InputError("--source and --target (or --reference) go together: a line of one "
                             "translates the same line of the other")  # fmt: skip
        places = [self.source, self.tsv, self.data != DATA]
        if sum(map(bool, places)) > 1:
            raise InputError("--data, --source with --target, and --tsv exclude each other")

    @property
    def own(self) -> str:
        """The name of the user's own file, "" if the pairs are those of `data`."""
        return self.tsv or self.source


@dataclass(frozen=True)
class Data(Source):
    """How batches are made of sentence pairs.

    Args:
        batch_tokens: Target subwords of a batch, about, padding included.
        bpe_dropout: Share of merges left out at random, drawn anew each epoch (Provilkov et al.
            2020); 0 is off.
        copy_rate: Share of the pairs in which a name or a number is replaced by a made-up one.
        epoch_pairs: Pairs of an epoch, after which the model is validated and kept; the next epoch
            goes on with others until all have had their turn. 0 for all of them.
        bleu_sentences: Validation sentences translated after each epoch, at most.
        extra: Your own pairs beside the data, a source, a tab and a target a line; two more columns
            may name the languages of each. CoVoST 2's files are read too.
        scene_rate: Made-up pairs for each pair of an epoch, from the grammar of
            apps/translation/scenes, drawn anew each epoch; 0 is off.
        bare_rate: Share of the sources that have no capitals, as some people write. For a lifted
            model.
        thing_rate: Share of the pairs in which a name that both sides have becomes a placeholder,
            or has tags around it. For a lifted model.
        precision: In which the large products are computed; weights and states are float32 in any
            case.
        pipeline: Where subwords are made: "numpy" before an epoch begins, all at once; "keras-nlp"
            in the tf.data graph, by its SentencePieceTokenizer, while the model trains.

    Raises:
        InputError: The fields contradict each other, or one is out of range.
    """

    batch_tokens: int = 1200
    bpe_dropout: float = 0.0
    copy_rate: float = 0.0
    epoch_pairs: int = 0
    bleu_sentences: int = 1500
    extra: str = field(default="", metadata={"metavar": "FILE"})
    scene_rate: float = 0.0
    bare_rate: float = 0.0
    thing_rate: float = 0.0
    precision: str = field(default="float32", metadata={"choices": PRECISIONS})
    pipeline: str = field(default="numpy", metadata={"choices": PIPELINES})

    def __post_init__(self) -> None:
        """Refuses what cannot be done."""
        super().__post_init__()
        check_range("batch_tokens", self.batch_tokens, 1)
        check_range("bpe_dropout", self.bpe_dropout, 0, 1)
        check_range("copy_rate", self.copy_rate, 0, 1)
        check_range("epoch_pairs", self.epoch_pairs, 0)
        check_range("scene_rate", self.scene_rate, 0, 100)
        check_range("bare_rate", self.bare_rate, 0, 1)
        check_range("thing_rate", self.thing_rate, 0, 1)
        check_range("bleu_sentences", self.bleu_sentences, 1)
        if self.pipeline not in PIPELINES:
            raise InputError(f"pipeline is {self.pipeline!r}: choose from {', '.join(PIPELINES)}")
        if self.pipeline == "keras-nlp" and self.bpe_dropout:
            raise InputError("keras-nlp's tokenizer has no BPE-dropout; leave out one of the two")
        if self.precision not in PRECISIONS:
            raise InputError(f"precision is {self.precision!r}: choose from {PRECISIONS}")


def read(
    source: Source, split: str, config: TranslationConfig, left_out: Counter[str] | None = None
) -> list[Pair]:
    """Reads the pairs of a split, see `shared.application.Application.read`.

    Of files that have the split by themselves, and of one's own if no split is named, there is a
    pair for each line, also for one that is empty on a side or on both.

    Args:
        source: Where they are.
        split: As there.
        config: The model's.
        left_out: Counts what is left out of one's own files, by the reason.

    Raises:
        InputError: The data is missing or bad, has no such split, or is of other languages.
    """
    directions = config.directions_between(source.source_language, source.target_language)
    if not source.own:
        return load(source.data, split or "test", directions)
    if len(directions) > 1:
        raise InputError("this model has several directions; name one with --from and --to")
    [direction] = directions
    if split not in ("", "train", "valid"):
        raise InputError(f"{source.own}: has no split {split!r}; choose train or valid")
    if source.tsv:
        rows = read_tsv(source.tsv, direction, left_out)
    else:
        rows = read_parallel(source.source, source.target, direction, left_out)
    if split:
        train, valid = hold_out_distinct(filled(rows, left_out), source.own, _key, left_out)
        rows = train if split == "train" else valid
    return [Pair(*row, *direction) for row in rows]


def _key(row: Row) -> str:
    """What sentences have in common that differ in case or punctuation alone."""
    return "".join(c for c in row[0].casefold() if c.isalnum()) or row[0]


def say_doubts(source: Source, pairs: Sequence[Pair]) -> None:
    """Says on standard error which side of one's own pairs seems to be in another language."""
    if not source.own or not pairs:
        return
    some = spread(pairs, 200)
    for side, option in enumerate(("--from", "--to")):
        named, text = some[0][2 + side], " ".join(pair[side] for pair in some)
        found = guess_language(text, [named], NAMES)
        if found != named:
            print(f"{source.own}: what {option} names {named} seems to be {name_of(found)}",
                  file=sys.stderr)  # fmt: skip


# --- the two data sets ------------------------------------------------------------------------


def load(data: str | Path, split: str, directions: Directions) -> list[Pair]:
    """Reads the pairs of a split, direction after direction.

    Args:
        data: A folder with Multi30k's files (``train.en``, plain or ``.gz``) or Tatoeba's zips
            (``deu-eng.zip``); or ``multi30k`` or ``tatoeba``, downloaded once into the cache.
        split: ``train``, ``valid`` or ``test``; of Multi30k also the name of another set, such
            as ``test_2017_flickr``.
        directions: Source and target language of each.

    Raises:
        InputError: It is neither, or lacks this split or these languages.
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
    read_split = _tatoeba if tatoeba else _multi30k
    place = None if fetched else folder
    return [pair for direction in directions for pair in read_split(place, split, *direction)]


def is_tatoeba(data: str | Path) -> bool:
    """Whether the data is Tatoeba's, to `load`."""
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
    return [
        Pair(*row, source, target) for row in read_parallel(files[0], files[1], (source, target))
    ]


def _tatoeba(folder: Path | None, split: str, source: str, target: str) -> list[Pair]:
    other = target if source == "en" else source
    if "en" not in (source, target) or other not in CODES:
        raise InputError(f"Tatoeba's files are of English and {', '.join(CODES)}; not "
                         f"{source}-{target}")  # fmt: skip
    name = f"{CODES[other]}-eng.zip"
    path = folder / name if folder else download(TATOEBA + name, folder=cache_dir() / "tatoeba")
    text = decode_text(read_member(path, f"{CODES[other]}.txt"), path)
    rows = dict.fromkeys((row[0], row[1]) for row in split_columns(text.split("\n"), path))
    chosen = [row for row in rows if split_of(row[0]) == split]
    ordered = (
        chosen if source == "en" else [(translation, english) for english, translation in chosen]
    )
    return [Pair(s.strip(), t.strip(), source, target) for s, t in ordered]


def split_of(english: str) -> str:
    """Returns the split that a sentence of Tatoeba and all its translations belong to.

    It is chosen by a hash of the letters and digits: sentences that differ in case or punctuation
    alone stay together, and new ones move no old ones.
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
    """Replaces names and numbers, so that a model learns to copy what it has never seen.

    In a share of the pairs one name or number that source and target have in common becomes a
    made-up one, the same on both sides.

    Args:
        pairs: Any pairs.
        rng: Draws the pairs and the names.
        rate: The share, 0 to 1.
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
