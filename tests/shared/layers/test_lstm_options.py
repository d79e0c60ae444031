"""The options of `LSTMCell` and `LSTM`: against the equations, and the fast path against both."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from shared.layers import GATES, LSTM, LSTMCell, StackedLSTM, portable
from tests.shared.layers.numpy_lstm import sequence, step

BATCH, TIME, FEATURES, UNITS = 3, 5, 4, 6
RNG = np.random.default_rng(0)
X = RNG.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
MASK = np.array([[1, 1, 0, 1, 1], [0, 0, 0, 0, 0], [0, 1, 1, 1, 0]], bool)

FAST = {  # what the fast path covers
    "plain": {},
    "peephole": {"peephole": True},
    "layer norm": {"layer_norm": True},
    "peephole, layer norm": {"peephole": True, "layer_norm": True},
    "no bias": {"use_bias": False},
}
DRAWN = {  # and what draws in training
    "input dropout": {"dropout": 0.4},
    "recurrent dropout": {"recurrent_dropout": 0.4},
    "both, peephole, layer norm": {
        "dropout": 0.3,
        "recurrent_dropout": 0.4,
        "peephole": True,
        "layer_norm": True,
    },
}
SLOW = {
    "coupled": {"coupled": True},
    "coupled, peephole, layer norm": {"coupled": True, "peephole": True, "layer_norm": True},
    "projection": {"projection": 2},
    "zoneout": {"zoneout": 0.3},
    "zoneout of c": {"zoneout": (0.0, 0.6)},
    "all": {
        "coupled": True,
        "peephole": True,
        "layer_norm": True,
        "projection": 2,
        "zoneout": (0.1, 0.4),
    },
}


def make(layer=LSTM, **options):
    """A layer with random weights (no gain 1, no bias 0)."""
    made = layer(UNITS, seed=4, **options)
    made.build((BATCH, TIME, FEATURES) if layer is LSTM else (BATCH, FEATURES))
    rng = np.random.default_rng(1)
    made.set_weights([rng.normal(size=w.shape, scale=0.6) for w in made.get_weights()])
    return made


def states(layer):
    rng = np.random.default_rng(2)
    return [rng.normal(size=(BATCH, n)).astype("float32") for n in layer.cell.state_size]


def rewind(layer, seed=9):
    layer.cell.seed_generator.state.assign([seed, 0])


def run(layer, mask, training=False):
    """Outputs and states, and gradients of a function of them by all that they depend on."""
    first = [tf.constant(s) for s in states(layer)]
    x = tf.constant(X)
    rewind(layer)
    sources = [x, *first, *(v.value for v in layer.trainable_variables)]
    with tf.GradientTape() as tape:
        tape.watch(sources[:3])
        outputs = layer(x, initial_state=first, mask=mask, training=training)
        loss = tf.add_n([tf.reduce_sum(tf.sin(2 * out)) for out in outputs])
    return outputs, tape.gradient(loss, sources)


def close(got, expected, tolerance):
    for a, b in zip(map(np.asarray, got), map(np.asarray, expected), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1e-3, np.abs(b).max()))


@pytest.mark.parametrize(
    "name, masked",
    [  # the rest would compile for seconds and run no other line
        ("plain", False),
        ("plain", True),
        ("peephole", False),
        ("peephole", True),
        ("layer norm", False),
        ("peephole, layer norm", True),
        ("no bias", False),
        ("input dropout", False),
        ("recurrent dropout", True),
        ("both, peephole, layer norm", False),
    ],
)
def test_fast_path_equals_plain_loop(name, masked):
    mask = MASK if masked else None
    layer = make(return_sequences=True, return_state=True, **(FAST | DRAWN)[name])
    training = name in DRAWN
    got = run(layer, mask, training)
    with portable():
        expected = run(layer, mask, training)
    close(got[0], expected[0], 1e-5)
    close(got[1], expected[1], 1e-4)


@pytest.mark.parametrize("mask", [None, MASK], ids=["no mask", "mask"])
@pytest.mark.parametrize("name", [*FAST, *SLOW])
def test_equals_the_equations(name, mask):
    layer = make(return_sequences=True, return_state=True, **(FAST | SLOW)[name])
    first = states(layer)
    outputs, _, h, c = sequence(layer.cell, X, *first, mask=mask)
    close(layer(X, initial_state=first, mask=mask), [outputs, h, c], 1e-5)


@pytest.mark.parametrize("name", [*FAST, *SLOW])
def test_cell_is_one_step_and_shows_its_gates(name):
    cell = make(LSTMCell, **(FAST | SLOW)[name])
    rng = np.random.default_rng(3)
    first = [rng.normal(size=(BATCH, n)).astype("float32") for n in cell.state_size]
    h, c, gates = step(cell, X[:, 0], *first)
    output, new = cell(X[:, 0], first)
    close([output, *new], [h, h, c], 1e-5)
    new, shown = cell.gates(X[:, 0], first)
    assert tuple(shown) == GATES
    close([*new, *shown.values()], [h, c, *gates.transpose(1, 0, 2)], 1e-5)


@pytest.mark.parametrize("options", [{}, {"layer_norm": True, "peephole": True}])
def test_dropout_draws_one_mask_per_sequence(options):
    """The same masks at every step: the equations with one fixed mask give the outputs."""
    layer = make(return_sequences=True, dropout=0.3, recurrent_dropout=0.5, **options)
    cell = layer.cell
    rewind(layer)
    drawn = {
        "dropout": np.asarray(cell.get_dropout_mask(X[:, 0])),
        "recurrent_dropout": np.asarray(cell.get_recurrent_dropout_mask(states(layer)[0])),
    }
    cell.reset_dropout_mask()
    cell.reset_recurrent_dropout_mask()
    for mask, rate in ((drawn["dropout"], 0.3), (drawn["recurrent_dropout"], 0.5)):
        np.testing.assert_allclose(np.unique(mask), [0, 1 / (1 - rate)], rtol=1e-6)
        assert len(np.unique(mask, axis=0)) > 1  # every row its own
    first = states(layer)
    for block in (portable, None):
        rewind(layer)
        with block() if block else tf.init_scope():
            got = layer(X, initial_state=first, training=True)
        close([got], [sequence(cell, X, *first, **drawn)[0]], 1e-5)
    assert not np.allclose(got, layer(X, initial_state=first, training=True))  # a new sequence
    quiet = layer(X, initial_state=first)
    close([quiet], [sequence(cell, X, *first)[0]], 1e-5)


def test_zoneout_keeps_units_at_its_rate_and_expects_that_otherwise():
    rates = (0.2, 0.7)
    cell = LSTMCell(500, zoneout=rates, seed=1)
    bare = LSTMCell(500)
    for made in (cell, bare):
        made.build((20, FEATURES))
    bare.set_weights(cell.get_weights())
    rng = np.random.default_rng(4)
    x = rng.normal(size=(20, FEATURES)).astype("float32")
    old = [rng.normal(size=(20, 500)).astype("float32") for _ in "hc"]
    _, new = bare(x, old)
    _, expected = cell(x, old)
    _, drawn = cell(x, old, training=True)
    _, again = cell(x, old, training=True)
    for k, rate in enumerate(rates):
        np.testing.assert_allclose(expected[k], rate * old[k] + (1 - rate) * new[k], atol=1e-5)
        kept = np.isclose(drawn[k], old[k], atol=1e-5)
        assert np.all(kept | np.isclose(drawn[k], new[k], atol=1e-5))
        assert abs(kept.mean() - rate) < 4 * np.sqrt(rate * (1 - rate) / kept.size) + 1e-3
        assert np.any(kept != np.isclose(again[k], old[k], atol=1e-5))  # every step its own


def test_zoneout_draws_anew_at_every_step_of_a_sequence():
    layer = LSTM(50, zoneout=(0.0, 0.5), return_sequences=True, return_gates=True, seed=1)
    x = np.tile(X[:, :1], (1, TIME, 1))
    for run in (layer, tf.function(layer)):
        _, gates = run(x, training=True)
        c = np.asarray(gates)[:, :, GATES.index("cell")]
        kept = np.diff(c, axis=1) == 0
        assert 0.3 < kept.mean() < 0.7
        assert not np.array_equal(kept[:, 0], kept[:, 1])


@pytest.mark.parametrize("name", ["input dropout", "recurrent dropout", "zoneout"])
def test_the_only_source_of_draws_is_a_variable(name):
    """So that a checkpoint of all variables resumes the draws; and inference draws nothing."""
    layer = make(**(DRAWN | SLOW)[name])
    with portable():
        layer(X, training=True)
        saved = [np.asarray(v) for v in layer.variables]
        following = [layer(X, training=True) for _ in range(2)]
        assert not np.allclose(*following)
        for variable, value in zip(layer.variables, saved, strict=True):
            variable.assign(value)
        for expected in following:
            np.testing.assert_array_equal(layer(X, training=True), expected)
        state = np.asarray(layer.cell.seed_generator.state)
        np.testing.assert_array_equal(layer(X), layer(X))
        np.testing.assert_array_equal(layer.cell.seed_generator.state, state)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("zeroed", [False, True])
@pytest.mark.parametrize("mask", [None, MASK], ids=["no mask", "mask"])
@pytest.mark.parametrize("name", ["plain", "peephole, layer norm", "all"])
def test_gates(name, mask, zeroed, backwards):
    options = {"go_backwards": backwards, "zero_output_for_mask": zeroed}
    layer = make(
        return_sequences=True,
        return_state=True,
        return_gates=True,
        **options,
        **(FAST | SLOW)[name],
    )
    first = states(layer)
    order = slice(None, None, -1 if backwards else 1)
    read = None if mask is None else mask[:, order]
    outputs, gates, h, c = sequence(layer.cell, X[:, order], *first, mask=read)
    if zeroed and mask is not None:
        outputs, gates = outputs * read[:, :, None], gates * read[:, :, None, None]
    got = layer(X, initial_state=first, mask=mask)
    assert got[-1].shape == (BATCH, TIME, len(GATES), UNITS)
    close(got, [outputs, h, c, gates], 1e-5)
    layer.return_gates = False  # and the rest is as without them
    close(layer(X, initial_state=first, mask=mask), got[:3], 1e-5)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_gates_in_training_and_in_other_precisions(dtype):
    layer = make(recurrent_dropout=0.5, return_sequences=True, return_state=True, dtype=dtype)
    with portable():
        expected, _ = run(layer, None, training=True)
        layer.return_gates = True
        got, gradients = run(layer, None, training=True)
    close([np.asarray(v, "float32") for v in got[:3]], [np.asarray(v) for v in expected], 1e-6)
    assert got[3].dtype == layer.compute_dtype
    assert all(g is not None for g in gradients)


def test_gates_in_a_functional_model():
    layer = make(return_sequences=True, return_gates=True)
    inputs = keras.Input((None, FEATURES))
    outputs = layer(inputs)
    assert [tuple(o.shape) for o in outputs] == [(None, None, UNITS), (None, None, 5, UNITS)]
    model = keras.Model(inputs, outputs)
    close(model(X), layer(X), 1e-6)
    stateful = make(return_sequences=True, return_gates=True, stateful=True)
    first, second = stateful(X)[1], stateful(X)[1]
    assert not np.allclose(first, second, atol=1e-2)


def test_forget_bias():
    for options, start in (({}, UNITS), ({"coupled": True}, 0)):
        cell = LSTMCell(UNITS, forget_bias=2.5, bias_initializer="glorot_uniform", **options)
        cell.build((None, FEATURES))
        bias = np.asarray(cell.bias)
        assert np.all(bias[start : start + UNITS] == 2.5)
        rest = np.delete(bias, slice(start, start + UNITS))
        assert len(np.unique(rest)) == len(rest)
    assert LSTMCell(UNITS, use_bias=False, forget_bias=2.5).build((None, 3)) is None


def test_first_peepholes_and_projection_are_draws_of_their_own():
    cell = LSTMCell(UNITS, peephole=True, projection=UNITS, kernel_initializer="random_normal")
    cell.build((None, FEATURES))
    draws = [np.ravel(w) for w in (cell.kernel, cell.peephole_kernel, cell.projection_kernel)]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not np.intersect1d(draws[a], draws[b]).size


@pytest.mark.parametrize("residual", [False, True])
def test_stack_by_hand(residual):
    stack = StackedLSTM([UNITS, UNITS, 2], residual=residual, coupled=True)
    stack.build((None, None, FEATURES))
    assert [layer.name for layer in stack.layers] == ["layer_0", "layer_1", "layer_2"]
    first = [[np.full((BATCH, n), 0.3, "float32")] * 2 for n in stack.units]
    outputs, last = stack(X, initial_state=first, mask=MASK)
    x, reached = X, []
    for layer, state in zip(stack.layers, first, strict=True):
        y, _, h, c = sequence(layer.cell, x, *state, mask=MASK)
        reached.append([h, c])
        x = x + y if residual and x.shape == y.shape else y
    close([outputs], [x], 1e-5)
    for got, expected in zip(last, reached, strict=True):
        close(got, expected, 1e-5)
    spread = StackedLSTM([UNITS, UNITS], between=0.5, coupled=True)
    assert not np.allclose(spread(X, training=True)[0], spread(X, training=True)[0])
    np.testing.assert_array_equal(spread(X)[0], spread(X)[0])


def test_gates_of_a_stack():
    stack = StackedLSTM([UNITS, UNITS, 2], residual=True, peephole=True)
    stack.build((None, None, FEATURES))
    first = [[np.full((BATCH, n), 0.3, "float32")] * 2 for n in stack.units]
    x, expected = X, []
    for layer, state in zip(stack.layers, first, strict=True):
        y, gates, _, _ = sequence(layer.cell, x, *state)
        expected.append(gates)
        x = x + y if x.shape == y.shape else y
    close(stack.gates(X, first), expected, 1e-5)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"units": 0}, "units"),
        ({"projection": 0}, "projection"),
        ({"recurrent_dropout": 1.0}, "recurrent_dropout"),
        ({"recurrent_dropout": -0.1}, "recurrent_dropout"),
        ({"zoneout": 1.0}, "zoneout"),
        ({"zoneout": (0.1, -0.1)}, "zoneout"),
        ({"zoneout": (0.1, 0.1, 0.1)}, "zoneout"),
        ({"activation": "relu"}, "activation"),
        ({"recurrent_activation": "hard_sigmoid"}, "recurrent_activation"),
        ({"unit_forget_bias": False}, "forget_bias"),
        ({"return_gates": True}, "return_sequences"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        LSTM(**{"units": 3, **options})


def test_wrong_stacks():
    with pytest.raises(ValueError, match="at least one layer"):
        StackedLSTM([])
    with pytest.raises(ValueError, match="2 initial states"):
        StackedLSTM([3, 3])(X, initial_state=[[np.zeros((BATCH, 3))] * 2])
    assert LSTM(3, activation="tanh", unit_forget_bias=True).cell.forget_bias == 1
