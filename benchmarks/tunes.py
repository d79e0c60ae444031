"""A data set for the architectures: a thousand dance tunes in ABC notation.

They are Ryan's Mammoth Collection (Boston, 1883), transcribed to ABC by volunteers, and come with
music21.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_LEFT_OUT = re.compile(
    r'"[^"]*"|![^!]*!|\{[^}]*\}'  # fingerings and chords, marks, grace notes
    r"|%.*"  # comments
    r"|[^A-Ga-gz\d|:\[\]^_=,'/<>(-]|\((?!\d)"  # bowing, ornaments, slurs, spaces
)
_NOTE = re.compile(r"([_=^]*)([A-Ga-g])([,']*)([\d/]*)")
_STEPS = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))
_SHARPS = "FCGDAEB"
_FIFTHS = {"C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F#": 6, "F": -1, "Bb": -2, "Eb": -3,
           "Ab": -4, "Db": -5}  # fmt: skip
_MODES = {"": 0, "maj": 0, "m": -3, "min": -3, "dor": -2, "mix": -1, "phr": -4, "lyd": 1}


@dataclass(frozen=True)
class Tune:
    """A dance.

    Args:
        name: Of its file.
        kind: "reel", "jig" and so on, in lower case.
        fifths: Sharps in the key signature, negative for flats.
        music: Bars of ABC between ``|``, without spaces, slurs, ornaments and chord names.
    """

    name: str
    kind: str
    fifths: int
    music: str

    @property
    def bars(self) -> list[str]:
        """The bars, as text."""
        return [bar for bar in re.split(r"[|:\[\]]+\d?", self.music) if bar]


def tunes() -> list[Tune]:
    """Returns all tunes with a complete header, sorted by name."""
    folder = Path(find_spec("music21").origin).parent / "corpus" / "ryansMammoth"
    found = []
    for path in sorted(folder.glob("*.abc")):
        tune = _read(path.stem, path.read_text(encoding="utf-8", errors="replace"))
        if tune is not None:
            found.append(tune)
    return found


def _read(name: str, text: str) -> Tune | None:
    fields: dict[str, str] = {}
    music = []
    for line in text.splitlines():
        field = re.match(r"([A-Za-z]):\s*(.*)", line)
        if "K" not in fields:
            fields |= {field[1]: field[2].strip()} if field else {}
        elif field and field[1] == "K":
            break  # another key: the tune ends here
        elif not field:
            music.append(_LEFT_OUT.sub("", line))
    key = re.fullmatch(r"([A-G][#b]?)\s*([a-z]{0,3})[a-z]*", fields.get("K", ""))
    if not key or key[1] not in _FIFTHS or key[2] not in _MODES:
        return None
    kind = fields.get("R", "").lower().replace("slip jig", "slipjig")
    return Tune(name, kind, _FIFTHS[key[1]] + _MODES[key[2]], "".join(music))


def pitches(music: str, fifths: int) -> list[int]:
    """Returns the MIDI pitches of the notes, by key signature and accidentals of each bar."""
    return list(_pitches(music, fifths))


def _pitches(music: str, fifths: int) -> Iterator[int]:
    altered = _SHARPS[:fifths] if fifths >= 0 else _SHARPS[fifths:]
    signature = dict.fromkeys(altered, 1 if fifths > 0 else -1)
    for bar in music.split("|"):
        accidentals: dict[tuple[str, int], int] = {}
        for sign, letter, octaves, _ in _NOTE.findall(bar):
            octave = 5 + letter.islower() + octaves.count("'") - octaves.count(",")
            place = letter.upper(), octave
            if sign:
                accidentals[place] = sign.count("^") - sign.count("_")
            shift = accidentals.get(place, signature.get(letter.upper(), 0))
            yield 12 * octave + _STEPS[letter.upper()] + shift
