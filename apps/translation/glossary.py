"""A glossary: terms that are always translated in one way, as placeholders of a model that lifts.

A term of the source is put into braces, with its translation: such a model places it as it places a
name (`shared.text.placeholders`). Needs neither Keras nor TensorFlow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from shared.errors import InputError
from shared.readers import read_text
from shared.text import normalize

# With invisible operators no text of a user is taken for a term.
_BEGIN, _BETWEEN, _END = "{\u2061", "\u2062", "\u2061}"
_TERM = re.compile(f"{_BEGIN}([^{{}}]*){_BETWEEN}([^{{}}]*){_END}")


def read_glossary(path: str | Path) -> dict[str, str]:
    """Reads terms and their translations, a tab between them, one a line.

    Raises:
        InputError: A line has not two columns, or one is empty or has braces.
    """
    terms: dict[str, str] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        columns = [normalize(column) for column in line.split("\t")]
        if len(columns) != 2 or not all(columns) or set("{}") & set(line):
            raise InputError(
                f"{path}: line {number}: give a term, a tab and its translation, without braces"
            )
        terms[columns[0]] = columns[1]
    if not terms:
        raise InputError(f"{path}: no terms; give a term, a tab and its translation a line")
    return terms


class Glossary:
    """Marks terms in texts, and puts their translations in.

    Args:
        terms: From term to translation. A term in small letters is found in any case.
    """

    def __init__(self, terms: Mapping[str, str]):
        self._exact = dict(terms)
        self._folded = {term.lower(): new for term, new in terms.items() if term == term.lower()}
        ordered = sorted(terms, key=len, reverse=True)  # of several the longest
        each = "|".join(re.escape(t) if t != t.lower() else f"(?i:{re.escape(t)})" for t in ordered)
        # Not within a word, an address or a tag.
        self._pattern = re.compile(rf"(?<![\w/@#.&<-])(?:{each})(?![\w/@>-]|\.\w)")

    def marked(self, text: str) -> str:
        """The text with its terms in braces, and their translations."""

        def replace(found: re.Match[str]) -> str:
            new = self._exact.get(found[0]) or self._folded[found[0].lower()]
            return marked_term(found[0], new)

        return self._pattern.sub(replace, text)


def marked_term(term: str, new: str = "") -> str:
    """A term in braces, with its translation: by default the term itself."""
    return f"{_BEGIN}{term}{_BETWEEN}{new or term}{_END}"


def original(marked: str) -> str:
    """The text that `Glossary.marked` made a marked one of."""
    return _TERM.sub(r"\1", marked)


def translated(text: str, source: str) -> str:
    """What was written, the terms' translations in it.

    Args:
        text: The translation of a part of a marked text.
        source: That part. If it began with a term and a capital, the translation gets a capital.
    """
    text = _TERM.sub(r"\2", text)
    first = source.removeprefix(_BEGIN)
    return text[:1].upper() + text[1:] if first != source and first[:1].isupper() else text
