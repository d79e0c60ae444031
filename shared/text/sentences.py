"""Splits paragraphs into sentences, and long sentences into parts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple

# A final mark and closing quotes, before whitespace and the beginning of a sentence; or a line
# break. Each run of marks or whitespace is looked at once, so that time is linear.
_END = re.compile(
    r"((?<![.!?…])[.!?…]++[\"'”’»)\]]*+)(\s++)(?=[\"'“‘„«¿¡(\[]*+[^\W_a-zß-öø-ÿ])"
    r"|((?<!\s)\s*[\n\r\v\f\x85\u2028\u2029]\s*+)"
)
# They begin clauses, in the languages of the shipped models.
_CONJUNCTIONS = set(
    "and but or so because although while when if which who where until after before "
    "und aber oder denn weil obwohl während wenn dass sodass bis nachdem bevor "
    "et mais ou car parce puisque quoique pendant quand si qui jusqu après avant "
    "y e pero o u porque aunque mientras cuando que quien hasta después antes".split()
)
_CLAUSE = re.compile(r"(?<=[;:,–—])\s+")
_LONGEST_WORD = 40  # characters of an abbreviation and the brackets before it, at most
# A period after these does not end a sentence, in the languages of the shipped models.
_ABBREVIATIONS = set(
    "mr mrs ms dr prof st jr sr vs etc e.g i.e no fig al "
    "hr fr bzw z.b d.h u.a usw ca nr str evtl inkl "
    "sra srta ud uds pág p.ej mme mlle".split()
)


class Sentence(NamedTuple):
    """A sentence, and the whitespace between it and the next one."""

    text: str
    after: str


def split_sentences(text: str) -> list[Sentence]:
    """Splits a text into sentences; ``"".join(s.text + s.after for s in ...)`` is the text.

    A line break ends a sentence. So does ``.``, ``!``, ``?`` or ``…`` before whitespace and a
    capital or digit, except after initials, ordinals and common abbreviations.
    """
    result, start = [], 0
    for found in _END.finditer(text):
        marks, space, line = found.groups()
        before = text[max(start, found.start() - _LONGEST_WORD) : found.start()]
        if marks == "." and _is_abbreviation(before):
            continue
        end = found.start() + len(marks or "")
        result.append(Sentence(text[start:end], space or line))
        start = found.end()
    if start < len(text) or not result:
        stripped = text[start:].rstrip()
        result.append(Sentence(stripped, text[start + len(stripped) :]))
    return result


def _is_abbreviation(before: str) -> bool:
    """Whether the period after ``before`` belongs to an abbreviation, an initial or an ordinal."""
    word = before.rpartition(" ")[2].lstrip("(\"'“„«").lower()
    initial = len(word) == 1 and word.isalpha()
    return initial or word in _ABBREVIATIONS or (word.isdigit() and len(word) <= 2)


def split_clauses(text: str, words: int, least: int = 5) -> list[str]:
    """Splits a long sentence between clauses, as evenly as its marks and conjunctions allow.

    Args:
        text: A sentence.
        words: The words of a sentence that is not split.
        least: The words of the shortest part.

    Returns:
        The parts; joined by single spaces they are the sentence. One that has no place to be split
        at may be longer than ``words``.
    """
    each = text.split(" ")
    if len(each) <= words:
        return [text]

    def cost(k: int) -> float:
        before, after = each[k - 1][-1:], each[k].lower().strip("\"'“„«(")
        joined = after in _CONJUNCTIONS
        if before in ";:–—":
            price = 0.0
        elif before == ",":
            price = 0.1 if joined else 0.25
        else:
            price = 0.3 if joined else math.inf
        return price + abs(k / len(each) - 0.5)

    places = range(least, len(each) - least + 1)
    best = min(places, key=cost, default=0)
    if not best or cost(best) == math.inf:
        return [text]
    halves = " ".join(each[:best]), " ".join(each[best:])
    return [part for half in halves for part in split_clauses(half, words, least)]


def fit_sentence(text: str, room: int, length: Callable[[str], int]) -> list[str]:
    """Splits a sentence into as few parts as possible, each of at most ``room``.

    It splits at clause marks if that suffices, otherwise between words, otherwise between
    characters. Nothing is lost: joined by single spaces, the parts are the sentence.

    Args:
        text: A sentence.
        room: Largest length of a part; at least the length of one character.
        length: Function that measures a part, for instance in subwords.
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
        longer = f"{parts[-1]}{glue}{piece}" if parts else piece
        if parts and length(longer) <= room:
            parts[-1] = longer
        else:
            parts.append(piece)
    return [
        small for part in parts for small in (_fit(part, room, length, finer) if finer else [part])
    ]
