"""LSTMCell's peepholes and layer normalization against tensorflow-addons' cells."""

import keras
import numpy as np
import pytest

from shared.layers.lstm_cell import LSTMCell
from tests.reference.tfa_reference import load


def check(name, cell, weights):
    recorded = load(name)
    rnn = keras.layers.RNN(cell, return_sequences=True, return_state=True)
    rnn.build(recorded["inputs"].shape)
    for attribute in ("kernel", "recurrent_kernel", "bias"):
        getattr(cell, attribute).assign(recorded[attribute])
    for attribute, value in weights(recorded).items():
        getattr(cell, attribute).assign(value)
    results = rnn(recorded["inputs"], initial_state=[recorded["h"], recorded["c"]])
    for key, value in zip(("outputs", "last_h", "last_c"), results, strict=True):
        np.testing.assert_allclose(value, recorded[key], rtol=1e-5, atol=1e-6, err_msg=key)


def peepholes(recorded):
    gates = [recorded[f"{gate}_gate_peephole"] for gate in ("input", "forget", "output")]
    return {"peephole_kernel": np.stack(gates)}


def norms(recorded):
    return {name: recorded[name] for name in recorded if name.endswith(("_gamma", "_beta"))}


@pytest.mark.parametrize(
    "name, option, weights",
    [("peephole_lstm", "peephole", peepholes), ("layer_norm_lstm", "layer_norm", norms)],
)
def test_cell(name, option, weights):
    check(name, LSTMCell(6, **{option: True}), weights)
