"""Page layout: breaks a text into lines, and places lines of ink on ruled pages."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import ImageColor

from apps.handwriting.cleaning import level
from apps.handwriting.ink import Stroke, to_rows, to_strokes
from shared.errors import InputError, check_range

PAGES = {"a4": (210.0, 297.0), "letter": (215.9, 279.4), "none": None}
PAPERS = ("ruled", "grid", "none")
WIDTHS = ("constant", "speed")
CHARACTER = 1.4  # average width in x-heights, a guess until ink is measured
_NARROW, _WIDE = frozenset("iljtfrI.,:;'!|()1-\""), frozenset("mwMWNQ@%&GOD")
LEAST, MOST = 8, 48  # characters of a line
_STRETCHED, _NARROWED = 1.1, 0.85  # how much the width of a line may change alone
_ASCENT, _DESCENT = 2.6, 1.6  # x-heights over the first baseline, below the last
_COLOR = re.compile("#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_COLORS = frozenset(ImageColor.colormap) - {"rebeccapurple"}  # which resvg does not know


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
        if not _COLOR.fullmatch(self.ink) and self.ink.lower() not in _COLORS:
            raise InputError(f"ink {self.ink!r} is no color; use a CSS name, as navy, or #rrggbb")
        page = PAGES[self.page]
        if page and (self.room < LEAST * CHARACTER or self.lines < 1):
            what = "margin" if 4 * self.margin > page[0] else "size"
            raise InputError(
                f"a margin of {self.margin:g} mm leaves no room on the page at size "
                f"{self.size:g}; make the {what} smaller"
            )

    @property
    def text_width(self) -> float | None:
        """Width of the text in millimeters; None if there is no page."""
        page = PAGES[self.page]
        return None if page is None else page[0] - 2 * self.margin

    @property
    def room(self) -> float:
        """Width of the text in x-heights; infinite if there is no page."""
        return math.inf if self.text_width is None else self.text_width / self.size

    def extent(self, text: str) -> tuple[float, float]:
        """Width and height of a page in millimeters; without a page, about those of the text."""
        page = PAGES[self.page]
        lines = break_text(text, MOST)
        longest = max((len(line.text) for line in lines), default=0)
        return page or (longest * self.size, len(lines) * self.spacing * self.size)

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


@dataclass(frozen=True)
class TextLine:
    """A line of text.

    Attributes:
        pieces: Texts that are written on their own, each with the number of spaces before it.
        full: Whether it ends because the next word did not fit.
    """

    pieces: tuple[tuple[int, str], ...] = ()
    full: bool = False

    @property
    def text(self) -> str:
        """The text, with all spaces."""
        return "".join(" " * gap + piece for gap, piece in self.pieces)

    def with_word(self, gap: int, word: str) -> TextLine:
        """Adds a word; after more than one space it is a piece of its own."""
        if self.pieces and gap == 1:
            before, piece = self.pieces[-1]
            return TextLine((*self.pieces[:-1], (before, f"{piece} {word}")))
        return TextLine((*self.pieces, (gap, word)))

    def split(self, most: int) -> TextLine:
        """Splits pieces of more than ``most`` characters near their middle."""
        pieces = []
        for gap, text in self.pieces:
            while len(text) > most:
                count = -(-len(text) // most)
                spaces = [k for k, c in enumerate(text) if c == " " and k <= most]
                at = min(spaces, key=lambda k: abs(k - len(text) / count))
                pieces.append((gap, text[:at]))
                gap, text = 1, text[at + 1 :]
            pieces.append((gap, text))
        return TextLine(tuple(pieces), self.full)


def ems(text: str) -> float:
    """Width of a text, in average characters."""
    return sum(0.6 if c in _NARROW else 1.5 if c in _WIDE else 1.0 for c in text)


def break_text(
    text: str, room: float, most: int = MOST, width: Callable[[str], float] = len
) -> list[TextLine]:
    """Breaks a text into lines. Its own line breaks, indentation and runs of spaces are kept.

    Args:
        text: The text.
        room: Width of a line. Longer words are hyphenated.
        most: Characters of a piece, at most.
        width: Measures a text.

    Returns:
        The lines, empty ones included, but not at the end.
    """
    lines: list[TextLine] = []
    for paragraph in text.expandtabs(4).splitlines():
        paragraph = re.sub(r"\s", " ", paragraph).rstrip()
        line, used, whole = TextLine(), 0.0, width(paragraph.lstrip())
        for spaces, word in re.findall("( *)([^ ]+)", paragraph):
            gap = len(spaces)
            if not line.pieces:  # the indentation leaves room for the text
                gap = min(gap, int(max(room / 2, room - whole)))
            while word:
                count = _fitting(word, room - used - gap, room, most, width)
                if not count and not line.pieces:
                    count = 1
                if count:
                    cut = count < len(word) and word[count - 1] != "-"
                    part, word = word[:count] + "-" * cut, word[count:]
                    line, used = line.with_word(gap, part), used + gap + width(part)
                if word:
                    lines.append(dataclasses.replace(line, full=True))
                    line, used, gap = TextLine(), 0.0, 0
        lines.append(line)
    while lines and not lines[-1].pieces:
        lines.pop()
    return [line.split(most) for line in lines]


def _fitting(word: str, room: float, line: float, most: int, width: Callable[[str], float]) -> int:
    """Counts the characters of a word that fit into the room left; 0 to begin another line."""
    longest = line if len(word) <= most else -1.0
    if width(word) <= min(room, longest):
        return len(word)
    if width(word) <= longest:
        return 0
    fitting = [n for n in range(3, min(len(word), most)) if width(word[:n] + "-") <= room]
    return max(fitting, default=0)


def join(pieces: Sequence[tuple[int, np.ndarray]], space: float) -> np.ndarray:
    """Joins the ink of the pieces of a line.

    Args:
        pieces: Of each the number of spaces before it, and its rows. The first one stays in place.
        space: Width of a space in x-heights.
    """
    if len(pieces) == 1:
        return pieces[0][1]
    strokes: list[Stroke] = []
    for gap, rows in pieces:
        ink = to_strokes(rows)
        if strokes:
            shift = _right(strokes) + gap * space - min(stroke[:, 0].min() for stroke in ink)
            ink = [stroke + [shift, 0.0] for stroke in ink]
        strokes += ink
    return to_rows(strokes)


def space_of(texts: Sequence[str], inks: Sequence[np.ndarray]) -> float:
    """Measures the width of an average character on lines, in x-heights."""
    return sum(_right(to_strokes(rows)) for rows in inks) / sum(map(ems, texts))


def place(
    lines: Sequence[np.ndarray | None],
    layout: Layout,
    indents: Sequence[float] = (),
    full: Collection[int] = (),
) -> list[Page]:
    """Places lines of ink on pages.

    Args:
        lines: Rows as `apps.handwriting.ink.Ink` has them, None for an empty line. Lines that are
            wider than the page are made narrower.
        layout: The layout of the pages.
        indents: Indentation of each line, in x-heights; by default none.
        full: Indices of lines that are made a little wider to reach the margin.
    """
    inks = [to_strokes(rows) if rows is not None else [] for rows in lines]
    if layout.paper == "ruled":  # on the line, as people do who have one
        inks = [level(strokes) if strokes else [] for strokes in inks]
    if any(indents):
        inks = [[s + [x, 0.0] for s in ink] for ink, x in zip(inks, indents, strict=True)]
    if layout.text_width is not None:
        inks = [
            _fitted(ink, layout.room, indents[k] if indents else 0.0, k in full) if ink else ink
            for k, ink in enumerate(inks)
        ]
    widest = max((_right(strokes) for strokes in inks if strokes), default=1.0)
    pages = []
    for first in range(0, len(inks), layout.lines):
        pages.append(_page(inks[first : first + layout.lines], layout, widest))
    return pages


def _fitted(ink: list[Stroke], room: float, indent: float, full: bool) -> list[Stroke]:
    """Makes a line as wide as its room if it is wider, or if it is full and a little narrower."""
    wide = (room - indent) / (_right(ink) - indent)
    if wide > 1:
        wide = min(wide, _STRETCHED) if full else 1.0
    if wide == 1:
        return ink
    high = min(1.0, wide / _NARROWED)  # what is made much narrower becomes smaller, too
    return [(stroke - [indent, 0.0]) * [wide, high] + [indent, 0.0] for stroke in ink]


def _right(strokes: Sequence[Stroke]) -> float:
    return max(float(stroke[:, 0].max()) for stroke in strokes)


def _page(inks: Sequence[list[Stroke]], layout: Layout, widest: float) -> Page:
    page, size = PAGES[layout.page], layout.size
    step = layout.spacing * size
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
