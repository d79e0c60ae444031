import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from apps.music.app import MUSIC
from apps.music.canonical import read_canonical
from apps.music.data import Data, crops
from apps.music.decoding import STEP_COLUMNS
from apps.music.evaluate import nats
from apps.music.model import STEP_FEATURES, MusicModel
from apps.music.piece import END, FEATURES, HOLD, START, piece_from_pitches
from shared.backends.keras_model import KerasBackend
from tests.apps.music.toy_data import write_canonical


def tiny(**changes):
    keras.utils.set_random_seed(1)
    return MusicModel(dataclasses.replace(MUSIC.stage("tiny").config, **changes))


def tensors(arrays):
    return {name: tf.constant(value) for name, value in arrays.items()}


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    path = write_canonical(tmp_path_factory.mktemp("data") / "toy.json", train=3)
    return read_canonical(path)["train"]


@pytest.fixture(scope="module")
def batch(pieces):
    # As long as the longest piece with its end, so that every crop begins at the beginning.
    return {
        h: next(crops(pieces, Data(crop_frames=49, batch=3, masked_rate=0), 0, holds=h))
        for h in (False, True)
    }


def test_a_melody_tells_of_what_is_to_come(pieces):
    model = tiny(frames=52, encoder_units=4)
    pitches = pieces[0].pitches.copy()
    pitches[-4:, 0] += 1  # the last note of the melody
    other = piece_from_pitches("other", pitches)
    backend = KerasBackend(model)
    for given in (False, True):
        first, second = (nats(backend, [p], model.config, given)[0] for p in (pieces[0], other))
        assert (first[:-4] == second[:-4]).all() != given


def test_a_melody_alone_does_not_hear_the_other_voices(pieces):
    model = tiny(frames=52, encoder_units=4)
    pitches = pieces[0].pitches.copy()
    pitches[4:, 1:] -= 1
    other = piece_from_pitches("other", pitches)
    backend = KerasBackend(model)
    for alone in (False, True):
        first, second = (
            nats(backend, [p], model.config, alone=alone)[0][:, 0] for p in (pieces[0], other)
        )
        assert (first == second).all() == alone


def test_a_voice_sees_those_before_it_and_nothing_later(batch):
    data = tensors(batch[False])
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
    logits = tiny(holds=holds)(tensors(batch[holds]))
    probabilities = tf.nn.softmax(logits).numpy()
    assert (probabilities[..., START] == 0).all()
    assert (probabilities[..., 1:, END] == 0).all()
    assert (probabilities[..., 0, END] > 0).all()
    assert ((probabilities[..., HOLD] > 0) == holds).all()


def test_the_figure_is_the_mean_over_notes_of_all_batches_without_the_end(pieces):
    model = tiny()
    losses = []
    for chosen in (pieces[:1], pieces):  # of different sizes
        data = next(crops(chosen, Data(crop_frames=64, batch=len(chosen), melody_rate=0), 0))
        logits = model(tensors(data))
        model.compute_loss(tensors(data), y_pred=logits)
        targets = data["frames"][:, 1:]
        assert (data["mask"] & (targets == END)).sum() == len(chosen)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits).numpy()
        losses.append(loss[data["mask"] & (targets != END)])
    assert float(model.nats.result()) == pytest.approx(np.concatenate(losses).mean(), rel=1e-5)


def test_the_tiny_model_overfits(batch):
    data = tensors(batch[True])
    model = tiny(holds=True)
    model.compile(keras.optimizers.Adam(0.02), jit_compile=False)
    dataset = tf.data.Dataset.from_tensors(data).repeat(200)
    first, last = dataset.take(1), dataset.take(199)
    before = model.evaluate(first, verbose=0, return_dict=True)["nats_per_note"]
    model.fit(last, verbose=0)
    after = model.evaluate(first, verbose=0, return_dict=True)["nats_per_note"]
    assert after < 0.15 < 3 < before


def test_step_features_are_the_columns_that_decoding_feeds():
    assert [FEATURES[k] for k in STEP_COLUMNS] == list(STEP_FEATURES)
