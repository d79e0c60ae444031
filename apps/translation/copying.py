"""Corrects names and numbers that the model misspelled while copying them.

The model copies an unseen name subword by subword, and attends to each one in the source:
*K ow als k i* becomes *K ow s k i*. Where the attention is clear, the word is copied from the
source, as Luong et al. 2015, *Addressing the Rare Word Problem*, did with unknown words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from shared.text import Tokenizer
from shared.text.casing import CAPITAL, CAPITALS

_SPACE = "\u2581"  # of SentencePiece, before a word
_LEAST_SPELLED = 3  # subwords, the space before digits too; a word of fewer is a known one
_LEAST_UNKNOWN = 5  # letters of a word that the model cannot know, in four subwords or more
_LETTERS_EACH = 2  # with fewer letters each
_LEAST_LOOKED = 0.5  # of the attention, at the word that it is to be
_LEAST_ALIKE = 0.5  # of the subwords, the same as the one looked at


class _Word(NamedTuple):
    text: str
    start: int
    end: int
    spaced: bool  # whether there is a space before it
    marked: bool  # whether the symbol of a capital is behind it

    @property
    def is_name(self) -> bool:
        return self.marked or self.text[:1].isdigit() or self.text[:1].isupper()


def copied(
    tokenizer: Tokenizer,
    source: Sequence[int],
    symbols: Sequence[int],
    attention: np.ndarray,
    lifted: bool = False,
) -> list[int]:
    """Replaces misspelled copies in a translation by the words of the source.

    A word is a copy if it and the source word that it attends to both begin with a capital or are
    numbers, the source word has several subwords, and most of them are the same. Longer forms of
    the source word (a genitive) are kept, and no word is copied that the translation already
    contains. Words in scripts that the training data lacks are copied in any case; of a model that
    lifts, so are words that are little more than spelled, as no subwords make sense of them.

    Args:
        tokenizer: Tokenizer of source and target.
        source: Ids of the source.
        symbols: Ids of the translation.
        attention: Attention weights ``(len(symbols), len(source))``.
        lifted: The model's; with it the first word of a source has no sign of a capital.

    Returns:
        The ids of the corrected translation.
    """
    read = tokenizer.pieces(source)
    names = {
        word: foreign
        for word in _words(tokenizer, source, read)
        if (foreign := _is_foreign(tokenizer, word.text) or (lifted and _is_unexplained(word)))
        or _is_spelled(tokenizer, word, read, lifted)
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
    """Yields runs of subwords of letters, or of digits, with the space before them."""
    start, some = 0, False
    for k, piece in enumerate([*pieces, _SPACE]):
        bare = piece.removeprefix(_SPACE)
        inside = bare.isalnum() or _is_byte(bare)
        if some and (piece != bare or not inside):
            text = "".join(pieces[start:k]).removeprefix(_SPACE)
            if "<0x" in text:
                text = tokenizer.decode(ids[start:k]).strip()
            marked = k < len(pieces) and pieces[k] in (CAPITAL, CAPITALS)
            yield _Word(text, start, k, pieces[start].startswith(_SPACE), marked)
            some = False
        if not some and (piece != bare or pieces[k - 1] != _SPACE):
            start = k
        some = some or inside


def _is_spelled(tokenizer: Tokenizer, word: _Word, pieces: Sequence[str], lifted: bool) -> bool:
    """Whether a word is a name of many subwords; a sentence's first word in lower case too."""
    first = not any(piece.startswith(_SPACE) for piece in pieces[: word.start])
    if word.end - word.start < _LEAST_SPELLED or not (word.is_name or (first and lifted)):
        return False
    return not first or len(tokenizer.encode(word.text.lower())) >= _LEAST_SPELLED


def _is_foreign(tokenizer: Tokenizer, text: str) -> bool:
    """Whether a text has letters, or emoji, that the training data lacks.

    Western European letters do not count: the vocabulary may lack a letter that is merely rare,
    above all capitals.
    """
    beyond = (c for c in text if ord(c) > 0xFF)
    signs = (c for c in beyond if c.isalnum() or unicodedata.category(c) == "So")
    return any(_is_byte(piece) for c in signs for piece in tokenizer.pieces(tokenizer.encode(c)))


def _is_unexplained(word: _Word) -> bool:
    """Whether no subwords make sense of a word: it is little more than spelled."""
    count = word.end - word.start
    return count >= 4 and _LEAST_UNKNOWN <= len(word.text) < _LETTERS_EACH * count


def _is_byte(piece: str) -> bool:
    return len(piece) == 6 and piece.startswith("<0x")
