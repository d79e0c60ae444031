"""A reader of the UNIPEN format, version 1.0 (Guyon et al., ICPR 1994).

A file is a list of ``.KEYWORD`` lines with their arguments. There are three pitfalls:

* Components are numbered from 0 over all ``.PEN_DOWN`` and ``.PEN_UP`` blocks *that hold points*.
* A segment's delineation is ``0-5``, ``3,7-9`` or ``55:3-60:10``: component 55 from its fourth
  point to component 60 up to and with its eleventh.
* Included files may include others; ``.COORD`` may name more columns than X and Y.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from apps.handwriting.ink import MOST_BYTES, Stroke, checked_points
from shared.errors import InputError
from shared.readers import read_bytes

_PIECE = re.compile(r"(\d+)(?::(\d+))?(?:-(\d+)(?::(\d+))?)?")
_SEGMENT = re.compile(r'(\S+)\s+(\S+)\s+(\S+)\s+"(.*)"\s*$', re.DOTALL)
_MOST_NESTED = 8
_MOST_FILES = 1000  # that a file includes
_MOST_USES = 12  # of a component by segments, on average, in a recording of many


@dataclass(frozen=True)
class Segment:
    """A labeled part of the ink.

    Attributes:
        kind: ``TEXT``, ``WORD``, ``CHARACTER``, ...
        delineation: Its components, in the notation of the file.
        quality: ``OK``, ``GOOD``, ``BAD``, ``?``, ...
        label: Its text.
    """

    kind: str
    delineation: str
    quality: str
    label: str


@dataclass
class Recording:
    """A file with all files that it includes.

    Attributes:
        components: Points ``(n, 2)``, y up as the format has it, of all blocks that hold any.
        down: Whether the pen was, for each of them.
        writers: Of each component, "" if unknown.
        styles: Of each component: PRINTED, CURSIVE, MIXED or "".
        segments: In the order of the file.
        used: How often `parts` has named a component.
    """

    components: list[Stroke] = field(default_factory=list)
    down: list[bool] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    used: int = 0

    def strokes(self, delineation: str) -> list[Stroke]:
        """Returns the ink of a segment: its components with the pen down, cut as it states.

        Raises:
            ValueError: The delineation is malformed, or names a component that does not exist.
        """
        strokes = []
        for number, first, end in self.parts(delineation):
            points = self.components[number][first:end]
            if self.down[number] and len(points):
                strokes.append(points)
        return strokes

    def parts(self, delineation: str) -> Iterator[tuple[int, int, int | None]]:
        """``(component, first point, point after the last or None)``; errors as `strokes`."""
        for piece in delineation.split(","):
            found = _PIECE.fullmatch(piece)
            if not found:
                raise ValueError(f"no delineation: {delineation!r}")
            a, a_point, b, b_point = (None if g is None else int(g) for g in found.groups())
            assert a is not None
            b = a if b is None else b
            if not a <= b < len(self.components):
                raise ValueError(f"{delineation!r} of {len(self.components)} components")
            self.used += b - a + 1
            if self.used > 10_000 + _MOST_USES * len(self.components):
                raise ValueError("the same components again and again")
            for number in range(a, b + 1):
                end = b_point + 1 if number == b and b_point is not None else None
                yield number, (a_point or 0) if number == a else 0, end


def read_recording(path: str | Path, include: str | Path) -> Recording:
    """Reads a file and all files that it includes.

    Args:
        path: Path of the file.
        include: Folder to which ``.INCLUDE`` lines are relative.

    Raises:
        InputError: A file is missing, or is not in the format.
    """
    recording = Recording()
    _Reader(recording, Path(include)).read(Path(path), 0)
    return recording


class _Reader:
    def __init__(self, recording: Recording, include: Path):
        self.recording, self.include = recording, include
        self.files = 0
        self.columns = (0, 1)
        self.width = 2
        self.writer = self.style = ""

    def read(self, path: Path, depth: int) -> None:
        if depth > _MOST_NESTED:
            raise InputError(f"{path}: includes are nested too deeply; does it include itself?")
        self.files += 1
        if self.files > _MOST_FILES:
            raise InputError(f"{path}: more than {_MOST_FILES} files are included; leave some out")
        for keyword, rest, number in _statements(path):
            try:
                self._statement(keyword, rest, depth)
            except (ValueError, IndexError) as error:
                if isinstance(error, InputError):
                    raise
                said = str(error)[:80]
                raise InputError(f"{path}, line {number}: {keyword[:80]}: {said}") from error

    def _statement(self, keyword: str, rest: str, depth: int) -> None:
        if keyword in (".PEN_DOWN", ".PEN_UP"):
            self._points(keyword == ".PEN_DOWN", rest)
        elif keyword == ".SEGMENT":
            if found := _SEGMENT.match(rest):
                kind, where, quality, label = found.groups()
                label = re.sub(r"\\(.)", r"\1", label)
                self.recording.segments.append(Segment(kind, where, quality, label))
        elif keyword == ".INCLUDE":
            path = self.include / rest.strip()
            if not path.resolve().is_relative_to(self.include.resolve()):
                raise ValueError(f"{rest.strip()} is not in the folder {self.include}")
            if path.exists() and not path.is_file():
                raise ValueError(f"{rest.strip()} is no file")
            self.read(path, depth + 1)
        elif keyword == ".COORD":
            names = rest.split()
            self.columns, self.width = (names.index("X"), names.index("Y")), len(names)
        elif keyword == ".WRITER_ID":
            self.writer = " ".join(rest.split())
        elif keyword == ".STYLE":
            word = rest.split()[0] if rest.split() else ""
            self.style = word if word in ("PRINTED", "CURSIVE", "MIXED") else ""

    def _points(self, down: bool, rest: str) -> None:
        values = np.array(rest.split(), np.float64)
        if not len(values):
            return  # an empty block is no component
        if len(values) % self.width:
            raise ValueError(f"{len(values)} numbers do not make points of {self.width}")
        points = values.reshape(-1, self.width)[:, self.columns]
        self.recording.components.append(checked_points(points))
        self.recording.down.append(down)
        self.recording.writers.append(self.writer)
        self.recording.styles.append(self.style)


def _statements(path: Path) -> Iterator[tuple[str, str, int]]:
    """``(keyword, what follows, line)`` of a file; comments and free text go with their keyword."""
    lines = read_bytes(path, MOST_BYTES).decode("latin-1").splitlines()
    keyword, start = "", 0
    rest: list[str] = []
    for number, line in enumerate(lines, 1):
        if line.startswith("."):
            if keyword:
                yield keyword, "\n".join(rest), start
            keyword, _, first = line.partition(" ")
            keyword, tab, after = keyword.partition("\t")
            rest, start = [f"{after} {first}" if tab else first], number
        else:
            rest.append(line)
    if keyword:
        yield keyword, "\n".join(rest), start
