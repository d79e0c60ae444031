import keras
import numpy as np
import pytest
import tensorflow as tf

from shared.layers.attention import BahdanauAttention, LuongAttention

BATCH, TIME, MEMORY, WIDTH, QUERY = 3, 4, 5, 6, 7
MASK = np.arange(MEMORY)[None] < np.array([[5], [3], [2]])

# Every way to attend: name -> constructor of the layer, for a given dtype policy.
VARIANTS = {
    "bahdanau": lambda **k: BahdanauAttention(8, **k),
    "bahdanau normalized": lambda **k: BahdanauAttention(8, normalize=True, **k),
    "bahdanau coverage": lambda **k: BahdanauAttention(8, coverage=True, **k),
    "bahdanau location": lambda **k: BahdanauAttention(
        8, location_filters=2, location_width=3, **k
    ),
    "bahdanau all": lambda **k: BahdanauAttention(
        8, normalize=True, coverage=True, location_filters=2, location_width=3, **k
    ),
    "luong dot": lambda **k: LuongAttention("dot", **k),
    "luong general": lambda **k: LuongAttention("general", **k),
    "luong scaled": lambda **k: LuongAttention("general", scale=True, **k),
    "luong concat": lambda **k: LuongAttention("concat", **k),
    "luong coverage": lambda **k: LuongAttention("general", coverage=True, **k),
    "luong concat location": lambda **k: LuongAttention(
        "concat", location_filters=2, location_width=3, **k
    ),
}


def make(name, **options):
    """The layer with random weights (no gain 1, no bias 0), its queries and its memory."""
    rng = np.random.default_rng(5)
    attention = VARIANTS[name](**options)
    width = WIDTH if name == "luong dot" else QUERY
    attention.build((None, None, width), (None, None, WIDTH))
    for weight in attention.weights:
        weight.assign(rng.normal(scale=0.7, size=weight.shape))
    queries = rng.normal(size=(BATCH, TIME, width)).astype("float32")
    values = rng.normal(size=(BATCH, MEMORY, WIDTH)).astype("float32")
    return attention, queries, values


def repeat_step(attention, queries, memory):
    state, contexts, weights = attention.initial_state(memory), [], []
    for t in range(queries.shape[1]):
        context, weight, state = attention.step(queries[:, t], memory, state)
        contexts.append(context)
        weights.append(weight)
    return np.stack(contexts, 1), np.stack(weights, 1), state


@pytest.mark.parametrize("name", VARIANTS)
def test_sequence_is_repeated_step(name):
    attention, queries, values = make(name)
    contexts, weights, state = attention(queries, values, memory_mask=MASK)
    memory = attention.prepare(values, MASK)
    expected = repeat_step(attention, queries, memory)
    np.testing.assert_allclose(contexts, expected[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(weights, expected[1], rtol=1e-5, atol=1e-6)
    assert state.keys() == expected[2].keys() == attention.initial_state(memory).keys()
    for key in state:
        np.testing.assert_allclose(state[key], expected[2][key], rtol=1e-5, atol=1e-6)
    traced = tf.function(attention.sequence)(tf.constant(queries), memory)
    np.testing.assert_allclose(traced[0], contexts, rtol=1e-5, atol=1e-6)
    assert traced[0].shape == (BATCH, TIME, WIDTH) and traced[1].shape == (BATCH, TIME, MEMORY)


@pytest.mark.parametrize("name", VARIANTS)
def test_masked_memory_is_as_if_absent(name):
    attention, queries, values = make(name)
    values[~MASK] = 1e4
    contexts, weights = map(np.asarray, attention(queries, values, memory_mask=MASK)[:2])
    assert np.all(weights.transpose(0, 2, 1)[~MASK] == 0.0)
    np.testing.assert_allclose(weights.sum(-1), 1.0, rtol=1e-5)
    for row, length in enumerate(MASK.sum(1)):
        part = slice(row, row + 1)
        alone = attention(queries[part], values[part, :length])
        np.testing.assert_allclose(contexts[part], alone[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(weights[part, :, :length], alone[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16", "float16"])
@pytest.mark.parametrize("name", ["bahdanau all", "luong coverage", "luong concat"])
def test_a_row_without_memory_gives_zeros_and_no_nan(name, policy):
    attention, queries, values = make(name, dtype=policy)
    mask = MASK.copy()
    mask[1] = False
    with tf.GradientTape() as tape:
        source = tf.constant(values)
        tape.watch(source)
        contexts, weights, _ = attention(queries, source, memory_mask=mask)
        loss = tf.reduce_sum(tf.cast(contexts, tf.float32) ** 2)
    gradients = tape.gradient(loss, [source, *attention.trainable_variables])
    assert np.all(np.asarray(contexts)[1] == 0) and np.all(np.asarray(weights)[1] == 0)
    assert contexts.dtype == attention.compute_dtype and weights.dtype == "float32"
    assert all(np.all(np.isfinite(np.asarray(g, "float32"))) for g in gradients)
    assert np.all(np.asarray(gradients[0])[1] == 0)
    full = make(name)
    expected = full[0](queries, values, memory_mask=mask)
    np.testing.assert_allclose(np.asarray(weights), expected[1], atol=0.03)


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def dense(layer, x):
    x = x @ np.asarray(layer.kernel)
    return x if layer.bias is None else x + np.asarray(layer.bias)


def test_equations():
    """Energies written out in NumPy, for one query."""
    expected = {}
    for name in ("luong dot", "luong general", "luong concat"):
        attention, queries, values = make(name)
        query = queries[:, None, 0]
        if name == "luong concat":
            kernel = np.concatenate([attention.query_layer.kernel, attention.memory_layer.kernel])
            pairs = np.concatenate([np.repeat(query, MEMORY, 1), values], -1)
            energies = np.tanh(pairs @ kernel) @ np.asarray(attention.v)
        else:
            keys = values if name == "luong dot" else dense(attention.memory_layer, values)
            energies = (query * keys).sum(-1)
        expected[name] = attention, queries, values, {}, energies
    rng = np.random.default_rng(2)
    past = {
        "coverage": rng.uniform(size=(BATCH, MEMORY)).astype("float32"),
        "previous_weights": rng.uniform(size=(BATCH, MEMORY)).astype("float32"),
    }
    attention, queries, values = make("bahdanau all")
    kernel = np.asarray(attention.location_layer.kernel)[:, 0]  # (width, filters)
    padded = np.pad(past["previous_weights"], ((0, 0), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=1)
    features = np.concatenate([windows @ kernel, past["coverage"][..., None]], -1)
    v, g, b = (np.asarray(x) for x in (attention.v, attention.g, attention.b))
    hidden = (
        dense(attention.query_layer, queries[:, None, 0])
        + dense(attention.memory_layer, values)
        + dense(attention.feature_layer, features)
        + b
    )
    expected["bahdanau all"] = (
        attention,
        queries,
        values,
        past,
        np.tanh(hidden) @ v * g / np.sqrt(v @ v),
    )
    attention, queries, values = make("luong coverage")
    energies = (queries[:, None, 0] * dense(attention.memory_layer, values)).sum(-1)
    energies += dense(attention.feature_layer, past["coverage"][..., None])[..., 0]
    expected["luong coverage"] = attention, queries, values, past, energies
    for name, (attention, queries, values, state, energies) in expected.items():
        memory = attention.prepare(values)
        context, weights, state = attention.step(queries[:, 0], memory, state)
        np.testing.assert_allclose(weights, softmax(energies), rtol=1e-4, err_msg=name)
        np.testing.assert_allclose(
            context, np.einsum("bm,bmd->bd", weights, values), rtol=1e-4, atol=1e-5
        )
        if "coverage" in state:
            np.testing.assert_allclose(state["coverage"], past["coverage"] + weights, rtol=1e-5)
        if "previous_weights" in state:
            np.testing.assert_allclose(state["previous_weights"], weights)


def test_gradient_against_finite_differences():
    for name in ("bahdanau all", "luong scaled", "luong concat location"):
        attention, queries, values = make(name, dtype="float64")
        inputs = tf.constant(values, tf.float64)

        def loss(inputs, attention=attention, queries=queries):
            return tf.reduce_sum(tf.sin(3.0 * attention(queries, inputs, memory_mask=MASK)[0]))

        variables = attention.trainable_variables
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = loss(inputs)
        gradients = tape.gradient(value, [inputs, *variables])
        rng = np.random.default_rng(3)
        steps = [rng.normal(size=g.shape) * 1e-6 for g in gradients]
        for sign in (1, -1):  # a central difference along one random direction
            for variable, step in zip(variables, steps[1:], strict=True):
                variable.assign_add(step if sign > 0 else -2 * step)
            if sign > 0:
                above = loss(inputs + steps[0])
        below = loss(inputs - steps[0])
        slope = sum(np.sum(g * s) for g, s in zip(gradients, steps, strict=True))
        np.testing.assert_allclose((above - below) / 2, slope, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", VARIANTS)
def test_config_and_keras_file(name, tmp_path):
    attention, queries, values = make(name)
    again = type(attention).from_config(attention.get_config())
    assert again.get_config() == attention.get_config()
    query = keras.Input((None, queries.shape[-1]))
    source = keras.Input((None, WIDTH))
    mask = keras.Input((None,), dtype="bool")
    contexts, weights, state = attention(query, source, memory_mask=mask)
    model = keras.Model([query, source, mask], [contexts, weights, *state.values()])
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(
        model([queries, values, MASK]), reloaded([queries, values, MASK]), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_the_mask_of_an_embedding_arrives():
    ids = np.array([[3, 4, 5, 0, 0], [1, 0, 0, 0, 0]])
    embedding = keras.layers.Embedding(6, WIDTH, mask_zero=True)
    attention, queries, _ = make("bahdanau")
    contexts, weights, _ = attention(queries[:2], embedding(ids))
    assert np.all(np.asarray(weights)[:, :, 3:] == 0)
    assert np.all(np.asarray(weights)[0, :, :3] > 0)


def test_first_weights_differ():
    """Query and memory of one width must not start with one and the same projection."""
    attention = BahdanauAttention(8)
    attention.build((None, None, 6), (None, None, 6))
    assert not np.allclose(attention.query_layer.kernel, attention.memory_layer.kernel)


def test_bad_arguments():
    with pytest.raises(ValueError, match="'dot', 'general' or 'concat'"):
        LuongAttention("bilinear")
    with pytest.raises(ValueError, match="use 'general'"):
        LuongAttention("dot").build((None, None, 4), (None, None, 5))


def test_step_exports_to_built_in_ops(tmp_path):
    """All variants in one graph at batch 1: SavedModel and LiteRT give the same numbers."""
    layers, inputs = {}, {}
    for number, name in enumerate(VARIANTS):
        attention, queries, values = make(name)
        memory = attention.prepare(values[1:2], MASK[1:2])
        _, _, state = attention.step(queries[1:2, 0], memory, attention.initial_state(memory))
        given = {"query": queries[1:2, 1]} | {f"memory_{k}": v for k, v in memory.items()} | state
        layers[f"a{number}_"] = attention
        inputs |= {f"a{number}_{k}": tf.convert_to_tensor(v) for k, v in given.items()}

    def step(inputs):
        outputs = {}
        for prefix, attention in layers.items():
            own = {k.removeprefix(prefix): v for k, v in inputs.items() if k.startswith(prefix)}
            query = own.pop("query")
            memory = {k[7:]: own.pop(k) for k in list(own) if k.startswith("memory_")}
            context, weights, state = attention.step(query, memory, own)
            result = {"context": context, "weights": weights} | {
                f"new_{k}": v for k, v in state.items()
            }
            outputs |= {prefix + k: v for k, v in result.items()}
        return outputs

    signature = {k: tf.TensorSpec(v.shape, v.dtype, k) for k, v in inputs.items()}
    archive = keras.export.ExportArchive()
    for attention in layers.values():
        archive.track(attention)
    archive.add_endpoint("step", step, input_signature=[signature])
    archive.write_out(str(tmp_path), verbose=False)
    expected = {k: np.asarray(v) for k, v in step(inputs).items()}
    served = tf.saved_model.load(str(tmp_path)).signatures["step"](**inputs)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path), signature_keys=["step"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_content=converter.convert()).get_signature_runner("step")
    light = runner(**{k: v.numpy() for k, v in inputs.items()})
    assert expected.keys() == served.keys() == light.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(served[key], value, rtol=1e-5, atol=1e-6, err_msg=key)
        np.testing.assert_allclose(light[key], value, rtol=1e-4, atol=1e-5, err_msg=key)
