"""MusicXML as it is heard: transposition, percussion, chord symbols, repeats, order of parts."""

import pytest

from apps.music.corpus import piece_from_score, read_score
from apps.music.piece import notes
from shared.errors import InputError

HEAD = '<?xml version="1.0"?><score-partwise version="3.1">{names}{parts}</score-partwise>'
PITCHES = {"S": 72, "A": 67, "T": 60, "B": 48}


def note(midi, duration=4, more="", chord=False):
    step, alter = [("C", 0), ("C", 1), ("D", 0), ("E", -1), ("E", 0), ("F", 0), ("F", 1), ("G", 0),
                   ("A", -1), ("A", 0), ("B", -1), ("B", 0)][midi % 12]  # fmt: skip
    pitch = f"<step>{step}</step><alter>{alter}</alter><octave>{midi // 12 - 1}</octave>"
    first = "<chord/>" if chord else ""
    return f"<note>{first}<pitch>{pitch}</pitch><duration>{duration}</duration>{more}</note>"


def measure(content, attributes="", number=1):
    return f'<measure number="{number}">{attributes}{content}</measure>'


def attributes(metre="4/4", fifths=0, mode="", more=""):
    beats, kind = metre.split("/")
    mode = f"<mode>{mode}</mode>" if mode else ""
    return (
        f"<attributes><divisions>4</divisions><key><fifths>{fifths}</fifths>{mode}</key>"
        f"<time><beats>{beats}</beats><beat-type>{kind}</beat-type></time>{more}</attributes>"
    )


@pytest.fixture
def read(tmp_path):
    """Reads parts given as name: measures."""

    def score(parts, melody=True, **options):
        names = "".join(
            f'<score-part id="P{k}"><part-name>{name}</part-name></score-part>'
            for k, name in enumerate(parts)
        )
        body = "".join(f'<part id="P{k}">{m}</part>' for k, m in enumerate(parts.values()))
        path = tmp_path / "score.musicxml"
        path.write_text(HEAD.format(names=f"<part-list>{names}</part-list>", parts=body))
        return read_score(path, melody, **options)

    return score


def heard(piece, voice=0):
    return [midi for _, _, midi in notes(piece, voice)]


def whole(midi, more=""):
    return measure(note(midi, 16), attributes(more=more))


def transpose(chromatic, octave=0):
    octaves = f"<octave-change>{octave}</octave-change>" if octave else ""
    diatonic = {0: 0, -2: -1, -7: -4}[chromatic]
    steps = f"<diatonic>{diatonic}</diatonic><chromatic>{chromatic}</chromatic>"
    return f"<transpose>{steps}{octaves}</transpose>"


@pytest.mark.parametrize(("chromatic", "octave", "sounds"), [(-2, 0, 70), (0, -1, 60), (-7, 0, 65)])
def test_transposing_parts_sound(read, chromatic, octave, sounds):
    assert heard(read({"Part": whole(72, transpose(chromatic, octave))})) == [sounds]


def test_a_change_of_octave_needs_no_diatonic_steps(read):
    music = whole(72, transpose(0, -1).replace("<diatonic>0</diatonic>", ""))
    assert heard(read({"Part": music})) == [60]


@pytest.mark.parametrize("order", ["SATB", "BTAS", "ASBT"])
@pytest.mark.parametrize("names", [dict(S="Soprano", A="Alto", T="Tenor", B="Bass"), {}])
def test_four_parts_are_ordered(read, order, names):
    parts = {names.get(v, f"Part {v.lower()}x"): whole(PITCHES[v]) for v in order}
    piece = read(parts, melody=False)
    assert piece.pitches[0].tolist() == [72, 67, 60, 48]
    assert bool(piece.facts.said) == (order != "SATB")


def test_names_count_more_than_pitch(read):
    high = {"Tenor": 65, "Soprano": 72, "Alto": 62, "Bass": 48}
    piece = read({name: whole(midi) for name, midi in high.items()}, melody=False)
    assert piece.pitches[0].tolist() == [72, 62, 65, 48]


def test_a_piano_beside_the_voices_is_left_out(read):
    names = {"Soprano": 72, "Alto": 67, "Tenor": 60, "Bass": 48, "Piano": 84}
    piece = read({name: whole(midi) for name, midi in names.items()}, melody=False)
    assert piece.pitches[0].tolist() == [72, 67, 60, 48]
    assert "1 parts beside the four voices are left out" in piece.facts.said


def test_percussion_and_chord_symbols_are_no_parts(read):
    hit = "<note><unpitched><display-step>E</display-step><display-octave>4</display-octave>"
    hits = measure(f"{hit}</unpitched><duration>16</duration></note>", attributes())
    symbol = "<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony>"
    parts = {"Drums": hits, "S": measure(symbol + note(72, 16), attributes())}
    assert heard(read(parts)) == [72]
    parts |= {v: whole(PITCHES[v]) for v in "ATB"}
    assert read(parts, melody=False).pitches[0].tolist() == [72, 67, 60, 48]


def test_chords_on_two_staves_are_four_voices(read):
    upper = note(72) + note(67, chord=True) + note(71, 12) + note(67, 12, chord=True)
    lower = note(60) + note(48, chord=True) + note(55, 12)  # one note for both
    piece = read({"U": measure(upper, attributes()), "L": measure(lower, attributes())}, False)
    assert piece.pitches[[0, 4]].tolist() == [[72, 67, 60, 48], [71, 67, 55, 55]]


def test_repeats_and_endings_are_played(read):
    def barline(sign, content, location="right"):
        return f'<barline location="{location}">{content}<repeat direction="{sign}"/></barline>'

    ending = '<ending number="{}" type="{}"/>'
    first = f'<barline location="left">{ending.format(1, "start")}</barline>'
    second = f'<barline location="left">{ending.format(2, "start")}</barline>'
    close = f'<barline location="right">{ending.format(2, "stop")}</barline>'
    music = (
        measure(note(60, 16), attributes())
        + measure(first + note(62, 16) + barline("backward", ending.format(1, "stop")), "", 2)
        + measure(second + note(64, 16) + close, "", 3)
        + measure(note(65, 16), "", 4)
    )
    assert heard(read({"Part": music})) == [60, 62, 60, 64, 65]


@pytest.mark.parametrize(
    ("fifths", "mode", "tonic", "minor"),
    [(0, "major", 0, 0), (1, "dorian", 9, 1), (3, "minor", 6, 1), (-1, "mixolydian", 0, 0)],
)
def test_the_mode_is_believed(read, fifths, mode, tonic, minor):
    music = "".join(note(m) for m in (64, 64, 62, 62))
    piece = read({"Part": measure(music, attributes(fifths=fifths, mode=mode))})
    assert (piece.tonic, piece.mode, piece.facts.signature) == (tonic, minor, fifths)


@pytest.mark.parametrize(("metre", "unit"), [("6/8", 2), ("3/4", 4), ("12/8", 2), ("6/4", 4)])
def test_metre(read, metre, unit):
    length = 16 * int(metre.split("/")[0]) // int(metre.split("/")[1])
    piece = read({"Part": measure(note(60, length), attributes(metre))})
    assert set(piece.bar_length) == {length} and set(piece.units) == {unit}


def test_the_first_voice_is_the_melody_where_voices_cross(read):
    music = note(60, 16, "<voice>1</voice>") + "<backup><duration>16</duration></backup>"
    assert heard(read({"P": measure(music + note(72, 16, "<voice>2</voice>"), attributes())})) == [
        60
    ]


def test_triplets_are_refused(read):
    times = "<actual-notes>3</actual-notes><normal-notes>2</normal-notes>"
    music = "".join(
        note(60 + k, 2, f"<time-modification>{times}</time-modification>").replace(
            "<duration>2<", "<duration>4<"
        )
        for k in range(3)
    )
    head = attributes().replace("<divisions>4", "<divisions>12")
    with pytest.raises(InputError, match="3 of 4 notes are off the grid of 16ths"):
        read({"P": measure(music + note(72, 36), head)})


def test_no_cache_is_read_or_written(read, monkeypatch):
    from music21 import freezeThaw

    monkeypatch.setattr(freezeThaw, "StreamFreezer", None)
    monkeypatch.setattr(freezeThaw, "StreamThawer", None)
    for _ in range(2):
        assert heard(read({"P": whole(72)})) == [72]


def test_a_score_of_music21_is_left_as_it_was():
    from music21 import converter

    score = converter.parse("tinyNotation: 4/4 c4 d e f", format="tinyNotation")
    before = len(score.recurse().notes)
    assert heard(piece_from_score(score, "p", melody=True)) == [60, 62, 64, 65]
    assert len(score.recurse().notes) == before
