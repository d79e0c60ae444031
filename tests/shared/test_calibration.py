"""Scores as probabilities."""

import dataclasses

import numpy as np
import pytest

from shared.calibration import (
    CALIBRATION,
    Calibration,
    auroc,
    calibrate,
    load_calibration,
    packed,
    unpacked,
)
from shared.errors import InputError
from shared.files import write_json


def test_confidence_is_the_share_of_good_outputs_at_a_score():
    rng = np.random.default_rng(0)
    good, bad = rng.normal(1, 1, 40_000), rng.normal(-1, 1, 10_000)
    made = calibrate(good, bad, doubted=0.1)
    assert made.slope == pytest.approx(2, abs=0.05)  # of two normal distributions: 2 * 1 / 1
    assert made.confidence(0) == pytest.approx(0.5, abs=0.02)
    assert np.mean([made.is_doubtful(s) for s in good]) == pytest.approx(0.1, abs=0.001)
    assert made.confidence(1e9) == 1 and made.confidence(-1e9) == pytest.approx(0)


def test_kinds_that_never_overlap_and_wild_units_have_a_finite_slope():
    made = calibrate(np.array([4e6, 5e6]), np.array([1e6, 2e6, 3e6]))
    assert 0 < made.slope < 1e-3
    assert made.confidence(5e6) > 0.5 > made.confidence(1e6)


def test_auroc_counts_pairs_in_the_right_order_and_ties_half():
    assert auroc(np.array([3, 4]), np.array([1, 2])) == 1
    assert auroc(np.array([1, 2]), np.array([3, 4])) == 0
    assert auroc(np.array([1, 3]), np.array([1, 2])) == pytest.approx((0.5 + 0 + 2) / 4)


def test_it_is_kept_with_its_arrays_and_damage_is_named(tmp_path):
    assert load_calibration(tmp_path) is None
    array = np.arange(6, dtype=np.float16).reshape(2, 3)
    made = Calibration(2.0, -1.0, 0.4, {"auroc": 0.9}, "command", {"mean": packed(array)})
    write_json(tmp_path / CALIBRATION, dataclasses.asdict(made))
    read = load_calibration(tmp_path)
    assert read == made
    np.testing.assert_array_equal(unpacked(read.arrays["mean"]), array)
    write_json(tmp_path / CALIBRATION, {"slope": "steep", "offset": 0, "threshold": 0})
    with pytest.raises(InputError, match=r"calibration\.json: slope must be a number"):
        load_calibration(tmp_path)


@pytest.mark.parametrize("bad", [[], [np.nan]])
def test_scores_are_needed(bad):
    with pytest.raises(ValueError, match="finite"):
        calibrate(np.ones(3), np.array(bad))
