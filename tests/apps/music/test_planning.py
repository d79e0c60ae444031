import numpy as np
import pytest

from apps.music.piece import metre, piece_from_pitches
from apps.music.planning import cut, octaves_to_soprano, phrase_ends, plan, plan_harmony, prolong
from tests.apps.music.toy_data import primer, scale_piece


def melody(notes, **known):
    """A soprano of (MIDI, 16ths) pairs in 4/4, -1 is a rest."""
    line = np.concatenate([np.full(length, midi) for midi, length in notes])
    strikes = np.zeros((len(line), 4), bool)
    strikes[np.cumsum([0, *[length for _, length in notes]])[:-1], 0] = True
    pitches = np.stack([line, *[np.full_like(line, -1)] * 3], 1)
    position, bar_length = metre(len(line))
    return piece_from_pitches("m", pitches, strikes, position=position, bar_length=bar_length)


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


# --- continue -------------------------------------------------------------------------------


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
    assert ends(melody([*quarters * 2, (70, 8), *quarters * 2, (70, 8)] * 2)) == [32, 64, 96, 128]
    phrase = [*quarters * 2, (72, 4)]
    assert ends(melody([*phrase, (-1, 4), *phrase])) == [28, 60]
    assert len(ends(melody([(70, 8), (71, 8)] * 16))) <= 8  # here a half is no long note
    assert ends(melody(quarters * 8), phrase=2) == [32, 64, 96]


def test_fermatas_of_its_own_are_kept_unless_a_phrase_is_given():
    own = melody([(70, 4)] * 8)
    own.fermata[8:12] = True
    assert plan_harmony(own)[0].fermata.sum() == 4
    assert plan_harmony(own, phrase=1)[0].fermata.sum() == 8
