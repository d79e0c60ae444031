"""A small run with all that is hard to resume: dropout, averages, schedule, shuffling, buckets.

As a script, it kills itself at a step: python toy_run.py FOLDER EPOCH STEP
"""

import os
import sys

import keras
import numpy as np
import tensorflow as tf

from shared.training import FitOptions
from shared.training.fit import fit

OPTIONS = FitOptions(
    epochs=3,
    learning_rate=0.02,
    schedule="cosine",
    warmup_steps=4,
    total_steps=30,
    final_fraction=0.1,
    weight_decay=0.01,
    ema_momentum=0.8,
    checkpoint_steps=2,
    checkpoint_seconds=0,
    seed=3,
)


class Toy(keras.Model):
    """A classifier that keeps its own loss and a metric, as the suite's models do."""

    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(8, activation="tanh")
        self.dropout = keras.layers.Dropout(0.3)
        self.head = keras.layers.Dense(3)
        self.accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        self.build((None, 4))

    def build(self, shape):
        self.hidden.build(shape)
        self.head.build((None, 8))
        self.built = True

    def call(self, x, training=None):
        return self.head(self.dropout(self.hidden(x), training=training))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        self.accuracy.update_state(y, y_pred)
        losses = keras.losses.sparse_categorical_crossentropy(y, y_pred, from_logits=True)
        return keras.ops.mean(losses)


def make_model(seed=3):
    keras.utils.set_random_seed(seed)
    return Toy()


def data(count=72, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 4)).astype("float32")
    return x, np.argmax(x[:, :3], axis=1).astype("int32")


def train(epoch):
    """Shuffled anew each epoch; 9 batches, then 8, then 7, of unknown number."""
    x, y = data()
    order = np.random.default_rng([7, epoch]).permutation(len(x) - 8 * (epoch % 3))
    batches = tf.data.Dataset.from_tensor_slices((x[order], y[order])).batch(8)
    return batches.filter(lambda x, y: True)


def valid():
    return tf.data.Dataset.from_tensor_slices(data(32, 1)).batch(16)


class KillAt(keras.callbacks.Callback):
    """Ends the process with no goodbye before the given batch."""

    def __init__(self, epoch, step):
        super().__init__()
        self.at, self.epoch = (epoch, step), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            os._exit(9)


if __name__ == "__main__":
    folder, epoch, step = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    kill = KillAt(epoch, step)
    fit(make_model(), train, valid(), OPTIONS, folder, callbacks=[kill], verbose=0)
