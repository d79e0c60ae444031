"""Names and numbers that the model meant to copy, and misspelled.

A name never seen is spelled subword by subword, and at each the model looks at its place in the
source: *K ow als k i* becomes *K ow s k i*. Where that is plain to see, the word is taken from the
source, as Luong et al. 2015, *Addressing the Rare Word Problem*, did with unknown words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from shared.text import Tokenizer

_SPACE = "\u2581"  # of SentencePiece, before a word
_LEAST_SPELLED = 3  # subwords, the space before digits too; a word of fewer is a known one
_LEAST_LOOKED = 0.5  # of the attention, at the word that it is to be
_LEAST_ALIKE = 0.5  # of the subwords, the same as the one looked at


class _Word(NamedTuple):
    text: str
    start: int
    end: int
    spaced: bool  # whether there is a space before it

    @property
    def is_name(self) -> bool:
        return self.text[:1].isdigit() or self.text[:1].isupper()


def copied(
    tokenizer: Tokenizer, source: Sequence[int], symbols: Sequence[int], attention: np.ndarray
) -> list[int]:
    """The ids of a translation, those of misspelled copies replaced by the source's.

    A word is such a copy if it and the source's word that it looked at both begin with a capital
    or are numbers, the latter is spelled of several subwords, and most of them are the same. Longer
    forms of the source's word (a genitive) stay, and none is taken that is there already. What is
    in letters that no training text had is taken in any case.

    Args:
        tokenizer: Of both.
        source: Ids of the source.
        symbols: Ids of the translation.
        attention: ``(len(symbols), len(source))``.
    """
    read = tokenizer.pieces(source)
    names = {
        word: foreign
        for word in _words(tokenizer, source, read)
        if (foreign := _is_foreign(tokenizer, word.text)) or _is_spelled(tokenizer, word, read)
    }
    result = list(symbols)
    if not names:
        return result
    written = tokenizer.pieces(symbols)
    words = list(_words(tokenizer, symbols, written))
    there = {word.text for word in words}
    taken: dict[_Word, _Word] = {}
    for name, foreign in names.items():
        if name.text in there:
            continue
        looks = attention[:, name.start : name.end].sum(1)
        looked = {w: looks[w.start : w.end].mean() for w in words if w.spaced == name.spaced}
        word = max(looked, key=looked.__getitem__, default=None)
        if word is None or looked[word] < _LEAST_LOOKED or word in taken:
            continue
        at = attention[word.start : word.end].argmax(1)
        alike = np.mean([written[word.start + k] == read[place] for k, place in enumerate(at)])
        longer = word.text.startswith(name.text) and not word.text.isdigit()
        if foreign or (word.is_name and alike >= _LEAST_ALIKE and not longer):
            taken[word] = name
    for word in sorted(taken, key=lambda word: -word.start):
        result[word.start : word.end] = source[taken[word].start : taken[word].end]
    return result


def _words(tokenizer: Tokenizer, ids: Sequence[int], pieces: Sequence[str]) -> Iterator[_Word]:
    """Runs of subwords of letters, or of digits, from the space before them on."""
    start, some = 0, False
    for k, piece in enumerate([*pieces, _SPACE]):
        bare = piece.removeprefix(_SPACE)
        inside = bare.isalnum() or _is_byte(bare)
        if some and (piece != bare or not inside):
            text = "".join(pieces[start:k]).removeprefix(_SPACE)
            if "<0x" in text:
                text = tokenizer.decode(ids[start:k]).strip()
            yield _Word(text, start, k, pieces[start].startswith(_SPACE))
            some = False
        if not some and (piece != bare or pieces[k - 1] != _SPACE):
            start = k
        some = some or inside


def _is_spelled(tokenizer: Tokenizer, word: _Word, pieces: Sequence[str]) -> bool:
    """Whether it is a name of many subwords; the first of a sentence also in small letters."""
    if not word.is_name or word.end - word.start < _LEAST_SPELLED:
        return False
    first = not any(piece.startswith(_SPACE) for piece in pieces[: word.start])
    return not first or len(tokenizer.encode(word.text.lower())) >= _LEAST_SPELLED


def _is_foreign(tokenizer: Tokenizer, text: str) -> bool:
    """Whether it has letters, or pictures, that the training texts had not.

    Of those of western Europe that is not certain, capitals above all, for the vocabulary lacks
    what is very rare.
    """
    beyond = (c for c in text if ord(c) > 0xFF)
    signs = (c for c in beyond if c.isalnum() or unicodedata.category(c) == "So")
    return any(_is_byte(piece) for c in signs for piece in tokenizer.pieces(tokenizer.encode(c)))


def _is_byte(piece: str) -> bool:
    return len(piece) == 6 and piece.startswith("<0x")
