"""A small generator with everything that export must survive: an encoder, attention memory that
is only read, a mask, int32 symbols and an LSTM that advances under ``tf.cond``."""

import keras
import numpy as np
import tensorflow as tf

from shared.generator import Signature, TensorSpec

UNITS, LENGTH, VOCABULARY = 48, 6, 30


class Toy(keras.Model):
    signature = Signature(
        condition={
            "words": TensorSpec((LENGTH,), "int32"),
            "given": TensorSpec((LENGTH,), "uint8"),
        },
        symbol={"symbol": TensorSpec((), "int32"), "voice": TensorSpec((), "int32")},
        state={"h": TensorSpec((UNITS,)), "c": TensorSpec((UNITS,))},
        outputs={"logits": TensorSpec((VOCABULARY,)), "attention": TensorSpec((LENGTH,))},
        memory={"memory": TensorSpec((LENGTH, UNITS)), "mask": TensorSpec((LENGTH,))},
    )

    def __init__(self, seed=0):
        super().__init__(name="toy")

        def normal(salt):
            return keras.initializers.RandomNormal(stddev=0.2, seed=seed + salt)

        self.embedding = keras.layers.Embedding(VOCABULARY, UNITS, normal(0), name="embedding")
        self.first_h = keras.layers.Dense(UNITS, "tanh", kernel_initializer=normal(1), name="h")
        self.first_c = keras.layers.Dense(UNITS, "tanh", kernel_initializer=normal(2), name="c")
        self.gates = keras.layers.Dense(4 * UNITS, kernel_initializer=normal(3), name="gates")
        self.head = keras.layers.Dense(VOCABULARY, kernel_initializer=normal(4), name="head")

    def build_all(self):
        self.embedding.build()
        for layer in (self.first_h, self.first_c):
            layer.build((None, UNITS))
        self.gates.build((None, 2 * UNITS))
        self.head.build((None, 2 * UNITS))
        self.built = True

    def encode(self, condition):
        memory = tf.tanh(self.embedding(condition["words"]))
        mask = tf.cast(condition["given"], tf.float32)
        mean = tf.reduce_mean(memory * mask[..., None], 1)
        return {
            "h": self.first_h(mean),
            "c": self.first_c(mean),
            "memory": memory,
            "mask": mask,
        }

    def step(self, symbol, state):
        def advance():
            x = tf.concat([self.embedding(symbol["symbol"]), state["h"]], -1)
            i, f, g, o = tf.split(self.gates(x), 4, -1)
            c = tf.sigmoid(f) * state["c"] + tf.sigmoid(i) * tf.tanh(g)
            return tf.sigmoid(o) * tf.tanh(c), c

        h, c = tf.cond(symbol["voice"][0] == 0, advance, lambda: (state["h"], state["c"]))
        scores = tf.reduce_sum(state["memory"] * h[:, None], -1)
        attention = tf.nn.softmax(tf.where(state["mask"] > 0, scores, -1e9))
        context = tf.reduce_sum(attention[..., None] * state["memory"], 1)
        logits = self.head(tf.concat([h, context], -1))
        return {"logits": logits, "attention": attention}, {"h": h, "c": c}


def toy(seed=0):
    """A built toy with weights that depend on the seed alone."""
    model = Toy(seed)
    model.build_all()
    return model


def conditions(batch, seed=0):
    """A random batch of conditions."""
    rng = np.random.default_rng(seed)
    return {
        "words": rng.integers(0, VOCABULARY, (batch, LENGTH)).astype(np.int32),
        "given": (np.arange(LENGTH) < rng.integers(1, LENGTH + 1, (batch, 1))).astype(np.uint8),
    }


def symbols(batch, steps, seed=0):
    """The symbols of several steps; the voice, equal over the batch, runs 0, 1, 2, 0, ..."""
    rng = np.random.default_rng(seed)
    return [
        {
            "symbol": rng.integers(0, VOCABULARY, batch).astype(np.int32),
            "voice": np.full(batch, t % 3, np.int32),
        }
        for t in range(steps)
    ]
