"""Text with markup in it: what is translated, what stands around parts of it, and the two together.

Tags are not given to the model. They are placed by its attention: an element is put around the run
of words that attended most to what it was around. So elements stay nested and none is lost. Needs
neither Keras nor TensorFlow.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from apps.translation.translate import Translation
from shared.text import normalize

GLUE = "\x1f"  # a space inside of markup, where no line may be broken
_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")
_LEAST = 0.5  # of its attention, for a word to be in an element


@dataclass
class Span:
    """An element, or markup that stands between words.

    Attributes:
        start: The first character of what it is around.
        end: The character behind it; equal to ``start`` if it is around nothing.
        before: The markup before it.
        after: The markup behind it.
        inner: The elements in it, in order.
        name: By which its end is recognized.
        apart: Of markup around nothing, whether there was a space before it, and whether no word
            goes on behind it.
    """

    start: int
    end: int
    before: str
    after: str = ""
    inner: list[Span] = field(default_factory=list)
    name: str = ""
    apart: tuple[bool, bool] = (False, False)

    def moved(self, by: int) -> Span:
        """The same, so many characters further on."""
        inner = [span.moved(by) for span in self.inner]
        return dataclasses.replace(self, start=self.start + by, end=self.end + by, inner=inner)


@dataclass(frozen=True)
class Marked:
    """A text without its markup, normalized, and the markup."""

    text: str
    spans: list[Span]

    @property
    def has_words(self) -> bool:
        """Whether there is anything to translate."""
        return any(c.isalpha() for c in self.text)


class Builder:
    """Makes a `Marked`, from left to right."""

    def __init__(self) -> None:
        self._text = ""
        self._root: list[Span] = []
        self._open: list[Span] = []

    def add(self, text: str) -> None:
        """Adds text; whitespace is one space."""
        inner = normalize(text)
        if text[:1].isspace() and self._text:
            if not self._text.endswith(" "):
                self._text += " "
        elif text[:1].isalnum() and (last := self._siblings()[-1:]) and last[0].end == self._at:
            last[0].apart = (last[0].apart[0], False)
        self._text += inner
        if inner and text[-1:].isspace():
            self._text += " "

    def add_void(self, markup: str) -> None:
        """Adds markup that is around nothing, or that is not to be translated."""
        apart = (self._text.endswith(" "), True)
        self._siblings().append(Span(self._at, self._at, markup, apart=apart))

    def begin(self, name: str, markup: str) -> None:
        """Begins an element."""
        span = Span(self._at, self._at, markup, name=name)
        self._siblings().append(span)
        self._open.append(span)

    def end(self, name: str, markup: str) -> None:
        """Ends an element, or adds the markup if there is none to end."""
        if name not in (span.name for span in self._open):
            self.add_void(markup)
            return
        while (span := self._open.pop()).name != name:
            self._dissolve(span)
        span.end, span.after = self._at, markup

    def marked(self) -> Marked:
        """The text and its markup."""
        while self._open:
            self._dissolve(self._open.pop())
        text = self._text.rstrip(" ")
        self._trim(self._root, text)
        return Marked(text, self._root)

    @property
    def _at(self) -> int:
        return len(self._text)

    def _siblings(self) -> list[Span]:
        return self._open[-1].inner if self._open else self._root

    def _dissolve(self, span: Span) -> None:
        """Makes the begin of an element without an end stand by itself."""
        siblings = self._siblings()
        siblings += span.inner
        span.inner = []

    def _trim(self, spans: list[Span], text: str) -> None:
        for span in spans:
            span.end = min(span.end, len(text))
            span.start = min(span.start, len(text))
            while span.start < span.end and text[span.start] == " ":
                span.start += 1
            while span.start < span.end and text[span.end - 1] == " ":
                span.end -= 1
            self._trim(span.inner, text)


@dataclass(frozen=True)
class Aligned:
    """A translation, and what each of its words attended to.

    Attributes:
        text: The translation.
        words: First character and the one behind the last, of each word and mark.
        looks: Attention ``(words, characters of the source)``; rows sum to 1.
    """

    text: str
    words: list[tuple[int, int]]
    looks: np.ndarray

    @classmethod
    def of(cls, source: str, found: Translation) -> Aligned:
        """Aligns the translation of a `Marked`'s text."""
        text = found.text
        words = [match.span() for match in _WORD.finditer(text)]
        looks = np.zeros((len(words), len(source)))
        read = written = 0
        for sentence, best in zip(found.sentences, found.hypotheses, strict=True):
            read = max(source.find(sentence.source, read), 0)
            below = _pieces_of(sentence.source, best.source_pieces)
            above = _pieces_of(best.text, best.pieces)
            end = written + len(best.text)
            share = np.bincount(below, minlength=len(best.source_pieces) or 1)
            for row, (start, stop) in enumerate(words):
                if written <= start < end and len(best.pieces):
                    chosen = np.unique(above[start - written : stop - written])
                    weights = best.attention[chosen].mean(0) / np.maximum(share, 1)
                    looks[row, read : read + len(below)] = weights[below]
            read, written = read + len(sentence.source), end + len(sentence.gap)
        return cls(text, words, looks / np.maximum(looks.sum(1, keepdims=True), 1e-9))

    def with_markup(
        self,
        spans: Sequence[Span],
        escape: Callable[[str], str] = str,
        source: tuple[int, int] | None = None,
        words: tuple[int, int] | None = None,
    ) -> str:
        """The translation with the markup of its source.

        Args:
            spans: Those of the source.
            escape: Makes text of the format from plain text.
            source: The characters of the source that are meant; all by default.
            words: The words of the translation that are meant; all by default.
        """
        first, last = words or (0, len(self.words))
        whole = source or (0, self.looks.shape[1])
        start = self.words[first][0] if first < last else len(self.text)
        end = self.words[last - 1][1] if first < last else start
        return self._written(self._placed(spans, whole, first, last), escape, start, end)

    def _placed(
        self, spans: Sequence[Span], whole: tuple[int, int], first: int, last: int
    ) -> list[tuple[int, int, Span]]:
        """The words that each element is put around: none twice, and all in order."""
        free = np.ones(last - first, bool)
        placed = []
        for span in spans:
            if span.start == span.end:
                begin = end = self._place_before(span, whole, first, last)
            elif (span.start, span.end) == whole and free.all():
                begin, end = first, last
            else:
                mass = self.looks[first:last, span.start : span.end].sum(1)
                begin, end = _best_run(np.where(free, mass - _LEAST, -np.inf))
                begin, end = begin + first, end + first
            free[begin - first : end - first] = False
            placed.append((begin, end, span))
        return placed

    def _place_before(self, span: Span, whole: tuple[int, int], first: int, last: int) -> int:
        """The word before which markup stands that is around nothing."""
        if span.start <= whole[0] or first == last:
            return first
        if span.start >= whole[1]:
            return last
        behind = self.looks[first:last, span.start : span.start + 2].sum(1)
        return first + int(behind.argmax()) if behind.any() else last

    def _written(
        self,
        placed: list[tuple[int, int, Span]],
        escape: Callable[[str], str],
        start: int,
        end: int,
    ) -> str:
        parts, at = [], start
        # What is around nothing goes before a word, and out of an element that covers it.
        for first, last, span in sorted(placed, key=lambda one: one[:2]):
            here = self.words[first][0] if first < len(self.words) else end
            if first == last:
                here = max(min(here, end), at)
            parts.append(escape(self.text[at:here]))
            at = here
            if span.apart[0] and parts[-1] and not parts[-1].endswith(" "):
                parts.append(" ")
            parts.append(span.before.replace(" ", GLUE))
            if first < last:
                at = self.words[last - 1][1]
                inner = self._placed(span.inner, (span.start, span.end), first, last)
                parts.append(self._written(inner, escape, here, at))
            else:
                parts += [one.before + one.after for one in span.inner]
            parts.append(span.after.replace(" ", GLUE))
            if span.apart[1] and self.text[at:end][:1].isalnum():
                parts.append(" ")
        return "".join([*parts, escape(self.text[at:end])])


def _best_run(scores: np.ndarray) -> tuple[int, int]:
    """The run with the largest sum; of one word at least, if any is free."""
    best, run, start, found = -np.inf, 0.0, 0, (len(scores), len(scores))
    for place, score in enumerate(scores):
        if run <= 0:
            run, start = 0.0, place
        run += score
        if run > best:
            best, found = run, (start, place + 1)
    return found


def _pieces_of(text: str, pieces: Sequence[str]) -> np.ndarray:
    """The piece that each character of a text comes from."""
    owners: list[int] = []
    joined = ""
    for number, piece in enumerate(pieces):
        # What stands for other text, or for none, is like no character.
        whole = piece.startswith("<") and piece.endswith(">") and len(piece) > 2
        letters = "\x00" if whole or "⟨" in piece else piece.replace("\u2581", " ").lower()
        joined += letters
        owners += [number] * len(letters)
    result = np.zeros(len(text), int)
    if not owners:
        return result
    lowered = text.lower() if len(text.lower()) == len(text) else text
    at = there = 0
    matcher = difflib.SequenceMatcher(None, lowered, joined, autojunk=False)
    for left, right, size in matcher.get_matching_blocks():
        # What lies between stands for what lies between there, or belongs to what was before.
        gap = next((k for k in range(there, right) if joined[k] != " "), max(there - 1, 0))
        result[at:left] = owners[min(gap, len(owners) - 1)]
        result[left : left + size] = owners[right : right + size]
        at, there = left + size, right + size
    return result
