import dataclasses

import numpy as np
import pytest

from apps.music import rules as module
from apps.music.app import MUSIC
from apps.music.decoding import fill
from apps.music.piece import HOLD, LOWEST, PITCH, VOCABULARY, VOICE_ORDER, metre, piece_from_pitches
from apps.music.planning import plan
from apps.music.rules import RANGES, RULES, SPACING, Rules, choose_rules, consecutive
from shared.decoding import DecodingOptions
from shared.errors import InputError
from tests.apps.music.toy_data import Uniform

BARS = 4


@pytest.fixture
def strict(monkeypatch):
    """No rule gives way unless nothing at all is left."""
    monkeypatch.setattr(module, "LEAST", dict.fromkeys(RULES, 0))


def faults(piece, outline):
    """By rule the number of faults, found one by one: an account apart from the rules' own."""
    p = piece.pitches.astype(int)
    found = dict.fromkeys(RULES, 0)
    for t in range(len(p)):
        now, before = p[t], p[t - 1] if t else None
        for v in range(4):
            found["silence"] += now[v] < 0
            found["ranges"] += not RANGES[v][0] <= now[v] <= RANGES[v][1]
            if before is not None:
                found["leaps"] += abs(now[v] - before[v]) in (10, 11, *range(13, 50))
        for upper in range(4):
            for lower in range(upper + 1, 4):
                found["crossing"] += now[lower] > now[upper]
                if lower == upper + 1:
                    found["spacing"] += now[upper] - now[lower] > SPACING[upper]
                if before is None:
                    continue
                if lower == upper + 1:
                    found["overlap"] += now[lower] > before[upper] or now[upper] < before[lower]
                found["parallels"] += parallel(before, now, upper, lower)
                if t % 4 == 0:
                    found["beats"] += parallel(p[t - 4], now, upper, lower)
        if t and outline.fermata[t] and not outline.fermata[t - 1] and t < len(p) - 16:
            found["phrases"] += not is_triad(now)
    degrees = (p - outline.tonic) % 12
    third = 4 - outline.mode
    found["opening"] += set(degrees[0]) - {0, 7} != {third} or degrees[0][3] != 0
    final = int(np.flatnonzero(np.diff(outline.fermata.astype(int)) == 1)[-1]) + 1
    found["cadence"] += len({tuple(chord) for chord in p[final:]}) > 1
    found["cadence"] += not is_triad(p[-1]) or degrees[-1][3] != 0
    found["cadence"] += (degrees[final - 4 : final, 3] != 7).any()
    found["cadence"] += (degrees[final - 2 : final] == 11).sum() != 2
    return found


def parallel(before, now, upper, lower):
    if now[upper] == before[upper] or now[lower] == before[lower]:
        return False
    sizes = [abs(chord[upper] - chord[lower]) % 12 for chord in (before, now)]
    return sizes in ([0, 0], [7, 7])


def is_triad(chord):
    return {(pitch - chord[3]) % 12 for pitch in chord} in ({0, 3, 7}, {0, 4, 7}, {0, 3}, {0, 4})


def composed(names, mode=0, seed=0, holds=True):
    config = dataclasses.replace(MUSIC.stage().config, encoder_units=0, holds=holds)
    outline = plan(BARS, (2, mode))
    options = DecodingOptions("sample", seed=seed)
    return fill(Uniform(holds), config, outline, options, rules=names), outline


@pytest.mark.parametrize(("mode", "holds"), [(0, True), (1, True), (0, False)])
def test_all_rules_hold_even_for_a_model_that_knows_nothing(strict, mode, holds):
    assert not any(faults(*composed(tuple(RULES), mode, seed=1, holds=holds)).values())


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_is_left_out_is_broken(strict, name):
    piece, outline = composed(choose_rules(name), mode=1, seed=4)
    assert faults(piece, outline)[name]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_holds_alone(strict, name):
    others = {"ranges": ("silence", "ranges")}  # silence is out of everybody's range
    piece, outline = composed(others.get(name, (name, "silence")), seed=4)
    assert not faults(piece, outline)[name]


@pytest.mark.parametrize(
    ("pitches", "parallel"),
    [
        ((67, 60, 69, 62), True),
        ((72, 60, 74, 62), True),
        ((67, 60, 81, 62), True),  # a fifth and a twelfth
        ((67, 60, 62, 67), False),  # a fifth and, crossed, a fourth
        ((67, 60, 57, 62), False),
        ((67, 48, 65, 58), True),  # in opposite directions
        ((72, 60, 72, 60), False),
        ((67, 60, 67, 48), False),  # one voice stays
        ((67, 60, 74, 62), False),  # a fifth and an octave
        ((66, 60, 69, 62), False),  # a diminished fifth and a perfect one
        ((-1, -1, 72, 60), False),
    ],
)
def test_what_is_parallel(pitches, parallel):
    upper, lower, next_upper, next_lower = map(np.array, pitches)
    assert consecutive(upper, lower, next_upper, next_lower) == parallel


def prefix(*frames):
    """Symbols of frames that are written from the soprano down; None holds."""
    rows = [
        [HOLD if frame[v] is None else frame[v] - LOWEST + PITCH for v in VOICE_ORDER]
        for frame in frames
    ]
    return np.array([np.ravel(rows)], np.int32)


def allowed(rules, given, log_probabilities=None):
    if log_probabilities is None:
        log_probabilities = np.full((len(given), VOCABULARY), -np.log(VOCABULARY), np.float32)
    after = rules(given, log_probabilities.copy())
    assert np.isfinite(after).any(1).all()
    return [set(np.flatnonzero(np.isfinite(row)).tolist()) for row in after]


def symbol(midi):
    return midi - LOWEST + PITCH


def test_a_held_note_counts_as_its_pitch():
    rules = Rules(plan(4, (0, 0)), ("parallels",))
    held = prefix((67, 64, 60, 48), (None,) * 4)
    # The soprano has moved on from its octave and fifths; the bass would follow in parallel.
    given = np.concatenate([held, [[symbol(69)]]], axis=1).astype(np.int32)
    [bass] = allowed(rules, given)
    assert HOLD in bass and symbol(48) in bass and symbol(50) not in bass


def test_rows_do_not_know_of_each_other():
    rules = Rules(plan(4, (0, 0)))
    rng = np.random.default_rng(0)
    given = rng.integers(symbol(48), symbol(70), (5, 4 * 7 + 2)).astype(np.int32)
    values = np.log(rng.dirichlet(np.full(VOCABULARY, 0.1), 5)).astype(np.float32)
    together = allowed(rules, given, values)
    assert together == [
        allowed(rules, given[k : k + 1], values[k : k + 1])[0] for k in range(len(given))
    ]


def test_the_least_important_rule_gives_way():
    rules = Rules(plan(4, (0, 0)), ("ranges", "parallels"))
    given = np.concatenate([prefix((67, 64, 60, 48)), [[symbol(69)]]], axis=1).astype(np.int32)
    values = np.full((1, VOCABULARY), -30.0, np.float32)
    values[0, symbol(50)] = np.log(0.6)  # fifths and octaves with the soprano
    values[0, symbol(80)] = np.log(0.4)  # no bass sings that
    [bass] = allowed(rules, given, values)
    assert symbol(50) in bass and symbol(80) not in bass


def test_a_rule_gives_way_to_what_the_model_is_sure_of():
    outline = plan(4, (0, 0))
    given = np.concatenate([prefix((67, 64, 60, 48)), [[symbol(69)]]], axis=1).astype(np.int32)
    for name, sure, kept in (
        ("parallels", 0.99, True),
        ("parallels", 0.9999, False),
        ("leaps", 0.99, True),
    ):
        values = np.full((1, VOCABULARY), -30.0, np.float32)
        values[0, symbol(50 if name == "parallels" else 59)] = np.log(sure)
        values[0, symbol(47)] = np.log(1 - sure)
        [bass] = allowed(Rules(outline, (name,)), given, values)
        assert (symbol(50) not in bass if name == "parallels" else symbol(59) not in bass) == kept


@pytest.mark.parametrize("name", ["overlap", "beats"])
def test_what_bach_minds_less_gives_way_sooner(name):
    before = (67, 64, 60, 48)
    given = np.concatenate([prefix(*[before] * 4), [[symbol(69)]]], axis=1).astype(np.int32)
    wrong = symbol(62 if name == "overlap" else 50)  # above the tenor; an octave after an octave
    for sure, kept in ((0.7, True), (0.9, False)):
        values = np.full((1, VOCABULARY), -30.0, np.float32)
        values[0, wrong], values[0, symbol(47)] = np.log(sure), np.log(1 - sure)
        [bass] = allowed(Rules(plan(4, (0, 0)), (name, "silence")), given, values)
        assert (wrong not in bass) == kept


MELODY = [72, 74, 71, 72]  # C D B C: the dominant fits beneath its third note


def melody(pitches, tonic=0, mode=0):
    steps = np.repeat([p for p in pitches], 4)
    rest = np.full_like(steps, -1)
    return piece_from_pitches("m", np.stack([steps, rest, rest, rest], 1), tonic=tonic, mode=mode)


@pytest.mark.parametrize(
    ("pitches", "basses"),
    [
        (MELODY, [7, 0]),
        ([72, 76, 74, 74], [None, 7]),  # a half close
        ([72, 74, 77, 76], [7, 0]),
        ([72, 76, 69, 72], [None, 0]),  # the sixth degree is in no dominant chord
        ([72, 76, 73, 73], [None, None]),
        ([72, 76, 73, -1], [None, None]),
    ],
)
def test_a_melody_decides_how_it_closes(pitches, basses):
    outline = melody(pitches)
    rules = Rules(outline, ("cadence", "silence"), melody=True)
    for place, degree in zip((8, 12), basses, strict=True):
        given = prefix(*[(p, 64, 60, 55) for p in outline.pitches[: place + 1, 0].clip(60)])
        [bass] = allowed(rules, given[:, :-3])
        degrees = {(s - PITCH + LOWEST) % 12 for s in bass if s >= PITCH}
        assert degrees == ({degree} if degree is not None else set(range(12)))


def test_where_a_melody_rests_the_others_may():
    outline = melody([72, -1, 71, 72])
    config = MUSIC.stage().config
    piece = fill(Uniform(), config, outline, DecodingOptions("sample"), melody=True)
    silent = piece.pitches < 0
    assert silent[4:8, 0].all() and silent[4:8, 1:].any()
    assert not silent[:4].any() and not silent[8:].any()


@pytest.mark.parametrize(("first", "bound"), [(72, True), (76, True), (74, False), (-1, False)])
def test_a_melody_decides_how_it_opens(first, bound):
    outline = melody([first, 74, 71, 72])
    rules = Rules(outline, ("opening", "silence"), melody=True)
    [bass] = allowed(rules, np.array([[symbol(first) if first > 0 else 0]], np.int32))
    degrees = {(s - PITCH + LOWEST) % 12 for s in bass if s >= PITCH}
    assert degrees == ({0} if bound else set(range(12)))


def test_an_unknown_key_is_taken_from_what_was_written():
    outline = plan(2, (-1, -1))
    rules = Rules(outline, ("cadence",))
    scale = [(p + 24, p + 16, p + 12, p) for p in (42, 44, 46, 47, 49, 51, 53, 54) for _ in "123"]
    given = prefix(*scale)[:, : 4 * (len(outline) - 8)]
    [soprano] = allowed(rules, given)
    degrees = {(s - PITCH + LOWEST - 6) % 12 for s in soprano if s >= PITCH}
    assert degrees <= {0, 3, 4}


def test_choosing_rules():
    assert choose_rules() == tuple(RULES)
    assert choose_rules(none=True) == ()
    assert set(RULES) - set(choose_rules("parallels, crossing")) == {"parallels", "crossing"}
    with pytest.raises(InputError, match="no rule 'fifths'; the rules are: silence, "):
        choose_rules("fifths")


def test_in_compound_metres_nothing_is_held_over_a_beat_that_began_between():
    position, lengths = metre(24, 12)
    outline = piece_from_pitches(
        "p", np.full((24, 4), -1), position=position, bar_length=lengths, tonic=0, mode=0
    )
    outline = dataclasses.replace(outline, unit=np.full(24, 2, np.int16))
    note = PITCH + 60 - LOWEST
    for onset, free in ((0, True), (4, False)):
        rules = Rules(outline, ("silence",))
        symbols = np.full((6, 4), HOLD)
        symbols[[0, onset]] = note
        left = rules(symbols.reshape(1, -1), np.zeros((1, VOCABULARY)))
        assert np.isfinite(left[0, HOLD]) == free and np.isfinite(left[0, note])
