"""Atomic writes, checksums, and folders that are whole or not there."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypedDict

from shared.errors import InputError

STDOUT = "-"  # the path that means standard output
_CHUNK = 1 << 24  # bytes
_DAY = 24 * 60 * 60.0  # seconds


def write_bytes(path: str | Path, data: bytes) -> None:
    """Writes a file atomically: under a temporary name in its folder, then renamed.

    Missing folders are created. If the path is a link, its target is written. An existing file
    keeps its mode. Devices and FIFOs are written to, not replaced. ``-`` is standard output.

    Raises:
        OSError: The file cannot be written. ``filename`` is ``path``, not the temporary name.
    """
    if str(path) == STDOUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    target = Path(os.path.realpath(path))
    temporary = None
    try:
        mode = _mode_of(target)
        if not stat.S_ISREG(mode):
            target.write_bytes(data)  # raises if it is a folder
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, stat.S_IMODE(mode))
        os.replace(temporary, target)
    except BaseException as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise type(error)(error.errno, error.strerror, str(path)) from error
        raise


def reserve(file: BinaryIO, size: int, path: str | Path) -> None:
    """Appends zeros to a file, for which there is room on the disk from then on.

    Raises:
        OSError: There is none. ``filename`` is ``path``.
    """
    try:
        file.flush()
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), file.tell(), size)
            return
        for start in range(0, size, _CHUNK):  # macOS, Windows
            file.write(bytes(min(_CHUNK, size - start)))
        file.flush()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def tensorflow_writes(path: str | Path) -> Iterator[None]:
    """Turns TensorFlow's error of a full disk into the system's, in a ``with`` block.

    Raises:
        OSError: There is no room. ``filename`` is ``path``.
    """
    try:
        yield
    except Exception as error:
        if type(error).__name__ != "ResourceExhaustedError":
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error


def _mode_of(path: Path) -> int:
    """Returns the mode of a file; of a new file, the mode that the umask allows.

    Raises:
        PermissionError: The file is read-only.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        umask = os.umask(0)  # it can only be read by setting it
        os.umask(umask)
        return stat.S_IFREG | (0o666 & ~umask)
    if stat.S_ISREG(mode) and not mode & 0o222:
        raise PermissionError(errno.EACCES, "read-only file", str(path))
    return mode


def check_outputs(outputs: Mapping[str, Sequence[str]], inputs: Sequence[str | Path] = ()) -> None:
    """Checks, before any work is done, that outputs can be written and are not inputs.

    Args:
        outputs: Paths, each with its valid extensions; empty for any.
        inputs: Paths that are read. Those that do not exist are ignored.

    Raises:
        InputError: An output has another extension, is a folder, lies below a file, or is an input.
    """
    read = {os.path.realpath(path) for path in inputs if os.path.exists(path)}
    for path, endings in outputs.items():
        if path == STDOUT:
            continue
        target = Path(os.path.realpath(path))
        ending = target.suffix.lower()
        if endings and ending not in endings and Path(path).suffix.lower() not in endings:
            raise InputError(
                f"{path}: cannot write {ending or 'a file without an ending'}; "
                f"use {', '.join(endings)}"
            )
        if target.is_dir():
            raise InputError(f"{path}: is a folder; name a file in it")
        if str(target) in read:
            raise InputError(f"{path}: is also read, and would be lost; name another output")
        above = next((p for p in target.parents if p.exists()), target.parent)
        if not above.is_dir():
            raise InputError(f"{path}: {above} is a file, not a folder; check the path")


def write_text(path: str | Path, text: str) -> None:
    """Writes text in UTF-8, with `write_bytes`."""
    write_bytes(path, text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """Writes a value as indented JSON, with `write_bytes`.

    Raises:
        ValueError: The value contains NaN or infinity, which JSON cannot express.
    """
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


class File(TypedDict):
    """A file's entry in a table of checksums."""

    bytes: int
    sha256: str


def checksums(folder: str | Path, names: Iterable[str]) -> dict[str, File]:
    """Returns a table of the sizes and SHA-256 of files of a folder, by name."""
    table: dict[str, File] = {}
    for name in sorted(names):
        data = (Path(folder) / name).read_bytes()
        table[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return table


def verify_checksums(folder: str | Path, table: Mapping[str, File]) -> None:
    """Checks the files of a folder against the table of `checksums`.

    Raises:
        InputError: A file is missing or has changed.
    """
    for name, expected in table.items():
        path = Path(folder) / name
        if Path(name).name != name or not path.is_file():
            raise InputError(f"{path}: missing; restore the folder")
        if checksums(folder, [name])[name] != expected:
            raise InputError(f"{path}: changed or damaged (checksum differs); restore the file")


def private_folder(folder: str | Path) -> Path:
    """Creates a folder that nobody else can read or write, unless it exists.

    Raises:
        InputError: It exists, and belongs to another user or can be written by others.
    """
    folder = Path(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid"):  # Windows has no modes; its cache folder is the user's own
        facts = folder.stat()
        if facts.st_uid != os.getuid() or facts.st_mode & 0o022:
            raise InputError(
                f"{folder}: others can write to it; delete it, or set LSTM_SUITE_CACHE to a folder "
                "of your own"
            )
    return folder


def check_folder(folder: str | Path, marker: str) -> Path:
    """The real path of a folder that may be written: new, empty, or with the file ``marker``.

    Raises:
        InputError: It is a file, or holds something else.
    """
    real = Path(os.path.realpath(folder))
    if real.exists() and not (real / marker).is_file():
        if not real.is_dir() or any(real.iterdir()):
            raise InputError(f"{folder}: holds other files; name a new or empty folder")
    above = next((p for p in real.parents if p.exists()), real)
    if not above.is_dir():
        raise InputError(f"{folder}: {above} is a file, not a folder; check the path")
    return real


@contextmanager
def new_folder(folder: str | Path, marker: str) -> Iterator[Path]:
    """Creates a folder atomically, in a ``with`` block.

    The block fills a temporary folder beside it, which takes the place of ``folder`` if no
    exception is raised. An existing folder is replaced only if it is empty or contains the file
    ``marker``, which identifies folders written by the suite. A kill loses nothing: the old folder
    is moved aside before the new one comes, and deleted after that. What a killed process left is
    put back or, after a day, deleted.

    Raises:
        InputError: The folder contains other files.
        OSError: It cannot be written. ``filename`` is ``folder``, not the temporary name.
    """
    target = check_folder(folder, marker)
    temporary = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        old = target.with_name(f".{target.name}.old")
        _settle(target, old)
        _sweep(target)
        temporary = tempfile.mkdtemp(".new", f".{target.name}.", target.parent)
        try:
            yield Path(temporary)
            os.chmod(temporary, 0o755)
            if target.exists():
                os.replace(target, old)
            os.replace(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            _settle(target, old)
    except OSError as error:
        if error.errno and str(error.filename or temporary).startswith(temporary):
            raise OSError(error.errno, error.strerror, str(folder)) from error
        raise


def _settle(target: Path, old: Path) -> None:
    """Puts the old folder back if no new one has taken its place, else deletes it."""
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
    elif old.exists():
        os.replace(old, target)


def _sweep(target: Path) -> None:
    """Deletes the temporary folders for a target that are older than a day."""
    for stray in target.parent.glob(f".{glob.escape(target.name)}.????????.new"):
        with suppress(OSError):  # another process sweeps too
            if stray.stat().st_mtime < time.time() - _DAY:
                shutil.rmtree(stray)
