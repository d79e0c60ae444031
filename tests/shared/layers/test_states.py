import keras
import numpy as np

from shared.generator import TensorSpec
from shared.layers import LSTMCell, states

CELLS = [LSTMCell(4, projection=2), LSTMCell(3)]


def test_flat_and_nested_are_inverse():
    nested = [["h of 0", "c of 0"], ["h of 1", "c of 1"]]
    flat = states.flat(nested)
    assert list(flat) == ["h0", "c0", "h1", "c1"]
    assert states.nested(flat | {"position": "another's"}, 2) == nested
    assert states.nested(flat, 1) == nested[:1]


def test_specs_and_zeros_have_the_cells_sizes():
    specs = states.specs(CELLS)
    assert specs == {n: TensorSpec((s,)) for n, s in zip(specs, (2, 4, 3, 3), strict=True)}
    zeros = states.flat(states.zeros(CELLS, 5, "float16"))
    assert {n: (v.shape, v.dtype) for n, v in zeros.items()} == {
        n: ((5, *s.shape), "float16") for n, s in specs.items()
    }


def test_first_states_are_one_dense_layer():
    layer = states.FirstStates(CELLS, name="first_states")
    x = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    computed = layer(x)
    assert [v.path for v in layer.weights] == ["first_states/kernel", "first_states/bias"]
    dense = np.tanh(x @ layer.kernel + layer.bias)
    expected = np.split(dense, [2, 6, 9], axis=1)
    for got, wanted in zip([v for pair in computed for v in pair], expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape((None, 6)) == [
        [(None, 2), (None, 4)],
        [(None, 3), (None, 3)],
    ]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config() and again.units == 12
