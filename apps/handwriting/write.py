"""`Writer`, which writes a text by hand. Needs neither Keras nor TensorFlow."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.engine import Engine
from apps.handwriting import drawing
from apps.handwriting.accents import add_marks
from apps.handwriting.ink import Ink, Stroke, strange_in, strokes_json
from apps.handwriting.lines import BIAS, DRAWS, MOST_GAP, Line, write_text
from apps.handwriting.own import read_own
from apps.handwriting.page import (
    CHARACTER,
    MOST,
    Layout,
    Page,
    TextLine,
    break_text,
    ems,
    join,
    place,
    space_of,
)
from apps.handwriting.plotter import Plotter, gcode, hpgl
from apps.handwriting.spelling import Mark, letters_of, spell
from shared.decoding.mixture import PointOptions
from shared.errors import InputError, check_range
from shared.files import check_outputs, write_bytes

ENDINGS = (".svg", ".png", ".json", ".pdf", ".gcode", ".hpgl")
MOST_TEXT = 20_000  # characters: some ten pages
DPI = 150.0
_SHOWN = 3  # lines with problems that the summary names
_FULL = 1.03  # the share of its room that a line is broken at; wider ink is made narrower
_PRIMER = 60  # characters of own ink that are read first, at most


@dataclass(frozen=True, eq=False, repr=False)
class Note:
    """A text that was written.

    Attributes:
        lines: The lines as the model sampled them, with their accents, without empty ones. Long
            lines, and those with wide gaps, were sampled in pieces.
        numbers: For each of `lines` the line of the text that it is in, from 1, empty ones counted.
        pages: The pages, with all strokes in place, in millimeters.
        style: Name of the style of the lines after the first.
        seed: The seed.
        layout: How it is set and drawn.
        primer: Ink that the model read first, or None.
    """

    lines: tuple[Line, ...]
    numbers: tuple[int, ...]
    pages: tuple[Page, ...]
    style: str
    seed: int
    layout: Layout
    primer: Ink | None = None

    @property
    def svg(self) -> str:
        """The first page as SVG, one path for each stroke."""
        return self._svg(self.pages[0])

    def __repr__(self) -> str:
        return f"<Note: {self.summary}>"

    def _repr_svg_(self) -> str:
        """Shown by notebooks."""
        return self.svg

    def png(self, dpi: float = DPI) -> bytes:
        """The first page as a PNG."""
        return _png(self.pages[0], self.layout, dpi)

    @property
    def strokes(self) -> list[dict[str, Any]]:
        """For each line its ``text`` and ``strokes`` in millimeters, y down, as JSON values."""
        parts: list[list[Stroke]] = []
        for page in self.pages:
            for before, end in zip([0, *page.lines], page.lines, strict=False):
                if end > before:
                    parts.append([stroke * [1.0, -1.0] for stroke in page.strokes[before:end]])
        texts: dict[int, str] = {}
        for number, line in zip(self.numbers, self.lines, strict=True):
            texts[number] = f"{texts[number]} {line.text}" if number in texts else line.text
        return strokes_json(list(zip(texts.values(), parts, strict=True)), digits=3)

    @property
    def window(self) -> bytes:
        """A plot of the first line, its mixtures and the window over its text, as a PNG."""
        from apps.handwriting.pictures import window

        return window(self.lines[0])

    @property
    def summary(self) -> str:
        """Number of lines, seed and failed checks, in words."""
        count = len(set(self.numbers))
        words = f"{count} line{'s' * (count != 1)}, seed {self.seed}"
        if self.redrawn:
            words += f", {self.redrawn} drawn again"
        if self.problems:
            words += f", {len(self.problems)} still not good ("
            words += "; ".join(
                f"line {one['line']}, {one['text']!r}: {', '.join(one['problems'])}"
                for one in self.problems[:_SHOWN]
            )
            words += "; ...)" if len(self.problems) > _SHOWN else ")"
        return words

    @property
    def redrawn(self) -> int:
        """How often a line failed a check and was sampled again."""
        return sum(line.draws - 1 for line in self.lines)

    @property
    def problems(self) -> list[dict[str, Any]]:
        """The ``line``, ``text`` and ``problems`` of each line that failed a check.

        See `apps.handwriting.lines.problems_of`. Lines are numbered as in `numbers`.
        """
        return [
            {"line": number, "text": line.text, "problems": list(line.problems)}
            for number, line in zip(self.numbers, self.lines, strict=True)
            if line.problems
        ]

    def save(self, path: str | Path, dpi: float = DPI, plotter: Plotter | None = None) -> list[str]:
        """Writes a file: the pages, or the strokes as JSON.

        Args:
            path: A file that ends with one of `ENDINGS`. The second page is written to
                ``note-2.svg``, and so on; a PDF has all pages.
            dpi: Resolution of a PNG.
            plotter: How a plotter moves, for G-code.

        Returns:
            The paths of the files.

        Raises:
            InputError: The path has another ending, or cannot be written.
        """
        check_outputs({str(path): ENDINGS})
        ending = Path(path).suffix.lower()
        if ending not in ENDINGS:
            raise InputError(f"{path}: name a file, {', '.join(ENDINGS)}")
        if ending == ".json":
            write_bytes(path, json.dumps(self.strokes).encode() + b"\n")
            return [str(path)]
        if ending == ".pdf":
            write_bytes(path, drawing.pdf(self.pages, self.layout))
            return [str(path)]
        if ending == ".png":
            return _save_pages(path, [_png(page, self.layout, dpi) for page in self.pages])
        formats = {".svg": self._svg, ".gcode": lambda page: gcode(page, plotter), ".hpgl": hpgl}
        return _save_pages(path, [formats[ending](page).encode() for page in self.pages])

    def _svg(self, page: Page) -> str:
        return drawing.svg(page, self.layout)

    def animate(self, path: str | Path) -> list[str]:
        """Writes animated SVG files, one for each page; see `save`."""
        check_outputs({str(path): (".svg",)})
        pages = [drawing.animated_svg(page, self.layout).encode() for page in self.pages]
        return _save_pages(path, pages)


def _png(page: Page, layout: Layout, dpi: float) -> bytes:
    drawing.check_pixels(page.width, page.height, dpi)
    return drawing.png(drawing.svg(page, layout), dpi)


def _save_pages(path: str | Path, pages: Sequence[bytes]) -> list[str]:
    """Writes ``note.svg``, ``note-2.svg``, ..."""
    place = Path(path)
    files = [place.with_stem(f"{place.stem}-{k}") if k > 1 else path
             for k in range(1, len(pages) + 1)]  # fmt: skip
    for file, content in zip(files, pages, strict=True):
        write_bytes(file, content)
    return list(map(str, files))


def _space(lines: Sequence[Line]) -> float:
    """Measures the width of a character on good lines if there are any, in x-heights."""
    good = [line for line in lines if not line.problems] or list(lines)
    return space_of([line.text for line in good], [line.rows for line in good])


def _marked(line: Line, text: str, marks: Sequence[Mark]) -> Line:
    """Adds the marks of a text to the line of its letters."""
    rows, attention = line.rows, line.result.attention
    if marks and attention is not None:
        own = attention[:, line.offset : line.offset + len(line.text)]
        rows = add_marks(rows, own, line.text, marks, line.seed)
    return dataclasses.replace(line, text=text, rows=rows)


class Writer(Engine):
    """Writes texts by hand.

        Writer.from_preset().write("Dear reader,", style="cursive", seed=3).save("note.svg")

    Attributes:
        opened: The model, with its configuration.
    """

    app = "handwriting"

    @property
    def styles(self) -> list[str]:
        """Names of all styles: ``any``, ``printed``, ``cursive``, ``mixed``, and each writer's."""
        return self.opened.config.style_names

    def write(
        self,
        text: str,
        *,
        style: str | int | None = None,
        like: str | Path | Ink | None = None,
        bias: float = BIAS,
        seed: int = 0,
        draws: int = DRAWS,
        fallback: bool = False,
        layout: Layout | None = None,
    ) -> Note:
        """Writes a text, all in one style.

        Args:
            text: Text in Latin letters, see `apps.handwriting.spelling.letters_of`. It is broken
                into lines and pages; its line ends stay.
            style: One of `styles`, or its number. Defaults to the model's default style, of the
                shipped one ``printed``; with ``like``, to the likeliest style of that ink.
            like: Ink that the model reads first and whose style it continues: a JSON file, see
                `apps.handwriting.ink.read_strokes`, or an `Ink`.
            bias: Probability bias. 0 is as people write, larger values are neater.
            seed: Seed of all random choices.
            draws: Samples of each line, at most. A line that fails a check is sampled again; the
                sample with the fewest problems is kept.
            fallback: Whether to replace letters and signs that cannot be written by ASCII.
            layout: Size, page and pen. Defaults to a page as large as the ink.

        Raises:
            InputError: The text or the style cannot be written, or a value is out of range.
        """
        layout = layout or Layout()
        PointOptions(bias=bias)
        check_range("draws", draws, 1, 100)
        check_range("seed", seed, 0)
        config = self.opened.config
        if style is None and like is None:
            style = config.default_style
        chosen = None if style is None else config.style_id(style)
        if len(text) > MOST_TEXT:
            raise InputError(f"a text of more than {MOST_TEXT:,} characters; write it in parts")
        text = spell(text, fallback)
        if not text.strip():
            raise InputError("nothing to write; give a text, or a file with one")
        if strange := strange_in("".join(letters_of(text)[0].split())):
            remedy = "leave it out" if fallback else "--fallback transliterates"
            raise InputError(f"cannot write {strange}: Latin letters and ASCII only; {remedy}")
        primer = None if like is None else self._primer(like, fallback)
        most = min(MOST, config.length - (len(primer.text) + MOST_GAP if primer else 0))

        def write(lines: list[TextLine], style: int | None) -> tuple[list[Line], int]:
            texts = [piece for line in lines for _, piece in line.pieces]
            spelled = [letters_of(text) for text in texts]
            asked = [letters for letters, _ in spelled]
            rest = (style, bias, seed, primer, draws)
            made, used = write_text(self.opened.generator, config, asked, *rest)
            pairs = zip(made, texts, spelled, strict=True)
            return [_marked(line, text, marks) for line, text, (_, marks) in pairs], used

        if layout.text_width is None:
            lines = break_text(text, most, most)
            written, used = write(lines, chosen)
        else:  # the first lines are written to measure how many characters a line has
            lines = break_text(text, layout.room / CHARACTER, most, ems)
            first = lines[: next(k for k, line in enumerate(lines) if line.pieces) + 5]
            written, used = write(first, chosen)
            lines = break_text(text, _FULL * layout.room / _space(written), most, ems)
            if [line.text for line in lines] != [line.text for line in first]:
                written, used = write(lines, used)
        space, made = _space(written), iter(written)
        rows = [
            join([(gap, next(made).rows) for gap, _ in line.pieces], space) if line.pieces else None
            for line in lines
        ]
        full = [k for k, line in enumerate(lines) if line.full]
        indents = [space * line.pieces[0][0] if line.pieces else 0.0 for line in lines]
        pages = place(rows, layout, indents, full)
        numbers = [k for k, line in enumerate(lines, 1) for _ in line.pieces]
        hand = config.style_names[used]
        return Note(tuple(written), tuple(numbers), tuple(pages), hand, seed, layout, primer)

    def _primer(self, like: str | Path | Ink, fallback: bool) -> Ink:
        """Finds the longest sample that is short enough to be read first.

        Raises:
            InputError: The file is bad, or all of it is too long.
        """
        config = self.opened.config
        name, items = (
            ("ink", [like])
            if isinstance(like, Ink)
            else (like, read_own(like, config.arc, config.turning, fallback))
        )
        room = min(_PRIMER, config.length // 2)
        short = [item for item in items if len(item.text) <= room]
        if not short:
            raise InputError(f"{name}: give a sample of at most {room} characters")
        return max(short, key=lambda item: len(item.text))
