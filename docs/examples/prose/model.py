"""The generator: characters are embedded, read by a stack of LSTM layers, and predicted."""

import keras
import tensorflow as tf

from shared.generator import Signature, TensorSpec
from shared.layers import StackedLSTM, states


class ProseModel(keras.Model):
    """A character language model; without a condition its first state is zero."""

    def __init__(self, config, symbols):
        super().__init__(name="prose")
        self.embedding = keras.layers.Embedding(symbols, config.embedding, name="embedding")
        self.lstm = StackedLSTM(config.units, between=config.dropout, name="lstm")
        self.head = keras.layers.Dense(symbols, name="head")
        self.embedding.build()
        self.lstm.build((None, None, config.embedding))
        self.head.build((None, config.units[-1]))
        self.built = True
        self.signature = Signature(
            condition={},
            symbol={"symbol": TensorSpec((), "int32")},
            state=states.specs(self.lstm.cells),
            outputs={"logits": TensorSpec((symbols,))},
        )

    def encode(self, condition):
        """Returns the state before the first character."""
        return states.flat(states.zeros(self.lstm.cells, 1))

    def step(self, symbol, state):
        """Predicts the next character."""
        nested = states.nested(state, len(self.lstm.cells))
        x, nested = self.lstm.step(self.embedding(symbol["symbol"]), nested)
        return {"logits": self.head(x)}, states.flat(nested)

    def call(self, batch, training=False):
        """Predicts every character from those before it: logits ``(batch, steps, symbols)``."""
        return self.head(self.lstm(self.embedding(batch["inputs"]), training=training)[0])

    def gates(self, symbols):
        """What the gates of each layer do, ``(batch, steps, 5, units)``."""
        return self.lstm.gates(self.embedding(symbols), states.zeros(self.lstm.cells, 1))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean cross-entropy of a character, in nats."""
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(x["targets"], y_pred)
        return tf.reduce_mean(nats)
