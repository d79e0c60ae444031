"""AttentionDecoder with input feeding against tensorflow-addons' AttentionWrapper."""

import numpy as np
import pytest

from shared.layers.attention import BahdanauAttention, LuongAttention
from shared.layers.decoder import AttentionDecoder
from tests.reference.tfa_reference import assign_attention, load, memory_mask

CASES = {
    "wrapper_luong": lambda: AttentionDecoder(
        4,
        LuongAttention(scale=True),
        input_feeding=True,
        attention_layer_size=8,
        attention_activation=None,
    ),
    "wrapper_bahdanau": lambda: AttentionDecoder(
        4, BahdanauAttention(7, normalize=True), input_feeding=True, output_attention=False
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_wrapper(name):
    recorded = load(name)
    decoder = CASES[name]()
    decoder.build((None, None, 3), (None, None, 5))
    assign_attention(decoder.attention, recorded)
    for weight in ("kernel", "recurrent_kernel", "bias"):
        getattr(decoder.lstm.layers[0].cell, weight).assign(recorded[weight])
    if "attention_kernel" in recorded:
        decoder.attention_layer.kernel.assign(recorded["attention_kernel"])
    memory = decoder.prepare(recorded["memory"], memory_mask(recorded))
    state = decoder.initial_state(memory, [[recorded["h"], recorded["c"]]])
    outputs, weights, state = decoder.sequence(recorded["inputs"], memory, state)
    for value, key in (
        (outputs, "outputs"),
        (weights, "alignments"),  # the alignment history
        (state["attention_vector"], "attention"),
        (state["h0"], "last_h"),
        (state["c0"], "last_c"),
    ):
        np.testing.assert_allclose(value, recorded[key], rtol=1e-5, atol=1e-6, err_msg=key)
