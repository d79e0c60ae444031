import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from apps.music.config import PRESETS
from apps.music.data import crops, read_canonical
from apps.music.generate import KEY_COLUMNS, STEP_COLUMNS
from apps.music.model import STEP_FEATURES, MusicModel
from apps.music.piece import END, FEATURES, HOLD, START
from shared.backends.keras_model import KerasBackend
from tests.apps.music.toy_data import write_canonical


def tiny(**changes):
    keras.utils.set_random_seed(1)
    return MusicModel(dataclasses.replace(PRESETS["tiny"], **changes))


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    path = write_canonical(tmp_path_factory.mktemp("data") / "toy.json", train=3)
    pieces = read_canonical(path)["train"]
    # As long as the longest piece with its end, so that every crop begins at the beginning.
    return {h: next(crops(pieces, 49, 3, seed=0, holds=h)) for h in (False, True)}


@pytest.mark.parametrize("holds", [False, True])
@pytest.mark.parametrize("cell", [{}, {"peephole": True, "layer_norm": True}])
def test_a_whole_piece_equals_repeated_steps(batch, holds, cell):
    data = batch[holds]
    model = tiny(holds=holds, cell=cell, residual=True)
    whole = model({name: tf.constant(value) for name, value in data.items()}).numpy()
    backend = KerasBackend(model)
    state = backend.encode({"key": data["features"][:, 0, KEY_COLUMNS]})
    symbol = np.full(3, START, np.int32)
    for t in range(49):
        place = data["features"][:, t, STEP_COLUMNS]
        for voice in range(4):
            inputs = {"symbol": symbol, "voice": np.full(3, voice, np.int32), "features": place}
            outputs, state = backend.step(inputs, state)
            used = data["mask"][:, t, voice]
            np.testing.assert_allclose(
                outputs["logits"][used], whole[used, t, voice], rtol=2e-5, atol=2e-5
            )
            symbol = data["frames"][:, t + 1, voice]


def test_a_voice_sees_those_before_it_and_nothing_later(batch):
    data = {name: tf.constant(value) for name, value in batch[False].items()}
    model = tiny()
    before = model(data).numpy()
    changed = data["sounding"].numpy()
    changed[:, 5, 1] += 1  # the second voice of the frame that step 4 predicts
    after = model({**data, "sounding": tf.constant(changed)}).numpy()
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    np.testing.assert_array_equal(before[:, 4, :2], after[:, 4, :2])
    assert (np.abs(before[:, 4, 2:] - after[:, 4, 2:]).max(-1) > 0).all()
    assert (np.abs(before[:, 5] - after[:, 5]).max(-1) > 0).all()


@pytest.mark.parametrize("holds", [False, True])
def test_impossible_symbols_have_no_probability(batch, holds):
    logits = tiny(holds=holds)({n: tf.constant(v) for n, v in batch[holds].items()})
    probabilities = tf.nn.softmax(logits).numpy()
    assert (probabilities[..., START] == 0).all()
    assert (probabilities[..., 1:, END] == 0).all()
    assert (probabilities[..., 0, END] > 0).all()
    assert ((probabilities[..., HOLD] > 0) == holds).all()


def test_the_end_is_learned_but_not_counted(batch):
    data = {name: tf.constant(value) for name, value in batch[False].items()}
    model = tiny()
    logits = model(data)
    model.compute_loss(data, y_pred=logits)
    log_probabilities = tf.nn.log_softmax(logits).numpy()
    targets, mask = data["frames"].numpy()[:, 1:], data["mask"].numpy()
    losses = -np.take_along_axis(log_probabilities, targets[..., None], -1)[..., 0]
    notes = mask & (targets != END)
    assert (mask & (targets == END)).sum() == 3
    assert float(model.nats.result()) == pytest.approx(losses[notes].mean(), rel=1e-5)


def test_the_tiny_model_overfits(batch):
    data = {name: tf.constant(value) for name, value in batch[True].items()}
    model = tiny(holds=True)
    model.compile(keras.optimizers.Adam(0.02), jit_compile=False)
    dataset = tf.data.Dataset.from_tensors(data).repeat(200)
    first, last = dataset.take(1), dataset.take(199)
    before = model.evaluate(first, verbose=0, return_dict=True)["nats_per_note"]
    model.fit(last, verbose=0)
    after = model.evaluate(first, verbose=0, return_dict=True)["nats_per_note"]
    assert after < 0.15 < 3 < before


def test_step_features_are_the_columns_that_generate_feeds():
    assert [FEATURES[k] for k in STEP_COLUMNS] == list(STEP_FEATURES)
