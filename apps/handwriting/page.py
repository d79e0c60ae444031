"""Lay out lines of ink on pages: breaking a text, placing lines, rulings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apps.handwriting.cleaning import level
from apps.handwriting.ink import Stroke, to_strokes
from shared.errors import InputError

PAGES = {"a4": (210.0, 297.0), "letter": (215.9, 279.4), "none": None}
PAPERS = ("ruled", "grid", "none")
CHARACTER = 1.75  # x-heights that a character takes, about, the space after it included
LEAST, MOST = (
    8,
    48,
)  # characters of a line: no shorter ones on a narrow page, none too long to write
SPACING = 4.5  # x-heights from baseline to baseline
_ASCENT, _DESCENT = 2.6, 1.6  # x-heights over the first baseline, below the last


@dataclass(frozen=True)
class Layout:
    """How a text is set.

    Args:
        size: X-height in millimeters.
        page: One of `PAGES`; "none" is as large as the ink.
        margin: Millimeters on all sides.
        spacing: From line to line in x-heights.
        paper: One of `PAPERS`.

    Raises:
        InputError: A value is out of range, or leaves no room.
    """

    size: float = 2.5
    page: str = "none"
    margin: float = 20.0
    spacing: float = SPACING
    paper: str = "none"

    def __post_init__(self) -> None:
        """Refuse what cannot be set."""
        if not 0.5 <= self.size <= 50:
            raise InputError(f"--size must be 0.5 to 50 mm, not {self.size:g}")
        if not 2 <= self.spacing <= 20:
            raise InputError(f"--spacing must be 2 to 20 x-heights, not {self.spacing:g}")
        if not 0 <= self.margin <= 100:
            raise InputError(f"--margin must be 0 to 100 mm, not {self.margin:g}")
        page = PAGES[self.page]
        if page and (self.characters < LEAST or self.lines < 1):
            raise InputError(f"--size {self.size:g} is too large for the page; make it smaller")

    @property
    def width(self) -> float | None:
        """Of the text in millimeters, None if there is no page."""
        page = PAGES[self.page]
        return None if page is None else page[0] - 2 * self.margin

    @property
    def characters(self) -> int:
        """That a line holds, about."""
        if self.width is None:
            return MOST
        return min(MOST, int(self.width / (CHARACTER * self.size)))

    @property
    def lines(self) -> int:
        """That a page holds."""
        page = PAGES[self.page]
        if page is None:
            return 1 << 30
        free = page[1] - 2 * self.margin - (_ASCENT + _DESCENT) * self.size
        return int(free / (self.spacing * self.size)) + 1 if free >= 0 else 0


@dataclass(frozen=True, eq=False)
class Page:
    """Ink in its place.

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
    """Lines of at most so many characters, broken at spaces; "" is an empty line.

    A word that is longer than a line is split with hyphens. Line ends of the text stay.
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
    """Pages of lines of ink.

    Args:
        lines: Rows as `apps.handwriting.ink.Ink` has them, None for an empty line. Lines that are
            wider than the page make all ink smaller, but not the page's lines.
        layout: How.
    """
    inks = [to_strokes(rows) if rows is not None else [] for rows in lines]
    if layout.paper == "ruled":  # on the line, as people do who have one
        inks = [level(strokes) if strokes else [] for strokes in inks]
    widest = max((_right(strokes) for strokes in inks if strokes), default=1.0)
    size = layout.size
    if layout.width is not None and widest * size > layout.width:
        size = layout.width / widest
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
    """Grown where ink would reach over the edge."""
    if not strokes:
        return strokes, width, height, baselines
    points = np.concatenate(strokes)
    left, top = (max(0.0, margin / 3 - float(v)) for v in points.min(0))
    width = max(width, float(points[:, 0].max()) + margin / 3) + left
    height = max(height, float(points[:, 1].max()) + margin / 3) + top
    return [s + [left, top] for s in strokes], width, height, [b + top for b in baselines]
