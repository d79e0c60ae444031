import keras
import numpy as np
import pytest
import tensorflow as tf

from apps.captioning.data import BASELINES
from apps.captioning.model import FromFeatures
from apps.captioning.selfcritical import SelfCriticalModel, cider_reward
from apps.captioning.words import learn_tokenizer
from shared.backends.keras_model import KerasBackend
from shared.decoding import DecodingOptions, decode
from shared.text import END, START
from tests.apps.captioning.toy import TINY, captions_of, random_batch, random_model, toy_names

REFERENCES = {(row, START): captions_of(name) for row, name in enumerate(toy_names())}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    texts = [text for some in REFERENCES.values() for text in some]
    return learn_tokenizer(texts, tmp_path_factory.mktemp("t"), TINY)


def starts(rows):
    return np.full(len(rows), START, np.int32)


def model_of(reward, **options):
    model = SelfCriticalModel(TINY, reward, **options)
    model.set_weights(random_model().get_weights())
    return model


def test_the_reward_is_for_captions_that_end_where_people_end_them(tokenizer):
    reward = cider_reward(REFERENCES, tokenizer)

    def judge(rows, ids):
        return reward(rows, starts(rows), ids)

    whole = tokenizer.encode("there is a red circle")
    broken = tokenizer.encode("there is a red circle is drawn on")
    rows = [whole + [END] * 4, whole + tokenizer.encode("on on on on"), broken + [END],
            whole[:-1] + [END] * 5]  # fmt: skip
    right, endless, longer, cut = judge(np.array([0], np.int32), np.array(rows, np.int32))
    assert right > max(endless, longer, cut) and cut < 0.8 * right
    other = judge(np.array([3], np.int32), np.array(rows[:1], np.int32))[0]
    assert other < 0.5 * right
    assert judge(np.array([0, 3], np.int32), np.array(rows[:1] * 2, np.int32)).tolist() == [
        pytest.approx(right),
        pytest.approx(other),
    ]


def test_the_likeliest_caption_is_that_of_greedy_decoding():
    model = model_of(lambda rows, starts, ids: np.zeros(len(ids), np.float32))
    features = random_batch(TINY, photos=4)["features"].astype(np.float32)
    backend = KerasBackend(FromFeatures(model))
    options = DecodingOptions(max_length=TINY.length + 1)
    found = decode(
        backend, backend.encode({"features": features}), start=START, end=END, options=options
    )
    memory, state = model.read(tf.constant(features))
    ids, mask = (t.numpy() for t in model.draw(memory, state, None, starts(features)))
    for row, kept, [best] in zip(ids, mask, found, strict=True):
        assert row[kept].tolist() == [*best.symbols, *[END] * best.finished]


def test_draws_follow_the_probabilities_and_the_seed():
    model = model_of(lambda rows, starts, ids: np.zeros(len(ids), np.float32))
    features = np.repeat(random_batch(TINY, photos=1)["features"], 4000, axis=0)
    memory, state = model.read(tf.constant(features[:1]))
    memory, state = model.repeated(memory, 4000), model.repeated(state, 4000)
    draw = tf.function(lambda seed: model.draw(memory, state, seed, tf.fill((4000,), START)))
    ids, mask = draw(tf.constant([1, 2]))
    assert (ids.numpy() == draw(tf.constant([1, 2]))[0].numpy()).all()
    first = model.embedding(tf.fill((4000,), START))
    vector, _, _ = model.decoder.step(first, memory, state)
    expected = tf.nn.softmax(model.softmax.logits(vector, masked=True)[0]).numpy()
    share = np.bincount(ids.numpy()[:, 0], minlength=TINY.vocabulary) / 4000
    np.testing.assert_allclose(share, expected, atol=0.03)
    assert mask.numpy()[:, 0].all()


@pytest.mark.parametrize("baseline", BASELINES)
def test_what_is_rewarded_becomes_likely(baseline):
    """The reward is for the token 7, whatever the photo."""
    keras.utils.set_random_seed(1)

    def reward(rows, starts, ids):
        return (ids == 7).mean(1).astype(np.float32)

    model = model_of(reward, captions=6, baseline=baseline)
    before = [v.numpy() for v in model.network.weights]
    model.compile(keras.optimizers.Adam(0.02), jit_compile=False)
    batch = random_batch(TINY, photos=4)
    del batch["inputs"], batch["targets"], batch["mask"]  # what people wrote is not looked at
    data = tf.data.Dataset.from_tensors(batch).repeat(40)
    history = model.fit(data, epochs=1, verbose=0).history
    rewards = [model.fit(data.take(5), verbose=0).history["reward"][0] for _ in range(2)]
    assert np.isfinite(history["loss"][0]) and rewards[-1] > 0.5
    for old, new in zip(before, model.network.weights, strict=True):
        np.testing.assert_array_equal(old, new)


def test_outside_training_it_is_the_plain_model():
    model = model_of(None)
    plain = random_model()
    batch = {name: tf.constant(value) for name, value in random_batch(TINY).items()}
    np.testing.assert_allclose(model(batch)["vectors"], plain(batch)["vectors"], atol=1e-6)
    losses = [m.compute_loss(batch, None, m(batch), training=False) for m in (model, plain)]
    assert float(losses[0]) == pytest.approx(float(losses[1]), rel=1e-5)
    assert [v.path for v in model.weights] == [v.path for v in plain.weights]
