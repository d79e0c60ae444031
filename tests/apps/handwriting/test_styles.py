"""Whose hand a line is in: the classifier, the hands it is asked about, the nearest style."""

import dataclasses

import numpy as np
import pytest

from apps.handwriting.app import HANDWRITING
from apps.handwriting.cleaning import resample
from apps.handwriting.ink import Ink, to_rows
from apps.handwriting.lines import condition, likeliest_style, write_lines, write_text
from apps.handwriting.model import HandwritingModel
from apps.handwriting.splits import withhold
from apps.handwriting.styles import (
    choose_hands,
    crops,
    effective_hands,
    guesses,
    train_classifier,
)
from shared.backends.keras_model import KerasBackend
from shared.decoding.mixture import nats
from shared.errors import InputError
from tests.apps.handwriting.toy_ink import TEXTS, drawn

TINY = HANDWRITING.stage("tiny").config


def hand(writer, slant, count):
    matrix = np.array([[1, 0, 0], [slant, 1, 0], [0, 0, 1]], np.float32)
    made = [to_rows(resample(drawn(TEXTS[k % 3], 1.0, 0.02, k), 1.0, 90)) for k in range(count)]
    return [Ink(TEXTS[k % 3], rows @ matrix, writer) for k, rows in enumerate(made)]


def test_it_tells_two_slants_apart():
    items = hand("left", -0.6, 24) + hand("right", 0.6, 24)
    model = train_classifier(items[::2], ["left", "right"], epochs=20)
    found = guesses(model, [item.rows for item in items[1::2]])
    assert found.argmax(1).tolist() == [0] * 12 + [1] * 12
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)


def test_every_tenth_line_of_a_writer_with_many_is_withheld():
    items = hand("many", 0, 25) + hand("few", 0, 19) + hand("other", 0, 30)
    splits = withhold(items, ["train"] * 44 + ["valid"] * 30)
    assert [k for k, split in enumerate(splits) if split == "withheld"] == [9, 19]
    alone = hand("alone", 0, 40)
    assert withhold(alone, ["train"] * 40) == ["train"] * 40


def test_hands_are_those_with_lines_withheld():
    items = hand("many", 0, 25) + hand("few", 0, 19) + hand("middle", 0, 21)
    splits = withhold(items, ["train"] * len(items))
    parts = [
        [item for item, own in zip(items, splits, strict=True) if own == name]
        for name in ("train", "withheld")
    ]
    assert choose_hands(*parts, count=2) == ["many", "middle"]
    with pytest.raises(InputError, match="2 writers have lines withheld; 3 are needed"):
        choose_hands(*parts, count=3)


def test_crops_overlap_and_lose_nothing():
    rows = np.arange(1, 1 + 3 * 450, dtype=np.float32).reshape(450, 3)
    found = crops(rows)
    assert found.shape == (4, 200, 3)
    np.testing.assert_array_equal(found[1][1:], rows[101:300])
    assert found[3][149].tolist() == rows[449].tolist() and not found[3][150:].any()


def test_effective_hands():
    assert effective_hands(np.eye(4)) == pytest.approx(4)
    assert effective_hands(np.array([[1.0, 0, 0]] * 5)) == pytest.approx(1)


def test_the_likeliest_style_is_the_one_with_fewest_nats():
    config = dataclasses.replace(TINY, styles=("printed", "cursive", ""))
    generator = KerasBackend(HandwritingModel(config))
    [ink] = hand("one", 0.3, 1)
    totals = []
    for style in range(config.style_count):
        state = generator.encode(condition(config, [ink.text], [style]))
        last, total = np.array([[0, 0, 1]], np.float32), 0.0
        for t, row in enumerate(ink.rows):
            outputs, state = generator.step({"point": last}, state)
            last = row[None]
            total += nats(outputs["mixture"], last, np.array([t == len(ink) - 1]))[0]
        totals.append(total)
    assert likeliest_style(generator, config, ink) == int(np.argmin(totals))
    assert np.ptp(totals) > 0


def test_lines_of_a_text_go_on_in_the_hand_of_the_first():
    config = dataclasses.replace(TINY, styles=("printed", "cursive", "", "cursive"))
    generator = KerasBackend(HandwritingModel(config))
    kind = config.style_id("cursive")
    lines, style = write_text(generator, config, ["a lot", "ill", "oil"], kind, draws=1)
    assert [line.text for line in lines] == ["a lot", "ill", "oil"]
    assert config.kind_style(style) == kind and style > kind
    [first] = write_lines(generator, config, ["a lot"], kind, draws=1)
    np.testing.assert_array_equal(lines[0].rows, first.rows)
    others = write_lines(generator, config, ["ill", "oil"], style, seed=1009, draws=1)
    np.testing.assert_array_equal(lines[2].rows, others[1].rows)
    assert write_text(generator, config, ["a lot", "ill"], style, draws=1)[1] == style
