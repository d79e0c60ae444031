"""Letter case as symbols of its own, so that *Door*, *DOOR* and *door* are the same subwords.

    >>> [c.text.replace(CAPITAL, "^") for c in [lower("The door of Anna")]]
    ['the door of anna^']

A symbol stands behind the letters that it is about: `CAPITAL` makes the first of them a capital,
`CAPITALS` all, and `JOIN` keeps small letters and those behind it apart (*iPhone*). What a
sentence has as a whole is no symbol but its `Style`: that it begins with a capital, or has nothing
else. The English *I* stays as it is. All three symbols are of Unicode's private use area.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import NamedTuple

CAPITAL, CAPITALS, JOIN = SYMBOLS = ("\ue000", "\ue001", "\ue002")

_LATIN = [*range(0x41, 0x250), *range(0x1E00, 0x1F00)]  # other letters stay as they are
# Capitals of one small letter that has them for its one capital.
_UPPER = "".join(
    c for c in map(chr, _LATIN) if len(c.lower()) == 1 and c.lower() != c == c.lower().upper()
)
_LETTER = r"[^\W\d_]"
_SEGMENT = re.compile(
    rf"(?P<i>(?<!\w)I(?!\w))|(?P<all>[{_UPPER}]{{2,}})|(?P<one>[{_UPPER}](?:(?![{_UPPER}]){_LETTER})*)"
    rf"|(?P<small>(?:(?![{_UPPER}]){_LETTER})+)"
)
_MARKED = re.compile(rf"({_LETTER}+)([{''.join(SYMBOLS)}]?)|[{''.join(SYMBOLS)}]")
_FEW = 4  # capitals; a text with no other letters and fewer of them is but a word like OK or USA


class Style(NamedTuple):
    """Case that belongs to a sentence and not to a word of it.

    Attributes:
        first: Whether its first letter is a capital.
        all: Whether it has capitals only.
    """

    first: bool = True
    all: bool = False


class Lowered(NamedTuple):
    """A text in small letters and symbols, and its style."""

    text: str
    style: Style


def lower(text: str, proper: Container[str] = ()) -> Lowered:
    """The text in small letters: `restore` makes the text of it again.

    Args:
        text: Without private use characters, but for placeholders.
        proper: Words in small letters that have a capital wherever they stand: as a sentence's
            first word they have a symbol too.
    """
    letters = re.findall(_LETTER, text)
    capitals = [c for c in letters if c in _UPPER]
    first = bool(letters) and letters[0] in _UPPER
    if len(capitals) == len(letters) >= _FEW:
        return Lowered(text.lower(), Style(first, True))
    begin = re.search(_LETTER, text)
    start = begin.start() if begin else -1

    def replace(found: re.Match[str]) -> str:
        kind, word = found.lastgroup, found[0]
        if kind == "i":
            return word
        if kind == "small":
            goes_on = found.end() < len(text) and text[found.end()] in _UPPER
            return word + (JOIN if goes_on else "")
        if kind == "all":
            return word.lower() + CAPITALS
        small = word.lower()
        if found.start() != start or small in proper:
            return small + CAPITAL
        goes_on = found.end() < len(text) and text[found.end()] in _UPPER
        return small + (JOIN if goes_on else "")

    return Lowered(_SEGMENT.sub(replace, text), Style(first, False))


def restore(text: str, style: Style) -> str:
    """The text with its capitals; a symbol behind no letter vanishes."""

    def replace(found: re.Match[str]) -> str:
        word, symbol = found[1] or "", found[2]
        if symbol == CAPITALS:
            return word.upper()
        return _capitalized(word) if symbol == CAPITAL else word

    text = _MARKED.sub(replace, text)
    if style.all:
        return text.upper()
    begin = re.search(_LETTER, text) if style.first else None
    return text[: begin.start()] + _capitalized(text[begin.start() :]) if begin else text


def bare(text: str) -> str:
    """The text as one would write it who uses no capitals: without symbols, *i* for *I*."""
    return re.sub(r"(?<!\w)I(?!\w)", "i", re.sub(f"[{''.join(SYMBOLS)}]", "", text))


def _capitalized(word: str) -> str:
    upper = word[:1].upper()
    return (upper if len(upper) == 1 else word[:1]) + word[1:]
