"""Names and numbers that the model meant to copy, and misspelled.

A name never seen is spelled subword by subword, and at each the model looks at its place in the
source: *K ow als k i* becomes *K ow s k i*. Where that is plain to see, the word is taken from the
source, as Luong et al. 2015, *Addressing the Rare Word Problem*, did with unknown words.
"""

from __future__ import annotations

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
    forms of the source's word (a genitive) stay, and none is taken that is there already.

    Args:
        tokenizer: Of both.
        source: Ids of the source.
        symbols: Ids of the translation.
        attention: ``(len(symbols), len(source))``.
    """
    read, written = tokenizer.pieces(source), tokenizer.pieces(symbols)
    names = {word for word in _words(read) if word.is_name and _is_spelled(tokenizer, word, read)}
    words = list(_words(written))
    there = {word.text for word in words}
    result = list(symbols)
    for word in reversed(words):
        rows = attention[word.start : word.end]
        looked = {name: rows[:, name.start : name.end].sum(1).mean() for name in names}
        name = max(looked, key=looked.__getitem__, default=None)
        if name is None or looked[name] < _LEAST_LOOKED:
            continue
        alike = [written[word.start + k] == read[at] for k, at in enumerate(rows.argmax(1))]
        longer = word.text.startswith(name.text) and not word.text.isdigit()
        if (
            word.is_name
            and word.spaced == name.spaced
            and np.mean(alike) >= _LEAST_ALIKE
            and not longer
            and name.text not in there
        ):
            result[word.start : word.end] = source[name.start : name.end]
            names.remove(name)
    return result


def _words(pieces: Sequence[str]) -> Iterator[_Word]:
    """Runs of subwords of letters, or of digits, from the space before them on."""
    start, text = 0, ""
    for k, piece in enumerate([*pieces, _SPACE]):
        bare = piece.removeprefix(_SPACE)
        inside = bare.isalnum() or (bare.startswith("<0x") and len(bare) == 6)  # a spelled byte
        if text and (piece != bare or not inside):
            yield _Word(text, start, k, pieces[start].startswith(_SPACE))
            text = ""
        if not text and (piece != bare or pieces[k - 1] != _SPACE):
            start = k
        text += bare if inside else ""


def _is_spelled(tokenizer: Tokenizer, word: _Word, pieces: Sequence[str]) -> bool:
    """Whether it has many subwords; the first of a sentence also where it would be in small."""
    if word.end - word.start < _LEAST_SPELLED:
        return False
    first = not any(piece.startswith(_SPACE) for piece in pieces[: word.start])
    return not first or len(tokenizer.encode(word.text.lower())) >= _LEAST_SPELLED
