"""What a music21 score says, as a `Sheet`: MusicXML, and scores made in music21."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from apps.music.key import MAJOR_MODES
from apps.music.piece import Facts
from apps.music.sheet import (
    BREATH,
    COMMA,
    LONGEST,
    REPEATS,
    SENTENCE,
    TOO_LONG,
    Bar,
    Note,
    Part,
    Rejected,
    Sheet,
)
from shared.errors import InputError
from shared.readers import read_bytes, read_members

MOST_XML = 5_000_000
"""Size of a file of MusicXML, at most, unpacked."""

MOST_ELEMENTS = 6_000
"""Notes, rests, bars and the like in MusicXML, at most."""

_ELEMENT = re.compile(rb"<(?:note|measure|attributes|harmony|direction|forward|backup)[\s/>]")
# Numbers that music21 counts up to, or divides into parts.
_ABSURD = re.compile(
    rb"<(?:staves|beats|beat-type|fifths|octave|chromatic|diatonic|octave-change|multiple-rest)\b"
    rb"[^<>]*>\s*[-+]?[\d.]{3,}|<(?:duration|divisions)\b[^<>]*>\s*[-+]?[\d.]{8,}|times=.\d{2}"
)


def parse(path: Path) -> Any:
    """The music21 score in a file; what the parser throws becomes `Rejected`."""
    from music21 import converter, stream

    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            # Neither read from nor left in a cache that all users of the machine can write to.
            options: dict[str, Any] = {"forceSource": True, "storePickle": False}
            text = _checked(path)
            if fixed := _with_diatonic(text):
                score = converter.parse(fixed.decode(), format="musicxml", **options)
            else:
                score = converter.parse(path, **options)
    except (InputError, Rejected):
        raise
    except Exception as error:  # music21 raises whatever its parsers stumble over
        reason = " ".join(str(error).split())[:120]
        raise Rejected(f"music21 cannot parse it ({type(error).__name__}: {reason})") from error
    if isinstance(score, stream.Opus):
        score = score.scores[0] if len(score.scores) else stream.Score()
    return score


def _checked(path: Path) -> bytes:
    """The text of a file, empty if it is packed, if music21 reads it without taking long.

    Raises:
        InputError: The file cannot be read, or is too large.
        Rejected: It says that there is more than any score has.
    """
    packed = path.suffix.lower() == ".mxl"
    texts = read_members(path, "*", MOST_XML) if packed else [read_bytes(path, MOST_XML)]
    for text in texts:
        text = text.replace(b"\0", b"")  # of UTF-16
        if len(_ELEMENT.findall(text)) > MOST_ELEMENTS:
            raise Rejected(
                f"it has more than {MOST_ELEMENTS:,} notes and bars, the limit; split it"
            )
        if found := _ABSURD.search(text):
            raise Rejected(f"its {found[0][:30].decode(errors='replace')!r} is absurd; correct it")
    return b"" if packed else texts[0]


def _with_diatonic(text: bytes) -> bytes:
    """MusicXML with the optional element without which music21 fails at a change of octave; empty
    if it is not missing."""
    if b"<octave-change>" not in text:
        return b""
    fixed, count = re.subn(
        rb"(<transpose[^>]*>\s*)(?=<chromatic>)", rb"\1<diatonic>0</diatonic>", text
    )
    return fixed if count else b""


def sheet_from_score(score: Any, *, melody: bool = False, as_written: bool = False) -> Sheet:
    """A music21 score as a sheet.

    Args:
        score: The score.
        melody: Whether a single part is wanted, of which its first voice counts.
        as_written: Keep written pitches, and play repeats once.
    """
    from music21 import stream

    said: list[str] = []
    facts = score.metadata
    if isinstance(score, stream.Part):
        score = stream.Score([score])
    if score.highestTime * 4 > LONGEST:
        raise Rejected(TOO_LONG)
    if not as_written:
        score = _as_played(score, said)
    parts = _pitched(score)
    if len(parts) == 2 and not melody:
        parts = _pitched(score.voicesToParts())
    if not parts:
        return Sheet([])
    names = [str(getattr(part, "partName", None) or "") for part in parts]
    notes = []
    for name, part in zip(names, parts, strict=True):
        other = _other_voices(part) if melody and not as_written else set()
        notes.append(Part(name, list(_notes(part, other)), len(other)))
    found = list(parts[0].recurse().getElementsByClass("KeySignature"))
    signature = found[0].sharps if found else None
    if len({one.sharps for one in found}) > 1:
        said.append("the key changes; the signature of the beginning is printed throughout")
    mode = getattr(found[0], "mode", None) if found else None
    key = (found[0].tonic.pitchClass, int(mode not in MAJOR_MODES)) if mode else None
    title = (facts.movementName or facts.title or "") if facts else ""
    if re.search(r"\.(mxl|xml|musicxml)$", title, re.I):
        title = ""  # the file's name, which music21 puts there
    return Sheet(
        notes,
        list(_bars(parts[0])),
        key,
        Facts(
            title=" ".join(title.split()),
            composer=" ".join(str(facts.composer or "").split()) if facts else "",
            tempo=_tempo(score),
            signature=signature,
            said=tuple(said),
        ),
    )


def _as_played(score: Any, said: list[str]) -> Any:
    """The score at sounding pitch, with repeats and endings played."""
    from music21 import repeat, stream

    score = score.toSoundingPitch()
    marks = [m for m in score.recurse() if isinstance(m, repeat.RepeatMark)]
    if not marks:
        return score
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            played = [part.expandRepeats() for part in score.parts]
    except Exception:  # music21 raises many kinds where repeats make no sense
        said.append("its repeats make no sense, so they are played once")
        return score
    said.append(REPEATS)
    return stream.Score(played)


def _pitched(score: Any) -> list[Any]:
    return [part for part in score.parts if any(True for _ in _sounding(part))]


def _sounding(part: Any) -> Iterator[Any]:
    """Notes and chords in time, without chord symbols, percussion and grace notes."""
    for element in part.flatten().notes:
        if "Harmony" not in element.classes and not element.duration.isGrace:
            if element.isNote or (element.isChord and element.pitches):
                yield element


def _other_voices(part: Any) -> set[int]:
    """The ids of the notes that are not in the first voice of bars that have several."""
    bars = [[v for v in bar.voices if v.notes] for bar in part.getElementsByClass("Measure")]
    return {id(note) for voices in bars for voice in voices[1:] for note in voice.notes}


def _notes(part: Any, left_out: set[int]) -> Iterator[Note]:
    for element in _sounding(part):
        if id(element) in left_out:
            continue
        start, end = float(element.offset) * 4, float(element.offset + element.quarterLength) * 4
        text = (element.lyric or "").rstrip("\"'”’») ")[-1:]
        pause = SENTENCE if text and text in ".;:!?" else COMMA if text == "," else 0.0
        if any("BreathMark" in mark.classes for mark in element.articulations):
            pause = BREATH
        for one in sorted(element.notes if element.isChord else [element], key=_negative_pitch):
            if abs(one.pitch.ps - one.pitch.midi) > 1e-3:
                raise Rejected(f"{one.pitch.nameWithOctave} is a quarter tone; write semitones")
            tie = one.tie or element.tie
            fermata = any("Fermata" in mark.classes for mark in element.expressions)
            struck = tie is None or tie.type == "start"
            yield Note(start, end, one.pitch.midi, struck, fermata, pause)


def _negative_pitch(note: Any) -> float:
    return -float(note.pitch.ps)


def _bars(part: Any) -> Iterator[Bar]:
    signature = None
    for bar in part.getElementsByClass("Measure"):
        signature = bar.timeSignature or signature or bar.getContextByClass("TimeSignature")
        full = round(float(bar.barDuration.quarterLength) * 4)
        unit = 16 // signature.denominator if signature else 4
        if not full or unit < 1 or full % unit:
            raise Rejected(
                f"its time signature {signature.ratioString} does not count in 16ths; double all"
                " note values"
            )
        yield Bar(float(bar.offset) * 4, float(bar.duration.quarterLength) * 4, full, unit)


def _tempo(score: Any) -> int:
    """The first tempo in quarters per minute, 0 if there is none."""
    for mark in score.recurse().getElementsByClass("MetronomeMark"):
        if mark.number or mark.numberSounding:
            return round(mark.getQuarterBPM() or 0)
    return 0
