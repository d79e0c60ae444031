import numpy as np
import pytest

from apps.music.compare import (
    FIGURES,
    KEYS,
    Copies,
    generate,
    is_chord,
    measure,
    on_beats,
    parallels,
    table,
)
from apps.music.compose import Composer
from apps.music.key import key_name
from apps.music.piece import piece_from_pitches
from apps.music.planning import plan
from apps.music.rules import RULES
from tests.apps.music.toy_data import scale_piece


def piece(*chords, length=4, tonic=0, mode=0):
    """Chords of that many 16ths, from the soprano down."""
    return piece_from_pitches(
        "made", np.repeat(np.array(chords), length, axis=0), tonic=tonic, mode=mode
    )


CLOSE = [(72, 67, 64, 48), (71, 67, 62, 55), (72, 67, 64, 48)]  # I V I
FIFTHS = [(67, 64, 60, 48), (69, 65, 62, 50)]  # soprano, tenor and bass move together


@pytest.mark.parametrize(
    ("chord", "known"),
    [
        ((72, 67, 64, 48), True),
        ((72, 67, 63, 48), True),
        ((70, 67, 64, 48), True),
        ((69, 66, 63, 48), True),  # diminished seventh
        ((72, 64, 60, 48), True),  # no fifth
        ((72, 67, 60, 48), False),  # no third
        ((72, 67, 65, 48), False),  # a suspension
        ((72, 67, 64, 50), False),
        ((76, 68, 64, 48), True),  # augmented, over its root
    ],
)
def test_what_is_a_chord(chord, known):
    assert is_chord(np.array([chord])).tolist() == [known]
    up = (np.array([chord]) + 5) % 12 + 60
    assert is_chord(up).tolist() == [known]


def test_parallels_are_counted_by_pairs():
    assert parallels(np.array(CLOSE)) == 0
    # Octaves of tenor and bass, fifths of the soprano with both of them.
    assert parallels(np.array(FIFTHS)) == 3
    assert parallels(np.array([FIFTHS[0], FIFTHS[0], FIFTHS[1]])) == 3


def test_figures_of_a_made_piece():
    figures = measure([piece(*CLOSE, *FIFTHS)], Copies([piece(*CLOSE)]))
    assert figures["parallels"] == pytest.approx(100 * 3 / 4)
    assert figures["beat_parallels"] == pytest.approx(100 * 3 / 4)
    assert figures["chord_validity"] == 1
    # Moves of soprano, alto, tenor and bass, in five beats.
    assert figures["changes_per_beat"] == pytest.approx((4 + 2 + 4 + 3) / 5)
    assert figures["crossing"] == figures["out_of_range"] == 0
    assert figures["in_scale"] == figures["key_kept"] == 1
    assert figures["tonic_ending"] == 0
    assert figures["copied_run"] == figures["copied_run_mean"] == 3


def test_crossing_ranges_and_foreign_notes():
    odd = piece((60, 72, 64, 30), (72, 67, 66, 48))
    figures = measure([odd], Copies([piece(*CLOSE)]))
    assert figures["crossing"] == 0.5
    assert figures["out_of_range"] == 1 / 8
    assert figures["in_scale"] == 1 - 2 / 8  # 30 and 66 are F sharp
    assert measure([odd, odd], Copies([]))["copied_run"] == 0
    assert measure([odd])["copied_run"] is None


def test_only_full_beats_count_for_chords():
    silent = piece(CLOSE[0], (-1, 67, 65, 48))
    assert measure([silent])["chord_validity"] == 1


def test_beats_follow_the_bar():
    steps = np.arange(12)
    upbeat = piece_from_pitches(
        "u", np.tile(steps[:, None] + 60, 4), position=(steps + 14) % 16, bar_length=steps * 0 + 16
    )
    assert on_beats(upbeat)[:, 0].tolist() == [62, 66, 70]


def test_a_copy_is_found_in_any_key_and_a_change_of_one_voice_ends_it():
    tune = [(72, 67, 64, 48), (74, 67, 59, 55), (76, 67, 60, 48), (77, 69, 60, 53), CLOSE[1]]
    copies = Copies([piece(*tune)])
    assert copies.longest(piece(*tune).transpose(3)) == 5
    assert copies.longest(piece(*tune[:2], tune[1], *tune[2:])) == 5  # a repeated chord
    changed = [*tune[:3], (77, 69, 65, 53), tune[4]]
    assert copies.longest(piece(*changed)) == 3
    assert copies.longest(piece(*tune[::-1])) < 3
    other_bass = [(a, b, c, d - 12 * (k == 1)) for k, (a, b, c, d) in enumerate(tune)]
    assert copies.longest(piece(*other_bass)) == 3


def test_a_key_that_nobody_asked_for_is_not_kept():
    unknown = piece_from_pitches("u", np.array(scale_piece()))
    known = piece(*CLOSE, tonic=0)
    assert measure([unknown])["key_kept"] is None
    assert measure([unknown, known])["key_kept"] == 1
    lines = table({"a": measure([unknown]), "b": measure([known])})
    assert len(lines.splitlines()) == len(FIGURES) + 1
    assert any(line.split()[:2] == ["-", "1.000"] for line in lines.splitlines())


def test_generated_pieces_are_those_that_compose_makes(use_uniform):
    use_uniform()
    composer = Composer.from_preset()
    plans = [plan(1, KEYS[k], upbeat=4) for k in range(2)]
    made = generate(composer.opened, plans, rules=tuple(RULES))
    alone = composer.compose(key=key_name(*KEYS[1]), bars=1, seed=1)
    assert (made[1].pitches == alone.piece.pitches).all()
    assert (made[0].pitches != made[1].pitches).any()
