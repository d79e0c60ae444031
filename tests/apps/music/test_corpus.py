import os
import pickle
import re
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.music import corpus
from apps.music.corpus import pack, piece_from_score, read_bach, read_folder, read_score, unpack
from apps.music.key import key_name
from apps.music.notation import parse
from apps.music.piece import notes, piece_from_pitches
from apps.music.score import midi, musicxml
from shared.errors import InputError

ABC = "X:1\nT:Scale\nM:3/4\nL:1/4\nK:Bb\nB2|c d e|f2 g-|g a b|\n\nX:2\nM:4/4\nK:C\nCDEF|\n"


@pytest.fixture(scope="module")
def bwv269():
    import music21

    (path,) = [p for p in music21.corpus.getComposer("bach") if Path(p).stem == "bwv269"]
    return piece_from_score(parse(path), "bwv269", as_written=True)


def test_a_chorale_of_the_corpus(bwv269):
    piece = bwv269
    assert key_name(piece.tonic, piece.mode) == "G major"
    assert len(piece) == 252 and set(piece.bar_length) == {12}
    assert piece.position[:6].tolist() == [8, 9, 10, 11, 0, 1]  # an upbeat of a quarter
    assert piece.pitches[0].tolist() == [67, 62, 59, 43]
    assert piece.pitches[-1].tolist() == [67, 62, 59, 43]
    soprano = [(a, b, m) for a, b, m in notes(piece, 0)]
    assert soprano[:4] == [(0, 4, 67), (4, 12, 67), (12, 16, 74), (16, 22, 71)]
    # Tied over the bar line, not struck again: the alto's g' in bar 8.
    assert (96, 102, 67) in [(a, b, m) for a, b, m in notes(piece, 1)]
    first = np.flatnonzero(piece.fermata)[:8].tolist()
    assert first == list(range(40, 48))  # a half note in bar 4
    assert piece.fermata[-8:].all()


def test_cache_round_trip(bwv269, tmp_path, monkeypatch):
    other = replace(piece_from_pitches("x", [[60, -1, 50, 40]], tonic=3), source="mine")
    (tmp_path / "a.npz").write_bytes(pack([bwv269, other], {"bad": "reason"}))
    pieces, rejected = unpack(tmp_path / "a.npz")
    assert rejected == {"bad": "reason"}
    for got, piece in zip(pieces, [bwv269, other], strict=True):
        for name, value in vars(piece).items():
            np.testing.assert_array_equal(getattr(got, name), value, err_msg=name)


def test_read_bach_parses_once(tmp_path, monkeypatch):
    import music21

    every = music21.corpus.getComposer("bach")
    few = [p for p in every if Path(p).stem in ("bwv269", "bwv846")]
    monkeypatch.setattr(music21.corpus, "getComposer", lambda _: few)
    pieces, rejected = read_bach(tmp_path)
    assert [p.name for p in pieces] == ["bwv269"]
    assert rejected == {"bwv846": "3 parts, not four"}
    monkeypatch.setattr(music21.corpus, "getComposer", lambda _: 1 / 0)
    again, _ = read_bach(tmp_path)
    np.testing.assert_array_equal(again[0].pitches, pieces[0].pitches)
    [cache] = tmp_path.glob("*.npz")
    cache.write_bytes(cache.read_bytes()[:-100])  # is made anew
    monkeypatch.setattr(music21.corpus, "getComposer", lambda _: few)
    assert [p.name for p in read_bach(tmp_path)[0]] == ["bwv269"]


class Planted:
    def __reduce__(self):
        return open, (os.environ["PLANTED"], "w")


def test_a_pickle_in_the_shared_temporary_folder_is_not_read(tmp_path, monkeypatch):
    from music21 import common, converter, corpus, environment

    folder = tmp_path / "music21"
    monkeypatch.setattr(environment.Environment, "getRootTempDir", lambda self: folder)
    monkeypatch.setenv("PLANTED", str(tmp_path / "ran"))
    score = common.cleanpath(corpus.getWork("bwv66.6"), returnPathlib=True)
    folder.mkdir()
    place = converter.PickleFilter(score).getPickleFp(folder, "gz")
    place.write_bytes(zlib.compress(pickle.dumps(Planted())))
    with suppress(Exception):
        converter.parse(score)  # music21 alone runs what is in it
    assert (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()
    parse(Path(score))
    assert not (tmp_path / "ran").exists()
    files = (Path(__file__).parents[3] / "apps").rglob("*.py")
    callers = [f.name for f in files if re.search(r"(corpus|converter)\.parse\(", f.read_text())]
    assert callers == ["notation.py"]


def test_melody_from_abc(tmp_path):
    path = tmp_path / "scale.abc"
    path.write_text(ABC)
    piece = read_score(path, melody=True)
    assert [(b - a, m) for a, b, m in notes(piece, 0)] == [
        (8, 70), (4, 72), (4, 74), (4, 75), (8, 77), (8, 79), (4, 81), (4, 82)
    ]  # fmt: skip
    assert (piece.pitches[:, 1:] == -1).all()
    assert key_name(piece.tonic, piece.mode) == "Bb major"
    assert piece.position[:9].tolist() == [4, 5, 6, 7, 8, 9, 10, 11, 0]


def test_melody_of_a_four_part_file_is_its_soprano(bwv269, tmp_path):
    (tmp_path / "c.mid").write_bytes(midi(bwv269))
    (tmp_path / "c.xml").write_text(musicxml(bwv269, staves=2))
    for name in ("c.mid", "c.xml"):
        melody = read_score(tmp_path / name, melody=True)
        np.testing.assert_array_equal(melody.pitches[:, 0], bwv269.pitches[:, 0])
        np.testing.assert_array_equal(melody.strikes[:, 0], bwv269.strikes[:, 0])


def build(*parts):
    """A music21 score of parts given as ((midi or chord, quarters), ...), 0 is a rest."""
    from music21 import chord, note, stream

    score = stream.Score()
    for events in parts:
        part = stream.Part()
        for pitch, quarters in events:
            if pitch == 0:
                element = note.Rest(quarterLength=quarters)
            elif isinstance(pitch, tuple):
                element = chord.Chord(pitch, quarterLength=quarters)
            else:
                element = note.Note(pitch, quarterLength=quarters)
            part.append(element)
        score.insert(0, part)
    return score


REST = [((60, 4),), ((55, 4),), ((48, 4),)]


def test_short_notes_go_to_the_nearest_16th():
    quarters = [(72, 1)] * 60
    ornament = [(72, 0.75), (74, 0.125), (72, 0.125), (71, 1), (69, 2)]
    score = build([*ornament, *quarters], *REST)
    piece = piece_from_score(score, "p", as_written=True)
    assert [(a, b, m) for a, b, m in notes(piece, 0)][:3] == [(0, 3, 72), (3, 4, 74), (4, 8, 71)]


def test_notes_played_legato_do_not_overlap():
    score = build([(72, 1), (71, 1), (69, 2)], *REST)
    first, second, _ = score.parts[0].notes
    first.quarterLength, second.quarterLength = 1.25, 1.25
    for melody in (False, True):
        piece = piece_from_score(score, "p", melody=melody)
        assert notes(piece, 0) == [(0, 4, 72), (4, 8, 71), (8, 16, 69)]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([[(60, 4)]] * 3, "3 parts, not four"),
        ([[(60, 4)]] * 5, "5 parts, not four"),
        ([[((60, 64), 4)], *REST], "a part has chords"),
        ([[(72, 1 / 3)] * 12, *REST], "off the grid of 16ths"),
        ([[(72, 0.0625)], *[[(60, 1)] * 20] * 3], "1 of 61 notes are off the grid of 16ths"),
    ],
)
def test_rejected_with_a_reason(parts, reason):
    with pytest.raises(corpus.Rejected, match=reason):
        piece_from_score(build(*parts), "p")


def test_silence_at_the_beginning_is_left_out():
    parts = [[(0, 4), (72, 2)], [(0, 4), (64, 2)], [(0, 4), (60, 2)], [(0, 5), (48, 1)]]
    piece = piece_from_score(build(*parts), "p")
    assert piece.pitches[[0, 4, 7]].tolist() == [[72, 64, 60, -1], *[[72, 64, 60, 48]] * 2]
    assert len(piece) == 8


def test_folder(bwv269, tmp_path):
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "good.musicxml").write_text(musicxml(bwv269))
    (tmp_path / "broken.mid").write_bytes(b"MThd nothing")
    (tmp_path / "tune.abc").write_text(ABC)
    (tmp_path / "notes.txt").write_text("not music")
    (tmp_path / "high.mid").write_bytes(midi(bwv269.transpose(12)))
    pieces, rejected = read_folder(tmp_path)
    assert [p.name for p in pieces] == ["deeper/good.musicxml"]
    np.testing.assert_array_equal(pieces[0].pitches, bwv269.pitches)
    assert list(rejected) == ["broken.mid", "high.mid", "tune.abc"]
    assert rejected["broken.mid"].startswith("it is no MIDI file")
    assert rejected["tune.abc"] == "1 part, not four"
    assert "outside" in rejected["high.mid"]


def test_refused_in_one_line(tmp_path):
    (tmp_path / "broken.mid").write_bytes(b"MThd nothing")
    (tmp_path / "empty.abc").write_text("")
    (tmp_path / "none").mkdir()
    cases = [
        (read_score, tmp_path / "absent.mid", "no such file"),
        (read_score, tmp_path / "none", "no such file"),
        (read_score, __file__, "expected a file ending in .mid"),
        (read_score, tmp_path / "broken.mid", "it is no MIDI file"),
        (read_score, tmp_path / "empty.abc", "empty.abc: "),
        (read_folder, tmp_path / "absent", "is not a folder"),
        (read_folder, tmp_path / "none", "0 files ending in .mid"),
        (read_folder, tmp_path, "2 files tried, broken.mid: it is no MIDI file"),
    ]
    for function, path, words in cases:
        with pytest.raises(InputError) as error:
            function(path)
        assert words in str(error.value) and "\n" not in str(error.value)
