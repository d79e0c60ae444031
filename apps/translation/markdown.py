"""Markdown: paragraphs, headings, items and cells are translated, all else stays, to the letter."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

from markdown_it import MarkdownIt

from apps.translation.markup import GLUE, Aligned, Builder, Marked
from apps.translation.translate import Translation

_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*[]<"})


class _Place(NamedTuple):
    """Where a block stands.

    Attributes:
        start: Its first character.
        end: The character behind it.
        width: Of its longest line; 0 if it has one line.
        margin: What stands before its second line.
    """

    start: int
    end: int
    width: int
    margin: str


class Markdown:
    """See `apps.translation.documents.Document`."""

    def __init__(self, text: str):
        self.blocks: list[Marked] = []
        self._text = text
        self._places: list[_Place] = []
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        seen: dict[int, int] = {}  # of each line, where the last cell in it ended
        parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
        for token in parser.parse(self._without_front_matter()):
            if token.type == "inline" and token.map:
                self._read(token, seen)

    def written(self, found: Sequence[Translation]) -> str:
        """The document with the translations of its blocks."""
        parts, at = [], 0
        for block, place, one in zip(self.blocks, self._places, found, strict=True):
            new = Aligned.of(block.text, one).with_markup(block.spans, _escaped)
            if place.width:
                new = f"\n{place.margin}".join(
                    textwrap.wrap(new, place.width, break_long_words=False, break_on_hyphens=False)
                )
            parts += [self._text[at : place.start], new.replace(GLUE, " ")]
            at = place.end
        return "".join([*parts, self._text[at:]])

    def _without_front_matter(self) -> str:
        """The text with empty lines in place of YAML at its begin."""
        if self._lines[0] == "---" and "---" in self._lines[1:]:
            end = self._lines.index("---", 1) + 1
            return "\n" * end + "\n".join(self._lines[end:])
        return self._text

    def _read(self, token: Any, seen: dict[int, int]) -> None:
        """Makes blocks of a paragraph: one, or several where lines are broken on purpose."""
        number = token.map[0]
        spots = []  # of each of its lines, where it stands in the text
        for content in token.content.split("\n"):
            column = self._lines[number].find(content, seen.get(number, 0))
            if column < 0:  # as it may be in a table, with escaped bars
                return
            seen[number] = column + len(content)
            spots.append((self._starts[number] + column, content, self._lines[number][:column]))
            number += 1
        inline, first, last = _Inline(), 0, 0
        for child in [*token.children, None]:
            if child is None or child.type == "hardbreak":
                marked = inline.builder.marked()
                if marked.has_words:
                    self._add(marked, spots[first : last + 1])
                inline, first, last = _Inline(), last + 1, last + 1
            else:
                inline.feed(child)
                last += child.type == "softbreak"

    def _add(self, marked: Marked, spots: list[tuple[int, str, str]]) -> None:
        end = spots[-1][0] + len(spots[-1][1].rstrip().removesuffix("\\"))
        several = len(spots) > 1
        margin = spots[1][2] if several else ""
        width = max(len(content) for _, content, _ in spots) if several else 0
        self.blocks.append(marked)
        self._places.append(_Place(spots[0][0], end, width, margin))


class _Inline:
    """Makes a `Marked` of the parts of a paragraph."""

    def __init__(self) -> None:
        self.builder = Builder()
        self._ends: list[str] = []  # of the links that are open
        self._is_address = False

    def feed(self, child: Any) -> None:
        """Adds a token of markdown-it."""
        builder = self.builder
        name, _, side = child.type.rpartition("_")
        if child.type == "text" and self._is_address:
            builder.add_void(f"<{child.content}>")
        elif child.type == "text":
            builder.add(child.content)
        elif child.type == "softbreak":
            builder.add(" ")
        elif child.type == "code_inline":
            gap = " " if "`" in child.content else ""
            builder.add_void(f"{child.markup}{gap}{child.content}{gap}{child.markup}")
        elif child.type == "image":
            builder.add_void(f"![{child.content}]({_target(child, 'src')})")
        elif child.type == "html_inline":
            self._feed_tag(child.content)
        elif name == "link" and child.markup == "autolink":
            self._is_address = side == "open"
        elif side == "open":
            if name == "link":
                self._ends.append(f"]({_target(child, 'href')})")
            builder.begin(name, "[" if name == "link" else child.markup)
        elif side == "close":
            builder.end(name, self._ends.pop() if name == "link" else child.markup)

    def _feed_tag(self, raw: str) -> None:
        name = (raw.strip("</>").split() or [""])[0].lower()
        if raw.startswith("</"):
            self.builder.end(name, raw)
        elif raw.endswith("/>") or name in ("br", "img", "wbr") or name.startswith("!"):
            self.builder.add_void(raw)
        else:
            self.builder.begin(name, raw)


def _target(child: Any, name: str) -> str:
    title = f' "{child.attrs["title"]}"' if child.attrs.get("title") else ""
    return f"{child.attrs[name]}{title}"


def _escaped(text: str) -> str:
    return text.translate(_SPECIAL)
