"""HTML: text is translated, tags stay as they are, to the letter."""

from __future__ import annotations

import html
import itertools
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import NamedTuple

from apps.translation.markup import GLUE, Aligned, Builder, Marked
from apps.translation.translate import Translation

# Elements that are part of a sentence; all others, and <br>, end one.
_INLINE = set(
    "a abbr acronym b bdi bdo big cite data del dfn em font i img ins label mark q rp rt ruby s "
    "small span strike strong sub sup time tt u wbr".split()
)
# Elements whose content is no language, the first ones as parts of sentences.
_IN_SENTENCES = {"code", "kbd", "samp", "var"}
_OPAQUE = {"script", "style", "pre", "textarea", "svg", "math", "object", *_IN_SENTENCES}
_VOID = set("area base br col embed hr img input link meta source track wbr".split())


class Event(NamedTuple):
    """A part of a document.

    Attributes:
        kind: ``text``, ``begin``, ``end`` or ``other``.
        name: The tag's name.
        raw: As it stands in the document.
        hidden: Whether what is in it must not be translated.
    """

    kind: str
    name: str
    raw: str
    hidden: bool = False


def events_of(text: str) -> list[Event]:
    """The parts of a document; their `raw`, joined, is the document."""
    found = _Parser(text).found
    ends = [place for place, *_ in found[1:]] + [len(text)]
    return [
        Event(kind, name, text[place:end], hidden)
        for (place, kind, name, hidden), end in zip(found, ends, strict=True)
    ]


class _Parser(HTMLParser):
    """Notes where each part begins."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=False)
        self.found: list[tuple[int, str, str, bool]] = []
        self._lines = [0, *itertools.accumulate(len(x) for x in text.split("\n"))]
        self._lines = [end + number for number, end in enumerate(self._lines)]
        self.feed(text)
        self.close()

    def _note(self, kind: str, name: str = "", hidden: bool = False) -> None:
        line, column = self.getpos()
        self.found.append((self._lines[line - 1] + column, kind, name, hidden))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = "other" if tag in _VOID else "begin"
        self._note(kind, tag, tag in _OPAQUE or ("translate", "no") in attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note("other", tag)

    def handle_endtag(self, tag: str) -> None:
        self._note("end", tag)

    def handle_data(self, data: str) -> None:
        self._note("text")

    def handle_entityref(self, name: str) -> None:
        self._note("text")

    def handle_charref(self, name: str) -> None:
        self._note("text")

    def handle_comment(self, data: str) -> None:
        self._note("other", "!")

    def handle_decl(self, decl: str) -> None:
        self._note("other", "!doctype")

    def handle_pi(self, data: str) -> None:
        self._note("other", "?")

    def unknown_decl(self, data: str) -> None:
        self._note("other", "![")


def inline(text: str, entities: bool = True) -> Marked:
    """A text in which all tags are part of sentences.

    Args:
        text: As in a subtitle.
        entities: Whether ``&amp;`` stands for a character.
    """
    builder = Builder()
    for event in events_of(text):
        name = event.name.partition(".")[0]  # of <c.red>, which </c> ends
        _feed(builder, event._replace(name=name), entities)
    return builder.marked()


def _feed(builder: Builder, event: Event, entities: bool = True) -> None:
    if event.kind == "text":
        builder.add(html.unescape(event.raw) if entities else event.raw)
    elif event.kind == "begin":
        builder.begin(event.name, event.raw)
    elif event.kind == "end":
        builder.end(event.name, event.raw)
    else:
        builder.add_void(event.raw)


def escaped(text: str) -> str:
    """Plain text as HTML."""
    return html.escape(text, quote=False)


class Html:
    """See `apps.translation.documents.Document`."""

    def __init__(self, text: str):
        self.blocks: list[Marked] = []
        self._parts: list[str | Marked] = []
        self._run: list[Event] = []
        hidden: list[str] = []  # names of open elements, from one that hides what is in it
        held = ""  # a hidden element of a sentence, so far
        for event in events_of(text):
            if hidden or (event.hidden and event.kind == "begin"):
                if event.kind == "begin":
                    hidden.append(event.name)
                elif event.kind == "end" and event.name in hidden:
                    del hidden[len(hidden) - 1 - hidden[::-1].index(event.name) :]
                held += event.raw
                if not hidden:
                    self._hide(event, held)
                    held = ""
            elif event.kind == "text" or event.name in _INLINE or event.name == "!":
                self._run.append(event)
            else:
                self._end_run()
                self._parts.append(event.raw)
        self._end_run()
        self._parts.append(held)

    def written(self, found: Sequence[Translation]) -> str:
        """The document with the translations of its blocks."""
        translations = iter(found)
        return "".join(
            part
            if isinstance(part, str)
            else Aligned.of(part.text, next(translations))
            .with_markup(part.spans, escaped)
            .replace(GLUE, " ")
            for part in self._parts
        )

    def _hide(self, last: Event, raw: str) -> None:
        if last.name in _IN_SENTENCES or last.name in _INLINE:
            self._run.append(Event("other", last.name, raw))
        else:
            self._end_run()
            self._parts.append(raw)

    def _end_run(self) -> None:
        """Makes a block of what belongs to one sentence."""
        raw = "".join(event.raw for event in self._run)
        builder = Builder()
        for event in self._run:
            _feed(builder, event)
        self._run = []
        marked = builder.marked()
        if not marked.has_words:
            self._parts.append(raw)
            return
        left = len(raw) - len(raw.lstrip())
        right = len(raw.rstrip())
        self.blocks.append(marked)
        self._parts += [raw[:left], marked, raw[right:]]
