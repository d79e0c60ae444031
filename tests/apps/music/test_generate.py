import dataclasses
import json
import shlex
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from apps.music.config import PRESETS
from apps.music.generate import DECODING, compose, demo, plan
from apps.music.piece import FEATURES, HOLD, VOCABULARY, features
from apps.verbs.cli import main
from shared.decoding import DecodingOptions

OPTIONS = DecodingOptions(**DECODING, seed=3)


class Uniform:
    """A generator that likes every symbol alike and notes what it was asked."""

    def __init__(self, holds=True):
        self.asked = []
        self.logits = np.zeros(VOCABULARY, np.float32)
        self.logits[HOLD] = 0 if holds else -1e9

    def encode(self, condition):
        self.condition = condition
        self.key = condition["key"]
        return {"none": np.zeros((len(condition["key"]), 1), np.float32)}

    def step(self, symbol, state):
        self.asked.append({name: value.copy() for name, value in symbol.items()})
        return {"logits": np.tile(self.logits, (len(symbol["symbol"]), 1))}, state


def test_the_plan_ends_its_phrases_with_fermatas():
    outline = plan(5, (7, 0), bar_length=16, phrase=2)
    assert len(outline) == 80
    starts = np.flatnonzero(np.diff(outline.fermata.astype(int), prepend=0) == 1)
    assert starts.tolist() == [24, 56, 72]
    assert outline.fermata.sum() == 3 * 8


@pytest.mark.parametrize(
    ("bar_length", "upbeat", "length"),
    [(16, 0, 8), (16, 4, 4), (16, 8, 8), (12, 0, 12), (12, 4, 8)],
)
def test_a_phrase_rests_on_its_last_accent_until_the_next_upbeat(bar_length, upbeat, length):
    outline = plan(4, (0, 0), bar_length, 2, upbeat)
    assert len(outline) == 4 * bar_length
    assert outline.position[0] == (bar_length - upbeat) % bar_length
    assert np.flatnonzero(outline.fermata).tolist() == [
        end - k for end in (2 * bar_length, 4 * bar_length) for k in range(length, 0, -1)
    ]


@pytest.mark.parametrize("preset", ["chorales", "jsb16"])
def test_compose_fills_the_plan(preset):
    config = dataclasses.replace(PRESETS[preset], encoder_units=0)
    generator = Uniform(config.holds)
    piece = compose(generator, config, plan(2, (9, 1)), OPTIONS)
    assert piece.pitches.shape == (32, 4)
    assert [int(a["voice"][0]) for a in generator.asked] == [0, 1, 2, 3] * 32
    told = np.stack([a["features"][0] for a in generator.asked[::4]])
    position = told[:, FEATURES.index("position")]
    if config.placed:
        assert generator.key.tolist() == [[9, 1]]
        assert position.tolist() == features(plan(2, (9, 1)))[:, 0].tolist()
    else:
        assert generator.key.tolist() == [[12, 2]]
        assert set(position) == {24}


def test_nothing_is_held_that_does_not_sound():
    generator = Uniform()
    compose(generator, PRESETS["chorales"], plan(8, (0, 0)), OPTIONS, rules=())
    emitted = np.array([int(a["symbol"][0]) for a in generator.asked[1:]])
    rows = np.append(emitted, 4).reshape(-1, 4)
    assert (rows[0] != HOLD).all()
    held = rows[1:] == HOLD
    assert held.any() and (rows[:-1][held] != 0).all()


def test_the_seed_decides():
    pieces = [
        compose(Uniform(), PRESETS["jsb16"], plan(1, (0, 0)), DecodingOptions("sample", seed=seed))
        for seed in (1, 1, 2)
    ]
    assert (pieces[0].pitches == pieces[1].pitches).all()
    assert (pieces[0].pitches != pieces[2].pitches).any()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--bars", "0"], "--bars must be 1 to"),
        (["--key", "H flat"], "H flat"),
        (["--tempo", "5"], "--tempo must be 20 to 300"),
        (["--upbeat", "4"], "--upbeat must be 0 to 3"),
        (["--phrase", "0"], "--phrase must be 1 to"),
        (["--temperature", "-1"], "temperature"),
        (["--without", "parallels,harmony"], "no rule 'harmony'; the rules are: silence, "),
        (["--roll", "roll.svg"], "roll.svg: a piano roll is a picture"),
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
    assert max(float(part.highestTime) for part in score.parts) == pytest.approx(8, abs=0.5)


def test_the_demo_shows_what_its_commands_make(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    samples = demo(Path("made"), seed=1)
    assert [sample.command.split()[1] for sample in samples] == [
        "compose",
        "compose",
        "harmonize",
        "continue",
    ]
    for sample in samples:
        assert {path.suffix for path, _ in sample.made} == {".png", ".wav", ".mid", ".musicxml"}
        assert all(path.stat().st_size for path, _ in sample.made)
    words = shlex.split(samples[2].command)
    assert main(words[1:]) == 0
    [midi] = [path for path, _ in samples[2].made if path.suffix == ".mid"]
    assert Path(words[-1]).read_bytes() == midi.read_bytes()
