"""Grades: distances of what chorales are made of, and the quiz."""

import json
from collections import Counter

import numpy as np
import pytest

from apps.music.compare import clashes, measure
from apps.music.corpus import read_score
from apps.music.grade import FEATURES, Grader, distance, histograms
from apps.music.piece import metre, piece_from_pitches
from apps.music.planning import plan
from apps.music.quiz import EACH, excerpt, write_quiz
from shared.errors import InputError
from tests.apps.music.toy_data import primer


def chords(*rows, **known):
    pitches = np.repeat(np.array(rows), 4, axis=0)
    position, bar_length = metre(len(pitches))
    return piece_from_pitches(
        "p", pitches, position=position, bar_length=bar_length, **{"tonic": 7, "mode": 0, **known}
    )


def test_distance_is_wassersteins_over_the_ranks_of_the_corpus():
    corpus = Counter(a=6, b=3, c=1)
    assert distance(Counter(a=12, b=6, c=2), corpus) == pytest.approx(0)
    assert distance(Counter(b=1), corpus) == pytest.approx(0.6 + 0.1)
    assert distance(Counter(z=1), corpus) == pytest.approx(0.6 * 3 + 0.3 * 2 + 0.1)
    assert distance(Counter(), corpus) == 0


def test_what_a_piece_is_made_of():
    found = histograms(chords((74, 71, 67, 55), (72, 67, 64, 48), (72, 66, 62, 50)))
    assert found["chords"] == {"major": 2, "without fifth (0, 4, 10)": 1}
    assert found["doubling"] == {0: 2}
    assert found["soprano"] == {-2: 1} and found["bass"] == {-7: 1, 2: 1}
    assert found["rhythm"][4] == 10 and found["rhythm"][8] == 1
    assert found["spacing"][2, 12] == 2


def test_a_piece_of_the_corpus_has_a_better_grade_than_noise():
    rng = np.random.default_rng(0)
    corpus = [primer(tonic=t) for t in range(3)]
    noise = [chords(*np.sort(rng.integers(40, 80, (8, 4)))[:, ::-1]) for _ in range(3)]
    grader = Grader(corpus)
    good, bad = grader.measure(corpus), grader.measure(noise, corpus)
    assert set(good) == set(FEATURES) and good["told_apart"] is None
    assert good["grade"] < bad["grade"] and bad["told_apart"] == 1
    parts = [bad[name] for name in FEATURES if name not in ("grade", "told_apart")]
    assert bad["grade"] == pytest.approx(sum(parts))


def test_clashes_are_semitones_with_a_note_that_is_foreign():
    clash = chords((81, 70, 62, 54), (79, 71, 62, 55))  # A sharp under an A, in G major
    assert clashes(clash, (7, 0)) == 1 and measure([clash])["clashes"] == pytest.approx(100)
    fine = chords((79, 72, 62, 54), (79, 71, 60, 55))  # F sharp under G, B against C: its own
    assert clashes(fine, (7, 0)) == 0


def test_phrases_at_home_are_counted_without_the_last():
    fermata = np.repeat([False, True, False, True, False, True], 4)
    rows = [(74, 71, 67, bass) for bass in (55, 50, 55, 52, 55, 55)]
    assert measure([chords(*rows, fermata=fermata)])["home_phrases"] == 0.5


def real_piece(number):
    outline = plan(16, (7, 0), upbeat=4)
    pitches = np.tile([74, 71, 67, 55], (len(outline), 1))
    made = piece_from_pitches(
        f"real-{number}", pitches, position=outline.position, bar_length=outline.bar_length,
        fermata=outline.fermata, tonic=7, mode=0,
    )  # fmt: skip
    return made


def test_a_quiz_is_shuffled_and_has_a_key(use_uniform, tmp_path):
    use_uniform()
    from apps.music.app import MUSIC

    opened = MUSIC.open()
    real = [real_piece(k) for k in range(EACH)]
    files = write_quiz(opened, real, tmp_path, 1)
    answers = json.loads((tmp_path / "key.json").read_text())
    assert len(files) == 4 * EACH + 1 and len(answers) == 2 * EACH
    order = [answer.partition(":")[0] for answer in answers.values()]
    assert order.count("real") == EACH and order != sorted(order)
    lengths = {len(read_score(tmp_path / f"{number}.mid")) for number in answers}
    assert len(lengths) == 1 and len(excerpt(real[0])) < len(real[0])
    with pytest.raises(InputError, match="too few"):
        write_quiz(opened, real[1:], tmp_path, 1)
