"""The fields of an ABC tune that say more than a text: K:, M:, Q:, and the lengths of notes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from apps.music.sheet import Rejected

ALTER = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_FIFTHS = "FCGDAEB"
_MODES = {"maj": 0, "ion": 0, "mix": -1, "dor": -2, "m": -3, "min": -3, "aeo": -3, "phr": -4,
          "loc": -5, "lyd": 1}  # fmt: skip
_NO_KEY = re.compile(r"(clef|octave|transpose|middle|name|staff\w*)=|treble|bass|alto|tenor|perc")


@dataclass(frozen=True)
class Key:
    """What a K: field says.

    Attributes:
        alter: By letter how much a note without an accidental is raised.
        sharps: Number of sharps in the signature, negative for flats.
        key: Tonic and mode, 0 major or 1 minor; None if it names no tonic.
    """

    alter: dict[str, int]
    sharps: int
    key: tuple[int, int] | None


def parse_key(value: str, before: dict[str, int]) -> Key | None:
    """Parses a K: field; None if it changes no key, only a clef or the like.

    Args:
        value: Such as ``"Ador"``, ``"F# minor"``, ``"D ^g"``, ``"HP"``, ``"none"``.
        before: The ``alter`` that holds so far.
    """
    match = re.match(r"(HP|Hp|none)?(?:([A-Ga-g])([#b]?))?\s*([A-Za-z]*)", value)
    assert match is not None
    special, tonic, sign, mode = match.groups()
    extra = {
        letter.upper(): ALTER[accidental]
        for accidental, letter in re.findall(r"(?<=\s)(\^{1,2}|_{1,2}|=)([A-Ga-g])", f" {value}")
    }
    if _NO_KEY.match(value) or not (tonic or special or not value):
        return Key(before | extra, 0, None) if extra else None
    sharps, key = 2 if special in ("HP", "Hp") else 0, None
    if tonic:
        tonic, mode = tonic.upper(), "" if mode == "M" else mode.lower()
        step = _MODES.get(mode if mode == "m" else mode[:3], 0)
        raised = {"#": 1, "b": -1}.get(sign, 0)
        sharps = _FIFTHS.index(tonic) - 1 + 7 * raised + step
        key = ((SEMITONES[tonic] + raised) % 12, int(step < -1))
        if mode.startswith("exp"):
            sharps = 0
    if abs(sharps) > 7:
        raise Rejected(f"its key K:{value} has {abs(sharps)} accidentals; name it enharmonically")
    alter = {letter: (sharps - k + 6) // 7 for k, letter in enumerate(_FIFTHS)}
    return Key(alter | extra, sharps, key)


def parse_shift(value: str) -> int | None:
    """By how many semitones a K: or V: field lets notes sound higher; None if it does not say."""
    found = [12 * int(n) for n in re.findall(r"octave=(-?\d+)", value)]
    found += [int(n) for n in re.findall(r"transpose=(-?\d+)", value)]
    found += [12 if s == "+" else -12 for s in re.findall(r"[a-z]\d?([+-])8", value)]
    return sum(found) if found else None


def parse_metre(value: str) -> tuple[int, int]:
    """16ths in the bar, 0 if it is free, and in the note that the metre counts."""
    value = {"C": "4/4", "C|": "2/2"}.get(value, value)
    match = re.match(r"\(?([\d+ ]+)\)?/(\d+)", value)
    if not match:
        if value.lower() not in ("none", ""):
            raise Rejected(f"its metre M:{value} cannot be read; write it as M:4/4")
        return 0, 4
    count, below = sum(map(int, re.findall(r"\d+", match[1]))), int(match[2])
    if not count or below not in (1, 2, 4, 8, 16):
        raise Rejected(f"its metre M:{value} does not count in 16ths; change it")
    return count * 16 // below, 16 // below


def parse_tempo(value: str, unit: Fraction) -> int:
    """Quarters per minute, 0 if a Q: field has no number; ``unit`` are the 16ths of length 1."""
    value = re.sub(r'"[^"]*"', "", value)
    match = re.search(r"(\d+)\s*$", value)
    if not match:
        return 0
    beats = [Fraction(int(a), int(b)) for a, b in re.findall(r"(\d+)/(\d*[1-9])", value)]
    return round(int(match[1]) * (4 * sum(beats) if beats else unit / 4))


def parse_length(text: str) -> Fraction:
    """The length that a note's digits and slashes say, as a multiple of the unit."""
    above, slashes, below = re.match(r"(\d*)(/*)(\d*)", text).groups()  # type: ignore[union-attr]
    divisor = int(below) if below else 2 ** len(slashes)
    return Fraction(int(above or 1), divisor or 1)
