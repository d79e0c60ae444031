"""Page layout: breaks a text into lines, and places lines of ink on ruled pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from apps.handwriting.cleaning import level
from apps.handwriting.ink import Stroke, to_strokes
from shared.errors import InputError, check_range

PAGES = {"a4": (210.0, 297.0), "letter": (215.9, 279.4), "none": None}
PAPERS = ("ruled", "grid", "none")
WIDTHS = ("constant", "speed")
CHARACTER = 1.75  # average width in x-heights, with the space after it
LEAST, MOST = 8, 48  # characters of a line
_ASCENT, _DESCENT = 2.6, 1.6  # x-heights over the first baseline, below the last
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})|[a-zA-Z]{3,20}")


@dataclass(frozen=True)
class Layout:
    """How a text is set and drawn.

    Args:
        size: X-height in millimeters.
        page: Size of the page; "none" is as large as the ink.
        margin: Margin of the page in millimeters, on all sides.
        spacing: Distance of the baselines in x-heights.
        paper: Printed lines.
        ink: Color, by name or as #rrggbb.
        pen: Width of the pen in millimeters.
        width: Width of the strokes; "speed" is thinner where the pen is faster.

    Raises:
        InputError: A value is out of range, or leaves no room.
    """

    size: float = 2.5
    page: str = field(default="none", metadata={"choices": tuple(PAGES)})
    margin: float = 20.0
    spacing: float = 4.5
    paper: str = field(default="none", metadata={"choices": PAPERS})
    ink: str = field(default="#1b2a63", metadata={"metavar": "COLOR"})
    pen: float = 0.35
    width: str = field(default="constant", metadata={"choices": WIDTHS})

    def __post_init__(self) -> None:
        """Validates the layout."""
        check_range("size in mm", self.size, 0.5, 50)
        check_range("spacing in x-heights", self.spacing, 2, 20)
        check_range("margin in mm", self.margin, 0, 100)
        check_range("pen in mm", self.pen, 0.01, 10)
        for name, allowed in (("page", PAGES), ("paper", PAPERS), ("width", WIDTHS)):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"no {name} {getattr(self, name)!r}; choose from {', '.join(allowed)}"
                )
        if not _COLOR.fullmatch(self.ink):
            raise InputError(f"ink {self.ink!r} is no color; use a name, or #rrggbb")
        if PAGES[self.page] and (self.characters < LEAST or self.lines < 1):
            raise InputError(f"size {self.size:g} is too large for the page; make it smaller")

    @property
    def text_width(self) -> float | None:
        """Width of the text in millimeters; None if there is no page."""
        page = PAGES[self.page]
        return None if page is None else page[0] - 2 * self.margin

    @property
    def characters(self) -> int:
        """Approximate number of characters per line."""
        if self.text_width is None:
            return MOST
        return min(MOST, int(self.text_width / (CHARACTER * self.size)))

    @property
    def lines(self) -> int:
        """Number of lines per page."""
        page = PAGES[self.page]
        if page is None:
            return 1 << 30
        free = page[1] - 2 * self.margin - (_ASCENT + _DESCENT) * self.size
        return int(free / (self.spacing * self.size)) + 1 if free >= 0 else 0


@dataclass(frozen=True, eq=False)
class Page:
    """A page of ink.

    Attributes:
        width: Millimeters.
        height: Millimeters.
        strokes: Points ``(n, 2)`` in millimeters, y down, in the order of writing.
        lines: For each line of ink the strokes before its end.
        baselines: Heights in millimeters, of empty lines too.
        size: X-height in millimeters.
        paper: One of `PAPERS`.
        margin: Millimeters.
    """

    width: float
    height: float
    strokes: list[Stroke]
    lines: list[int]
    baselines: list[float]
    size: float
    paper: str
    margin: float


def break_text(text: str, characters: int) -> list[str]:
    """Breaks a text at spaces into lines of at most ``characters``; "" is an empty line.

    Words longer than a line are hyphenated. Line breaks of the text are kept.
    """
    lines: list[str] = []
    for paragraph in text.expandtabs(4).splitlines():
        line = ""
        for word in paragraph.split():
            while len(word) > characters:
                room = characters - len(line) - bool(line) - 1
                if room < 3:
                    lines.append(line)
                    line = ""
                    continue
                line = f"{line} {word[:room]}-".strip()
                lines.append(line)
                line, word = "", word[room:]
            if line and len(line) + 1 + len(word) > characters:
                lines.append(line)
                line = ""
            line = f"{line} {word}" if line else word
        lines.append(line)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def place(lines: Sequence[np.ndarray | None], layout: Layout) -> list[Page]:
    """Places lines of ink on pages.

    Args:
        lines: Rows as `apps.handwriting.ink.Ink` has them, None for an empty line. Lines that are
            wider than the page make all ink smaller, but not the page's lines.
        layout: The layout of the pages.
    """
    inks = [to_strokes(rows) if rows is not None else [] for rows in lines]
    if layout.paper == "ruled":  # on the line, as people do who have one
        inks = [level(strokes) if strokes else [] for strokes in inks]
    widest = max((_right(strokes) for strokes in inks if strokes), default=1.0)
    size = layout.size
    if layout.text_width is not None and widest * size > layout.text_width:
        size = layout.text_width / widest
    pages = []
    for first in range(0, len(inks), layout.lines):
        pages.append(_page(inks[first : first + layout.lines], layout, size, widest))
    return pages


def _right(strokes: Sequence[Stroke]) -> float:
    return max(float(stroke[:, 0].max()) for stroke in strokes)


def _page(inks: Sequence[list[Stroke]], layout: Layout, size: float, widest: float) -> Page:
    page, step = PAGES[layout.page], layout.spacing * layout.size
    margin = layout.margin if page else layout.size * 1.5
    first = margin + _ASCENT * layout.size
    baselines = [first + k * step for k in range(len(inks))]
    strokes: list[Stroke] = []
    ends = []
    for ink, baseline in zip(inks, baselines, strict=True):
        strokes += [stroke * [size, -size] + [margin, baseline] for stroke in ink]
        ends.append(len(strokes))
    if page:
        width, height = page
        count = layout.lines
    else:
        width = widest * size + 2 * margin
        height = baselines[-1] + _DESCENT * size + margin
        count = len(inks)
        strokes, width, height, baselines = _around(strokes, width, height, baselines, margin)
        first = baselines[0]
    rulings = [first + k * step for k in range(count)]
    return Page(width, height, strokes, ends, rulings, size, layout.paper, margin)


def _around(
    strokes: list[Stroke], width: float, height: float, baselines: list[float], margin: float
) -> tuple[list[Stroke], float, float, list[float]]:
    """Enlarges a page without a fixed size where ink would cross its edge."""
    if not strokes:
        return strokes, width, height, baselines
    points = np.concatenate(strokes)
    left, top = (max(0.0, margin / 3 - float(v)) for v in points.min(0))
    width = max(width, float(points[:, 0].max()) + margin / 3) + left
    height = max(height, float(points[:, 1].max()) + margin / 3) + top
    return [s + [left, top] for s in strokes], width, height, [b + top for b in baselines]
