"""ABC against what the standard 2.1 says that is heard."""

import pytest

from apps.music.corpus import read_score
from apps.music.key import key_name
from apps.music.piece import notes
from shared.errors import InputError


@pytest.fixture
def read(tmp_path):
    """Reads a tune in 4/4 of quarters in C unless its header says more."""

    def tune(body, header="M:4/4\nL:1/4\nK:C\n", **options):
        path = tmp_path / "tune.abc"
        path.write_text(f"X:1\nT:Tune\n{header}{body}\n")
        return read_score(path, melody=True, **options)

    return tune


def heard(piece):
    return [midi for _, _, midi in notes(piece, 0)]


def lengths(piece):
    return [end - start for start, end, _ in notes(piece, 0)]


@pytest.mark.parametrize(
    ("body", "pitches"),
    [
        ("^FGFG|F4|", [66, 67, 66, 67, 65]),
        ("^FGfG|f4|", [66, 67, 78, 67, 77]),  # in every octave
        ("_B=BBc|B4|", [70, 71, 71, 72, 71]),
        ("^F4-|F2F2|", [66, 65]),  # a tie carries it over the bar line
        ("^^F__BFB|", [67, 69, 67, 69]),
        ("[K:D]FCFC|[K:F]BFBF|", [66, 61, 66, 61, 70, 65, 70, 65]),
        ("FCFC|\nK:Bbm\nBDBE|", [65, 60, 65, 60, 70, 61, 70, 63]),
        ("C,c'G,,g|", [48, 84, 43, 79]),
        ('"G7"CDEF|', [60, 62, 64, 65]),
        ("[CEG]DEF|", [67, 62, 64, 65]),
        ("{cd}CD!trill!E.F|~GTAuB(vc)|", [60, 62, 64, 65, 67, 69, 71, 72]),
        ("CDEF % a comment G\nGABc|\\\nc4|", [60, 62, 64, 65, 67, 69, 71, 72, 72]),
    ],
)
def test_pitches(read, body, pitches):
    assert heard(read(body)) == pitches


@pytest.mark.parametrize(
    ("body", "steps"),
    [
        ("C2 D/ E/ F|", [8, 2, 2, 4]),
        ("C>D E<F|", [6, 2, 2, 6]),
        ("C>>D E2|", [7, 1, 8]),
        ("(2:3:2CD E (F/G/)|", [6, 6, 4, 2, 2]),
        ("C3/2D/2 z E|", [6, 2, 4, 4]),
        ("C4-|C2D2|", [24, 8]),
        ("C/4D/4E//F//G3|", [1, 1, 1, 1, 12]),
        ("[L:1/8]C2D2[L:1/4]EF|", [4, 4, 4, 4]),
        ("CDEF|Z2|C4|", [4, 4, 4, 4, 32, 16]),
        ("[CE]2[DF]2|", [8, 8]),
    ],
)
def test_lengths(read, body, steps):
    assert lengths(read(body)) == steps


A, B, C, D = 60, 62, 64, 65


@pytest.mark.parametrize(
    ("body", "pitches"),
    [
        ("|:C4|D4:|E4|", [A, B, A, B, C]),
        ("C4|D4:|E4|", [A, B, A, B, C]),
        ("C4::D4:|", [A, A, B, B]),
        ("|:C4::D4:|E4|]", [A, A, B, B, C]),
        ("|:C4|1D4:|2E4||F4|", [A, B, A, C, D]),
        ("|:C4|[1D4:|[2E4|]F4|", [A, B, A, C, D]),
        ("|:C4|1D4|F4:|2E4|]", [A, B, D, A, C]),
        ("|:C4|1D4:|2E4:|F4|", [A, B, A, C, D]),
        ("|:C4|1,2D4:|3E4|]", [A, B, A, B, A, C]),
        ("|:C4|1-2D4:|3E4|]", [A, B, A, B, A, C]),
        ("|::C4::|D4|", [A, A, A, B]),
        ("C4|D4|]", [A, B]),
        ("|:C4|1D4:|2E4|:F4|1D4:|2E4|]", [A, B, A, C, D, B, D, C]),
    ],
)
def test_repeats_and_endings_are_played(read, body, pitches):
    assert heard(read(body)) == pitches


@pytest.mark.parametrize(
    ("metre", "bar_length", "unit"),
    [("6/8", 12, 2), ("9/8", 18, 2), ("12/8", 24, 2), ("6/4", 24, 4), ("3/2", 24, 8), ("C", 16, 4),
     ("C|", 16, 8), ("3/4", 12, 4), ("5/4", 20, 4), ("2+3/8", 10, 2), ("(2+2+3)/8", 14, 2)],
)  # fmt: skip
def test_metre(read, metre, bar_length, unit):
    piece = read(f"C{bar_length}|D{bar_length}|", header=f"M:{metre}\nL:1/16\nK:C\n")
    assert set(piece.bar_length) == {bar_length} and set(piece.units) == {unit}
    assert (piece.position == [*range(bar_length)] * 2).all()


def test_metres_change(read):
    piece = read("C4|[M:3/4]D3|\nM:6/8\nE3|")
    assert piece.bar_length.tolist() == [16] * 16 + [12] * 24
    assert piece.units[[0, 16, 28]].tolist() == [4, 4, 2]
    assert piece.position[[16, 28]].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("key", "name", "signature"),
    [("C", "C major", 0), ("Ador", "A minor", 1), ("D dorian", "D minor", 0),
     ("F#m", "F# minor", 3), ("Amix", "A major", 2), ("Bb", "Bb major", -2),
     ("E phrygian", "E minor", 0),
     ("G clef=treble", "G major", 1), ("Emin", "E minor", 1), ("F lydian", "F major", 0)],
)  # fmt: skip
def test_the_key_is_the_files(read, key, name, signature):
    piece = read("EEFG|GFED|CCDE|E3D|D4|", header=f"M:4/4\nL:1/4\nK:{key}\n")
    assert key_name(piece.tonic, piece.mode) == name and piece.facts.signature == signature


def test_fermatas_breath_marks_and_lyrics(read):
    piece = read("CDEHF|!fermata!G4|C!breath!DEF|\nw: a b c d. e, f", header="M:4/4\nL:1/4\nK:C\n")
    assert piece.fermata.nonzero()[0].tolist() == list(range(12, 32))
    assert sorted(piece.facts.pauses) == [16, 32, 36]


def test_tempo_title_and_composer(read):
    header = "C:Trad.\nM:6/8\nL:1/8\nQ:3/8=110\nK:D\n"
    facts = read("d2d dcd|", header=header).facts
    assert (facts.title, facts.composer, facts.tempo) == ("Tune", "Trad.", 165)


def test_an_upbeat(read):
    assert read("G,|CDEF|G3|").position[:5].tolist() == [12, 13, 14, 15, 0]


def test_voices_and_parts(read):
    header = 'V:B name="Bass" clef=bass\nV:M name="Melody"\nM:4/4\nL:1/4\nK:C\n'
    body = "V:B\nC,4|C,4|\nV:M\nGABc|c4|"
    piece = read(body, header)
    assert heard(piece) == [67, 69, 71, 72, 72]
    assert "part 2 is taken for the melody" in piece.facts.said[0]
    assert heard(read(body, header, part="bass")) == heard(read(body, header, part="1")) == [48, 48]
    with pytest.raises(InputError, match="no single part 'x'; it has: 1 'Bass', 2 'Melody'"):
        read(body, header, part="x")


def test_transposed_voices_sound(read):
    assert heard(read("CDEF|", header="M:4/4\nL:1/4\nK:C transpose=-2\n")) == [58, 60, 62, 63]
    assert heard(read("CDEF|", header="M:4/4\nL:1/4\nK:C clef=treble-8\n")) == [48, 50, 52, 53]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("CDE (3F/G/A/|", "3 of 6 notes are off the grid of 16ths, the first in bar 1"),
        ("C/8D/8E/4F/2G3|", "off the grid"),
        ("CDE^/F|", "quarter tones"),
        ("CDEF|#GABc|", "'#' is no sign of ABC"),
        ("[M:4/5]CDEF|", "M:4/5 does not count in 16ths"),
        ("z4|", "no notes in it"),
    ],
)
def test_refused_in_one_line(read, body, words):
    with pytest.raises(InputError) as error:
        read(body)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_what_is_not_read_is_said(read):
    assert any("!D.C.!" in line for line in read("CDEF|G4!D.C.!|").facts.said)
    assert any("empty line" in line for line in read("CDEF|\n\nGABc|").facts.said)
    assert any("first of 2 tunes" in line for line in read("CDEF|\n\nX:2\nK:C\nG4|").facts.said)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path, encoding):
    path = tmp_path / "tune.abc"
    path.write_bytes("X:1\r\nT:Frère\r\nM:4/4\r\nL:1/4\r\nK:C\r\nCDEF|\r\n".encode(encoding))
    assert read_score(path, melody=True).facts.title == "Frère"


def test_marks_that_nobody_knows_are_said(read):
    assert read("!trill!C!>!D!f!E!^!F|").facts.said == ()
    assert any("!GA! is no known" in line for line in read("CDEF!GA!|").facts.said)
    assert heard(read("CDEF!\nGABc|")) == [60, 62, 64, 65, 67, 69, 71, 72]  # old line breaks
