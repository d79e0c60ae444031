"""sequence_loss against tensorflow-addons, every reduction that it has."""

import numpy as np
import pytest

from shared.training.losses import sequence_loss
from tests.reference.tfa_reference import load

RECORDED = load("sequence_loss")

# tensorflow-addons' flags, by the axes they reduce, and our name for the same.
REDUCTIONS = {"_timesteps_batch": "mean", "_timesteps": "sequence", "_batch": "step", "": "none"}


@pytest.mark.parametrize("axes", REDUCTIONS)
@pytest.mark.parametrize("given", ["mask", "weights"])
def test_averages(given, axes):
    loss = sequence_loss(
        RECORDED["logits"],
        RECORDED["targets"],
        RECORDED[given],
        reduction=REDUCTIONS[axes],
    )
    np.testing.assert_allclose(loss, RECORDED[f"{given}_average{axes}"], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("axes", REDUCTIONS)
def test_sums_are_averages_over_the_unmasked(axes):
    """`sum_over_*` divides by the number of weights that are not zero: with a mask, the mean."""
    loss = sequence_loss(
        RECORDED["logits"], RECORDED["targets"], RECORDED["mask"], reduction=REDUCTIONS[axes]
    )
    np.testing.assert_allclose(loss, RECORDED[f"mask_sum{axes}"], rtol=1e-5, atol=1e-7)


def test_weighted_sum():
    loss = sequence_loss(
        RECORDED["logits"], RECORDED["targets"], RECORDED["weights"], reduction="sum"
    )
    expected = RECORDED["weights_sum_timesteps_batch"] * np.count_nonzero(RECORDED["weights"])
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
