"""Paragraphs to sentences, and sentences that are too long to parts that are not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

# An ending mark with what closes after it, before a space and what can begin a sentence.
_END = re.compile(r"([.!?…]+[\"'”’»)\]]*)(\s+)(?=[\"'“‘„«¿¡(\[]*[^\W_a-zß-öø-ÿ])|(\s*\n\s*)")
_CLAUSE = re.compile(r"(?<=[;:,–—])\s+")
# Before their period no sentence ends, of the languages that the shipped models know.
_ABBREVIATIONS = set(
    "mr mrs ms dr prof st jr sr vs etc e.g i.e no fig al "
    "hr fr bzw z.b d.h u.a usw ca nr str evtl inkl "
    "sra srta ud uds pág p.ej mme mlle".split()
)


class Sentence(NamedTuple):
    """A sentence, and the whitespace between it and the next."""

    text: str
    after: str


def split_sentences(text: str) -> list[Sentence]:
    """The sentences of a text: ``"".join(s.text + s.after for s in ...)`` is the text again.

    A line break ends a sentence; so does ``.``, ``!``, ``?`` or ``…`` before whitespace and a
    capital or digit, but for initials, ordinals and common abbreviations.
    """
    result, start = [], 0
    for found in _END.finditer(text):
        marks, space, line = found.groups()
        if marks == "." and _goes_on(text[start : found.start()]):
            continue
        end = found.start() + len(marks or "")
        result.append(Sentence(text[start:end], space or line))
        start = found.end()
    if start < len(text) or not result:
        stripped = text[start:].rstrip()
        result.append(Sentence(stripped, text[start + len(stripped) :]))
    return result


def _goes_on(before: str) -> bool:
    """Whether the period after this text is none that ends a sentence."""
    word = before.rpartition(" ")[2].lstrip("(\"'“„«").lower()
    initial = len(word) == 1 and word.isalpha()
    return initial or word in _ABBREVIATIONS or (word.isdigit() and len(word) <= 2)


def fit_sentence(text: str, room: int, length: Callable[[str], int]) -> list[str]:
    """A sentence in parts of at most ``room``, cut as rarely as can be and nowhere silently.

    At clause marks if that is enough, else between words, else between characters; joined by
    single spaces the parts have all that the text had.

    Args:
        text: A sentence.
        room: What a part may measure; at least what a character does.
        length: How a part is measured, as in subwords.
    """
    return _fit(text, room, length, (_CLAUSE, re.compile(r"\s+"), None))


def _fit(text, room, length, cuts) -> list[str]:
    if length(text) <= room or len(text) < 2:
        return [text]
    cut, *finer = cuts
    pieces, glue = (cut.split(text), " ") if cut else (list(text), "")
    if len(pieces) == 1 and finer:
        return _fit(text, room, length, finer)
    parts: list[str] = []
    for piece in pieces:
        joined = f"{parts[-1]}{glue}{piece}" if parts else piece
        if parts and length(joined) <= room:
            parts[-1] = joined
        else:
            parts.append(piece)
    return [
        small for part in parts for small in (_fit(part, room, length, finer) if finer else [part])
    ]
