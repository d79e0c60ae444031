"""Captions in the metadata of photo files: EXIF, IPTC and XMP, through exiv2.

Only the description and who wrote it are set (IPTC Photo Metadata Standard: *Description* and
*Description Writer*). All other metadata and the pixels stay as they are.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

from shared.errors import InputError
from shared.files import write_bytes

WRITER = "lstm-suite"  # a description with another writer, or with none, is never replaced
_XMP_WRITER = "Xmp.photoshop.CaptionWriter"
_DESCRIPTIONS = ("Exif.Image.ImageDescription", "Iptc.Application2.Caption", "Xmp.dc.description")


def write_caption(path: str | Path, text: str) -> None:
    """Writes a caption into a photo file, which is replaced at once when all is done.

    Args:
        path: A JPEG, PNG, WebP, TIFF or JPEG 2000 file.
        text: The caption.

    Raises:
        InputError: exiv2 is not installed; the format has no metadata that can be written; or
            someone else has described the photo.
        OSError: The file cannot be written.
    """
    exiv2 = _exiv2()
    data = Path(path).read_bytes()
    image = _open(exiv2, path, data)
    if (known := _described(image)) and not _is_ours(image):
        raise InputError(f"{path}: is described as {known!r}, which is kept; remove it first")
    values: dict[str, dict[str, Any]] = {
        "Exif": {_DESCRIPTIONS[0]: text},
        "Iptc": {
            "Iptc.Envelope.CharacterSet": "\x1b%G",  # UTF-8
            _DESCRIPTIONS[1]: text,
            "Iptc.Application2.Writer": WRITER,
        },
        "Xmp": {_DESCRIPTIONS[2]: f"lang=x-default {text}", _XMP_WRITER: WRITER},
    }
    writable = exiv2.AccessMode.ReadWrite
    for kind, entries in values.items():
        group = getattr(image, f"{kind.lower()}Data")()
        if image.checkMode(getattr(exiv2.MetadataId, kind)) != writable:
            if kind == "Xmp":
                raise InputError(
                    f"{path}: a description cannot be written to {image.mimeType()}; use --sidecar"
                )
        elif kind == "Iptc" and not group.detectCharset():
            continue  # its other entries would be read as UTF-8, which they are not
        else:
            for key, value in entries.items():
                group[key] = value
    try:
        image.writeMetadata()
    except exiv2.Exiv2Error as error:
        raise InputError(f"{path}: cannot be given a description ({error})") from error
    file = image.io()
    file.open()
    written = bytes(file.mmap())
    file.munmap()
    if _pixels(written) != _pixels(data):
        raise InputError(f"{path}: its pixels would change; use --sidecar")
    write_bytes(path, written)


def has_caption(path: str | Path) -> bool:
    """Whether `write_caption` has written a caption into a file.

    Raises:
        InputError: exiv2 is not installed.
    """
    exiv2 = _exiv2()
    try:
        return _is_ours(_open(exiv2, path, Path(path).read_bytes()))
    except (InputError, OSError):  # captioning it tells why
        return False


def _exiv2() -> Any:
    try:
        import exiv2
    except ModuleNotFoundError as error:
        raise InputError(
            "--write-metadata needs exiv2; pip install 'lstm-suite[metadata]'"
        ) from error
    exiv2.LogMsg.setLevel(exiv2.LogMsg.Level.mute)  # of odd metadata, which is kept as it is
    return exiv2


def _open(exiv2: Any, path: str | Path, data: bytes) -> Any:
    try:
        image = exiv2.ImageFactory.open(data)
        image.readMetadata()
    except exiv2.Exiv2Error as error:
        raise InputError(f"{path}: its metadata cannot be read ({error}); use --sidecar") from error
    return image


def _described(image: Any) -> str:
    """The description that a photo has, if any; cameras fill the field with blanks."""
    for key, group in zip(
        _DESCRIPTIONS, (image.exifData(), image.iptcData(), image.xmpData()), strict=True
    ):
        if key in group and (text := group[key].toString().strip(" \0\n")):
            return text
    return ""


def _is_ours(image: Any) -> bool:
    group = image.xmpData()
    return _XMP_WRITER in group and group[_XMP_WRITER].toString() == WRITER


def _pixels(data: bytes) -> tuple[str, bytes]:
    with Image.open(io.BytesIO(data)) as image:
        return image.mode, image.tobytes()
