"""``continue`` and ``harmonize``, with a model that knows nothing."""

import json

import numpy as np
import pytest

from apps.music import continuation, harmonize, score
from apps.music.config import PRESETS
from apps.music.continuation import cut, prolong
from apps.music.corpus import read_score
from apps.music.harmonize import octaves_to_soprano, phrase_ends, prepare
from apps.music.piece import metre, piece_from_pitches
from apps.verbs.cli import main
from shared.presets.open import Opened
from tests.apps.music.test_generate import Uniform
from tests.apps.music.toy_data import scale_piece

ABC = "X:1\nL:1/4\nM:4/4\nK:D\n{}|]\n"
ODE = "FFGA|AGFE|DDEF|F3/2E/2E2|FFGA|AGFE|DDEF|E3/2D/2D2"


@pytest.fixture(autouse=True)
def generator(monkeypatch):
    generator = Uniform()

    def open_music(args):
        return Opened(generator, "made", {}, "litert", "int8"), PRESETS["chorales"]

    for module in (continuation, harmonize):
        monkeypatch.setattr(module, "open_music", open_music)
    return generator


def primer(upbeat=0, steps=32, **known):
    pitches = np.array(scale_piece(4))[:steps]
    position, bar_length = metre(steps, 16, upbeat)
    return piece_from_pitches(
        "p", pitches, position=position, bar_length=bar_length, **{"tonic": 0, "mode": 0, **known}
    )


def melody(notes, **known):
    """A soprano of (MIDI, 16ths) pairs in 4/4, -1 is a rest."""
    line = np.concatenate([np.full(length, midi) for midi, length in notes])
    strikes = np.zeros((len(line), 4), bool)
    strikes[np.cumsum([0, *[length for _, length in notes]])[:-1], 0] = True
    pitches = np.stack([line, *[np.full_like(line, -1)] * 3], 1)
    position, bar_length = metre(len(line))
    return piece_from_pitches("m", pitches, strikes, position=position, bar_length=bar_length)


# --- continue -------------------------------------------------------------------------------


def test_a_primer_is_kept_and_continued(tmp_path, capsys):
    source, made = tmp_path / "p.musicxml", tmp_path / "made.musicxml"
    source.write_text(score.musicxml(primer(upbeat=4, steps=36)))
    words = ["continue", str(source), "-o", str(made), "--bars", "2", "--key", "C", "--json"]
    assert main(words) == 0
    values = json.loads(capsys.readouterr().out)
    pitches = np.array(values["pitches"])
    assert (pitches[:36] == primer(upbeat=4, steps=36).pitches).all()
    assert values["primer_steps"] == 36 and values["key"] == "C major"
    assert len(pitches) == 2 * 16 + 4 + 32 - 4  # the last bar lacks the upbeat
    assert len(read_score(made)) == len(pitches)


def test_the_primer_is_fed_to_the_model(generator, tmp_path):
    source = tmp_path / "p.musicxml"
    source.write_text(score.musicxml(primer()))
    words = ["continue", str(source), "-o", str(tmp_path / "made.mid"), "--key", "Am"]
    assert main([*words, "--bars", "1", "--primer-bars", "1"]) == 0
    assert len(generator.asked) == 4 * (16 + 16)
    assert generator.key.tolist() == [[9, 1]]
    fed = [int(a["symbol"][0]) for a in generator.asked[1:65]]
    assert fed[:4] == [28, 11, 23, 20]  # C5 E3 G4 E4... in the model's order


def test_an_incomplete_bar_is_filled_first():
    outline = prolong(primer(steps=24), bars=2, phrase=1)
    assert len(outline) == 32 + 32
    assert outline.position[24] == 8 and outline.position[-1] == 15
    ends = np.flatnonzero(np.diff(outline.fermata.astype(int)) == -1) + 1
    assert ends.tolist() == [48]  # and the end; none in the bar that is filled
    assert outline.fermata[-1]


def test_a_primer_without_a_metre_is_taken_for_common_time():
    known = piece_from_pitches("p", np.array(scale_piece(1)))
    outline = prolong(known, bars=1, key=(7, 0))
    assert len(outline) == 32 and outline.position[16] == 0 and outline.tonic == 7


def test_a_cut_is_at_a_bar_line():
    assert len(cut(primer(upbeat=4, steps=40), 1)) == 4 + 16
    assert len(cut(primer(), 5)) == 32


# --- harmonize ------------------------------------------------------------------------------


def test_a_melody_is_harmonized_in_the_sopranos_range(tmp_path, capsys):
    source = tmp_path / "ode.abc"
    source.write_text(ABC.format(ODE.replace("A", "A,").replace("D", "D,")))
    assert main(["harmonize", str(source), "-o", str(tmp_path / "h.musicxml"), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    line = read_score(source, melody=True).pitches[:, 0]
    assert values["octaves"] == 1 and values["key"] == "D major"
    pitches = np.array(values["pitches"])
    assert (pitches[:, 0] == line + 12).all()
    assert (pitches >= 0).all() and (np.diff(pitches) <= 0).all()
    assert main(["harmonize", str(source), "-o", str(tmp_path / "h.mid")]) == 0
    assert "moved 1 octave up" in capsys.readouterr().out


def test_the_model_reads_the_melody(generator, tmp_path):
    source = tmp_path / "ode.abc"
    source.write_text(ABC.format(ODE))
    assert main(["harmonize", str(source), "-o", str(tmp_path / "h.mid"), "--key", "Bm"]) == 0
    assert generator.condition["melody_mask"].sum() == 128
    assert generator.key.tolist() == [[11, 1]]


@pytest.mark.parametrize(
    ("pitches", "octaves"),
    [([60, 72], 0), ([48, 60], 1), ([36, 38], 2), ([90, 92], -1), ([-1, 60], 0), ([55, 79], 0)],
)
def test_the_fewest_octaves(pitches, octaves):
    assert octaves_to_soprano(np.array(pitches)) == octaves


def ends(piece, **options):
    fermata = phrase_ends(piece, **options)
    return (np.flatnonzero(np.diff(np.append(fermata.astype(int), 0)) == -1) + 1).tolist()


def test_phrases_end_on_long_notes_before_rests_and_at_the_end():
    quarters = [(70, 4), (71, 4), (72, 4)]
    assert ends(melody([*quarters, (70, 8), *quarters, (70, 4)])) == [20, 36]
    assert ends(melody([*quarters, (-1, 4), *quarters])) == [12, 28]
    halves = [(70, 8), (71, 8), (72, 8)]  # here a half is no long note
    assert ends(melody([*halves, (70, 16), *halves])) == [40, 64]
    assert ends(melody(quarters * 8), phrase=2) == [32, 64, 96]


def test_fermatas_of_its_own_are_kept_unless_a_phrase_is_given():
    own = melody([(70, 4)] * 8)
    own.fermata[8:12] = True
    assert prepare(own)[0].fermata.sum() == 4
    assert prepare(own, phrase=1)[0].fermata.sum() == 8


BAD = {
    "no file": (["harmonize", "none.abc"], "none.abc: no such file"),
    "no music": (["harmonize", "a.txt"], "a.txt: expected a file ending in"),
    "no notes": (["harmonize", "empty.abc"], "empty.abc: no notes in it"),
    "too long": (["harmonize", "long.abc"], "long.abc: 656 16ths are more than this model's 640"),
    "one voice": (["continue", "ode.abc"], "ode.abc: 1 part, not four"),
    "no such key": (["harmonize", "ode.abc", "--key", "H"], "'H' names no key"),
    "no bars": (["continue", "ode.abc", "--bars", "0"], "--bars must be 1 to"),
    "no such ending": (["harmonize", "ode.abc", "-o", "a.mid", "b.doc"], "b.doc: cannot write"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_writes_nothing(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("a.txt", "notes"),
        ("ode.abc", ABC.format(ODE)),
        ("empty.abc", ABC.format("z4|z4")),
        ("long.abc", ABC.format("|".join(["DEFG"] * 41))),
    ):
        (tmp_path / name).write_text(text)
    before = sorted(tmp_path.iterdir())
    words, message = BAD[case]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before
