"""Spells a text: the letters that the model writes, the marks to add to them, and a fallback."""

from __future__ import annotations

import re
import unicodedata

from apps.handwriting.config import CHARACTERS

Mark = tuple[int, str]
"""The index of a letter, and what is added to it: one of `MARKS`."""

MARKS = frozenset(map(chr, [0x300, 0x301, 0x302, 0x303, 0x304, 0x306, 0x307, 0x308, 0x30A, 0x30B,
                            0x30C, 0x326, 0x327, 0x328]))  # fmt: skip
"""Combining characters that are added to a letter; see also `_OTHERS`."""
_OTHERS = {  # a letter and its mark, or two; without a letter a mark is drawn beside one
    "ł": ("l", "bar"), "Ł": ("L", "bar"), "ø": ("o", "slash"), "Ø": ("O", "slash"),
    "ß": ("", "ß"), "ẞ": ("B", ""), "ı": ("i", "dotless"), "€": ("C", "bars"),
    "ď": ("d", "beside"), "ť": ("t", "beside"), "ľ": ("l", "beside"), "Ľ": ("L", "beside"),
    "¿": ("", "¿"), "¡": ("", "¡"), "œ": ("o", "", "e", "joined"),
    "Œ": ("O", "", "E", "joined"), "æ": ("a", "", "e", "joined"), "Æ": ("A", "", "E", "joined"),
}  # fmt: skip

# Signs that look the same by hand.
_ALIKE = "‘' ’' ‛' ʻ' ʼ' ′' ‹' ›' “\" ”\" „\" ‟\" ″\" «\" »\" ‐- ‑- ‒- –- —- ―- −- ⁃- …... ⁄/ ∕/"
_LETTERS = (
    "ÆAE æae ŒOE œoe ØO øo ŁL łl ĐD đd ÐD ðd ÞTh þth ßss ẞSS ĦH ħh ıi ĸk ŊNg ŋng ŦT ŧt ƒf əe ƏE"
)
_SIGNS = (
    "‚, ‴''' ´' ¨\" ¸, ¯- •- ‣- ·. ‧. ⋅. ∙. †+ ‡++ ‖|| ¦| ÷/ ×x ±+/- ¬~ "
    "→-> ←<- ↔<-> ⇒=> ≤<= ≥>= ≠!= ≈~ ¡! ¿? °deg §Sec. ¶Par. ©(c) ®(R) ‰0/00 µu μu "
    "€EUR £GBP ¥JPY ¢c ¤$ ₹INR ₽RUB"
)


def _table(words: str) -> dict[int, str]:
    return str.maketrans({word[0]: word[1:] for word in words.split()})


_TABLE, _SAME = _table(f"{_LETTERS} {_SIGNS} {_ALIKE}"), _table(_ALIKE)
_FRACTION = re.compile("(?<=[0-9])(?=[¼-¾⅐-⅞])")
_POWER = re.compile("(?<=[0-9])(?=[²³¹⁰⁴-⁹⁻])")
_ALONE = re.compile(r"[¿¡]+(?!\S)")
_QUOTED = re.compile(r"(?<=[«‹])\s+|\s+(?=[»›])")


def spell(text: str, fallback: bool = False) -> str:
    """Replaces signs that look the same by hand, such as typographic quotes, by those of ASCII.

    Args:
        text: A text.
        fallback: Whether to replace what `letters_of` cannot decompose, too, by
            `transliterate`.
    """
    text = unicodedata.normalize("NFC", _QUOTED.sub("", text)).translate(_SAME)
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    text = _ALONE.sub(lambda found: found[0].translate(_TABLE), text)
    return transliterate(text, keep=True) if fallback else text


def letters_of(text: str) -> tuple[str, list[Mark]]:
    """Decomposes letters into those of ASCII and marks; other characters stay.

    ``é`` is e and an acute accent, ``ł`` l and a bar, ``œ`` o and an e that is joined to it.
    """
    letters, marks = "", []
    for character in text:
        parts = _parts(character) or (character, "")
        for letter, mark in zip(parts[::2], parts[1::2], strict=True):
            if mark == "ß" and letters[-1:] in ("", " "):  # it is drawn after another letter
                letter, mark = "B", ""
            marks += [(len(letters) - (mark == "ß"), mark)] * bool(mark)
            letters += letter
    return letters, marks


def _parts(character: str) -> tuple[str, ...] | None:
    """The letters of a character and the marks of each; None if it is not a letter with marks."""
    if character in _OTHERS:
        return _OTHERS[character]
    letter, *marks = list(unicodedata.normalize("NFD", character))
    if len(marks) == 1 and letter in CHARACTERS and marks[0] in MARKS:
        return letter, marks[0]
    return None


def transliterate(text: str, keep: bool = False) -> str:
    """Replaces accented letters and signs by ASCII; characters without an equivalent stay.

    Marks that show nothing, such as soft hyphens, are left out. Numbers keep their value: 1½ is
    1 1/2, and 10² is 10^2.

    Args:
        text: A text.
        keep: Whether to keep letters that `letters_of` decomposes.
    """
    spelled = _POWER.sub("^", _FRACTION.sub(" ", text))
    return "".join(c if keep and _parts(c) else _ascii(c) for c in spelled)


def _ascii(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.translate(_TABLE)).translate(_TABLE)
    return "".join(c for c in parts if not _is_dropped(c))


def _is_dropped(character: str) -> bool:
    """Whether it is an accent, or shows nothing; a stroke that negates a sign is neither."""
    return unicodedata.category(character) in ("Mn", "Cf") and character != "\u0338"
