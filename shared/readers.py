"""Reading of text, JSON, arrays and archives, with limits.

What is missing, damaged, or larger than the limits below is an `InputError` that names the file. So
no small file takes long to read or fills the memory.
"""

from __future__ import annotations

import gzip
import io
import json
import lzma
import struct
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from shared.errors import InputError
from shared.files import STDOUT

BYTES = 250_000_000  # of a file, unpacked
LINES = 2_000_000  # of a text
VALUES = 10_000_000  # in a JSON file
ARRAYS = 4_000_000_000  # bytes of an .npz, unpacked
RATIO = 100  # of an archive's unpacked size to its size, once it is more than FREE
FREE = 16_000_000

# What damaged archives and arrays raise in the standard library and in NumPy.
_DAMAGED = (OSError, EOFError, KeyError, IndexError, TypeError, ValueError, OverflowError,
            MemoryError, RecursionError, RuntimeError, SyntaxError, struct.error, zlib.error,
            lzma.LZMAError, tokenize.TokenError, zipfile.BadZipFile)  # fmt: skip


def read_bytes(path: str | Path, most: int = BYTES) -> bytes:
    """Reads a file; ``-`` is standard input.

    Args:
        path: The file.
        most: Bytes that it may have.

    Raises:
        InputError: The file cannot be read, or is larger.
    """
    try:
        if str(path) == STDOUT:
            data = sys.stdin.buffer.read(most + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        _refuse(path, error)
    _check_size(path, len(data), most)
    return data


def _check_size(path: str | Path, size: int, most: int, unpacked: str = "") -> None:
    if size > most:
        raise InputError(
            f"{_name(path)}: has more than {most / 1e6:g} MB{unpacked}, the limit; split it"
        )


def read_text(path: str | Path) -> str:
    """Reads a UTF-8 file, plain, ``.gz`` or ``.xz``; ``-`` is standard input.

    A byte order mark is left out.

    Raises:
        InputError: The file cannot be read, is not UTF-8 text, or is too large.
    """
    text = _text(path)
    if text.count("\n") > LINES:
        raise InputError(f"{_name(path)}: has more than {LINES:,} lines, the limit; split it")
    return text


def _text(path: str | Path) -> str:
    data = read_bytes(path)
    ending = Path(path).suffix.lower()
    if ending in (".gz", ".xz"):
        room, packed = _room(len(data), BYTES), io.BytesIO(data)
        try:
            with gzip.open(packed) if ending == ".gz" else lzma.open(packed) as file:
                data = file.read(room + 1)
        except _DAMAGED as error:
            _refuse(path, error, "copy it again")
        _check_size(path, len(data), room, " unpacked")
    return decode_text(data, _name(path))


def decode_text(data: bytes, name: str | Path) -> str:
    """Decodes UTF-8, without a byte order mark.

    Args:
        data: The bytes.
        name: Where they come from, for the message.

    Raises:
        InputError: The bytes are not UTF-8, or contain a zero byte.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text (byte {error.start}); convert it") from error
    if "\0" in text:
        raise InputError(f"{name}: not text (it contains zero bytes); check the file")
    return text


def read_json(path: str | Path) -> Any:
    """Reads a JSON file, plain, ``.gz`` or ``.xz``. It may hold NaN, but no half characters.

    Raises:
        InputError: The file cannot be read, is not JSON, or is too large.
    """
    text = _text(path)
    if sum(map(text.count, "[{,")) > VALUES:
        raise InputError(f"{path}: has more than {VALUES:,} values, the limit; split it")
    try:
        value = json.loads(text)
        if "\\ud" in text or "\\uD" in text:  # half of a surrogate pair is no character
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON; restore the file") from error
    return value


def read_member(path: str | Path, pattern: str, most: int = BYTES) -> bytes:
    """Reads the one file of a zip archive whose name fits a pattern such as ``*.txt``.

    Args:
        path: The archive.
        pattern: The name, with wildcards.
        most: Bytes that it may have, unpacked.

    Raises:
        InputError: As `read_members`, or there are none or several of that name.
    """
    found = read_members(path, pattern, most)
    if len(found) != 1:
        raise InputError(f"{path}: has {len(found)} files {pattern}, not one; check it")
    return found[0]


def read_members(path: str | Path, pattern: str, most: int = BYTES) -> list[bytes]:
    """Reads the files of a zip archive whose names fit a pattern.

    Args:
        path: The archive.
        pattern: The names, with wildcards.
        most: Bytes that they may have together, unpacked.

    Raises:
        InputError: The archive cannot be read, or they are too large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = [info for info in archive.infolist() if fnmatchcase(info.filename, pattern)]
            _check_unpacked(path, sum(info.file_size for info in found), most)
            return [archive.read(info) for info in found]
    except InputError:
        raise
    except _DAMAGED as error:
        _refuse(path, error, "copy it again")


def read_arrays(
    path: str | Path, names: Iterable[str] | None = None, remedy: str = "restore the file"
) -> dict[str, np.ndarray]:
    """Reads arrays of an ``.npz`` file. Pickled objects are refused.

    Args:
        path: The file.
        names: The arrays to read; by default all.
        remedy: What to do if the file is damaged, for the message.

    Raises:
        InputError: The file cannot be read, lacks an array, or is too large.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            chosen = list(infos if names is None else names)
            if min(info.header_offset for info in infos.values()):
                raise ValueError("something stands before it")
            if missing := [name for name in chosen if name not in infos]:
                raise InputError(f"{path}: has no array {missing[0]!r}; {remedy}")
            _check_unpacked(path, sum(infos[name].file_size for name in chosen), ARRAYS)
            for name in chosen:
                with archive.open(infos[name]) as member:
                    array = np.lib.format.read_array(member, allow_pickle=False)
                if array.size and not array.itemsize:
                    raise ValueError("values without a size")
                if array.dtype.kind == "U":  # NumPy makes broken strings of what is no character
                    order = "le" if array.dtype.str[0] == "<" else "be"
                    array.tobytes().decode(f"utf-32-{order}")
                arrays[name] = array
    except InputError:
        raise
    except _DAMAGED as error:
        _refuse(path, error, remedy)
    return arrays


def _check_unpacked(path: str | Path, size: int, most: int) -> None:
    _check_size(path, size, _room(Path(path).stat().st_size, most), " unpacked")


def _room(packed: int, most: int) -> int:
    """How many bytes an archive of a size may unpack to."""
    return min(most, max(FREE, RATIO * packed))


def _name(path: str | Path) -> str:
    return "standard input" if str(path) == STDOUT else str(path)


def _refuse(path: str | Path, error: BaseException, remedy: str = "check the path") -> NoReturn:
    why = getattr(error, "strerror", None)
    if why:
        raise InputError(f"{_name(path)}: cannot be read ({why}); check the path") from error
    said = " ".join(str(error).split())[:80] or type(error).__name__
    raise InputError(f"{_name(path)}: damaged, or of another kind ({said}); {remedy}") from error
