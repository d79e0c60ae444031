"""Files that are either whole or not there, and the checksums that prove it later."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.errors import InputError


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write under a temporary name in the same folder, which is made if needed, then rename."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would not survive being shared
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: str | Path, text: str) -> None:
    """`write_bytes` in UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """`write_text` of indented JSON; NaN and infinity, which JSON lacks, raise ValueError."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path: str | Path) -> Any:
    """The file's JSON value.

    Raises:
        InputError: the file cannot be read, or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except ValueError as error:
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
        InputError: a file is missing, or is not what was written.
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
        InputError: the folder holds something else.
    """
    folder = Path(folder)
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
