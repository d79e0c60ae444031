"""What an ABC tune says in few signs: K:, M:, Q:, decorations, the lengths of notes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from apps.music.sheet import Rejected

ALTER = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
MARKS = re.compile(
    r"trill[()]?|(lower|upper|inverted)?(mordent|turnx?|fermata)|pralltriller|roll|arpeggio|accent|"
    r"emphasis|tenuto|plus|snap|slide|wedge|(up|down)bow|open|thumb|breath|p{1,4}|f{1,4}|m[pf]|sfz|"
    r"(crescendo|diminuendo|[<>])[()]|(short|medium|long)phrase|[0-5+>^]|editorial|courtesy|marcato|"
    r"(dim|cresc|staccato|x?stem|8v[ab]|1?5?m[ab]).*"
)
JUMPS = re.compile(r"D\.?[CS]\.?|fine|coda|segno|dacapo|dacoda", re.I)
TUPLETS = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
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


def decode(data: bytes) -> str:
    """The text of a file, whose encoding nothing tells."""
    for encoding in ("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def whole(digits: str) -> int:
    """The number that digits say.

    Raises:
        Rejected: It is absurdly large.
    """
    if len(digits) > 5:
        raise Rejected(f"its number {digits[:20]} is too large; correct the tune")
    return int(digits)


def parse_shift(value: str) -> int | None:
    """By how many semitones a K: or V: field lets notes sound higher; None if it does not say."""
    found = [12 * whole(n) for n in re.findall(r"octave=(-?\d+)", value)]
    found += [whole(n) for n in re.findall(r"transpose=(-?\d+)", value)]
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
    count, below = sum(map(whole, re.findall(r"\d+", match[1]))), whole(match[2])
    if not 0 < count < 1000 or below not in (1, 2, 4, 8, 16):
        raise Rejected(f"its metre M:{value} does not count in 16ths; change it")
    return count * 16 // below, 16 // below


def parse_tempo(value: str, unit: Fraction) -> int:
    """Quarters per minute, 0 if a Q: field has no number; ``unit`` are the 16ths of length 1."""
    value = re.sub(r'"[^"]*"', "", value)
    match = re.search(r"(\d+)\s*$", value)
    if not match:
        return 0
    pairs = re.findall(r"(\d+)/(\d*[1-9])", value)
    beats = [Fraction(whole(a), whole(b)) for a, b in pairs]
    return round(whole(match[1]) * (4 * sum(beats) if beats else unit / 4))


def parse_length(text: str) -> Fraction:
    """The length that a note's digits and slashes say, as a multiple of the unit."""
    above, slashes, below = re.match(r"(\d*)(/*)(\d*)", text).groups()  # type: ignore[union-attr]
    if len(slashes) > 8:
        raise Rejected("its notes are too short; correct the tune")
    divisor = whole(below) if below else 2 ** len(slashes)
    return Fraction(whole(above or "1"), divisor or 1)
