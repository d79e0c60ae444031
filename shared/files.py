"""Files that are either whole or not there, and the checksums that prove it later."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.errors import InputError

STDOUT = "-"  # as an output's name: standard output


def write_bytes(path: str | Path, data: bytes) -> None:
    """Writes a file as a whole: under a temporary name in its folder, then renamed.

    Folders are made as needed. A link stays, its target is written. An existing file keeps its
    mode. A device or a FIFO is written to, never replaced; ``-`` is standard output.

    Raises:
        OSError: It cannot be written; ``filename`` is ``path``, not the temporary name.
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
            target.write_bytes(data)  # a folder refuses
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


def _mode_of(path: Path) -> int:
    """The mode of a file; of one that is not there yet that which the umask leaves it.

    Raises:
        PermissionError: It is read-only.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        umask = os.umask(0)  # there is no other way to read it
        os.umask(umask)
        return stat.S_IFREG | (0o666 & ~umask)
    if stat.S_ISREG(mode) and not mode & 0o222:
        raise PermissionError(errno.EACCES, "read-only file", str(path))
    return mode


def check_outputs(outputs: Mapping[str, Sequence[str]], inputs: Sequence[str | Path] = ()) -> None:
    """Refuses outputs that cannot be written, or that are an input, before any work is done.

    Args:
        outputs: Paths, each with the endings that it may have; none for any.
        inputs: Paths that are read. What is no file there is passed over.

    Raises:
        InputError: An output has another ending, is a folder, is below a file, or is an input.
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
    """`write_bytes` in UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """`write_text` of indented JSON; NaN and infinity, which JSON lacks, raise ValueError."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file, without a byte order mark; ``-`` is standard input.

    Raises:
        InputError: The file cannot be read, or is not UTF-8 text.
    """
    if str(path) == STDOUT:
        return decode_text(sys.stdin.buffer.read(), "standard input")
    try:
        return decode_text(Path(path).read_bytes(), path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def decode_text(data: bytes, name: str | Path) -> str:
    """UTF-8 bytes as text, without a byte order mark.

    Raises:
        InputError: It is not UTF-8, or holds zero bytes; ``name`` is named.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text (byte {error.start}); convert it") from error
    if "\0" in text:
        raise InputError(f"{name}: not text (it holds zero bytes); check the file")
    return text


def read_json(path: str | Path) -> Any:
    """The file's JSON value.

    Raises:
        InputError: The file cannot be read, or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON; restore the file") from error


def checksums(folder: str | Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """``{name: {"bytes": size, "sha256": hex}}`` of files in the folder."""
    table = {}
    for name in sorted(names):
        data = (Path(folder) / name).read_bytes()
        table[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return table


def verify_checksums(folder: str | Path, table: Mapping[str, Mapping[str, Any]]) -> None:
    """Compare the folder's files with what `checksums` said.

    Raises:
        InputError: A file is missing, or is not what was written.
    """
    for name, expected in table.items():
        path = Path(folder) / name
        if Path(name).name != name or not path.is_file():
            raise InputError(f"{path}: missing; restore the folder")
        if checksums(folder, [name])[name] != expected:
            raise InputError(f"{path}: changed or damaged (checksum differs); restore the file")


@contextmanager
def new_folder(folder: str | Path, marker: str) -> Iterator[Path]:
    """A temporary folder beside ``folder`` that takes its place when the block ends well.

    What is there already is replaced only if it is empty or holds the file ``marker``, which is
    how a folder that this suite wrote is known from somebody's own.

    Raises:
        InputError: The folder holds something else.
    """
    folder = Path(os.path.realpath(folder))
    if folder.exists() and not (folder / marker).is_file():
        if not folder.is_dir() or any(folder.iterdir()):
            raise InputError(f"{folder}: holds other files; name a new or empty folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        yield temporary
        os.chmod(temporary, 0o755)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
