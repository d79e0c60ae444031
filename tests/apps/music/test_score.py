import dataclasses
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from apps.music import score
from apps.music.corpus import read_score
from apps.music.piece import VOICES, Facts, metre, notes, piece_from_pitches
from shared.plots import piano_roll


def chorale(steps=88, bar_length=16, pickup=4, seed=0, **fields):
    """Four voices with notes of many lengths, off the beat and over the bar line, and rests."""
    rng = np.random.default_rng(seed)
    pitches = np.empty((steps, 4), int)
    strikes = np.zeros((steps, 4), bool)
    for voice, low in enumerate((66, 60, 53, 41)):
        at = 0
        while at < steps:
            length = int(rng.choice([1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 13, 20]))
            rest = at > 0 and rng.random() < 0.1
            pitches[at : at + length, voice] = -1 if rest else low + rng.integers(0, 13)
            strikes[at, voice] = True
            at += length
    position, lengths = metre(steps, bar_length, pickup)
    pitches[-1, 0] = pitches[-2, 0] = 69  # rests at the very end are not read back
    return piece_from_pitches(
        "any", pitches, strikes, position=position, bar_length=lengths, **fields
    )


def assert_same(got, piece):
    np.testing.assert_array_equal(got.pitches, piece.pitches)
    np.testing.assert_array_equal(got.strikes, piece.strikes)


@pytest.mark.parametrize("staves", [2, 4])
@pytest.mark.parametrize(
    ("bar_length", "pickup", "tonic", "mode"),
    [(16, 4, 10, 0), (12, 0, 6, 1), (24, 8, 2, 0), (8, 2, 8, 0), (14, 0, 3, 1), (7, 3, 0, 0)],
)
def test_musicxml_round_trip(tmp_path, staves, bar_length, pickup, tonic, mode):
    piece = chorale(pickup + 6 * bar_length, bar_length, pickup, tonic=tonic, mode=mode)
    path = tmp_path / "any.musicxml"
    path.write_text(score.musicxml(piece, staves=staves))
    got = read_score(path)
    assert_same(got, piece)
    np.testing.assert_array_equal(got.position, piece.position)
    np.testing.assert_array_equal(got.bar_length, piece.bar_length)


def test_midi_round_trip(tmp_path):
    piece = chorale(96, pickup=0)
    (tmp_path / "any.mid").write_bytes(score.midi(piece, tempo=100))
    assert_same(read_score(tmp_path / "any.mid"), piece)


def test_midi_has_the_tempo_and_a_track_for_each_voice(tmp_path):
    from music21 import midi

    (tmp_path / "any.mid").write_bytes(score.midi(chorale(), tempo=100))
    file = midi.MidiFile()
    file.readstr((tmp_path / "any.mid").read_bytes())
    tempi = [
        int.from_bytes(event.data, "big")
        for track in file.tracks
        for event in track.events
        if event.type == midi.MetaEvents.SET_TEMPO
    ]
    assert tempi == [600_000]  # microseconds a quarter
    assert sum(any(event.isNoteOn() for event in track.events) for track in file.tracks) == 4


@pytest.mark.parametrize("write", [score.midi, score.musicxml])
def test_the_same_piece_is_the_same_file(write):
    assert write(chorale()) == write(chorale())


def by_hand(**fields):
    """A bar and a half in A minor: soprano a' g#' a' tied over the bar, the others whole notes."""
    pitches = np.tile([69, 64, 60, 57], (24, 1))
    pitches[4:6, 0] = 68
    pitches[6:8, 0] = 67
    pitches[8:12, 0] = 68
    position, lengths = metre(24)
    return piece_from_pitches(
        "hand", pitches, position=position, bar_length=lengths, tonic=9, mode=1, **fields
    )


def test_notation():
    fermata = np.zeros(24, bool)
    fermata[12:] = True
    root = ElementTree.fromstring(score.musicxml(by_hand(fermata=fermata), staves=4, title="Hand"))
    assert root.findtext("work/work-title") == "Hand"
    assert [part.findtext("part-name") for part in root.iter("score-part")] == [
        voice.capitalize() for voice in VOICES
    ]
    part = root.findall("part")[0]
    assert part.findtext(".//fifths") == "0"
    assert part.findtext(".//beats") == "4"
    found = [
        (
            note.findtext("pitch/step") + (note.findtext("pitch/alter") or "").replace("0", ""),
            note.findtext("type"),
            note.findtext("accidental"),
            [tie.get("type") for tie in note.findall("tie")],
            note.find(".//fermata") is not None,
        )
        for note in part.iter("note")
        if note.find("pitch") is not None  # music21 fills the bar with a hidden rest
    ]
    assert found == [
        ("A", "quarter", None, [], False),
        ("G1", "eighth", "sharp", [], False),
        ("G", "eighth", "natural", [], False),
        ("G1", "quarter", "sharp", [], False),
        ("A", "quarter", None, ["start"], False),
        ("A", "half", None, ["stop"], True),
    ]
    assert [beam.text for beam in part.iter("beam")] == ["begin", "end"]
    assert root.findall("part")[2].findtext(".//clef-octave-change") == "-1"


def test_unknown_key_and_metre_and_a_melody_alone():
    pitches = np.full((20, 4), -1)
    pitches[:, 0] = np.repeat([62, 66, 69, 66, 62], 4)
    root = ElementTree.fromstring(score.musicxml(piece_from_pitches("melody", pitches)))
    (part,) = root.findall("part")
    assert part.findtext(".//fifths") == "2"
    assert len(part.findall("measure")) == 2


def drawn(png):
    """The share of dark pixels in each of 4 x 4 fields; that the background is white."""
    image = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    assert image[0, 0] == 255
    rows = [np.array_split(row, 4, axis=1) for row in np.array_split(image < 128, 4)]
    return np.array([[field.mean() for field in row] for row in rows]), image.shape


def test_picture_of_the_score():
    text = score.musicxml(chorale(12 * 16, pickup=0))
    svg = score.render_svg(text, width=900)
    ElementTree.fromstring(svg)
    assert svg == score.render_svg(text, width=900)
    assert svg.count('class="note"') >= sum(
        midi >= 0 for voice in range(4) for _, _, midi in notes(chorale(12 * 16, pickup=0), voice)
    )
    assert 2 <= svg.count('class="system"') <= 4
    fields, (height, width) = drawn(score.render_png(svg, zoom=1.0))
    assert width == 900 and 200 < height < 1400
    assert (fields > 0.01).all()  # lines, notes and text everywhere, the last system is full


def test_text_is_drawn_without_fonts_of_the_system():
    piece = chorale(32, pickup=0)
    svg = score.render_svg(score.musicxml(piece, staves=4))
    assert "Soprano" in svg
    image = np.asarray(Image.open(io.BytesIO(score.render_png(svg))).convert("L"))
    assert (image[:, 20:90] < 128).mean() > 0.005  # where the names of the voices are


def test_a_long_piece_is_on_one_page():
    svg = score.render_svg(score.musicxml(chorale(90 * 16, pickup=0)), width=700)
    assert svg.count('class="measure"') == 90


def test_bad_musicxml():
    with pytest.raises(ValueError, match="verovio"):
        score.render_svg("nothing")


def test_piano_roll():
    piece = chorale(64, pickup=0)
    png = piano_roll(piece.pitches, piece.strikes, bars=range(0, 64, 16), names=VOICES, title="T")
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    fields, _ = drawn(png)
    assert (fields[:3, 1:3] > 0).all()
    plain = piano_roll(np.full((8, 4), -1), None)
    assert plain[:4] == b"\x89PNG"


def jig(**fields):
    """A bar of six eighths and one of two dotted quarters in 6/8, with one note that crosses."""
    pitches = np.tile([72, 67, 60, 48], (24, 1))
    strikes = np.zeros((24, 4), bool)
    strikes[[0, 2, 4, 6, 8, 10, 12, 18], 0] = True
    strikes[[0, 4, 12], 1] = True
    position, lengths = metre(24, 12)
    known = {"position": position, "bar_length": lengths, "tonic": 0, "mode": 0, **fields}
    piece = piece_from_pitches("jig", pitches, strikes, **known)
    return dataclasses.replace(piece, unit=np.full(24, 2, np.int16))


def test_compound_metres_show_their_beats():
    root = ElementTree.fromstring(score.musicxml(jig(), staves=4))
    soprano, alto = root.findall("part")[:2]
    assert (soprano.findtext(".//beats"), soprano.findtext(".//beat-type")) == ("6", "8")
    beams = [beam.text for beam in soprano.iter("beam")]
    assert beams == ["begin", "continue", "end"] * 2
    # 8 16ths from the third eighth on are an eighth and a dotted quarter, tied over the beat.
    kinds = [(n.findtext("type"), n.find("dot") is not None) for n in alto.iter("note")][:3]
    assert kinds == [("quarter", False), ("eighth", False), ("quarter", True)]


def test_guessed_fermatas_are_not_printed():
    fermata = np.arange(24) >= 18
    for guessed in (False, True):
        piece = dataclasses.replace(jig(fermata=fermata), guessed=guessed)
        assert ("<fermata" in score.musicxml(piece)) is not guessed


def test_an_incomplete_bar_stays_incomplete(tmp_path):
    piece = jig()
    keep = [*range(12), *range(10), *range(12, 24)]
    piece = piece_from_pitches(
        "p", piece.pitches[keep], position=piece.position[keep], bar_length=piece.bar_length[keep]
    )
    piece = dataclasses.replace(piece, unit=np.full(len(keep), 2, np.int16))
    (tmp_path / "a.musicxml").write_text(score.musicxml(piece))
    (tmp_path / "a.mid").write_bytes(score.midi(piece))
    got, heard = (read_score(tmp_path / name) for name in ("a.musicxml", "a.mid"))
    np.testing.assert_array_equal(got.position, [*range(12), *range(10), *range(12)])
    np.testing.assert_array_equal(np.flatnonzero(heard.position == 0), [0, 12, 22])


def test_title_composer_and_tempo_of_the_file_stay():
    facts = Facts(title="Hymn", composer="Trad.", tempo=90, signature=1)
    root = ElementTree.fromstring(score.musicxml(dataclasses.replace(jig(), facts=facts)))
    assert root.findtext(".//work-title") == "Hymn" and root.findtext(".//creator") == "Trad."
    assert root.findtext(".//fifths") == "1" and root.find(".//sound").get("tempo") == "90"
