"""BahdanauAttention and LuongAttention against tensorflow-addons."""

from pathlib import Path

import numpy as np
import pytest

from shared.layers.attention import BahdanauAttention, LuongAttention

DATA = Path(__file__).parent / "data"

CASES = {
    "bahdanau": lambda: BahdanauAttention(7),
    "bahdanau_normalized": lambda: BahdanauAttention(7, normalize=True),
    "luong": lambda: LuongAttention(),
    "luong_scaled": lambda: LuongAttention(scale=True),
}


def assign(attention, recorded):
    """Give the built attention the recorded weights, by name."""
    attention.memory_layer.kernel.assign(recorded["memory_kernel"])
    if "query_kernel" in recorded:
        attention.query_layer.kernel.assign(recorded["query_kernel"])
    for name in "vgb":
        if name in recorded:
            getattr(attention, name).assign(recorded[name])


def mask_of(recorded):
    places = np.arange(recorded["memory"].shape[1])
    return places[None] < recorded["lengths"][:, None]


@pytest.mark.parametrize("name", CASES)
def test_alignments(name):
    recorded = np.load(DATA / f"{name}.npz")
    attention = CASES[name]()
    attention.build((None, None, 4), (None, None, 5))
    assign(attention, recorded)
    memory = attention.prepare(recorded["memory"], mask_of(recorded))
    context, weights, _ = attention.step(recorded["query"], memory, attention.initial_state(memory))
    np.testing.assert_allclose(weights, recorded["alignments"], rtol=1e-5)
    expected = np.einsum("bm,bmd->bd", recorded["alignments"], recorded["memory"])
    np.testing.assert_allclose(context, expected, rtol=1e-5, atol=1e-6)
