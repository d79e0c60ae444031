"""A piece as MIDI, MusicXML, and a picture of its score."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from apps.music.key import estimate_key, sharps, spell
from apps.music.piece import VOICES, Piece, notes

TEMPO = 84  # quarters a minute

_NOTATED = (16, 12, 8, 6, 4, 3, 2, 1)  # 16ths that one note can last
_MAY_START = {16: 4, 12: 4, 8: 4, 6: 2, 4: 2, 3: 1, 2: 1, 1: 1}  # on multiples of, within the bar


# --- the score ------------------------------------------------------------------------------


def to_score(piece: Piece, *, tempo: int | None = None, title: str = "", staves: int = 2):
    """Converts a piece to a music21 Score, notes spelled in its key and tied over bar lines.

    Args:
        piece: The piece. An unknown key is estimated, an unknown metre is 4/4.
        tempo: Quarters per minute; by default the piece's own, or `TEMPO`.
        title: Title of the score; by default the piece's own.
        staves: 2, soprano and alto above tenor and bass, or 4.
    """
    from music21 import layout, metadata, stream

    score = stream.Score()
    facts = piece.facts
    tempo = tempo or facts.tempo or TEMPO
    score.metadata = metadata.Metadata(title=title or facts.title, composer=facts.composer)
    groups = [(0, 1), (2, 3)] if staves == 2 else [(0,), (1,), (2,), (3,)]
    for voices in groups:
        if (piece.pitches[:, voices] >= 0).any():
            score.insert(0, _part(piece, voices, tempo if voices[0] == 0 else None))
    score.insert(0, layout.StaffGroup(list(score.parts), symbol="bracket", barTogether=True))
    return score


@dataclass(frozen=True)
class _Bar:
    """A bar: its steps, the position of the first, and the time signature in 16ths."""

    start: int
    end: int
    position: int
    full: int
    unit: int
    beat: int

    @property
    def signature(self) -> str:
        """Such as ``"6/8"``."""
        return f"{self.full // self.unit}/{16 // self.unit}"


def _bars(piece: Piece) -> list[_Bar]:
    if piece.position[0] < 0:
        position, length = np.arange(len(piece)) % 16, np.full(len(piece), 16)
        units = beats = np.full(len(piece), 4)
    else:
        position, length = piece.position.astype(int), piece.bar_length.astype(int)
        units, beats = piece.units.astype(int), piece.beats
    new = set((np.flatnonzero(position[1:] <= position[:-1]) + 1).tolist())
    starts = sorted({0, *new, *piece.facts.marks, len(piece)})
    return [
        _Bar(a, b, int(position[a]), int(length[a]), int(units[a]), int(beats[a]))
        for a, b in zip(starts, starts[1:], strict=False)
    ]


def _part(piece: Piece, voices: tuple[int, ...], tempo: int | None):
    """A staff: one measure a bar, in it one music21 Voice for each voice when there are two."""
    from music21 import bar, clef, expressions, instrument, key, meter, stream
    from music21 import tempo as tempi

    tonic, mode = (piece.tonic, piece.mode)
    if tonic < 0 or mode < 0:
        tonic, mode = estimate_key(piece.pitches)
    part = stream.Part(id="-".join(VOICES[v] for v in voices))
    part.partName = "" if len(voices) > 1 else VOICES[voices[0]].capitalize()
    organ = instrument.PipeOrgan()
    # What is not said here, music21 makes up: names from the instrument, ids at random.
    organ.partId, organ.instrumentId = f"P{voices[0] + 1}", f"I{voices[0] + 1}"
    organ.instrumentAbbreviation = part.partAbbreviation = ""
    part.insert(0, organ)
    printed = piece.facts.signature
    signature = key.KeySignature(sharps(tonic, mode) if printed is None else printed)
    low = voices[0] >= 2
    if len(voices) == 1 and voices[0] == 2:
        part_clef: clef.Clef = clef.Treble8vbClef()
    else:
        part_clef = clef.BassClef() if low else clef.TrebleClef()
    before = ""
    bars = _bars(piece)
    for number, one in enumerate(bars, 0 if bars[0].position else 1):
        start, end = one.start, one.end
        measure = stream.Measure(number=number)
        if start == 0:
            measure.clef, measure.keySignature = part_clef, signature
            if tempo:
                measure.insert(0, tempi.MetronomeMark(numberSounding=tempo))  # heard, not seen
        if one.signature != before:
            measure.timeSignature = meter.TimeSignature(one.signature)
            before = one.signature
        if end - start < one.full:
            measure.paddingLeft = one.position / 4
            measure.paddingRight = (one.full - one.position - end + start) / 4
        elements = [list(_elements(piece, v, one, tonic, mode)) for v in voices]
        _accidentals([note for line in elements for note in line], signature)
        for index, line in enumerate(elements):
            _beams(line, one)
            if len(voices) == 2:
                for element in line:
                    if element.isNote:
                        element.stemDirection = ("up", "down")[index]
            container = measure if len(voices) == 1 else stream.Voice(id=str(index + 1))
            for element in line:
                container.insert(element.offset, element)
            if len(voices) == 2:
                measure.insert(0, container)
        if start in piece.facts.marks and voices[0] == 0:
            measure.insert(0, expressions.RehearsalMark(piece.facts.marks[start]))
        if end == len(piece) or end in piece.facts.marks:
            measure.rightBarline = bar.Barline("final")
        part.insert(start / 4, measure)
    return part


def _fits(length: int, place: int, beat: int) -> bool:
    """Whether a note of so many 16ths can be written at a place of the bar."""
    if beat % 3:
        return place % _MAY_START[length] == 0
    # Of compound metres the beats must be seen: a note that is not on one ends with it.
    within = place % beat
    return length % beat == 0 if not within and length >= beat else within + length <= beat


def _elements(piece: Piece, voice: int, bar: _Bar, tonic: int, mode: int) -> Iterator[Any]:
    """Notes and rests of a voice within a bar, cut to what can be written, ties set."""
    from music21 import expressions, note, tie

    for first, last, midi in notes(piece, voice):
        here, until = max(first, bar.start), min(last, bar.end)
        while here < until:
            place = here - bar.start + bar.position
            length = next(n for n in _NOTATED if n <= until - here and _fits(n, place, bar.beat))
            if midi < 0:
                element: Any = note.Rest(quarterLength=length / 4)
            else:
                name, octave = spell(midi, tonic, mode)
                element = note.Note(f"{name.replace('b', '-')}{octave}", quarterLength=length / 4)
                before, after = here > first, here + length < last
                if before or after:
                    kind = "continue" if before and after else "stop" if before else "start"
                    element.tie = tie.Tie(kind)
                if voice == 0 and not after and piece.fermata[first] and not piece.guessed:
                    fermata = expressions.Fermata()
                    fermata.type = "upright"  # above the staff
                    element.expressions.append(fermata)
            element.offset = (here - bar.start) / 4
            yield element
            here += length


def _accidentals(elements: list[Any], signature) -> None:
    """Print an accidental where the bar and the signature do not already say so."""
    from music21 import pitch

    state: dict[tuple[str, int], float] = {}
    for element in sorted((e for e in elements if e.isNote), key=lambda e: e.offset):
        p = element.pitch
        stated = signature.accidentalByStep(p.step)
        before = state.get((p.step, p.octave), stated.alter if stated else 0.0)
        alter = p.accidental.alter if p.accidental else 0.0
        if p.accidental is None:
            p.accidental = pitch.Accidental("natural")
        tied = element.tie is not None and element.tie.type != "start"
        p.accidental.displayStatus = alter != before and not tied
        if not tied:
            state[p.step, p.octave] = alter


def _beams(line: list[Any], bar: _Bar) -> None:
    """Join notes shorter than a quarter that lie within one beat."""
    beat = 1.5 if bar.unit == 2 and bar.full % 6 == 0 else 1.0
    late = bar.position / 4 if bar.end - bar.start < bar.full else 0.0
    groups: dict[int, list[Any]] = {}
    for element in line:
        if element.isNote and element.quarterLength < 1:
            groups.setdefault(int((element.offset + late) / beat), []).append(element)
    for group in groups.values():
        pairs = zip(group, group[1:], strict=False)
        if len(group) < 2 or any(a.offset + a.quarterLength != b.offset for a, b in pairs):
            continue
        for index, element in enumerate(group):
            element.beams.fill(_levels(element))
            for level in range(1, _levels(element) + 1):
                left = index > 0 and _levels(group[index - 1]) >= level
                right = index + 1 < len(group) and _levels(group[index + 1]) >= level
                if left or right:
                    kind = "continue" if left and right else "stop" if left else "start"
                    element.beams.setByNumber(level, kind)
                else:
                    element.beams.setByNumber(level, "partial", "left" if index else "right")


def _levels(element) -> int:
    return 2 if element.quarterLength < 0.5 else 1


# --- files ----------------------------------------------------------------------------------


def musicxml(piece: Piece, *, tempo: int | None = None, title: str = "", staves: int = 2) -> str:
    """Converts a piece to MusicXML; the arguments are those of `to_score`."""
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    score = to_score(piece, tempo=tempo, title=title, staves=staves)
    text = GeneralObjectExporter(score).parse().decode("utf-8")
    return re.sub(r"\s*<encoding-date>.*?</encoding-date>", "", text)  # same piece, same file


def midi(piece: Piece, tempo: int | None = None) -> bytes:
    """Converts a piece to a MIDI file with a track for each voice, a full bar at the beginning.

    MIDI has no bar lines, so an upbeat follows the rests that complete its bar, and an incomplete
    bar before the last has a time signature of its own.
    """
    from music21.midi.translate import streamToMidiFile

    file = streamToMidiFile(to_score(_padded(piece), tempo=tempo, staves=4))
    if piece.facts.title:
        _entitle(file.tracks[0], piece.facts.title)
    return file.writestr()


def _entitle(track: Any, title: str) -> None:
    from music21.midi import DeltaTime, MetaEvents, MidiEvent

    event = MidiEvent(track, type=MetaEvents.SEQUENCE_TRACK_NAME)
    event.data = title.encode()
    track.events[:0] = [DeltaTime(track), event]


def _padded(piece: Piece) -> Piece:
    late = max(0, int(piece.position[0]))
    bar_length, unit = piece.bar_length.copy(), piece.units.copy()
    for bar in _bars(piece)[late > 0 : -1]:
        if bar.end - bar.start < bar.full and piece.position[0] >= 0:
            bar_length[bar.start : bar.end] = bar.end - bar.start
            unit[bar.start : bar.end] = np.gcd(bar.end - bar.start, bar.unit)

    def pad(values: np.ndarray, first: Any) -> np.ndarray:
        return np.concatenate([np.full((late, *values.shape[1:]), first, values.dtype), values])

    return replace(
        piece,
        pitches=pad(piece.pitches, -1),
        strikes=pad(piece.strikes, False),
        position=np.append(np.arange(late), piece.position).astype(np.int16),
        bar_length=pad(bar_length, bar_length[0]),
        fermata=pad(piece.fermata, False),
        unit=pad(unit, unit[0]),
    )


# --- pictures -------------------------------------------------------------------------------


def render_svg(score: str, width: int = 1100) -> str:
    """Engraves MusicXML with verovio on one page, with notes and bar numbers only.

    Args:
        score: MusicXML text.
        width: Width of the page in CSS pixels; the height depends on the music.

    Raises:
        ValueError: Verovio cannot read the score.
    """
    import verovio

    verovio.enableLog(verovio.LOG_ERROR)
    toolkit = verovio.toolkit()
    scale = 40  # percent; verovio's own units are then 2.5 to a pixel
    margins = {f"pageMargin{side}": 40 for side in ("Left", "Right", "Top", "Bottom")}
    options = {
        "scale": scale,
        "pageWidth": width * 100 // scale,
        "pageHeight": 60_000,  # verovio's most; all on one page
        "adjustPageHeight": True,
        "header": "none",
        "footer": "none",
        "xmlIdSeed": 1,  # the same file each time
        **margins,
    }
    toolkit.setOptions({**options, "breaks": "auto"})
    if not toolkit.loadData(score):
        raise ValueError("verovio cannot read this MusicXML")
    svg = toolkit.renderToSVG()
    systems = svg.count('class="system"')
    if systems > 1:  # set again, so that the last system is not a lonely bar
        toolkit.setOptions({**options, "breaks": "line"})
        toolkit.loadData(_break_evenly(score, systems))
        svg = toolkit.renderToSVG()
    return svg


def _break_evenly(score: str, systems: int) -> str:
    """MusicXML with line breaks that give each system about the same number of notes."""
    root = ElementTree.fromstring(score)
    parts = root.findall("part")
    bars = [part.findall("measure") for part in parts]
    columns = zip(*bars, strict=True)
    sizes = [2 + max(len(bar.findall("note")) for bar in column) for column in columns]
    line = np.floor((np.cumsum(sizes) - np.array(sizes) / 2) / sum(sizes) * systems)
    for bar, starts in zip(bars[0], np.diff(line, prepend=0) > 0, strict=True):
        for old in bar.findall("print"):
            bar.remove(old)
        if starts:
            bar.insert(0, ElementTree.Element("print", {"new-system": "yes"}))
    return ElementTree.tostring(root, encoding="unicode")


def render_png(svg: str, zoom: float = 1.5) -> bytes:
    """Rasterise an SVG on white, the same on every machine: text is in a font of matplotlib's."""
    import matplotlib
    import resvg_py

    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    png = resvg_py.svg_to_bytes(
        svg_string=svg,
        zoom=zoom,
        background="white",
        skip_system_fonts=True,
        font_files=[str(fonts / f"STIXGeneral{style}.ttf") for style in ("", "Bol", "Italic")],
        serif_family="STIXGeneral",
    )
    return bytes(png)
