"""BahdanauAttention and LuongAttention against tensorflow-addons."""

import numpy as np
import pytest

from shared.layers.attention import BahdanauAttention, LuongAttention
from tests.reference.tfa_reference import assign_attention, load, memory_mask

CASES = {
    "bahdanau": lambda: BahdanauAttention(7),
    "bahdanau_normalized": lambda: BahdanauAttention(7, normalize=True),
    "luong": lambda: LuongAttention(),
    "luong_scaled": lambda: LuongAttention(scale=True),
}


@pytest.mark.parametrize("name", CASES)
def test_alignments(name):
    recorded = load(name)
    attention = CASES[name]()
    attention.build((None, None, 4), (None, None, 5))
    assign_attention(attention, recorded)
    memory = attention.prepare(recorded["memory"], memory_mask(recorded))
    context, weights, _ = attention.step(recorded["query"], memory, attention.initial_state(memory))
    np.testing.assert_allclose(weights, recorded["alignments"], rtol=1e-5)
    expected = np.einsum("bm,bmd->bd", recorded["alignments"], recorded["memory"])
    np.testing.assert_allclose(context, expected, rtol=1e-5, atol=1e-6)
