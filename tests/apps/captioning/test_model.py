import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from apps.captioning.app import CAPTIONING
from apps.captioning.backbone import load_weights
from apps.captioning.config import CaptioningConfig
from apps.captioning.model import CaptioningModel, FromFeatures
from shared.backends.keras_model import KerasBackend
from shared.decoding.sampling import log_softmax
from shared.errors import InputError
from shared.presets.weights import assign, model_weights, read_weights, write_weights
from shared.text import START
from tests.apps.captioning.toy import TINY, draw, random_batch, random_model, random_network

VARIANTS = {
    "soft attention": {},
    "up-down": {"decoder": "up-down", "cell": {"layer_norm": True}},
}
# The most bytes of the int8 model, and those in it besides a byte for each weight, measured.
LARGEST = {"mobilenetv2": (9e6, 0.4e6), "efficientnet-lite2": (11e6, 0.65e6)}


def tensors(batch):
    return {name: tf.constant(value) for name, value in batch.items()}


@pytest.mark.parametrize("cut", ["out_relu", "block_15_add"])
def test_photos_and_their_cached_features_are_encoded_alike(cut):
    model = random_model(cut=cut)
    photos = np.stack([np.asarray(draw(name)) for name in ("red circle", "blue square")])
    whole = KerasBackend(model).encode({"photo": photos})
    features = model.backbone.first(tf.constant(photos, tf.float32)).numpy()
    parts = KerasBackend(FromFeatures(model)).encode({"features": features})
    for name, value in whole.items():
        scale = max(1.0, np.abs(value).max())
        np.testing.assert_allclose(value, parts[name], atol=1e-3 * scale)
        assert np.abs(value[0] - value[1]).max() > 1e-3


def test_what_is_trained_is_what_follows_the_cut_and_no_batch_normalization():
    frozen = random_model()
    tuned = random_model(cut="block_15_add", tune=True)
    more = {v.path for v in tuned.trainable_variables} - {
        v.path for v in frozen.trainable_variables
    }
    assert {path.split("/")[0] for path in more} == {
        "block_16_expand", "block_16_depthwise", "block_16_project", "Conv_1"}  # fmt: skip
    assert {v.path for v in tuned.weights} == {v.path for v in frozen.weights}


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_the_loss_is_smoothed_cross_entropy_and_attention(changes):
    model = random_model(label_smoothing=0.2, attention_penalty=3.0, **changes)
    batch = random_batch(model.config)
    told = model(tensors(batch))
    found = float(model.compute_loss(x=tensors(batch), y_pred=told))
    plain = float(model.compute_loss(x=tensors(batch), y_pred=told, training=False))
    values = log_softmax(model.softmax.logits(told["vectors"]).numpy())
    wanted = np.take_along_axis(values, batch["targets"][..., None], -1)[..., 0]
    each = 0.8 * wanted + 0.2 * values.mean(-1)
    sums = (told["attention"].numpy() * batch["mask"][..., None]).sum(1)
    attention = ((sums - sums.mean(1, keepdims=True)) ** 2).mean()
    assert found == pytest.approx(-each[batch["mask"]].mean() + 3 * attention, rel=1e-4)
    assert plain == pytest.approx(-wanted[batch["mask"]].mean(), rel=1e-4)


def test_what_no_caption_holds_is_never_likely():
    backend = KerasBackend(random_model())
    state = backend.encode({"photo": np.zeros((1, 96, 96, 3), np.uint8)})
    outputs, _ = backend.step({"symbol": np.array([START], np.int32)}, state)
    assert np.flatnonzero(outputs["logits"][0] < -1e8).tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["base", "up-down", "subwords", "en-de"])
def test_recipes_can_be_built_and_are_small(name):
    # Flickr8k's training captions have 2,536 words that occur five times, the German ones 2,601.
    vocabulary = 2540 + 2602 * (name == "en-de")
    config = dataclasses.replace(CAPTIONING.stage(name).config, vocabulary=vocabulary)
    # A byte for each weight, the table twice, for it is rounded by rows and as a whole.
    table = config.vocabulary * config.embedding
    most, rest = LARGEST[config.backbone]
    assert CaptioningModel(config).count_params() + table + rest < most


@pytest.mark.parametrize(
    "changes",
    [{"decoder": "hard"}, {"fit": "crop"}, {"tokens": "letters"}, {"output_dropout": 1.0},
     {"image_size": 100}],
)  # fmt: skip
def test_what_cannot_be_built_is_refused(changes):
    with pytest.raises(InputError):
        dataclasses.replace(CaptioningConfig(), **changes)


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="no layer 'conv9'; cut at block_2_add"):
        CaptioningModel(dataclasses.replace(TINY, cut="conv9"))


def test_weights_of_the_network_from_a_file_or_downloaded(tmp_path, monkeypatch):
    model = random_model()
    random_network(seed=5).save_weights(tmp_path / "a.weights.h5")
    load_weights(model.backbone, TINY, str(tmp_path / "a.weights.h5"))
    expected = random_network(seed=5).get_weights()
    for got, wanted in zip(model.network.get_weights(), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=2**-7, atol=1e-6)
    # Cached features hold for the preset, too, that is trained on them.
    before = model.backbone.digest()
    write_weights(tmp_path / "a.npz", model_weights(model))
    assign(model, read_weights(tmp_path / "a.npz"), "a.npz")
    assert model.backbone.digest() == before
    with pytest.raises(InputError, match="no such file"):
        load_weights(model.backbone, TINY, str(tmp_path / "b.weights.h5"))
    other = dataclasses.replace(TINY, alpha=0.5)
    with pytest.raises(InputError, match="not this MobileNetV2's weights"):
        load_weights(CaptioningModel(other).backbone, other, str(tmp_path / "a.weights.h5"))

    def download(*args, weights, **options):
        assert weights == "imagenet"
        raise Exception("URL fetch failure on https://...: offline")

    monkeypatch.setattr("keras.applications.MobileNetV2", download)
    with pytest.raises(InputError, match="cannot be fetched .*--backbone-weights"):
        load_weights(model.backbone, TINY, "imagenet")


def test_a_channel_is_dropped_in_all_cells_and_for_the_first_state():
    model = random_model(grid_dropout=0.5)
    features = tf.constant(random_batch(model.config)["features"])
    kept, first = model.read(features)
    dropped, other = model.read(features, training=True)
    kept, dropped = kept["values"].numpy(), dropped["values"].numpy()
    for photo, seen in zip(kept, dropped, strict=True):
        gone = (seen == 0).all(0)
        assert 0.2 < gone.mean() < 0.8
        np.testing.assert_allclose(seen[:, ~gone], 2 * photo[:, ~gone], rtol=1e-5)
    assert np.abs(first["h0"].numpy() - other["h0"].numpy()).max() > 1e-3


def test_scheduled_sampling_reads_some_of_the_words_that_the_model_draws():
    model = random_model(scheduled_sampling=0.4)
    batch = tensors(random_batch(model.config))
    model.bias.assign(100.0 * tf.one_hot(7, model.config.vocabulary))  # all that it draws
    read = []
    decode = model.decode

    def listen(inputs, *rest):
        read.append(inputs.numpy())
        return decode(inputs, *rest)

    model.decode = listen
    model(batch, training=True)
    model(batch)
    right, mixed, plain = read
    np.testing.assert_array_equal(right, plain)
    np.testing.assert_array_equal(mixed[:, 0], right[:, 0])
    changed = mixed != right
    assert (mixed[changed] == 7).all() and 0.2 < (mixed[:, 1:] == 7).mean() < 0.6
