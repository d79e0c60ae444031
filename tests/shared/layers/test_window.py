import numpy as np
import pytest
import tensorflow as tf

from shared.layers import GaussianWindow, WindowLSTM, portable

BATCH, TIME, FEATURES, MEMORY, WIDTH, UNITS = 17, 9, 3, 7, 5, 8


def arrays():
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(BATCH, TIME, FEATURES)), tf.float32)
    text = tf.constant(rng.normal(size=(BATCH, MEMORY, WIDTH)), tf.float32)
    mask = np.arange(MEMORY) < rng.integers(1, MEMORY + 1, (BATCH, 1))
    return x, text, tf.constant(mask)


def made(**options):
    layer = WindowLSTM(UNITS, 3, 0.5, **options)
    layer.build((None, None, FEATURES), (None, None, WIDTH))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape, scale=0.5) for w in layer.get_weights()])
    return layer


def test_the_weights_are_the_papers_sum_of_gaussians():
    window = GaussianWindow(2, 0.25)
    window.build((None, None, FEATURES), (None, None, WIDTH))
    x, text, _ = arrays()
    context, weights, state = window.step(x[:, 0], window.prepare(text), {"position": 1.5})
    z = x[:, 0] @ window.kernel + window.bias
    height, sharpness, move = np.split(np.exp(z), 3, axis=1)
    kappa = 1.5 + move
    u = np.arange(MEMORY)
    bells = np.exp(-sharpness[:, :, None] * (kappa[:, :, None] - u) ** 2)
    expected = (height[:, :, None] * bells).sum(1)
    np.testing.assert_allclose(weights, expected, rtol=1e-5)
    np.testing.assert_allclose(state["position"], kappa, rtol=1e-6)
    values = np.einsum("bu,buv->bv", expected, text)
    np.testing.assert_allclose(context, values, rtol=1e-4, atol=1e-6)


def test_an_untrained_window_moves_as_far_as_it_is_told():
    window = GaussianWindow(10, 0.1)
    x, text, _ = arrays()
    *_, state = window(0.0 * x, text)
    np.testing.assert_allclose(state["position"], 0.1 * TIME, rtol=1e-5)


def test_the_window_never_moves_back():
    x, text, _ = arrays()
    layer = made()
    memory = layer.prepare(text)
    state, before = layer.initial_state(memory), np.zeros((BATCH, 3))
    for t in range(TIME):
        _, _, state = layer.step(x[:, t], memory, state)
        assert (state["position"].numpy() > before).all()
        before = state["position"].numpy()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("peephole", [False, True])
def test_the_fast_path_equals_the_plain_loop(peephole, masked):
    layer = made(peephole=peephole)
    x, text, mask = arrays()

    def results():
        with tf.GradientTape() as tape:
            tape.watch([x, text])
            outputs, weights, state = layer(x, text, memory_mask=mask if masked else None)
            total = [outputs, weights, *(state[name] for name in sorted(state))]
            loss = tf.add_n([tf.reduce_sum(tf.sin(v)) for v in total])
        sources = [x, text, *(v.value for v in layer.trainable_variables)]
        return [*total, *tape.gradient(loss, sources)]

    fast = results()
    with portable():
        plain = results()
    for a, b in zip(fast, plain, strict=True):
        assert np.abs(a - b).max() <= 1e-4 * max(1.0, np.abs(b).max())


def test_the_output_is_that_of_the_lstm_and_of_the_window():
    layer = made()
    x, text, mask = arrays()
    outputs, weights, state = layer(x, text, memory_mask=mask)
    assert outputs.shape == (BATCH, TIME, UNITS + WIDTH)
    np.testing.assert_allclose(outputs[..., UNITS:], weights @ text, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(outputs[:, -1, UNITS:], state["attention_vector"], rtol=1e-5)
    assert not np.asarray(weights).transpose(0, 2, 1)[~mask.numpy()].any()


@pytest.mark.parametrize("options", [{"components": 0}, {"first_step": 0.0}])
def test_sizes_must_be_positive(options):
    with pytest.raises(ValueError, match="must be positive"):
        GaussianWindow(**options)
