import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from apps.handwriting.app import HANDWRITING
from apps.handwriting.cleaning import resample
from apps.handwriting.config import HandwritingConfig
from apps.handwriting.data import stack, whole
from apps.handwriting.evaluate import losses, nats_of
from apps.handwriting.ink import Ink, to_rows
from apps.handwriting.lines import condition, write_each
from apps.handwriting.model import HandwritingModel
from shared.backends.keras_model import KerasBackend
from shared.errors import InputError
from tests.apps.handwriting.toy_ink import TEXTS, drawn

TINY = HANDWRITING.stage("tiny").config
ITEMS = [Ink(text, to_rows(resample(drawn(text), 1.0, 90)), "me") for text in TEXTS]


def tiny(seed=1, **changes):
    keras.utils.set_random_seed(seed)
    config = dataclasses.replace(TINY, styles=("printed", "cursive"), **changes)
    return HandwritingModel(config)


def random_weights(model):
    """Large enough to tell outputs apart."""
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign_add(rng.normal(size=variable.shape).astype(np.float32) * 0.2)
    return model


def tensors(batch):
    return {name: tf.constant(value) for name, value in batch.items()}


def test_a_point_sees_nothing_later():
    model = random_weights(tiny())
    batch = next(whole(ITEMS[:1]))
    before = model(tensors(batch)).numpy()
    batch["inputs"][:, 6:] += 1
    after = model(tensors(batch)).numpy()
    np.testing.assert_allclose(before[:, :6], after[:, :6], rtol=1e-5, atol=1e-6)
    assert (np.abs(before[:, 6] - after[:, 6]).max(-1) > 1e-4).all()


def test_style_and_text_matter():
    model = random_weights(tiny())
    backend = KerasBackend(model)
    first, other_style = (nats_of(backend, model.config, ITEMS, s) for s in (0, 4))
    other_text = [dataclasses.replace(item, text="o" * len(item.text)) for item in ITEMS]
    third = nats_of(backend, model.config, other_text)
    values = {f["nats_per_point"] for f in (first, other_style, third)}
    assert len(values) == 3


def test_figures_leave_the_first_point_out_and_are_those_of_the_metric():
    model = random_weights(tiny())
    figures = nats_of(KerasBackend(model), model.config, ITEMS)
    for batch in whole(ITEMS, 3):
        model.compute_loss(tensors(batch), y_pred=model(tensors(batch)))
    assert float(model.nats.result()) == pytest.approx(figures["nats_per_point"], rel=1e-3)
    assert float(model.nats_per_char.result()) == pytest.approx(figures["nats_per_char"], rel=1e-3)
    every = losses(KerasBackend(model), model.config, ITEMS)
    inner = np.concatenate([values[1:] for values in every])
    assert figures["nats_per_point"] == pytest.approx(inner.mean())


def test_the_tiny_model_overfits_and_writes_what_it_learned():
    model = tiny(seed=3)
    texts = ("an ant", "to")
    # Some hands: who has seen one only is lost where a pen trembles.
    inks = [[to_rows(resample(drawn(t, 1.0, 0.02, k), 1.0, 90)) for k in range(8)] for t in texts]
    words = [text for text in texts for _ in range(8)]
    batch = stack([*inks[0], *inks[1]], words, np.zeros(16), (104, 24))
    rate = keras.optimizers.schedules.CosineDecay(0.01, 300, 0.02)  # else it ends by chance
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), jit_compile=False)
    data = tf.data.Dataset.from_tensors(tensors(batch)).repeat(300)
    before = model.evaluate(data.take(1), verbose=0, return_dict=True)["nats_per_point"]
    model.fit(data, verbose=0)
    after = model.evaluate(data.take(1), verbose=0, return_dict=True)["nats_per_point"]
    assert after < -2 < 0.5 < before
    # Ten times each: where rounding differs, training does, and one draw may go astray.
    for text, (ink, *_) in zip(texts, inks, strict=True):
        lines = write_each(KerasBackend(model), model.config, [text] * 10, range(10), bias=2.0)
        lengths = [len(line.rows) / len(ink) for line in lines]
        away = [np.cumsum(r.rows[:, :2], 0)[-1] - np.cumsum(ink[:, :2], 0)[-1] for r in lines]
        assert sum(line.result.finished and not line.problems for line in lines) >= 5
        assert 0.6 < np.median(lengths) < 1.4
        assert np.median(np.hypot(*np.transpose(away))) < 2.5


def test_gates_are_those_of_every_layer():
    model = random_weights(tiny())
    batch = next(whole(ITEMS[:1]))
    traces = model.gates(tensors(batch))
    outputs, _ = model._read(tensors(batch))
    for trace, output in zip(traces, outputs, strict=True):
        h = trace[:, :, 3] * tf.tanh(trace[:, :, 4])
        np.testing.assert_allclose(h, output, rtol=1e-4, atol=1e-5)


def test_what_is_too_long_or_cannot_be_written_is_refused():
    config = TINY
    with pytest.raises(InputError, match="25 characters are more than this model's 24"):
        condition(config, ["a" * 25], [0])
    with pytest.raises(InputError, match="cannot write"):
        condition(config, ["\u00fc"], [0])


@pytest.mark.parametrize(
    "changes", [{"units": ()}, {"dropout": 1.0}, {"arc": 0.0}, {"styles": ("gothic",)}]
)
def test_bad_configurations_are_refused(changes):
    with pytest.raises(InputError):
        HandwritingConfig(**changes)
