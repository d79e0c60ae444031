"""The cache folder, and downloads with checksums."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from shared.errors import InputError
from shared.files import write_json, write_text
from shared.lock import locked
from shared.readers import read_json, read_text

CHECKSUMS = "checksums.json"
"""File in a download folder with the SHA-256 of each file at its first download."""

_NAME = re.compile(r"[^\W_][\w .,+@~()-]*")
_RESERVED = re.compile(r"checksums\.json|.*\.(part|tag)|(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)
_HERE = ("127.0.0.1", "localhost", "::1")  # where http is as good as https
_CHUNK = 1 << 20
_TIMEOUT = 60.0  # seconds without data


def cache_dir() -> Path:
    """Returns the cache folder, and creates it if needed.

    It is ``LSTM_SUITE_CACHE`` if set, otherwise ``lstm-suite`` in the platform's cache folder.

    Raises:
        InputError: The folder cannot be created.
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
    _make(folder, "set LSTM_SUITE_CACHE to a folder that can be written", 0o700)
    return folder


def _make(folder: Path, remedy: str, mode: int = 0o777) -> None:
    try:
        folder.mkdir(mode, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot create {folder} ({error.strerror}); {remedy}") from error


def sha256_of(path: str | Path) -> str:
    """Computes the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(
    url: str,
    sha256: str | None = None,
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Downloads a file, unless it exists, verifies its checksum, and returns its path.

    The file is named ``NAME.part`` until it is complete and verified. An interrupted download is
    continued if the server says that the file is still the same; its ETag or date is in
    ``NAME.tag``. The address and what it redirects to are https. If the source states no checksum,
    that of the first download is recorded in `CHECKSUMS`, and later downloads to the same folder
    must match it.

    Args:
        url: Where the file is. The last part of the path is its name.
        sha256: Checksum stated by the source, in hexadecimal.
        folder: Folder to write to. Defaults to ``cache_dir() / "downloads"``.
        progress: Function called with the bytes so far and the total (0 if unknown).

    Raises:
        InputError: The download failed, the checksum differs, or another process downloads there.
    """
    name = unquote(urlsplit(url).path).rpartition("/")[2]
    if not _NAME.fullmatch(name) or _RESERVED.fullmatch(name):
        raise InputError(f"{url} names no file that can be kept; download it by hand")
    folder = Path(folder) if folder is not None else cache_dir() / "downloads"
    _make(folder, "choose a folder that can be written")
    path, part = folder / name, folder / f"{name}.part"
    expected = (sha256 or _recorded(folder).get(name) or "").lower()
    if path.exists():
        _check(path, path, expected, f"delete {path} and try again")
        return path
    with locked(folder):
        try:
            _fetch(url, part, progress)
        except urllib.error.HTTPError as error:
            raise InputError(f"{url}: the server returned {error.code} {error.reason}") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise InputError(
                f"cannot download {url} ({reason}); check the connection and try again,"
                f" or download it by hand to {path}"
            ) from error
        try:
            digest = _check(
                part, path, expected, "the source has changed or the download is damaged"
            )
        except InputError:
            part.unlink()  # otherwise the next attempt would continue it
            raise
        finally:
            part.with_suffix(".tag").unlink(missing_ok=True)
        if not expected:
            write_json(folder / CHECKSUMS, {**_recorded(folder), name: digest})
        os.replace(part, path)
    return path


def _recorded(folder: Path) -> dict[str, str]:
    path = folder / CHECKSUMS
    table = read_json(path) if path.exists() else {}
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise InputError(f"{path}: damaged; delete it and the files beside it")
    return table


def _check(path: Path, final: Path, expected: str, remedy: str) -> str:
    digest = sha256_of(path)
    if expected and digest != expected:
        raise InputError(
            f"{final.name} has SHA-256 {digest[:12]}..., expected {expected[:12]}...; {remedy}"
        )
    return digest


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects from https to https."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        """Refuses what leads elsewhere."""
        if not _is_safe(newurl) or (req.type == "https" and not newurl.startswith("https:")):
            message = f"redirect to {newurl[:80]}, which is not https"
            raise urllib.error.HTTPError(newurl, code, message, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)


def _fetch(url: str, part: Path, progress: Callable[[int, int], None] | None) -> None:
    """Downloads to the part file, from where it ends."""
    if not _is_safe(url):
        raise ValueError("its address is not https")
    tag = part.with_suffix(".tag")
    have = part.stat().st_size if part.exists() and tag.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "lstm-suite"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", read_text(tag))
    try:
        response = urllib.request.build_opener(_Redirects).open(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if not have or error.code != 416:  # 416: the part is complete, or of another file
            raise
        part.unlink()
        return _fetch(url, part, progress)
    with response:
        if response.status != 206:  # the server sends the whole file again
            have = 0
            part.unlink(missing_ok=True)
            known = response.headers.get("ETag") or response.headers.get("Last-Modified") or "W/"
            if known.startswith("W/"):  # a weak one does not tell that every byte is the same
                tag.unlink(missing_ok=True)
            else:
                write_text(tag, known)
        length = int(response.headers.get("Content-Length") or 0)
        total = have + length if length else 0
        with open(part, "ab" if have else "wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                if progress:
                    progress(have, total)
    if total and have != total:
        raise OSError(f"received {have} of {total} bytes")
