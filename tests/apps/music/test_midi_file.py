"""MIDI files byte by byte, as they are found."""

import dataclasses

import numpy as np
import pytest

from apps.music import score
from apps.music.corpus import read_score
from apps.music.key import key_name
from apps.music.piece import Facts, metre, notes, piece_from_pitches
from shared.errors import InputError

TICKS = 480
TUNE = [60, 60, 67, 67, 69, 69, 67]
METRE_4_4, METRE_1_4, METRE_3_4 = (b"\xff\x58\x04" + bytes([n, 2, 24, 8]) for n in (4, 1, 3))


def number(value):
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def track(*events, end=b"\0\xff\x2f\0"):
    """A chunk of (tick, message) pairs."""
    content, now = b"", 0
    for tick, message in sorted(events, key=lambda e: e[0]):
        content += number(tick - now) + message
        now = tick
    content += end
    return b"MTrk" + len(content).to_bytes(4, "big") + content


def file(*tracks, kind=1, division=TICKS, count=None):
    head = [kind, len(tracks) if count is None else count, division]
    return b"MThd\0\0\0\6" + b"".join(n.to_bytes(2, "big") for n in head) + b"".join(tracks)


def played(pitches, channel=0, length=TICKS, sounds=None, start=0):
    """Note on and note off of equal notes one after the other."""
    sounds = length if sounds is None else sounds
    for k, pitch in enumerate(pitches):
        yield start + k * length, bytes([0x90 | channel, pitch, 80])
        yield start + k * length + sounds, bytes([0x80 | channel, pitch, 0])


@pytest.fixture
def read(tmp_path):
    def midi(content, **options):
        path = tmp_path / "tune.mid"
        path.write_bytes(content)
        return read_score(path, **{"melody": True, **options})

    return midi


def heard(piece):
    return [(end - start, midi) for start, end, midi in notes(piece, 0)]


QUARTERS = [(4, pitch) for pitch in TUNE]


@pytest.mark.parametrize("sounds", [TICKS, TICKS + 40, TICKS + 110, TICKS - 24])
def test_quarters_are_whole_however_they_are_let_go(read, sounds):
    assert heard(read(file(track(*played(TUNE, sounds=sounds)))))[:-1] == QUARTERS[:-1]


def test_notes_that_never_end_are_held_to_the_next(read):
    events = [e for e in played(TUNE) if e[1][0] == 0x90]
    piece = read(file(track(*events, end=number(TICKS) + b"\xff\x2f\0")))
    assert heard(piece) == QUARTERS and "7 notes never end" in piece.facts.said[0]


@pytest.mark.parametrize("division", [96, 1, 960])
def test_division_and_running_status(read, division):
    content = b"".join(
        (b"\0\x90" if k == 0 else b"\0") + bytes([p, 80]) + number(division) + bytes([p, 0])
        for k, p in enumerate(TUNE)
    )
    chunk = b"MTrk" + len(content).to_bytes(4, "big") + content  # without an end of track
    assert heard(read(file(chunk, kind=0, division=division))) == QUARTERS


def test_percussion_is_no_part_and_channels_are(read):
    drums = played([36, 38] * 4, channel=9)
    bass = played([40] * 7, channel=1)
    content = file(track(*played(TUNE), *bass, *drums), kind=0)
    piece = read(content)
    assert heard(piece) == QUARTERS and "part 1 is taken" in piece.facts.said[0]
    assert heard(read(content, part="2")) == [(4, 40)] * 7
    assert heard(read(file(track(*played([36] * 7, channel=9)), track(*played(TUNE))))) == QUARTERS
    with pytest.raises(InputError, match="no notes in it"):
        read(file(track(*played([36], channel=9))))


def test_a_bass_track_before_the_melody_is_not_taken(read):
    assert heard(read(file(track(*played([40] * 7)), track(*played(TUNE))))) == QUARTERS


@pytest.mark.parametrize("length", [TICKS // 3, TICKS // 8])
def test_triplets_and_32nds_are_refused(read, length):
    short = played([72, 74, 76] if length > 100 else [72, 74], length=length, start=4 * TICKS)
    with pytest.raises(InputError, match="off the grid of 16ths, the first in bar 2: triplets"):
        read(file(track(*played([60] * 4), *short)))


def test_a_little_off_is_moved_and_said(read):
    events = [(tick + 20 * (k % 3 == 0), message) for k, (tick, message) in enumerate(played(TUNE))]
    piece = read(file(track(*events)))
    assert heard(piece) == QUARTERS and "moved to the nearest 16th" in piece.facts.said[0]


def test_an_upbeat_in_a_bar_of_its_own(read):
    events = [(0, METRE_1_4), (TICKS, METRE_3_4), *played(TUNE)]
    piece = read(file(track(*events)))
    assert set(piece.bar_length) == {12} and piece.position[:5].tolist() == [8, 9, 10, 11, 0]


@pytest.mark.parametrize(("bar_length", "unit", "pickup"), [(16, 4, 4), (12, 2, 2), (24, 4, 8)])
def test_upbeats_and_metres_survive(tmp_path, bar_length, unit, pickup):
    steps = 3 * bar_length
    pitches = np.tile([67, 62, 59, 43], (steps, 1))
    position, lengths = metre(steps, bar_length, pickup)
    strikes = np.repeat((position % 2 == 0)[:, None], 4, axis=1)
    piece = piece_from_pitches("p", pitches, strikes, position=position, bar_length=lengths)
    facts = Facts(title="Glück", tempo=100, signature=1)
    piece = dataclasses.replace(piece, unit=np.full(steps, unit, np.int16), facts=facts)
    (tmp_path / "a.mid").write_bytes(score.midi(piece))
    (tmp_path / "a.musicxml").write_text(score.musicxml(piece))
    for name in ("a.mid", "a.musicxml"):
        got = read_score(tmp_path / name)
        for field in ("pitches", "strikes", "position", "bar_length", "units"):
            np.testing.assert_array_equal(getattr(got, field), getattr(piece, field), field)
        assert (got.facts.title, got.facts.tempo, got.facts.signature) == ("Glück", 100, 1)


@pytest.mark.parametrize(
    ("sign", "key"),
    [((0xFF, 1), "D minor"), ((1, 1), "E minor"), ((0xFD, 1), "C minor"), ((2, 0), "D major")],
)
def test_the_key_is_the_files(read, sign, key):
    piece = read(file(track((0, b"\xff\x59\x02" + bytes(sign)), *played([62, 66, 69, 62]))))
    assert key_name(piece.tonic, piece.mode) == key


def test_tempo_and_title(read):
    conductor = track(
        (0, b"\xff\x03\x05Hymn!"), (0, b"\xff\x51\x03" + (500_000).to_bytes(3, "big"))
    )
    facts = read(file(conductor, track(*played(TUNE)))).facts
    assert (facts.title, facts.tempo) == ("Hymn!", 120)


WHOLE = file(track(*played(TUNE)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no MIDI file"),
        (b"MThd nothing", "no MIDI file"),
        (WHOLE[:40], "cut off in the middle of a track"),
        (WHOLE[:-1], "cut off"),
        (WHOLE[:18], "cut off: 0 of 1 tracks"),
        (file(track(), count=5), "cut off: 1 of 5 tracks"),
        (file(track(), kind=2), "MIDI files of type 2 have no common time"),
        (file(track(), division=0xE728), "in seconds, not in beats"),
        (file(track(), division=0), "in seconds, not in beats"),
        (file(track((0, b"\x90\x3c"))), "track 1 is damaged"),
        (file(track((2**27, b"\x90\x3c\x50")), division=1), "bars; shorten it"),
        (file(track((0, b"\xff\x58\x04\0\2\x18\x08"), *played(TUNE))), "does not count in 16ths"),
    ],
)
def test_refused_in_one_line(read, content, words):
    with pytest.raises(InputError) as error:
        read(content)
    assert words in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "message",
    [
        b"\xf0\x03\x01\x02\xf7",
        b"\xff\x00\x00",
        b"\xff\x59\x02\x08\x00",
        b"\xff\x59\x02\x80\x00",
        b"\xff\x03\x02\xfcb",
        b"\xff\x51\x03\x00\x00\x00",
        b"\xe0\x00\x40",
        b"\xc0\x05",
        b"\xd0\x05",
        b"\xa0\x3c\x05",
        b"\xb0\x40\x7f",
        b"\xff\x7f\x03abc",
    ],
)
def test_other_messages_change_nothing(read, message):
    assert heard(read(file(track((0, message), (TICKS, message), *played(TUNE))))) == QUARTERS


def test_status_runs_on_after_a_text(read):
    content = b"".join(
        (b"\0\x90" if k == 0 else b"\0") + bytes([p, 80]) + b"\0\xff\x01\x01a\1" + bytes([p, 0])
        for k, p in enumerate(TUNE)
    )
    chunk = b"MTrk" + len(content).to_bytes(4, "big") + content
    assert heard(read(file(chunk, b"JUNK\0\0\0\2ab", kind=0, division=1, count=1))) == QUARTERS
