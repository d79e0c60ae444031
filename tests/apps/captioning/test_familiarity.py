"""Photos like those of training, and others."""

import dataclasses

import numpy as np
import pytest

from apps.captioning import unfamiliar
from apps.captioning.familiarity import Familiarity, distance_scores, fit, grid_means
from shared.errors import InputError


def vectors(rng, count, width=60, inside=8):
    """Unit vectors near a subspace of the first few axes."""
    values = rng.normal(size=(count, width)) * 0.05
    values[:, :inside] += rng.normal(size=(count, inside))
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_what_lies_outside_the_training_subspace_is_doubtful():
    rng = np.random.default_rng(0)
    far = rng.normal(size=(40, 60))
    far /= np.linalg.norm(far, axis=1, keepdims=True)
    made = fit(vectors(rng, 400), vectors(rng, 100), far, ["a"] * 30 + ["b"] * 10)
    assert made.measured["auroc"] > 0.99 and made.measured["auroc_b"] > 0.99
    assert made.measured["doubtful_others"] > 0.9 > 0.2 > made.measured["doubtful_known"]
    found = Familiarity.of(made, 60)
    grids = np.stack([vectors(rng, 5)] * 9, 1) * 7.0  # every cell alike, of any length
    near, wide = found.judge(grids), found.judge(np.stack([far[:5]] * 9, 1))
    assert all(one["confidence"] > 0.5 for one in near)
    assert all(one["doubtful"] and one["confidence"] < 0.5 for one in wide)
    np.testing.assert_allclose(np.linalg.norm(grid_means(grids), axis=1), 1)
    assert Familiarity.of(None, 60) is None
    for wrong, units in ((made, 61), (dataclasses.replace(made, arrays={}), 60)):
        with pytest.raises(InputError, match="calibrate"):
            Familiarity.of(wrong, units)


def test_scores_are_distances_from_the_subspace():
    components = np.eye(3)[:1]
    scores = distance_scores(np.array([[5.0, 3, 4], [2, 0, 0]]), np.zeros(3), components)
    np.testing.assert_allclose(scores, [-5, 0])


def test_pictures_are_of_many_kinds_and_the_same_for_a_seed(monkeypatch):
    monkeypatch.setattr(unfamiliar, "COUNTS", dict.fromkeys(unfamiliar.COUNTS, 2))
    monkeypatch.setattr(unfamiliar, "_PHOTOS", {"apps": ("captioning/samples", "cat rocket")})
    first, again = (list(unfamiliar.pictures()) for _ in range(2))
    assert [kind for kind, _ in first] == [k for k in unfamiliar.COUNTS for _ in "12"] + [
        "photo"
    ] * 2
    assert all(image.mode == "RGB" and min(image.size) >= 100 for _, image in first)
    assert [image.tobytes() for _, image in first] == [image.tobytes() for _, image in again]
