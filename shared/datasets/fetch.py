"""The cache folder and checked downloads."""

from __future__ import annotations

import hashlib
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from shared.errors import InputError
from shared.files import read_json, write_json

CHECKSUMS = "checksums.json"
"""File of a download folder with the SHA-256 of each file in it, as the first download had it."""

_CHUNK = 1 << 20
_TIMEOUT = 60.0  # seconds without a byte


def cache_dir() -> Path:
    """The folder for what can be made or fetched again; created when absent.

    ``LSTM_SUITE_CACHE`` when set, otherwise the platform's cache folder.

    Raises:
        InputError: It cannot be created.
    """
    chosen = os.environ.get("LSTM_SUITE_CACHE")
    if chosen:
        folder = Path(chosen).expanduser()
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "lstm-suite"
    elif sys.platform == "darwin":
        folder = Path.home() / "Library/Caches/lstm-suite"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lstm-suite"
    _make(folder, "set LSTM_SUITE_CACHE to a folder that can be written")
    return folder


def _make(folder: Path, remedy: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot create {folder} ({error.strerror}); {remedy}") from error


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(
    url: str,
    sha256: str | None = None,
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Fetch a file once, check it, and return where it is.

    It is written as ``NAME.part``, continued when an earlier attempt was cut short and the
    server can, and gets its name only when it is complete and its checksum is right. A source
    that states no checksum has it recorded in `CHECKSUMS` at the first download, and every
    later one in that folder is held to it.

    Args:
        url: Its last part is the name of the file.
        sha256: As the source states it, in hexadecimal.
        folder: Where to put it, default ``cache_dir() / "downloads"``.
        progress: Called with the bytes so far and in all (0: not known).

    Raises:
        InputError: In one line, when it cannot be fetched or is not what it should be.
    """
    name = unquote(urlsplit(url).path).rpartition("/")[2]
    if not name:
        raise InputError(f"{url} names no file")
    folder = Path(folder) if folder is not None else cache_dir() / "downloads"
    _make(folder, "choose a folder that can be written")
    path, part = folder / name, folder / f"{name}.part"
    expected = (sha256 or _recorded(folder).get(name) or "").lower()
    if path.exists():
        _check(path, path, expected, f"delete {path} and try again")
        return path
    try:
        _fetch(url, part, progress)
    except urllib.error.HTTPError as error:
        raise InputError(f"{url}: the server answers {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(
            f"cannot download {url} ({reason}); check the connection and try again,"
            f" or fetch it by hand to {path}"
        ) from error
    try:
        digest = _check(part, path, expected, "the source has changed or the download is damaged")
    except InputError:
        part.unlink()  # or it would be taken for the beginning of the right one
        raise
    if not expected:
        write_json(folder / CHECKSUMS, {**_recorded(folder), name: digest})
    os.replace(part, path)
    return path


def _recorded(folder: Path) -> dict[str, str]:
    path = folder / CHECKSUMS
    return read_json(path) if path.exists() else {}


def _check(path: Path, final: Path, expected: str, remedy: str) -> str:
    digest = sha256_of(path)
    if expected and digest != expected:
        raise InputError(
            f"{final.name} has SHA-256 {digest[:12]}..., expected {expected[:12]}...; {remedy}"
        )
    return digest


def _fetch(url: str, part: Path, progress: Callable[[int, int], None] | None) -> None:
    """Append to the part file what is missing of it."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "lstm-suite"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if not have or error.code != 416:  # nothing is missing, or the file is another one
            raise
        part.unlink()
        return _fetch(url, part, progress)
    with response:
        if response.status != 206:  # the server does not continue, it starts again
            have = 0
        length = int(response.headers.get("Content-Length") or 0)
        total = have + length if length else 0
        with open(part, "ab" if have else "wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                if progress:
                    progress(have, total)
    if total and have != total:
        raise OSError(f"{have} of {total} bytes arrived")
