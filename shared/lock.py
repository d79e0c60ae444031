"""A lock on a folder, for one process at a time; the system frees it when the process ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import InputError

LOCK = ".lock"  # in the folder; holds the number of the process that locked it last

_BUSY = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_held: set[str] = set()  # by this process


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Holds the lock of a folder, which is created if needed, in a ``with`` block.

    In a block that holds it already this does nothing. Where a file system has no locks, nothing is
    locked.

    Raises:
        InputError: Another process holds it.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = os.path.realpath(folder / LOCK)
    if path in _held:
        yield
        return
    with open(path, "ab+", buffering=0) as file:
        try:
            _lock(file.fileno())
        except OSError as error:
            if error.errno in _BUSY:
                file.seek(0)
                raise InputError(
                    f"{folder}: process {file.read().decode(errors='replace')} is at work here; "
                    "wait for it, or name another folder"
                ) from error
        file.truncate(0)
        file.write(str(os.getpid()).encode())
        _held.add(path)
        try:
            yield
        finally:
            _held.discard(path)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # what is locked cannot be read: not the number
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
