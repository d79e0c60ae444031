"""Captions of the same photos in several languages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from apps.captioning.config import FIRST_LANGUAGE
from apps.captioning.data import Photo
from apps.captioning.formats import read_captions
from shared.errors import InputError


def in_language(photos: Sequence[Photo], captions: str | Path, language: str) -> list[Photo]:
    """Those of the photos that a file has captions of, with these captions."""
    written = read_captions(captions)
    return [
        Photo(photo.path, tuple(written[photo.path.name]), language)
        for photo in photos
        if photo.path.name in written
    ]


def also_in(photos: Sequence[Photo], entries: Sequence[str]) -> list[Photo]:
    """The photos, and once more those with captions in other languages, with these captions.

    Raises:
        InputError: An entry is not ``LANG=FILE``, or its file is missing or about other photos.
    """
    found = list(photos)
    for entry in entries:
        language, equals, file = entry.partition("=")
        if not (language and equals and file) or language == FIRST_LANGUAGE:
            raise InputError(f"--also {entry}: give another language and a file, such as de=FILE")
        more = in_language(photos, file, language)
        if not more:
            raise InputError(f"{file}: no caption of these photos; check the names in it")
        found += more
    return found
