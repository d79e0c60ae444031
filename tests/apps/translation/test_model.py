"""The model's padding, its loss, its masked logits and its sizes."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from apps.translation.app import RECIPES
from apps.translation.config import TranslationConfig
from apps.translation.model import FIRST_SYMBOL, TranslationModel, buckets
from apps.translation.search import condition
from shared.backends.keras_model import KerasBackend
from shared.decoding.sampling import log_softmax
from shared.errors import InputError
from shared.text import START
from tests.apps.translation.toy import TINY, random_batch, random_model


def tensors(batch):
    return {name: tf.constant(value) for name, value in batch.items()}


def test_padding_is_harmless_with_input_feeding_too():
    model = random_model(input_feeding=True, attention="additive", encoder_units=(12, 12),
                         decoder_units=(24, 24), cell={"layer_norm": True})  # fmt: skip
    sources = [[5, 6, 7, 3], [8, 9, 10, 11, 12, 13, 3]]
    at = buckets(model)
    answers = {}
    for length in (8, 16):
        given = condition(sources, length)
        if length == 16:  # what stands in the padding must not matter either
            given["source"] = np.where(given["source_mask"] == 0, 99, given["source"])
        state = at(length).encode(given)
        outputs = []
        for symbol in (START, 20, 21):
            output, state = at(length).step({"symbol": np.full(2, symbol, np.int32)}, state)
            outputs.append(output)
        answers[length] = outputs
        alone = at(length).encode(condition(sources[:1], length))
        first, _ = at(length).step({"symbol": np.array([START], np.int32)}, alone)
        np.testing.assert_allclose(first["logits"], outputs[0]["logits"][:1], atol=1e-4)
    for short, long in zip(answers[8], answers[16], strict=True):
        np.testing.assert_allclose(short["logits"], long["logits"], atol=1e-4)
        np.testing.assert_allclose(short["attention"], long["attention"][:, :8], atol=1e-5)
        assert not long["attention"][:, 8:].any()


def test_the_loss_is_smoothed_cross_entropy_over_real_subwords():
    smoothing = 0.2
    model = random_model(label_smoothing=smoothing)
    batch = random_batch(model.config)
    predicted = model(tensors(batch))
    found = float(model.compute_loss(x=tensors(batch), y_pred=predicted))
    plain = float(model.compute_loss(x=tensors(batch), y_pred=predicted, training=False))
    values = log_softmax(model.softmax.logits(predicted["vectors"]).numpy())
    wanted = np.take_along_axis(values, batch["targets"][..., None], -1)[..., 0]
    each = (1 - smoothing) * wanted + smoothing * values.mean(-1)
    assert found == pytest.approx(-each[batch["mask"]].mean(), rel=1e-5)
    assert plain == pytest.approx(-wanted[batch["mask"]].mean(), rel=1e-5)


def test_what_no_translation_holds_is_never_likely():
    model = random_model(directions=(("en", "de"), ("en", "fr")), multilingual=True)
    state = KerasBackend(model).encode(condition([[FIRST_SYMBOL, 9, 3]], TINY.length))
    outputs, _ = KerasBackend(model).step({"symbol": np.array([START], np.int32)}, state)
    never = np.flatnonzero(outputs["logits"][0] < -1e8)
    assert never.tolist() == [0, 1, 2, FIRST_SYMBOL, FIRST_SYMBOL + 1]


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "tiny"])
def test_configurations_can_be_built_and_are_small(name):
    config = RECIPES[name].config
    model = TranslationModel(config)
    limit = 14e6 if config.lifted else 9e6 if config.multilingual else 6e6  # bytes of the int8 file
    assert model.count_params() < 0.95 * limit


@pytest.mark.parametrize(
    "changes",
    [
        {"attention": "soft"},
        {"output_dropout": 1.0},
        {"directions": (("en", "de"), ("de", "en"))},
        {"directions": (("de", "de"),)},
        {"length": 2},
    ],
)
def test_what_cannot_be_built_is_refused(changes):
    with pytest.raises(InputError):
        dataclasses.replace(TranslationConfig(), **changes)
