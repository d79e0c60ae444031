import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from apps.music import data
from apps.music.canonical import read_canonical
from apps.music.data import Data, Source, read_pieces
from apps.music.piece import (
    END,
    FEATURE_SIZES,
    FEATURES,
    HIGHEST,
    HOLD,
    LOWEST,
    PITCH,
    SILENCE,
    START,
    VOCABULARY,
    VOICE_ORDER,
    decode_symbols,
    encode_piece,
    features,
    piece_from_pitches,
)
from apps.music.score import musicxml
from shared.errors import InputError


def random_piece(steps, seed=0, name="piece", **fields):
    """Voices wandering in their ranges, notes of a beat or so."""
    rng = np.random.default_rng(seed)
    low = np.array([60, 55, 52, 46])
    notes = low + rng.integers(0, 10, (steps // 4 + 1, 4))
    pitches = np.repeat(notes, 4, axis=0)[:steps]
    return piece_from_pitches(name, pitches, rng.random((steps, 4)) < 0.1, **fields)


@st.composite
def pieces(draw):
    steps = draw(st.integers(1, 24))
    pitch = st.one_of(st.just(-1), st.integers(LOWEST, HIGHEST))
    pitches = draw(hnp.arrays(np.int16, (steps, 4), elements=pitch, fill=st.just(60)))
    return piece_from_pitches("any", pitches, draw(hnp.arrays(bool, (steps, 4))))


# --- canonical JSON ---


def write(tmp_path, content):
    path = tmp_path / "chorales.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_canonical(tmp_path):
    content = {"train": [[[72, 67, 64, 48], [72, 67.0, None, 50]]], "mine": [[[60, -1, 50, 40]]]}
    splits = read_canonical(write(tmp_path, json.dumps(content).replace("50]", "NaN]")))
    assert list(splits) == ["train", "mine"]
    (piece,) = splits["train"]
    assert piece.pitches.tolist() == [[72, 67, 64, 48], [72, 67, -1, -1]]
    assert piece.strikes.tolist() == [[True] * 4, [False] * 4]
    assert (piece.name, piece.tonic, piece.mode) == ("train/000", -1, -1)
    assert (piece.position == -1).all() and not piece.fermata.any()
    assert len(read_pieces(Source(str(write(tmp_path, content))), "mine")) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", ["not valid JSON"]),
        ([], ["top level"]),
        ({}, ["top level"]),
        ({"train": []}, ["'train'", "at least one piece"]),
        ({"train": 3}, ["'train'"]),
        ({"train": [[[60, 60, 60, 60]], []]}, ["'train'", "piece 1", "at least one step"]),
        ({"train": [[[60, 60, 60, 60], [60, 60, 60]]]}, ["piece 0", "step 1", "four"]),
        ({"train": [[[60, 60, 60, "C4"]]]}, ["step 0", "'C4'"]),
        ({"train": [[[60, 60, 60, 128]]]}, ["step 0", "128"]),
        ({"train": [[[60, 60, 60, 60.5]]]}, ["step 0", "60.5"]),
        ({"train": [[[60, 60, 60, -2]]]}, ["step 0", "-2"]),
        ({"train": [[[60, 60, 60, True]]]}, ["step 0", "True"]),
        ('{"train": [[[60, 60, 60, Infinity]]]}', ["step 0", "inf"]),
    ],
)
def test_canonical_refuses_in_one_line(tmp_path, content, words):
    path = write(tmp_path, content)
    with pytest.raises(InputError) as error:
        read_canonical(path)
    message = str(error.value)
    assert "\n" not in message
    for word in [path.name, *words]:
        assert word in message


def test_missing_file_and_unknown_split(tmp_path):
    with pytest.raises(InputError, match=r"absent\.json: cannot be read"):
        read_canonical(tmp_path / "absent.json")
    path = write(tmp_path, {"train": [[[60, 60, 60, 60]]], "valid": [[[60, 60, 60, 60]]]})
    with pytest.raises(InputError, match="no split 'test'; it has: train, valid"):
        read_pieces(Source(str(path)), "test")


# --- symbols ---


@given(pieces(), st.booleans())
def test_symbols_round_trip(piece, holds):
    symbols = encode_piece(piece, holds)
    assert symbols.dtype == np.int32
    assert ((symbols >= 0) & (symbols < VOCABULARY)).all()
    assert not np.isin(symbols, [START, END]).any()
    pitches, strikes = decode_symbols(symbols, holds)
    np.testing.assert_array_equal(pitches, piece.pitches)
    # Without holds a repeated note cannot be told from a long one.
    expected = piece if holds else piece_from_pitches("any", piece.pitches)
    np.testing.assert_array_equal(strikes, expected.strikes)


def test_symbols_by_hand():
    strikes = [[1, 1, 1, 1], [0, 1, 0, 0]]
    piece = piece_from_pitches("p", [[72, 67, 64, 36], [72, 67, 81, -1]], strikes)
    assert VOICE_ORDER == (0, 3, 1, 2)
    assert encode_piece(piece).tolist() == [[40, 4, 35, 32], [40, SILENCE, 35, 49]]
    assert encode_piece(piece, True).tolist() == [[40, 4, 35, 32], [HOLD, SILENCE, 35, 49]]


def test_decoding_stops_at_the_end():
    symbols = np.array([[40, 20, 30, 30], [HOLD] * 4, [END] * 4, [41] * 4])
    pitches, strikes = decode_symbols(symbols, True)
    assert pitches.tolist() == [[72, 62, 62, 52]] * 2
    assert strikes.tolist() == [[True] * 4, [False] * 4]


def test_pitch_outside_of_the_vocabulary():
    with pytest.raises(InputError, match="high: the soprano at step 1 is MIDI pitch 82"):
        encode_piece(piece_from_pitches("high", [[81, 60, 55, 40], [82, 60, 55, 40]]))


def test_piece_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="pitches must be"):
        piece_from_pitches("p", np.zeros((3, 3)))
    with pytest.raises(ValueError, match="position must be"):
        piece_from_pitches("p", np.zeros((3, 4)), position=np.zeros(2))


# --- features ---


def test_features():
    fermata = np.isin(np.arange(12), [6, 7])
    piece = piece_from_pitches(
        "p",
        np.full((12, 4), 60),
        position=[12, 13, 14, 15, *range(8)],
        bar_length=[16] * 12,
        fermata=fermata,
        tonic=9,
        mode=1,
    )
    rows = dict(zip(FEATURES, features(piece, end=True).T.tolist(), strict=True))
    assert rows["position"] == [12, 13, 14, 15, *range(9)]
    assert rows["phase"] == list(range(13))
    assert rows["fermata"] == [0] * 6 + [1, 1] + [0] * 5
    assert rows["fermata_in"] == [6, 5, 4, 3, 2, 1, 0, 0] + [31] * 5
    assert rows["tonic"] == [9] * 13 and rows["mode"] == [1] * 13
    assert rows["last_bar"] == [0] * 4 + [1] * 9
    np.testing.assert_array_equal(features(piece), features(piece, end=True)[:-1])


def test_features_unknown():
    rows = features(random_piece(40), end=True)
    assert (rows.max(0) == [24, 15, 0, 31, 12, 2, 2]).all()
    assert rows.shape == (41, len(FEATURES))
    assert (rows < FEATURE_SIZES).all()


# --- batches ---


def test_crops_repeat_and_differ():
    some = [random_piece(n, seed=n) for n in (30, 70, 101)]
    options = Data(crop_frames=32, batch=4)
    first, again = (list(data.crops(some, options, 5, 2)) for _ in range(2))
    other = list(data.crops(some, options, 5, 3))
    assert len(first) == len(other) == data.batches_per_pass(some, options) == 2
    for a, b in zip(first, again, strict=True):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])
    assert any((a["frames"] != b["frames"]).any() for a, b in zip(first, other, strict=True))


def test_crops_are_cut_from_the_pieces():
    piece = random_piece(50, tonic=2, mode=0)
    whole = encode_piece(piece)
    rows = features(piece, end=True)
    seen = np.zeros(51, int)
    for epoch in range(20):
        for batch in data.crops([piece], Data(crop_frames=20, batch=3), 0, epoch, transpose=False):
            columns = (batch[name] for name in ("frames", "features", "mask"))
            for frames, inputs, mask in zip(*columns, strict=True):
                start = _place(frames, whole)
                seen[start : start + 20] += 1
                np.testing.assert_array_equal(inputs, rows[start : start + 20])
                ended = start + 20 == 51
                assert mask[:19].all() and mask[19].tolist() == [True] + [not ended] * 3
                assert (frames[20] == END).all() == ended
    assert (seen > 0).all()


def _place(frames, whole):
    padded = np.vstack([np.full((1, 4), START), whole, np.full((1, 4), END)])
    (start,) = [
        i for i in range(len(padded)) if np.array_equal(padded[i : i + len(frames)], frames)
    ]
    return start


def test_transposed_crops_stay_in_range_and_carry_the_key():
    some = [random_piece(60, seed=s, tonic=s, mode=0).transpose(s) for s in range(6)]
    ranges = data.voice_ranges(some)
    shifts = set()
    for batch in data.crops(some, Data(crop_frames=64, batch=6), 1):
        for frames, inputs in zip(batch["frames"], batch["features"], strict=True):
            notes = np.ma.masked_less(frames[:, np.argsort(VOICE_ORDER)], PITCH) - PITCH + LOWEST
            assert (notes.min(0) >= ranges[:, 0]).all() and (notes.max(0) <= ranges[:, 1]).all()
            steps = [
                (s, p)
                for p in some
                for s in range(-5, 6)
                if np.array_equal(frames[1:61], encode_piece(p.transpose(s)))
            ]
            ((shift, piece),) = steps
            shifts.add(shift)
            assert set(inputs[:61, 4]) == {(piece.tonic + shift) % 12}
    assert len(shifts) > 1


def test_short_piece_is_padded():
    piece = random_piece(5)
    (batch,) = data.crops([piece], Data(crop_frames=8, batch=2), 0)
    assert batch["frames"].shape == (2, 9, 4)
    assert batch["mask"][0].sum() == 5 * 4 + 1
    assert (batch["frames"][0, 0] == START).all() and (batch["frames"][0, 6] == END).all()
    assert (batch["frames"][0, 7:] == 0).all() and (batch["features"][0, 6:] == 0).all()


def test_holds_come_with_the_sounding_notes():
    piece = piece_from_pitches("long", np.tile([[70, 60, -1, 40]], (64, 1)))
    for batch in data.crops([piece], Data(crop_frames=16, batch=4, masked_rate=0), 0, holds=True):
        frames, sounding = batch["frames"], batch["sounding"]
        assert (frames == HOLD).any() and not (sounding == HOLD).any()
        held = encode_piece(piece)[0]
        notes = sounding[~np.isin(sounding[..., 0], [START, END])]
        assert set(map(tuple, notes)) == {tuple(held)}
        other = frames != HOLD
        np.testing.assert_array_equal(frames[other], sounding[other])


def test_lower_voices_are_masked_for_a_time_and_predicted_all_the_same():
    pieces = [random_piece(n, seed=n) for n in (60, 90, 75)]
    plain, some, all_rows = (
        next(data.crops(pieces, Data(crop_frames=32, batch=8, masked_rate=rate), 0))
        for rate in (0, 0.5, 1)
    )
    for batch, rows in ((some, {True, False}), (all_rows, {True})):
        masked = batch["sounding"] != plain["sounding"]
        assert set(masked.any((1, 2))) == rows
        assert not masked[..., 0].any() and masked[..., 1:].any((0, 1)).all()
        assert (batch["sounding"][masked] == START).all() and not batch["ages"][masked].any()
        np.testing.assert_array_equal(batch["ages"][~masked], plain["ages"][~masked])
        for name in ("frames", "features", "mask"):
            np.testing.assert_array_equal(batch[name], plain[name])


def test_whole_pieces_count_every_note_once_and_no_end():
    some = [random_piece(n, seed=n) for n in (30, 70, 50)]
    batches = list(data.whole_pieces(some, 2))
    assert [b["index"].tolist() for b in batches] == [[0, 2], [1]]
    assert sum(b["mask"].sum() for b in batches) == 150 * 4
    for batch in batches:
        for row, index in enumerate(batch["index"]):
            n = len(some[index])
            frames, mask = batch["frames"][row], batch["mask"][row]
            np.testing.assert_array_equal(frames[1 : n + 1], encode_piece(some[index]))
            assert mask[:n].all() and not mask[n:].any()


def test_an_epoch_is_some_passes():
    some = [random_piece(n, seed=n) for n in (30, 70)]
    options = Data(passes=3, crop_frames=32, batch=2)
    dataset = data.epoch_pipeline(some, options, 3, 2)
    expected = [b for number in (6, 7, 8) for b in data.crops(some, options, 3, number)]
    assert dataset.cardinality() == len(expected)
    for got, batch in zip(dataset.as_numpy_iterator(), expected, strict=True):
        for name in batch:
            np.testing.assert_array_equal(got[name], batch[name])


def test_rates_are_shares():
    for name in ("melody_rate", "masked_rate"):
        with pytest.raises(InputError, match=f"--{name.replace('_', '-')} must be 0 to 1, not 1.5"):
            Data(**{name: 1.5})


def test_the_test_part_unless_said_or_all_of_it(tmp_path):
    chord = [60, 60, 60, 60]
    content = {"train": [[chord]] * 2, "valid": [[chord]]}
    source = Source(str(write(tmp_path, content)))
    assert len(read_pieces(source, "")) == 3
    source = Source(str(write(tmp_path, {**content, "test": [[chord]]})))
    assert [piece.name for piece in read_pieces(source, "")] == ["test/000"]


def test_of_a_folder_every_twentieth_piece_validates(tmp_path):
    for number in range(22):
        piece = piece_from_pitches("p", np.full((4, 4), [72, 67, 64, 48]) + number % 3)
        (tmp_path / f"{number:02}.musicxml").write_text(musicxml(piece))
    parts = {split: read_pieces(Source(str(tmp_path)), split) for split in ("train", "valid", "")}
    assert [p.name for p in parts["valid"]] == ["00.musicxml", "20.musicxml"]
    assert len(parts["train"]) == 20 and len(parts[""]) == 22
    with pytest.raises(InputError, match="no split 'test'; it has: train, valid"):
        read_pieces(Source(str(tmp_path)), "test")
