"""Photos with captions: files in the formats people have, splits, and batches."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from apps.captioning.words import AnyTokenizer
from shared.errors import InputError
from shared.files import read_json
from shared.text import END, START

SIDES = {"left", "right"}  # a photo whose captions name one is not flipped
_CHUNK = 20  # batches whose photos are ordered by the length of their captions


class Photo(NamedTuple):
    """A photo's file and what people wrote about it."""

    path: Path
    captions: tuple[str, ...]


# --- files ------------------------------------------------------------------------------------


def read_captions(path: str | Path) -> dict[str, list[str]]:
    """The captions of each photo, by its file's name.

    Of Flickr8k or 30k: CSV with the header ``image,caption``; ``results.csv`` with the header
    ``image_name| comment_number| comment``; or lines of ``name.jpg#0``, a tab and the caption
    (``Flickr8k.token.txt``, ``results_20130124.token``). Of COCO: ``captions_*.json``.

    Raises:
        InputError: The file is missing or is none of these.
    """
    path = Path(path)
    pairs = _coco(path) if path.suffix.lower() == ".json" else _rows(path)
    found: dict[str, list[str]] = {}
    for name, caption in pairs:
        if name and (caption := " ".join(caption.split())):
            found.setdefault(name, []).append(caption)
    if not found:
        raise InputError(f"{path}: no caption in it; check the file")
    return found


def _coco(path: Path) -> Iterator[tuple[str, str]]:
    data = read_json(path)
    try:
        names = {image["id"]: str(image["file_name"]) for image in data["images"]}
        for entry in data["annotations"]:
            yield names[entry["image_id"]], str(entry["caption"])
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path}: not COCO's captions (images with id and file_name, annotations with "
            f"image_id and caption; {error} is missing or wrong)"
        ) from error


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    text = _text(path)
    head = text.partition("\n")[0].strip().lower().replace(" ", "")
    if head in ("image,caption", "image_name|comment_number|comment"):
        commas = "," in head
        # Only the CSV has quotes; in the other a quote is a letter like any other.
        rows = csv.reader(
            io.StringIO(text),
            delimiter="," if commas else "|",
            quoting=csv.QUOTE_MINIMAL if commas else csv.QUOTE_NONE,
        )
        next(rows)
        for row in rows:
            if row:
                if len(row) < 2:
                    raise InputError(f"{path}, line {rows.line_num}: no caption after the name")
                yield row[0].strip(), (row[1] if commas else row[-1]).strip()
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            name, tab, caption = line.partition("\t")
            if not tab:
                raise InputError(
                    f"{path}, line {number}: no tab; the file is to begin with 'image,caption', or "
                    "to have lines of a photo's name, '#' and a number, a tab and the caption"
                )
            yield name.partition("#")[0].strip(), caption.strip()


def read_split(path: str | Path) -> list[str]:
    """The names of photos in a split file, one a line.

    Raises:
        InputError: The file is missing or empty.
    """
    names = list(dict.fromkeys(line.strip() for line in _text(Path(path)).split("\n")))
    names = [name for name in names if name]
    if not names:
        raise InputError(f"{path}: no name in it; a split file has a photo's name on each line")
    return names


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text, at byte {error.start}; convert it") from error


def load(
    images: str | Path, captions: str | Path, split_file: str | Path | None = None
) -> list[Photo]:
    """The photos of a folder that have captions, in the order of the split file or of the captions.

    Args:
        images: Folder of the photos.
        captions: See `read_captions`.
        split_file: See `read_split`; without it every photo with captions that is there.

    Raises:
        InputError: A photo of the split is missing, or has no captions, or there is none at all.
    """
    folder, written = Path(images), read_captions(captions)
    if not folder.is_dir():
        raise InputError(f"{images}: no such folder; name the one with the photos")
    names = read_split(split_file) if split_file else list(written)
    found = []
    for name in names:
        path = folder / name
        if split_file and name not in written:
            raise InputError(f"{captions}: no caption of {name}, which {split_file} names")
        if path.is_file():
            found.append(Photo(path, tuple(written[name])))
        elif split_file:
            raise InputError(f"{path}: no such photo; {split_file} names it")
    if not found:
        raise InputError(f"{folder}: no photo that {captions} is about; check the folder")
    return found


# --- batches ----------------------------------------------------------------------------------


class Captioned(NamedTuple):
    """A photo's row in the feature cache and its captions as ids, without start and end."""

    row: int
    captions: list[list[int]]
    flips: bool


def encode_captions(
    photos: Sequence[Photo], rows: Sequence[int], tokenizer: AnyTokenizer, length: int
) -> list[Captioned]:
    """The captions as ids, those longer than ``length`` left out, and photos that have no other."""
    found = []
    for photo, row in zip(photos, rows, strict=True):
        ids = [i for i in tokenizer.encode_all(list(photo.captions)) if 0 < len(i) <= length]
        sides = any(SIDES & set(caption.lower().split()) for caption in photo.captions)
        if ids:
            found.append(Captioned(row, ids, not sides))
    return found


def plan(
    photos: Sequence[Captioned], batch: int, captions: int, seed: int, epoch: int, views: int = 2
) -> list[list[tuple[int, list[int], int]]]:
    """Which photo, which of its captions, and which view of it, for each batch of an epoch.

    Every photo comes once; of more captions than ``captions`` some are drawn, of fewer some come
    twice. Batches have photos whose longest captions are of about one length, and all are of the
    same size: the last is filled up with photos that the epoch has already.
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
            # Odd views are mirrored. Backward, and without a draw where there is one view only, so
            # that a seed gives the batches that it gave when there were two.
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
    """The training batches of one epoch; the same arguments give the same batches.

    Args:
        photos: To train on.
        features: ``(rows, views, cells, cells, channels)``, see `apps.captioning.features`.
        batch: Photos of a batch.
        captions: Of each photo.
        seed: Of all that is drawn.
        epoch: Number of the epoch.
        flip: Whether half of the photos are mirrored.

    Returns:
        A `tf.data.Dataset` of known cardinality with ``features`` float16 ``(batch, cells, cells,
        channels)``, ``row`` int32 ``(batch,)``, and ``inputs``, ``targets`` int32 and ``mask``
        bool ``(batch * captions, steps)``, the captions of a photo one after another.
    """
    photos = photos if flip else [photo._replace(flips=False) for photo in photos]
    batches = plan(photos, batch, captions, seed, epoch, features.shape[1])

    def generate() -> Iterator[dict[str, np.ndarray]]:
        for entries in batches:
            ids = [photos[index].captions[k] for index, drawn, _ in entries for k in drawn]
            rows = [photos[index].row for index, _, _ in entries]
            views = [view for _, _, view in entries]
            yield {"features": features[rows, views], "row": np.array(rows, np.int32), **_pad(ids)}

    return _dataset(generate, len(batches), features)


def whole(photos: Sequence[Captioned], features: np.ndarray, batch: int, captions: int):
    """As `pipeline`, in order and unflipped, with the first ``captions`` of each photo.

    Fewer captions are filled up with empty ones, and so is the last batch: these do not count.
    """
    batch = min(batch, len(photos))

    def generate() -> Iterator[dict[str, np.ndarray]]:
        for start in range(0, len(photos), batch):
            some = photos[start : start + batch]
            ids: list[list[int] | None] = []
            for k in range(batch):
                known: list[Any] = list(some[k].captions[:captions]) if k < len(some) else []
                ids += known + [None] * (captions - len(known))
            rows = np.resize([photo.row for photo in some], batch)
            yield {"features": features[rows, 0], "row": rows.astype(np.int32), **_pad(ids)}

    return _dataset(generate, -(-len(photos) // batch), features)


def _dataset(generate, count: int, features: np.ndarray):
    import tensorflow as tf

    shape = features.shape[2:]
    signature = {"features": tf.TensorSpec((None, *shape), tf.float16)}
    signature |= {"row": tf.TensorSpec((None,), tf.int32)}
    signature |= {name: tf.TensorSpec((None, None), tf.int32) for name in ("inputs", "targets")}
    signature |= {"mask": tf.TensorSpec((None, None), tf.bool)}
    data = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return data.apply(tf.data.experimental.assert_cardinality(count)).prefetch(4)


def _pad(captions: Sequence[Sequence[int] | None]) -> Mapping[str, np.ndarray]:
    """``inputs`` from `START`, ``targets`` up to `END`; of None nothing counts."""
    steps = 1 + max(len(ids or ()) for ids in captions)
    result: dict[str, np.ndarray] = {
        name: np.zeros((len(captions), steps), np.int32) for name in ("inputs", "targets")
    }
    result["mask"] = np.zeros((len(captions), steps), bool)
    for k, ids in enumerate(captions):
        if ids is not None:
            result["inputs"][k, : len(ids) + 1] = [START, *ids]
            result["targets"][k, : len(ids) + 1] = [*ids, END]
            result["mask"][k, : len(ids) + 1] = True
    return result
