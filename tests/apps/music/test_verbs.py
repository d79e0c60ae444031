"""The verbs of music, most of them with a model that knows nothing."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from apps.music import score
from apps.music.compare import FIGURES
from apps.music.corpus import read_score
from apps.music.grade import FEATURES
from apps.verbs.cli import main
from tests.apps.music.toy_data import Uniform, primer, write_canonical

ABC = "X:1\nL:1/4\nM:4/4\nK:D\n{}|]\n"
ODE = "FFGA|AGFE|DDEF|F3/2E/2E2|FFGA|AGFE|DDEF|E3/2D/2D2"


@pytest.fixture
def generator(use_uniform):
    return use_uniform()


# --- compose --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bars", "0"], "bars must be 1 to"),
        (["--key", "H flat"], "H flat"),
        (["--tempo", "5"], "--tempo must be 20 to 300"),
        (["--upbeat", "4"], "upbeat must be 0 to 3"),
        (["--phrase", "0"], "phrase must be 1 to"),
        (["--temperature", "-1"], "temperature"),
        (["--without", "parallels,harmony"], "no rule 'harmony'; the rules are: silence, "),
        (["--roll", "roll.svg"], "roll.svg: cannot write .svg; use .png"),
        (["-o", "a.txt"], "a.txt: cannot write .txt"),
        (["--preset", "nothing"], "nothing"),
    ],
)
def test_bad_options_are_one_line(arguments, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["compose", "--bars", "1", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_compose_with_the_shipped_model(tmp_path, capsys):
    files = [
        str(tmp_path / f"a{ending}") for ending in (".mid", ".musicxml", ".svg", ".png", ".wav")
    ]
    roll = str(tmp_path / "roll.png")
    arguments = ["compose", "--bars", "2", "--key", "D minor", "--json", "-o", *files]
    assert main([*arguments, "--roll", roll]) == 0
    values = SimpleNamespace(**json.loads(capsys.readouterr().out))
    assert values.files == [*files, roll] and values.key == "D minor"
    pitches = np.array(values.pitches)
    assert pitches.shape == (32, 4) and len(np.unique(pitches)) > 4
    from music21 import converter

    score = converter.parse(files[0])
    assert len(score.parts) == 4
    assert max(float(part.highestTime) for part in score.parts) == pytest.approx(
        11, abs=1
    )  # three rests first


# --- continue -------------------------------------------------------------------------------


def test_a_primer_is_kept_and_continued(generator, tmp_path, capsys):
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


# --- harmonize ------------------------------------------------------------------------------


def test_a_melody_is_harmonized_in_the_sopranos_range(generator, tmp_path, capsys):
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


BAD = {
    "no file": (["harmonize", "none.abc"], "none.abc: no such file"),
    "no music": (["harmonize", "a.txt"], "a.txt: expected a file ending in"),
    "no notes": (["harmonize", "empty.abc"], "empty.abc: no notes in it"),
    "too long": (["harmonize", "long.abc"], "long.abc: 656 16ths are more than this model's 640"),
    "one voice": (["continue", "ode.abc"], "ode.abc: 1 part, not four"),
    "no such key": (["harmonize", "ode.abc", "--key", "H"], "'H' names no key"),
    "no bars": (["continue", "ode.abc", "--bars", "0"], "bars must be 1 to"),
    "no such ending": (["harmonize", "ode.abc", "-o", "a.mid", "b.doc"], "b.doc: cannot write"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_writes_nothing(case, generator, tmp_path, monkeypatch, capsys):
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


def test_an_output_is_not_the_input(generator, tmp_path, capsys):
    source = tmp_path / "p.musicxml"
    source.write_text(score.musicxml(primer()))
    before = source.read_bytes()
    assert main(["continue", str(source), "-o", str(source)]) == 2
    assert "is also read" in capsys.readouterr().err
    assert source.read_bytes() == before


# --- evaluate -------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path):
    return str(write_canonical(tmp_path / "toy.json", train=2, valid=3, test=1))


def test_generated_and_real_pieces_side_by_side(data, use_uniform, capsys, tmp_path):
    use_uniform(frames=48)
    words = ["--data", data, "--generate", "2", "--bars", "2", "-o", str(tmp_path / "made")]
    assert main(["evaluate", "music", *words, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    columns = ("real", "generated", "no_rules", "harmonized")
    head = {"n": 2, "n_real": 3, "bars": 2, "preset": "made", "backend": "keras"}
    assert head.items() <= values.items()
    assert set(values) == {*head, "precision"} | {
        f"{c}_{f}" for c in columns for f in FIGURES | FEATURES
    }
    assert values["generated_crossing"] == 0 < values["no_rules_crossing"]
    assert values["real_copied_run"] > 8  # the toy's pieces are transposed copies
    files = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert len(files) == 6 and files[0] == "generated-00.musicxml"


def test_a_model_that_does_not_harmonize_has_no_such_column(data, use_uniform, capsys):
    use_uniform(encoder_units=0, holds=False, placed=False)
    assert main(["evaluate", "music", "--data", data, "--generate", "1", "--bars", "1"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["real", "generated", "no_rules"]
    assert "parallels" in out and len(out.splitlines()) == len(FIGURES | FEATURES) + 1


def test_likelihood_is_of_the_test_split_unless_said(data, use_uniform, capsys):
    use_uniform(holds=False, encoder_units=0)
    for words, count in (([], 1), (["--split", "valid"], 3)):
        assert main(["evaluate", "music", "--data", data, "--json", *words]) == 0
        values = json.loads(capsys.readouterr().out)
        assert values["n"] == count
        # START and END are not forbidden by this model; HOLD is.
        uniform = np.log(len(Uniform(holds=False).logits) - 1)
        assert values["nats_per_note"] == pytest.approx(uniform, rel=1e-5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--generate", "0"], "--generate must be 1 to"),
        (["--generate", "1", "--bars", "99"], "--bars must be 1 to"),
        (["--generate", "1", "--split", "none"], "has no split 'none'"),
    ],
)
def test_bad_options_of_evaluate_are_one_line(data, use_uniform, capsys, words, message):
    use_uniform()
    assert main(["evaluate", "music", "--data", data, *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_part_is_chosen_and_what_was_chosen_is_said(generator, tmp_path, capsys):
    voices = 'V:1 name="Bass"\nV:2 name="Flute"\n'
    tune = tmp_path / "two.abc"
    tune.write_text(f"X:1\nL:1/4\nM:4/4\n{voices}K:C\nV:1\nC,DEF|G,4|\nV:2\ncdef|g4|]\n")
    words = ["harmonize", str(tune), "--json", "-o", str(tmp_path / "a.mid")]
    assert main(words) == 0
    out, error = capsys.readouterr()
    said = json.loads(out)["said"]
    assert "part 2 is taken for the melody" in said[0] and f"note: {said[0]}" in error
    assert main([*words, "--part", "bass"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["said"] == [] and values["pitches"][0][0] % 12 == 0
    assert main([*words, "--part", "3"]) == 2
    assert "it has: 1 'Bass', 2 'Flute'" in capsys.readouterr().err
