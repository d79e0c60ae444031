"""What must not be translated, lifted out of a sentence and put back as it was.

    >>> lifted = lift("Pay $48.87 at 3:30 on https://a.example <b>now</b>!")
    >>> restore(lifted.text, lifted.slots) == "Pay $48.87 at 3:30 on https://a.example <b>now</b>!"
    True

In the text a placeholder is one character of Unicode's private use area, which no other text that
leaves `lift` contains. There are three kinds, `COUNT` of each, numbered as they come:

    number   3, 3:30, 1,000.50, $48.87, 20 %, 2026-11-27
    thing    stands in the sentence as a noun does: addresses, @names, A4, {variables}, 北京
    mark     belongs to no word: tags, pictures, [brackets]; always between spaces in the text, and
             without the spaces again that it had not
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from shared.text.normalize import normalize

COUNT = 8  # of each kind
NUMBER, THING, MARK = "number", "thing", "mark"
_FIRST = {NUMBER: 0xE010, THING: 0xE020, MARK: 0xE030}
SYMBOLS = tuple(chr(first + k) for first in _FIRST.values() for k in range(COUNT))
SYMBOL = re.compile(f"[{''.join(SYMBOLS)}]")
_KIND = {chr(first + k): kind for kind, first in _FIRST.items() for k in range(COUNT)}

_DIGITS = r"(?:\d{1,3}(?:[ '’]\d{3})+(?!\d)|\d+)(?:[.,:/'’–-]\d+)*"
_NUMBER = rf"(?:(?<![\w.,:/'’–-])[+−-])?{_DIGITS}"
# All but Latin letters, punctuation and pictures; of which several words may be one thing.
_FOREIGN = (
    "[^\\x00-\u036f\u1e00-\u1eff\u2000-\u2bff\ue000-\uf8ff\ufe00-\ufe0f\U0001f000-\U0001faff]+"
)
_MIXED = r"[\d_]*+[^\W\d_][^\W\d]*+\d\w*+"  # a word with a digit behind a letter
# Repetitions have bounds, so that the time is linear in the length of any text.
_PATTERN = re.compile(
    rf"""
    (?P<mark>
        <!--.{{0,1000}}?--> | </?[A-Za-z][^<>]*>
      | \[[^\[\]]{{1,40}}\]
      | (?:[\u2190-\u21ff\u2300-\u2bff\U0001f000-\U0001faff][\ufe0f\u200d\u20e3]*)+
      | [\ue000-\uf8ff]+
      | (?<!\S)[:;]-?[()DPp](?!\w)
    )
  | (?P<thing>
        (?:https?://|www\.)[^\s<>"]*[^\s<>".,;:!?)\]'’»]
      | [\w.+-]{{1,64}}@[\w-]+(?:\.[\w-]+)+
      | (?<![\w.])(?:[\w-]{{1,63}}\.){{1,8}}(?:com|org|net|edu|gov|info|io|eu|de|fr|es|uk|ch|at)
        (?:/[^\s<>"]*[\w/])?(?!\w)
      | (?<!\w)[@\#]\w+
      | &(?:\#\d+|\#[xX][0-9A-Fa-f]+|[A-Za-z]\w*);
      | \{{\{{[^{{}}]*\}}\}} | \{{[^{{}}]*\}} | %\(\w+\)[sd] | %[sd](?!\w)
      | {_FOREIGN}(?:[ ]{_FOREIGN})*
    )
  | (?P<hour>(?<!\w)\d{{1,2}}h\d{{2}}(?!\w))
  | (?P<mixed>(?<!\w)(?:(?:(?!{_MIXED})\w++-){{0,16}}+{_MIXED}(?:-\w+)*|[A-Z]{{2,}}-\d+(?!\w)))
  | (?P<number>
        (?:US|A|C)?[$€£¥₹][ ]?{_NUMBER}
      | {_NUMBER}(?:[ ]?(?:[$€£¥₹%‰]|°[CF]?(?!\w)))?
    )
    """,
    re.VERBOSE,
)
_KINDS = {"mark": MARK, "thing": THING, "mixed": THING, "hour": NUMBER, "number": NUMBER}
_GLUE = "\x00"  # no normalized text has it


class Slot(NamedTuple):
    """One placeholder.

    Attributes:
        symbol: What stands in the text.
        text: What it stands for.
        glued: Of a mark, whether there was no space before it, and none after it.
    """

    symbol: str
    text: str
    glued: tuple[bool, bool] = (False, False)

    @property
    def kind(self) -> str:
        """`NUMBER`, `THING` or `MARK`."""
        return _KIND[self.symbol]

    @property
    def key(self) -> tuple[str, str]:
        """Equal for what a translation may write differently: 1,000 and 1.000."""
        digits = "".join(c for c in self.text if c.isdecimal())
        return self.kind, digits if self.kind == NUMBER else self.text.casefold()


class Lifted(NamedTuple):
    """A text with placeholders, and what they stand for, as they come.

    Attributes:
        text: With a symbol in place of each slot's text.
        slots: At most `COUNT` of a kind.
        left: How many more there would have been; their text is as it was. A text with such is
            to be cut into parts first.
    """

    text: str
    slots: tuple[Slot, ...]
    left: int


def lift(text: str) -> Lifted:
    """The normalized text with placeholders: `restore` makes the normalized text of it again."""
    text = normalize(text)
    slots: list[Slot] = []
    used = dict.fromkeys(_FIRST, 0)
    left, spaced = 0, -1  # the end of the last mark that has been given a space behind it

    def replace(found: re.Match[str]) -> str:
        nonlocal left, spaced
        kind = _KINDS[str(found.lastgroup)]
        if used[kind] == COUNT:
            left += 1
            # A text must not fake a placeholder.
            return SYMBOL.sub("\ufffd", found[0])
        symbol = chr(_FIRST[kind] + used[kind])
        used[kind] += 1
        if kind != MARK:
            slots.append(Slot(symbol, found[0]))
            return symbol
        start, end = found.span()
        glued = (start > 0 and text[start - 1] != " ", end < len(text) and text[end] != " ")
        slots.append(Slot(symbol, found[0], glued))
        before = " " if glued[0] and spaced != start else ""
        spaced = end
        return before + symbol + (" " if glued[1] else "")

    return Lifted(_PATTERN.sub(replace, text), tuple(slots), left)


def restore(text: str, slots: Sequence[Slot]) -> str:
    """The text with what its placeholders stand for; those that stand for nothing vanish."""
    known = {slot.symbol: slot for slot in slots}

    def replace(found: re.Match[str]) -> str:
        slot = known.get(found[2])
        if slot is None:
            return ""
        before, after = (_GLUE if glued else "" for glued in slot.glued)
        return found[1] + before + slot.text + after

    text = re.sub(f"( ?)({SYMBOL.pattern})", replace, text)
    return re.sub(f" ?(?:{_GLUE} ?)+", "", text)


def renamed(text: str, names: dict[str, str]) -> str:
    """The text with other symbols in place of those that are keys."""
    return SYMBOL.sub(lambda found: names.get(found[0], found[0]), text)
