"""Files of captions and of splits, in the formats that people have."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from shared.errors import InputError
from shared.readers import read_json, read_text


def read_captions(path: str | Path) -> dict[str, list[str]]:
    """The captions of each photo, by its file's name.

    Of Flickr8k or 30k: CSV with the header ``image,caption``; ``results.csv`` with the header
    ``image_name| comment_number| comment``; or lines of ``name.jpg#0``, a tab and the caption
    (``Flickr8k.token.txt``, ``results_20130124.token``). Of COCO: ``captions_*.json``. The file may
    be compressed as ``.gz`` or ``.xz``.

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
    try:
        yield from _parsed(text, path)
    except csv.Error as error:
        raise InputError(f"{path}: {error}; is there a single quotation mark?") from error


def _parsed(text: str, path: Path) -> Iterator[tuple[str, str]]:
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
                # A caption with commas that nobody quoted is several columns.
                yield row[0].strip(), (",".join(row[1:]) if commas else row[-1]).strip()
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            name, tab, caption = line.partition("\t")
            if not tab:
                raise InputError(
                    f"{path}, line {number}: no tab; the file is to begin with 'image,caption', or "
                    "to have lines of a photo's name, '#' and a number, a tab and the caption"
                )
            yield re.sub(r"#\d+$", "", name.strip()), caption.strip()


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


def read_sentences(path: str | Path) -> list[str]:
    """Captions without photos, one a line; what precedes a tab is dropped.

    Raises:
        InputError: The file is missing, or is not text.
    """
    lines = (line.rpartition("\t")[2].strip() for line in _text(Path(path)).split("\n"))
    return [line for line in lines if line]


def _text(path: Path) -> str:
    return read_text(path).replace("\r\n", "\n")
