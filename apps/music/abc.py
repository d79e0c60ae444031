"""ABC tunes as a `Sheet`, after the standard 2.1 (https://abcnotation.com/wiki/abc:standard:v2.1).

What is read: accidentals through the bar, keys, modes and metres wherever they change, tuplets,
chords, ties, voices and overlays, repeats and endings. What is not is said or refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from apps.music.abc_fields import (
    ALTER,
    JUMPS,
    MARKS,
    SEMITONES,
    TUPLETS,
    decode,
    parse_key,
    parse_length,
    parse_metre,
    parse_shift,
    parse_tempo,
    whole,
)
from apps.music.measures import Measure, bars_of, notes_of, play
from apps.music.piece import Facts
from apps.music.sheet import (
    BREATH,
    COMMA,
    LONGEST,
    MOST_BYTES,
    REPEATS,
    SENTENCE,
    TOO_LONG,
    Bar,
    Note,
    Part,
    Rejected,
    Sheet,
)
from shared.readers import read_bytes

_LENGTH = r"(?P<{0}>\d*(?:/+\d*)?)"
_PITCH = (
    r"(?:(?P<accidental>\^{1,2}|_{1,2}|=)(?P<micro>\d*/\d*)?)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)"
)
_TOKEN = re.compile(
    r"\[(?P<field>[A-Za-z]):(?P<value>[^\[\]]*)\]"
    r'|"(?P<text>[^"]*)"'
    r"|!(?P<mark>[^!|\s][^!\n]*)!|\+(?P<old_mark>[a-zA-Z.()]+)\+"
    r"|\{(?P<grace>[^{}]*)\}"
    r"|\((?P<tuplet>\d)(?::(?P<in_time>\d*))?(?::(?P<count>\d*))?"
    r"|(?P<bar>\[\|\]?|:*\|[|:\]]*|::+)(?P<ending>\s*\[?\d+(?:[,-]\d+)*)?"
    r"|\[(?P<part_ending>\d+(?:[,-]\d+)*)"
    r"|\[(?P<chord>[^\]|\[]*)\]" + _LENGTH.format("chord_length")
    + r"|" + _PITCH + _LENGTH.format("length")
    + r"|(?P<rest>[zx])" + _LENGTH.format("rest_length")
    + r"|(?P<rests>[ZX])(?P<rest_bars>\d*)"
    r"|(?P<broken>>+|<+)|(?P<tie>-)|(?P<overlay>&)|(?P<sign>[.~H-Wh-wJ])"
    r"|(?P<nothing>[\s`$*\\);@!]+|\(|y\d*)"
)  # fmt: skip
_NOTE = re.compile(_PITCH + _LENGTH.format("length") + r"(?P<tie>-)?")
_LONGEST_FIELD = 500  # characters of which anything is read
_DEFAULTS = {"H": "fermata"}


@dataclass
class _Voice:
    """A voice as it is read: what holds at this place, and the measures so far."""

    name: str = ""
    key: dict[str, int] = field(default_factory=dict)
    unit: Fraction = Fraction(2)  # 16ths in the note of length 1
    metre: tuple[int, int] = (16, 4)
    percussion: bool = False
    shift: int = 0  # of clefs and transpositions, in semitones
    measures: list[Measure] = field(default_factory=lambda: [Measure()])
    time: Fraction = Fraction(0)
    altered: dict[str, int] = field(default_factory=dict)  # since the bar line
    tied: set[int] = field(default_factory=set)  # pitches whose tie awaits the next note
    last: list[Note] = field(default_factory=list)
    line: list[list[Note]] = field(default_factory=list)  # what lyrics are sung to
    broken: Fraction = Fraction(1)
    tuplet: tuple[int, Fraction] = (0, Fraction(1))
    fermata: bool = False


def read_abc(path: Path) -> Sheet:
    """The first tune of a file.

    Raises:
        Rejected: It holds no tune, or signs that are no ABC.
    """
    return _Tune(decode(read_bytes(path, MOST_BYTES))).sheet()


class _Tune:
    """A tune while it is read, line by line."""

    def __init__(self, text: str) -> None:
        self.fields: dict[str, str] = {}
        self.voices: dict[str, _Voice] = {}
        self.start = _Voice()  # what every voice begins with
        self.now = self.start
        self.marks = dict(_DEFAULTS)
        self.propagate = "pitch"
        self.explicit_unit = False
        self.key: tuple[int, int] | None = None
        self.signature: int | None = None
        self.tempo = 0
        self.in_body = False
        self.sounds = False  # whether a note has been read
        self.measures = 0
        self.unknown = ""
        self.said: list[str] = []
        lines = re.sub(r"\r\n?", "\n", text).split("\n")
        begins = [k for k, line in enumerate(lines) if re.match(r"X:", line)]
        if len(begins) > 1:
            lines = lines[: begins[1]]
            self._say(f"the first of {len(begins)} tunes is read")
        for number, line in enumerate(lines, 1):
            if not self._line(line):
                if any(line.strip() for line in lines[number:]):
                    self._say(f"the tune ends at the empty line {number}; what follows is not read")
                break
        if not self.in_body:
            raise Rejected("it has no field K:, so it holds no tune; check the file")

    def _say(self, line: str) -> None:
        if line not in self.said:
            self.said.append(line)

    # --- lines and fields -------------------------------------------------------------------

    def _line(self, line: str) -> bool:
        """Reads a line; returns whether the tune goes on."""
        if match := re.match(r"%%\s*propagate-accidentals\s+(\w+)", line):
            self.propagate = match[1]
        empty = not line.strip()
        line = re.sub(r"(?<!\\)%.*", "", line).rstrip()
        if match := re.match(r"([A-Za-z+]):(?![|:])(.*)", line):
            self._field(match[1], match[2].strip())
        elif line.strip() and self.in_body:
            self.now.line = []
            self._music(line)
        return not (empty and self.sounds)

    def _field(self, name: str, value: str) -> None:
        value = value if name == "w" else value[:_LONGEST_FIELD]
        if name == "K":
            self._key(value)
        elif name == "M":
            self._metre(value)
        elif name == "L":
            if match := re.match(r"(\d+)(?:/(\d+))?", value):
                self.explicit_unit = True
                self.now.unit = 16 * Fraction(whole(match[1]), whole(match[2] or "1") or 1)
        elif name == "Q":
            self.tempo = self.tempo or parse_tempo(value, self.now.unit)
        elif name == "V":
            self._voice(value)
        elif name == "U" and (match := re.match(r"(\S)\s*=\s*[!+](.*)[!+]", value)):
            self.marks[match[1]] = match[2]
        elif name == "w":
            self._lyrics(value)
        elif name == "P" and not self.in_body:
            self._say("the order of its parts (P:) is not played")
        elif name in "TC" and not self.in_body:
            self.fields.setdefault(name, value)

    def _key(self, value: str) -> None:
        first, self.in_body = not self.in_body, True
        found = parse_key(value, self.now.key)
        if found:
            self.now.key = found.alter
            if first:
                self.key, self.signature = found.key, found.sharps if value else None
            elif found.sharps != self.signature:
                self._say("the key changes; the signature of the beginning is printed throughout")
        self._clef(value)
        for voice in self.voices.values() if first else ():  # those that the header names
            voice.unit, voice.metre = self.start.unit, self.start.metre
            voice.key, voice.shift = dict(self.start.key), voice.shift or self.start.shift

    def _clef(self, value: str) -> None:
        shift = parse_shift(value)
        if shift is not None:
            self.now.shift = shift
        self.now.percussion |= "perc" in value

    def _metre(self, value: str) -> None:
        self.now.metre = parse_metre(value)
        if not self.in_body and not self.explicit_unit:
            short = 0 < self.now.metre[0] < 12
            self.now.unit = Fraction(1 if short else 2)

    def _voice(self, value: str) -> None:
        name = (value.split() or [""])[0]
        if name not in self.voices:
            begun = self.start
            self.voices[name] = _Voice(
                name, dict(begun.key), begun.unit, begun.metre, shift=begun.shift
            )
        kept = self.now
        self.now = self.voices[name]
        if match := re.search(r'(?:name|nm)="?([^"]+?)"?(?:\s+\w+=|$|")', value):
            self.now.name = match[1]
        self._clef(value[len(name) :])
        if not self.in_body:
            self.now = kept

    def _lyrics(self, value: str) -> None:
        """Marks where a phrase ends in the first verse."""
        notes = iter(self.now.line)
        self.now.line = []
        for word in re.findall(r"[^\s_*|-]+|[_*]", re.sub(r"\\-|~", "'", value)):
            sung = next(notes, [])
            weight = SENTENCE if word[-1] in ".;:!?" else COMMA if word[-1] == "," else 0.0
            for note in sung if weight else ():
                note.pause = weight

    # --- music ------------------------------------------------------------------------------

    def _music(self, line: str) -> None:
        if not self.voices:
            self._voice("1")
            self.now.name = ""
        if self.now is self.start:
            self.now = next(iter(self.voices.values()))
        place = 0
        while place < len(line):
            match = _TOKEN.match(line, place)
            if not match:
                self.unknown = self.unknown or line[place]
                place += 1
                continue
            place = match.end()
            self._token({k: v for k, v in match.groupdict().items() if v is not None})

    def _token(self, token: dict[str, str]) -> None:
        now = self.now
        mark = token.get("mark") or token.get("old_mark") or self.marks.get(token.get("sign", ""))
        if "field" in token:
            self._field(token["field"], token["value"].strip())
        elif mark:
            if mark in ("fermata", "invertedfermata"):
                now.fermata = True
            elif mark in ("breath", "shortphrase", "mediumphrase", "longphrase"):
                for note in now.last:
                    note.pause = BREATH
            elif JUMPS.fullmatch(mark):
                self._say(f"the jump !{mark}! is not played")
            elif not MARKS.fullmatch(mark):
                self._say(f"!{mark}! is no known decoration, and is left out")
        elif "bar" in token:
            self._bar(token["bar"], token.get("ending", ""))
        elif "part_ending" in token:
            self._bar("", token["part_ending"])
        elif "tuplet" in token:
            p = int(token["tuplet"])
            compound = now.metre[1] == 2 and now.metre[0] % 6 == 0
            q = whole(token.get("in_time") or str(TUPLETS.get(p, 3 if compound else 2)))
            now.tuplet = (whole(token.get("count") or str(p)), Fraction(q, max(p, 1)))
        elif "letter" in token:
            self._sound([token], token["length"])
        elif "chord" in token:
            inside = [m.groupdict() for m in _NOTE.finditer(token["chord"])]
            if inside:
                first = parse_length(inside[0]["length"])
                self._sound(inside, token["chord_length"], first)
                pairs = zip(now.last, inside, strict=True)
                now.tied |= {note.midi for note, one in pairs if one["tie"]}
        elif "rest" in token:
            self._sound([], token["rest_length"])
        elif "rests" in token:
            self._bar("", "")
            for _ in range(whole(token["rest_bars"] or "1")):
                now.time = Fraction(now.metre[0] or 16)
                self._bar("|", "")
        elif "broken" in token and now.last:
            more = Fraction(1, 2 ** min(len(token["broken"]), 8))
            longer = token["broken"][0] == ">"
            old, new = (2 - more, more) if longer else (more, 2 - more)
            length = (now.last[0].end - now.last[0].start) * old
            begin = Fraction(now.last[0].start)
            for note in now.last:
                note.end = begin + length
            now.time = begin + Fraction(length)
            now.broken = new
        elif "tie" in token:
            now.tied |= {note.midi for note in now.last}
        elif "overlay" in token:
            now.time = Fraction(0)

    def _sound(
        self, notes: list[dict[str, str]], length: str, inner: Fraction = Fraction(1)
    ) -> None:
        """Adds a note, a chord, or with no notes a rest."""
        now = self.now
        left, ratio = now.tuplet
        duration = now.unit * parse_length(length) * inner * now.broken * (ratio if left else 1)
        now.tuplet, now.broken = (left - 1, ratio) if left > 1 else (0, Fraction(1)), Fraction(1)
        tied, now.tied = now.tied, set()
        end = now.time + duration
        now.last = []
        for written in notes:
            midi, struck = self._pitch(written, tied)
            now.last.append(Note(now.time, end, midi, struck, now.fermata))  # type: ignore[arg-type]
        if not notes:
            # A rest takes part in broken rhythm, but is no note.
            now.last = []
        else:
            now.line.append(now.last)
            now.fermata, self.sounds = False, True
        measure = now.measures[-1]
        measure.notes += now.last
        now.time = end
        measure.length = max(measure.length, end)
        if end > LONGEST:
            raise Rejected(TOO_LONG)

    def _pitch(self, written: dict[str, str], tied: set[int]) -> tuple[int, bool]:
        """The sounding pitch of a written note, and whether it is struck."""
        if written.get("micro"):
            raise Rejected("it has quarter tones; write semitones")
        now, letter, octave = self.now, written["letter"], written.get("octave") or ""
        upper = letter.upper()
        place = letter + octave if self.propagate == "octave" else upper
        natural = 60 + SEMITONES[upper] + 12 * (letter.islower()) + now.shift
        natural += 12 * (octave.count("'") - octave.count(","))
        alter = now.altered.get(place, now.key.get(upper, 0))
        if written.get("accidental"):
            alter = ALTER[written["accidental"]]
            if self.propagate != "not":
                now.altered[place] = alter
        else:  # a tie carries an accidental over the bar line
            held = [m - natural for m in tied if abs(m - natural) <= 2]
            if held and natural + alter not in tied and place not in now.altered:
                alter = held[0]
        return natural + alter, natural + alter not in tied

    def _bar(self, sign: str, ending: str) -> None:
        now = self.now
        measure = now.measures[-1]
        if measure.length or now.time:
            measure.length = max(measure.length, now.time)
            measure.full, measure.unit = now.metre
            fresh = Measure(ending=measure.ending)
            now.measures.append(fresh)
            self.measures += 1
            if self.measures > LONGEST:
                raise Rejected(TOO_LONG)
        else:
            fresh = measure
        now.time, now.altered = Fraction(0), {}
        now.broken = Fraction(1)
        before = now.measures[-2] if len(now.measures) > 1 else None
        stops = bool(re.search(r"\|\||\|\]|\[\||:", sign))
        if stops:
            fresh.ending = ()
        if sign.startswith(":") and before:
            before.closes = max(2, len(sign) - len(sign.lstrip(":")) + 1 if "|" in sign else 2)
        if sign.endswith(":"):
            fresh.opens = True
        if numbers := re.findall(r"(\d+)(?:-(\d+))?", ending):
            fresh.ending = tuple(
                k for a, b in numbers for k in range(whole(a), min(whole(b or a), 99) + 1)
            )

    # --- the sheet --------------------------------------------------------------------------

    def sheet(self) -> Sheet:
        """What was read, with repeats and endings played."""
        if self.unknown:
            raise Rejected(f"{self.unknown[0]!r} is no sign of ABC; correct the tune")
        parts, bars = [], list[Bar]()
        for voice in self.voices.values():
            self.now = voice
            self._bar("|", "")
            measures = [m for m in voice.measures if m.length]
            played = play(measures)
            if len(played) > len(measures):
                self._say(REPEATS)
            if voice.percussion:
                continue
            part = Part(voice.name, list(notes_of(played)))
            if part.notes and not bars and all(m.full for m in played):
                bars = list(bars_of(played))
            parts.append(part)
        facts = Facts(
            title=self.fields.get("T", ""),
            composer=self.fields.get("C", ""),
            tempo=self.tempo,
            signature=self.signature,
            said=tuple(self.said),
        )
        return Sheet(parts, bars, self.key, facts)
