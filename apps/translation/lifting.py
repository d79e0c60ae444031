"""A sentence as a model that lifts reads and writes it, and as people do.

    Meet Anna at 3:30!   ->   meet anna^ at 1!    the number and the capitals are symbols, see
                                                  `shared.text.placeholders` and `.casing`

List marks, speakers' names in brackets, tags and pictures at either end do not come to the model.
Needs neither Keras nor TensorFlow.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from shared.text import casing, normalize, placeholders
from shared.text.casing import Style
from shared.text.placeholders import COUNT, MARK, SYMBOL, SYMBOLS, Slot

SPACE = "\u2581"  # of SentencePiece, before a word
WHOLE = (*casing.SYMBOLS, *SYMBOLS, *(SPACE + symbol for symbol in SYMBOLS))
"""What `shared.text.train_tokenizer` has to keep whole."""

LETTERS = "".join(c for c in map(chr, range(0xDF, 0x180)) if c.islower() and c.isalpha())
"""Of Europe's names, which the training texts have but rarely."""

_MARKS = "".join(s for s in SYMBOLS if Slot(s, "").kind == MARK)
_BEFORE = re.compile(rf"(?:[{_MARKS}] ?)+")
_AFTER = re.compile(rf"(?: ?[{_MARKS}])+$")
_LIST = re.compile(
    r"(?:(?:[-–—*•·]+|\(?\d{1,2}\)|\(?[A-Za-z]\)) )?(?:\[[^\[\]]{1,40}\]:? ?)?(?=\S)"
)
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")


class Form(NamedTuple):
    """A sentence in parts.

    Attributes:
        text: What the model reads, or writes.
        slots: What its placeholders stand for.
        style: Its case as a whole.
        before: What stands before it, untranslated.
        after: What stands behind it.
        left: How many placeholders it has too many; see `shared.text.placeholders.Lifted`.
    """

    text: str
    slots: tuple[Slot, ...] = ()
    style: Style = Style()
    before: str = ""
    after: str = ""
    left: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is no word to translate."""
        return not any(c.isalpha() for c in self.text)


def form_of(text: str, proper: Container[str] = ()) -> Form:
    """The parts of a sentence; `finished` of them and their text is the sentence, normalized.

    Args:
        text: Any text.
        proper: As for `shared.text.casing.lower`.
    """
    text = normalize(text)
    mark = _LIST.match(text)
    before = mark[0] if mark else ""
    inner, slots, left = placeholders.lift(text[len(before) :])
    after = ""
    if found := _BEFORE.match(inner):
        inner = inner[found.end() :]
        before += placeholders.restore(f"{found[0]}x", slots)[:-1]
    if found := _AFTER.search(inner):
        inner = inner[: found.start()]
        after = placeholders.restore(f"x{found[0]}", slots)[1:]
    kept = set(SYMBOL.findall(inner))
    lowered = casing.lower(inner, proper)
    inside = tuple(slot for slot in slots if slot.symbol in kept)
    return Form(lowered.text, inside, lowered.style, before, after, left)


def finished(form: Form, written: str) -> str:
    """What the model wrote, with all that was lifted out of its source."""
    text = placeholders.restore(casing.restore(written, form.style), form.slots)
    return form.before + text.strip(" ") + form.after


_SHOWN = str.maketrans(
    {symbol: f"⟨{Slot(symbol, '').kind} {k % COUNT + 1}⟩" for k, symbol in enumerate(SYMBOLS)}
    | dict(zip(casing.SYMBOLS, ("⟨Aa⟩", "⟨AA⟩", "⟨|⟩"), strict=True))
)


def shown(piece: str) -> str:
    """A subword as people can read it: ``⟨number 1⟩``, ``⟨Aa⟩`` for a capital."""
    return piece.translate(_SHOWN)


# --- training ---------------------------------------------------------------------------------


def proper_words(pairs: Iterable[Any]) -> dict[str, frozenset[str]]:
    """Of each target language, in small letters, the words that mostly begin with a capital.

    First words do not count, for those have one anyway.
    """
    seen: dict[str, tuple[Counter[str], Counter[str]]] = {}
    for target, language in dict.fromkeys((pair.target, pair.target_language) for pair in pairs):
        large, small = seen.setdefault(language, (Counter(), Counter()))
        for word in _WORD.findall(target)[1:]:
            (large if word[0].isupper() else small)[word.lower()] += 1
    return {
        language: frozenset(word for word, count in large.items() if count > small[word])
        for language, (large, small) in seen.items()
    }


def lift_pairs(
    pairs: Sequence[Any],
    proper: Mapping[str, Container[str]],
    rng: np.random.Generator | None = None,
    bare_rate: float = 0.0,
    thing_rate: float = 0.0,
) -> list[Any]:
    """Pairs as the model reads and writes them.

    Pairs whose placeholders do not translate each other (*at 5* and *um fünf*) are left out.

    Args:
        pairs: Of `apps.translation.data.Pair`.
        proper: Of each target language, from `proper_words`.
        rng: Draws which of the symbols stand in a pair, and what the rates are about. Without it
            they are the first ones, as in use.
        bare_rate: Share of the sources that are written without capitals.
        thing_rate: Share of the pairs in which a name becomes a placeholder, or has tags around it.
    """
    made = (_lifted(pair, proper.get(pair.target_language, ()), rng, bare_rate, thing_rate)
            for pair in pairs)  # fmt: skip
    return [pair for pair in made if pair is not None]


def _lifted(pair, proper, rng, bare_rate: float, thing_rate: float):
    if rng is not None and rng.random() < thing_rate:
        pair = _with_things(pair, rng)
    source, target = form_of(pair.source), form_of(pair.target, proper)
    names = _matched(source.slots, target.slots)
    if names is None or source.left or target.left or source.is_empty or target.is_empty:
        return None
    written = placeholders.renamed(target.text, names)
    read = source.text
    if rng is not None:
        drawn = _drawn(rng)
        read, written = (placeholders.renamed(text, drawn) for text in (read, written))
        if rng.random() < bare_rate:
            read = casing.bare(read)
    return pair._replace(source=read, target=written)


def _matched(source: Sequence[Slot], target: Sequence[Slot]) -> dict[str, str] | None:
    """From the target's symbols to those of the source's equal slots; None if some have none."""
    free: dict[Any, list[str]] = {}
    for slot in source:
        free.setdefault(slot.key, []).append(slot.symbol)
    names = {}
    for slot in target:
        if not free.get(slot.key):
            return None
        names[slot.symbol] = free[slot.key].pop(0)
    return None if any(free.values()) else names


def _drawn(rng: np.random.Generator) -> dict[str, str]:
    """The symbols of each kind moved on by as many places, so that all are trained alike."""
    names = {}
    for first in range(0, len(SYMBOLS), COUNT):
        shift = int(rng.integers(COUNT))
        for k in range(COUNT):
            names[SYMBOLS[first + k]] = SYMBOLS[first + (k + shift) % COUNT]
    return names


def _with_things(pair, rng: np.random.Generator):
    """The pair with a handle in place of a name that both sides have, or with tags around it."""
    left = [word for word in _WORD.findall(pair.source) if word[0].isupper() and len(word) > 1]
    common = sorted(set(left) & set(_WORD.findall(pair.target)))
    if not common:
        return pair
    old = common[rng.integers(len(common))]
    new = "@x" if rng.random() < 0.6 else f"<b>{old}</b>" if rng.random() < 0.7 else f"{old} [x]"
    place = re.compile(rf"(?<!\w){re.escape(old)}(?!\w)")
    source, target = (place.sub(new, text) for text in pair[:2])
    return pair._replace(source=source, target=target)
