"""`Writer`, which writes a text by hand. Needs neither Keras nor TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from apps.engine import Engine
from apps.handwriting import drawing
from apps.handwriting.ink import Ink, Stroke, strokes_json, symbols
from apps.handwriting.lines import BIAS, DRAWS, Line, transliterate, write_text
from apps.handwriting.own import read_own
from apps.handwriting.page import Layout, Page, break_text, place
from shared.decoding.mixture import PointOptions
from shared.errors import InputError, check_range
from shared.files import check_outputs, write_bytes

ENDINGS = (".svg", ".png", ".json")
DPI = 150.0
_PRIMER = 60  # characters of own ink that are read first, at most


@dataclass(frozen=True, eq=False, repr=False)
class Note:
    """A text that was written.

    Attributes:
        lines: The lines as the model sampled them, without empty ones.
        pages: The pages, with all strokes in place, in millimeters.
        style: Name of the style of the lines after the first.
        seed: The seed.
        layout: How it is set and drawn.
        primer: Ink that the model read first, or None.
    """

    lines: tuple[Line, ...]
    pages: tuple[Page, ...]
    style: str
    seed: int
    layout: Layout
    primer: Ink | None = None

    @property
    def svg(self) -> str:
        """The first page as SVG, one path for each stroke."""
        return drawing.svg(self.pages[0], self.layout)

    def __repr__(self) -> str:
        return f"<Note: {self.summary}>"

    def _repr_svg_(self) -> str:
        """Shown by notebooks."""
        return self.svg

    def png(self, dpi: float = DPI) -> bytes:
        """The first page as a PNG."""
        return _png(self.svg, dpi)

    @property
    def strokes(self) -> list[dict[str, Any]]:
        """For each line its ``text`` and ``strokes`` in millimeters, y down, as JSON values."""
        parts: list[list[Stroke]] = []
        for page in self.pages:
            for before, end in zip([0, *page.lines], page.lines, strict=False):
                if end > before:
                    parts.append([stroke * [1.0, -1.0] for stroke in page.strokes[before:end]])
        texts = [line.text for line in self.lines]
        return strokes_json(list(zip(texts, parts, strict=True)), digits=3)

    @property
    def window(self) -> bytes:
        """A plot of the first line, its mixtures and the window over its text, as a PNG."""
        from apps.handwriting.pictures import window

        return window(self.lines[0], len(self.primer.text) + 1 if self.primer else 0)

    @property
    def summary(self) -> str:
        """Number of lines, seed and failed checks, in words."""
        words = f"{len(self.lines)} line{'s' * (len(self.lines) != 1)}, seed {self.seed}"
        if self.redrawn:
            words += f", {self.redrawn} drawn again"
        return words + (f", {len(self.problems)} still not good" if self.problems else "")

    @property
    def redrawn(self) -> int:
        """How often a line failed a check and was sampled again."""
        return sum(line.draws - 1 for line in self.lines)

    @property
    def problems(self) -> dict[str, list[str]]:
        """The failed checks of each line that has any, see `apps.handwriting.lines.problems_of`."""
        return {line.text: list(line.problems) for line in self.lines if line.problems}

    def save(self, path: str | Path, dpi: float = DPI) -> list[str]:
        """Writes a file: all pages as SVG or PNG, or the strokes as JSON.

        Args:
            path: A file that ends with one of `ENDINGS`. The second page is written to
                ``note-2.svg``, and so on.
            dpi: Resolution of a PNG.

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
        pages = [drawing.svg(page, self.layout) for page in self.pages]
        if ending == ".png":
            return _save_pages(path, [_png(page, dpi) for page in pages])
        return _save_pages(path, [page.encode() for page in pages])

    def animate(self, path: str | Path) -> list[str]:
        """Writes animated SVG files, one for each page; see `save`."""
        check_outputs({str(path): (".svg",)})
        pages = [drawing.animated_svg(page, self.layout).encode() for page in self.pages]
        return _save_pages(path, pages)


def _png(svg: str, dpi: float) -> bytes:
    check_range("dpi", dpi, 20, 1200)
    return drawing.png(svg, dpi)


def _save_pages(path: str | Path, pages: Sequence[bytes]) -> list[str]:
    """Writes ``note.svg``, ``note-2.svg``, ..."""
    place = Path(path)
    files = [place.with_stem(f"{place.stem}-{k}") if k > 1 else path
             for k in range(1, len(pages) + 1)]  # fmt: skip
    for file, content in zip(files, pages, strict=True):
        write_bytes(file, content)
    return list(map(str, files))


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
            text: Text of printable ASCII. It is broken into lines and pages; its line ends stay.
            style: One of `styles`, or its number. Defaults to ``any``; with ``like``, to the
                likeliest style of that ink.
            like: Ink that the model reads first and whose style it continues: a JSON file, see
                `apps.handwriting.ink.read_strokes`, or an `Ink`.
            bias: Probability bias. 0 is as people write, larger values are neater.
            seed: Seed of all random choices.
            draws: Samples of each line, at most. A line that fails a check is sampled again; the
                sample with the fewest problems is kept.
            fallback: Whether to replace accented letters and other signs by ASCII.
            layout: Size, page and pen. Defaults to a page as large as the ink.

        Raises:
            InputError: The text or the style cannot be written, or a value is out of range.
        """
        layout = layout or Layout()
        PointOptions(bias=bias)
        check_range("draws", draws, 1, 100)
        check_range("seed", seed, 0)
        config = self.opened.config
        chosen = None if style is None else config.style_id(style)
        primer = None if like is None else self._primer(like)
        room = config.length - (len(primer.text) + 1 if primer else 0)
        lines = break_text(transliterate(text) if fallback else text, min(layout.characters, room))
        texts = [line for line in lines if line]
        for line in texts:
            symbols(line)
        if not texts:
            raise InputError("nothing to write; give a text, or a file with one")
        written, used = write_text(
            self.opened.generator, config, texts, chosen, bias, seed, primer, draws
        )
        made = iter(written)
        rows: list[np.ndarray | None] = [next(made).rows if line else None for line in lines]
        pages = place(rows, layout)
        hand = config.style_names[used]
        return Note(tuple(written), tuple(pages), hand, seed, layout, primer)

    def _primer(self, like: str | Path | Ink) -> Ink:
        """Finds the longest sample that is short enough to be read first.

        Raises:
            InputError: The file is bad, or all of it is too long.
        """
        config = self.opened.config
        name, items = (
            ("ink", [like])
            if isinstance(like, Ink)
            else (like, read_own(like, config.arc, config.turning))
        )
        room = min(_PRIMER, config.length // 2)
        short = [item for item in items if len(item.text) <= room]
        if not short:
            raise InputError(f"{name}: give a sample of at most {room} characters")
        return max(short, key=lambda item: len(item.text))
