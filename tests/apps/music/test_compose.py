"""`Composer` as a Python user calls it."""

import numpy as np
import pytest

from apps.music import score
from apps.music.compose import Composer, Sampling
from apps.music.corpus import read_score
from apps.music.rules import choose_rules
from shared.errors import InputError
from tests.apps.music.toy_data import primer

ODE = "X:1\nL:1/4\nM:4/4\nK:D\nFFGA|AGFE|DDEF|E3/2D/2D2|]\n"


@pytest.fixture
def composer(use_uniform):
    use_uniform()
    return Composer.from_preset()


def test_the_shipped_model_composes_and_writes_every_form(tmp_path):
    made = Composer.from_preset().compose(key="E minor", bars=2, seed=1)
    assert (made.key, made.seed, len(made.piece)) == ("E minor", 1, 32)
    paths = [tmp_path / f"a{end}" for end in (".mid", ".musicxml", ".svg", ".png", ".wav")]
    made.write(*paths, soundfont="none")
    assert [path.read_bytes()[:4] for path in paths] == [
        b"MThd", b"<?xm", b"<svg", b"\x89PNG", b"RIFF",
    ]  # fmt: skip
    assert len(made.score.parts) == 2 and made.score.parts[0].recurse().notes
    assert made.roll().startswith(b"\x89PNG")


def test_the_seed_decides(composer):
    first, again, other = (composer.compose(bars=1, seed=seed) for seed in (1, 1, 2))
    assert (first.piece.pitches == again.piece.pitches).all()
    assert (first.piece.pitches != other.piece.pitches).any()


def test_sampling_names_the_rules(composer):
    kept = composer.compose(bars=2, seed=1)
    free = composer.compose(bars=2, seed=1, sampling=Sampling(rules=()))
    assert (np.diff(kept.piece.pitches) <= 0).all()
    assert (np.diff(free.piece.pitches) > 0).any()
    assert len(Sampling(rules=choose_rules("leaps")).rules) == 10


def test_a_file_a_score_and_a_piece_are_harmonized_alike(composer, tmp_path):
    from music21 import converter

    path = tmp_path / "ode.abc"
    path.write_text(ODE)
    sources = (path, str(path), converter.parse(path), read_score(path, melody=True))
    made = [composer.harmonize(source, seed=2) for source in sources]
    for result in made:
        assert (result.piece.pitches == made[0].piece.pitches).all()
        assert (result.key, result.octaves) == ("D major", 0)


def test_a_piece_is_continued(composer):
    made = composer.prolong(primer(), 1, key="C")
    assert made.primer_steps == 32 and len(made.piece) == 48
    assert (made.piece.pitches[:32] == primer().pitches).all()
    again = composer.prolong(score.to_score(primer()), 1, key="C")
    assert (again.piece.pitches == made.piece.pitches).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.compose(bars=0), "bars must be 1 to 40, not 0"),
        (lambda c: c.compose(metre="5/4"), "metre must be 4/4 or 3/4, not 5/4"),
        (lambda c: c.compose(key="H"), "'H' names no key"),
        (lambda c: c.compose(bars=1).write("a.doc"), "a.doc: cannot write .doc; use .mid, "),
        (lambda c: c.compose(bars=1).write("a.mid", tempo=5), "tempo must be 20 to 300"),
        (lambda c: c.prolong("none.mid"), "none.mid: no such file"),
        (lambda c: c.prolong(primer(tonic=-1)), "p: its key cannot be told"),
        (lambda c: c.harmonize(primer(), phrase=0), "phrase must be 1 to 40"),
        (lambda c: Sampling(rules=("harmony",)), "no rule 'harmony'"),
        (lambda c: Sampling(temperature=-1), "temperature"),
    ],
)
def test_bad_input_is_one_line(composer, call, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message) as error:
        call(composer)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_model_without_an_encoder_does_not_harmonize(use_uniform):
    use_uniform(encoder_units=0)
    with pytest.raises(InputError, match="trained without melodies"):
        Composer.from_preset().harmonize(primer())
