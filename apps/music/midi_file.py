"""MIDI files as a `Sheet`, with the times that they say, which music21 would move."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from apps.music.key import sharps
from apps.music.piece import Facts
from apps.music.sheet import LONGEST, MOST_BYTES, TOO_LONG, Bar, Note, Part, Rejected, Sheet
from shared.readers import read_bytes

_DRUMS = 9  # General MIDI's channel 10, counted from 0
_JITTER = 0.25  # in 16ths; a triplet's notes are 1/3 off the grid
_NO_TITLE = re.compile(r"track|conductor|tempo|untitled|control", re.I)
_END, _NAME, _TEMPO, _METRE, _KEY = 0x2F, 0x03, 0x51, 0x58, 0x59
_DATA = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}  # bytes of a message


@dataclass
class _Track:
    """Times are in ticks."""

    name: str = ""
    meta: list[tuple[int, int, bytes]] = field(default_factory=list)  # time, kind, content
    notes: dict[int, list[list[int]]] = field(default_factory=lambda: defaultdict(list))
    unended: int = 0
    end: int = 0


def read_midi(path: Path) -> Sheet:
    """A MIDI file as a sheet: a part for each channel of each track, without percussion.

    Notes that begin less than a quarter of a 16th off the grid are moved to it; their ends are
    rounded. Where a bar of a shorter metre comes first, it is an upbeat.

    Raises:
        Rejected: It is no MIDI file, or damaged, or of a kind that has no bars.
    """
    division, tracks = _tracks(read_bytes(path, MOST_BYTES))
    scale = 4 / division  # 16ths in a tick
    said = []
    if unended := sum(track.unended for track in tracks):
        said.append(f"{unended} notes never end; each is held to the next one")
    parts, moved = [], 0
    for track in tracks:
        for channel, played in sorted(track.notes.items()):
            if channel == _DRUMS:
                continue
            notes, count = _on_grid([(a * scale, b * scale, pitch) for a, b, pitch in played])
            parts.append(Part(track.name if len(track.notes) == 1 else "", notes))
            moved += count
    if moved:
        said.append(f"{moved} notes are moved to the nearest 16th")
    meta = sorted((m for track in tracks for m in track.meta), key=lambda m: m[0])
    end = max((note.end for part in parts for note in part.notes), default=0)
    metres = [
        (time * scale, c[0], c[1])
        for time, kind, c in meta
        if kind == _METRE and len(c) > 1 and time * scale <= end
    ]
    key, signature = _key(meta, parts)
    tempi = [int.from_bytes(content, "big") for _, kind, content in meta if kind == _TEMPO]
    if end > LONGEST:
        raise Rejected(TOO_LONG)
    title = tracks[0].name if tracks and (len(tracks) == 1 or not tracks[0].notes) else ""
    facts = Facts(
        title="" if _NO_TITLE.search(title) else title,
        tempo=round(60_000_000 / tempi[0]) if tempi and tempi[0] else 0,
        signature=signature,
        said=tuple(said),
    )
    return Sheet(parts, list(_bars(metres, end)), key, facts)


# --- bytes ----------------------------------------------------------------------------------


def _tracks(data: bytes) -> tuple[int, list[_Track]]:
    """Ticks in a quarter, and the tracks."""
    if data[:4] != b"MThd" or len(data) < 14:
        raise Rejected("it is no MIDI file, or cut off; export it again")
    kind, count, division = (int.from_bytes(data[k : k + 2], "big") for k in (8, 10, 12))
    if kind not in (0, 1):
        raise Rejected(f"MIDI files of type {kind} have no common time; export it as type 1")
    if division & 0x8000 or not division:
        raise Rejected("its time is in seconds, not in beats; export it with ticks per quarter")
    tracks: list[_Track] = []
    place = 8 + int.from_bytes(data[4:8], "big")
    while place + 8 <= len(data) and len(tracks) < count:
        size = int.from_bytes(data[place + 4 : place + 8], "big")
        chunk = data[place + 8 : place + 8 + size]
        if data[place : place + 4] == b"MTrk":
            if len(chunk) < size:
                raise Rejected("it is cut off in the middle of a track; export it again")
            try:
                tracks.append(_track(chunk))
            except IndexError as error:
                raise Rejected(f"track {len(tracks) + 1} is damaged; export it again") from error
        place += 8 + size
    if len(tracks) < count:
        raise Rejected(f"it is cut off: {len(tracks)} of {count} tracks; export it again")
    return division, tracks


def _track(chunk: bytes) -> _Track:
    """The notes and what is said of them; raises `IndexError` where a message is not whole."""
    track = _Track()
    sounding: dict[int, dict[int, deque[list[int]]]] = defaultdict(lambda: defaultdict(deque))
    place = time = status = 0

    def number() -> int:
        nonlocal place
        value = 0
        for _ in range(4):  # bytes, as the standard has it
            byte = chunk[place]
            place += 1
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise IndexError

    while place < len(chunk):
        time += number()
        byte = chunk[place]
        place += byte >= 0x80
        if byte in (0xF0, 0xF7, 0xFF):
            kind = -1
            if byte == 0xFF:
                kind = chunk[place]
                place += 1
            size = number()
            content = chunk[place : place + size]
            if len(content) < size:
                raise IndexError
            place += size
            if kind == _END:
                break
            if kind == _NAME and not track.name:
                track.name = _text(content)
            track.meta.append((time, kind, content))
            continue
        if byte >= 0x80:
            status = byte  # else it runs on
        message, channel = status & 0xF0, status & 0x0F
        if message not in _DATA:
            raise IndexError
        first, second = chunk[place], chunk[place + _DATA[message] - 1]
        place += _DATA[message]
        if message == 0x90 and second:
            note = [time, -1, first]
            track.notes[channel].append(note)
            sounding[channel][first].append(note)
        elif message in (0x80, 0x90) and sounding[channel][first]:
            sounding[channel][first].popleft()[1] = time
        elif message == 0xB0 and first in (120, 123):  # all sounds, all notes off
            for held in sounding.pop(channel, {}).values():
                for note in held:
                    note[1] = time
    track.end = time
    for notes in track.notes.values():
        starts = [note[0] for note in notes]
        for note in notes:
            if note[1] < 0:  # never switched off
                track.unended += 1
                after = bisect_right(starts, note[0])
                note[1] = starts[after] if after < len(starts) else time
    return track


def _text(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return " ".join(text.replace("\0", " ").split())


# --- notes and bars -------------------------------------------------------------------------


def _on_grid(played: list[tuple[float, float, int]]) -> tuple[list[Note], int]:
    """Notes on the grid where they are near it, and how many were moved noticeably."""
    notes: list[Note] = []
    moved = 0
    onsets = np.unique([start for start, _, _ in played])
    last: dict[int, Note] = {}
    for start, end, pitch in sorted(played, key=lambda n: (n[0], -n[2])):
        near = round(start)
        if abs(start - near) < _JITTER:
            moved += abs(start - near) > 0.02
            note = Note(float(near), float(max(near + 1, int(end + 0.5))), pitch)
        else:
            note = Note(start, max(end, start + 0.1), pitch)  # refused later, with its place
        following = onsets[np.searchsorted(onsets, start, "right") :][:1]
        if len(following) and 0 < end - following[0] < 0.98:  # legato
            note.end = max(note.start + 1, float(round(following[0])))
        if pitch in last and last[pitch].end > note.start:  # struck again before it was let go
            last[pitch].end = max(last[pitch].start, note.start)
        last[pitch] = note
        notes.append(note)
    notes = [note for note in notes if note.end > note.start]
    return sorted(notes, key=lambda n: (n.start, -n.midi)), moved


def _bars(metres: list[tuple[float, int, int]], end: float) -> Iterator[Bar]:
    """Bars from the first tick on; without a time signature they are in common time."""
    if not metres or metres[0][0] > 0:
        metres = [(0.0, 4, 2), *metres]
    metres = [m for m, after in pairwise([*metres, (np.inf, 4, 2)]) if after[0] > m[0]]
    upbeat = None
    for k, (start, count, power) in enumerate(metres):
        until = metres[k + 1][0] if k + 1 < len(metres) else end
        unit = 16 // 2**power
        full = count * unit
        if not full:
            raise Rejected(f"its metre {count}/{2**power} does not count in 16ths; change it")
        if k == 0 and len(metres) > 1 and until == full:
            _, count, power = metres[1]
            if (longer := count * (16 // 2**power)) > full:
                upbeat = Bar(start, full, longer, 16 // 2**power)
        if upbeat and k == 0:
            yield upbeat
            continue
        while start < until:
            yield Bar(start, min(full, until - start) if k + 1 < len(metres) else full, full, unit)
            start += full


def _key(
    meta: list[tuple[int, int, bytes]], parts: list[Part]
) -> tuple[tuple[int, int] | None, int | None]:
    """Tonic and mode if the file tells, and its signature.

    Many programs write C major where they know nothing, and major where they know no mode. So
    minor is believed, and of major the signature, C major's only where the notes fit.
    """
    signs = [content for _, kind, content in meta if kind == _KEY and len(content) > 1]
    if not signs:
        return None, None
    signature = int.from_bytes(signs[0][:1], "big", signed=True)
    if not -7 <= signature <= 7:
        return None, None
    if signs[0][1] == 1:
        return next(
            ((tonic, 1), signature)
            for tonic in range(12)
            if (sharps(tonic, 1) - signature) % 12 == 0
        )
    notes = [note for part in parts for note in part.notes]
    scale = {(7 * k) % 12 for k in range(-1, 6)}
    outside = sum(note.midi % 12 not in scale for note in notes)
    if signature == 0 and outside > 0.03 * len(notes):
        return None, None
    return None, signature
