import numpy as np
import pytest

from apps.music.key import estimate_key, key_name, parse_key, sharps, spell


@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("tonic", range(12))
def test_names_and_signatures(tonic, mode):
    assert parse_key(key_name(tonic, mode)) == (tonic, mode)
    assert -6 <= sharps(tonic, mode) <= 7
    # The tonic of the signature's major scale is seven semitones a sharp.
    assert sharps(tonic, mode) * 7 % 12 == (tonic + 3 * mode) % 12


@pytest.mark.parametrize(
    ("text", "key"),
    [("Bb", (10, 0)), ("f#m", (6, 1)), ("C# Minor", (1, 1)), ("E- major", (3, 0)), ("b", (11, 0))],
)
def test_parse_key(text, key):
    assert parse_key(text) == key


@pytest.mark.parametrize("text", ["", "H", "C dorian", "C##", "Cis", "major", "#"])
def test_parse_key_refuses(text):
    with pytest.raises(ValueError, match="names no key"):
        parse_key(text)


@pytest.mark.parametrize(
    ("midi", "key", "name"),
    [
        (53, "F# minor", ("E#", 3)),
        (60, "C# minor", ("B#", 3)),
        (59, "Eb minor", ("Cb", 4)),
        (60, "C major", ("C", 4)),
        (66, "C major", ("F#", 4)),
        (70, "C major", ("Bb", 4)),
        (63, "G minor", ("Eb", 4)),
        (66, "G minor", ("F#", 4)),
        (71, "G minor", ("B", 4)),  # the third of a Picardy cadence
        (68, "A minor", ("G#", 4)),
        (70, "A minor", ("Bb", 4)),
    ],
)
def test_spell(midi, key, name):
    assert spell(midi, *parse_key(key)) == name


@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("tonic", range(12))
def test_every_spelling_sounds_right_and_the_scale_has_no_accidentals(tonic, mode):
    natural = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    for midi in range(36, 82):
        name, octave = spell(midi, tonic, mode)
        alter = name.count("#") - name.count("b")
        assert 12 * (octave + 1) + natural[name[0]] + alter == midi
    scale = (0, 2, 4, 5, 7, 9, 11) if mode == 0 else (0, 2, 3, 5, 7, 8, 10)
    names = [spell(60 + tonic + degree, tonic, mode)[0] for degree in scale]
    assert sorted(name[0] for name in names) == list("ABCDEFG")
    assert sum(n.count("#") - n.count("b") for n in names) == sharps(tonic, mode)


def progression(*chords):
    return np.repeat(np.array(chords), 4, axis=0)


def test_estimate_key():
    # I IV V I in four voices, bass last; then i iv V i.
    major = progression([67, 64, 60, 48], [69, 65, 60, 53], [67, 62, 59, 55], [67, 64, 60, 48])
    minor = progression([69, 64, 60, 57], [69, 65, 62, 50], [68, 64, 59, 52], [69, 64, 60, 57])
    for shift in range(-3, 4):
        assert estimate_key(major + shift) == (shift % 12, 0)
        assert estimate_key(minor + shift) == ((9 + shift) % 12, 1)
    assert estimate_key(np.full((4, 4), -1)) == (-1, -1)


def test_signature_and_last_note_decide_what_the_notes_leave_open():
    everything = np.arange(60, 72)[:, None].repeat(2, axis=1)
    assert estimate_key(np.vstack([everything, [[67, 55]]]), signature=1) == (7, 0)
    assert estimate_key(np.vstack([everything, [[64, 52]]]), signature=1) == (4, 1)
