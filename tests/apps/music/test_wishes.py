"""What stays of a piece, and chords that are wanted."""

import dataclasses

import numpy as np
import pytest

from apps.music.app import MUSIC
from apps.music.compose import Composer, Sampling
from apps.music.corpus import read_score
from apps.music.decoding import candidates
from apps.music.piece import in_a_row, piece_from_pitches
from apps.music.planning import plan
from apps.music.rules import choose_rules
from apps.music.wishes import chords_of, kept_notes
from shared.decoding import DecodingOptions
from shared.errors import InputError
from tests.apps.music.toy_data import Uniform

CONFIG = MUSIC.stage("base").config
G = (7, 0)


def piece(bars=4, upbeat=4):
    outline = plan(bars, G, upbeat=upbeat)
    pitches = np.tile([74, 67, 59, 55], (len(outline), 1)).astype(np.int16)
    beats = np.arange(len(outline)) % 4 == 0
    pitches[:, 2] += 2 * (np.arange(len(outline)) // 4 % 2)
    return dataclasses.replace(outline, pitches=pitches, strikes=np.repeat(beats[:, None], 4, 1))


def test_voices_and_bars_are_kept_and_an_upbeat_goes_with_bar_1():
    kept = kept_notes("bass bars 1 3-4", piece(5))
    assert kept[:, [0, 3]].all()
    assert kept[:20].all() and not kept[20:36, 1:3].any() and kept[36:68].all()
    for wanted in ("viola", "bars 0", "bars 3-2", "bars 9", "bars x", "", "alto tenor bass"):
        with pytest.raises(InputError):
            kept_notes(wanted, piece(5))


@pytest.mark.parametrize("rules", [choose_rules(), ()])
def test_what_is_kept_stays_and_the_rest_goes_with_it(rules):
    given = piece()
    kept = kept_notes("tenor bars 2", given)
    options = DecodingOptions("sample", seed=1, n_best=3)
    found = candidates(Uniform(), CONFIG, given, options, True, rules, kept)
    assert len(found) == 3
    for one in found:
        assert (one.piece.pitches[kept] == given.pitches[kept]).all()
        assert (one.piece.pitches != given.pitches).any()
        if rules:
            voices = one.piece.pitches
            assert (np.diff(voices[(voices >= 0).all(1)]) <= 0).all()  # none crosses the tenor
    assert (np.diff([one.nats_per_note for one in found]) >= 0).all()


def test_a_kept_note_begins_after_one_that_is_not_kept():
    given = piece()
    held = dataclasses.replace(
        given, strikes=given.strikes & (np.arange(len(given)) % 64 == 0)[:, None] | (
            np.diff(given.pitches, axis=0, prepend=-1) != 0)
    )  # fmt: skip
    kept = kept_notes("bars 3", held)
    [one] = candidates(Uniform(), CONFIG, held, DecodingOptions("sample", seed=2), True, (), kept)
    assert (one.piece.pitches[kept] == held.pitches[kept]).all()


def test_chords_are_on_their_beats():
    outline = plan(4, G, upbeat=4)
    chords, said = chords_of("I IV - V7", outline, False)
    assert not said and [(k, c.figure, c.bass) for k, c in chords.items()] == [
        (4, "I", 7), (20, "IV", 0), (52, "V7", 2),
    ]  # fmt: skip
    spread, _ = chords_of("I6 IV | V", outline, False)
    assert list(spread) == [4, 12, 20] and spread[4].bass == 11
    options = DecodingOptions("sample", seed=1)
    [one] = candidates(Uniform(), CONFIG, outline, options, chords=chords)
    for step, chord in chords.items():
        notes = one.piece.pitches[step] % 12
        assert set(notes) <= chord.notes and chord.third in notes and notes[3] == chord.bass


def test_chords_that_cannot_be_are_refused_or_left_out():
    for figures in ("I XX", "q", "I I I I I"):
        with pytest.raises(InputError):
            chords_of(figures, plan(4, G), False)
    with pytest.raises(InputError, match="key"):
        chords_of("I", piece_from_pitches("x", np.full((16, 4), 60)), False)
    chords, said = chords_of("I IV V", piece(), True)  # a D above all of them
    assert [c.figure for c in chords.values()] == ["I", "V"] and "bar 2" in said[0]


def test_candidates_are_written_in_one_score(use_uniform, tmp_path):
    use_uniform()
    made = Composer.from_preset().compose(bars=2, seed=1, sampling=Sampling(n_best=3, chords="I V"))
    assert len(made.candidates) == 3 and made.piece is made.candidates[0].piece
    made.write(tmp_path / "a.musicxml", tmp_path / "a.mid", tmp_path / "a.png")
    text = (tmp_path / "a.musicxml").read_text()
    assert text.count("<rehearsal") == 3 and text.count("light-heavy") == 6
    read = read_score(tmp_path / "a.musicxml")
    assert (read.pitches == in_a_row([one.piece for one in made.candidates]).pitches).all()
