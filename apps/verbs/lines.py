"""Lines that are written as they are made, so that a stop loses little."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from shared.files import write_text
from shared.readers import read_text


class Lines:
    """The lines of a file or of standard output. Enter it to begin to write.

    A file is emptied first; links, modes, devices and FIFOs are treated as by
    `shared.files.write_bytes`.

    Args:
        path: The file; None for standard output.
        resume: Whether to keep the file's lines. A last line without an end is dropped.

    Attributes:
        kept: The lines that are kept.

    Raises:
        InputError: The file to resume is not UTF-8 text.
    """

    def __init__(self, path: str | None, resume: bool = False):
        self.path, self.kept = path, list[str]()
        if path and resume and os.path.isfile(path):
            self.kept = read_text(path).split("\n")[:-1]
        self._file: BinaryIO | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Lines:
        if self.path:
            if os.path.isfile(self.path) or not os.path.exists(self.path):
                write_text(self.path, "".join(f"{line}\n" for line in self.kept))
            self._file = self._stack.enter_context(Path(self.path).open("ab"))
        return self

    def write(self, lines: Iterable[str]) -> None:
        """Writes some more lines; they are there when it returns."""
        text = "".join(f"{line}\n" for line in lines)
        if self._file:
            self._file.write(text.encode())
            self._file.flush()
        else:
            print(text, end="", flush=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
