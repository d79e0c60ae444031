"""The translation generator: a bidirectional encoder, and a decoder that attends to it.

values = bidirectional LSTM layers over the embedded source     (Bahdanau et al. 2015)
state  = tanh(W mean(values) + b)                               h and c of each layer
a_t    = AttentionDecoder(subword_t, values)                    (Luong et al. 2015)
logits = a_t E' + b                                             E embeds source and target, too
"""

from __future__ import annotations

import functools

import keras
import tensorflow as tf

from apps.translation.config import TranslationConfig
from shared.backends.keras_model import KerasBackend
from shared.generator import Signature, TensorSpec
from shared.layers import LSTM, AttentionDecoder, BahdanauAttention, LuongAttention, states
from shared.layers.tied_softmax import TiedSoftmax
from shared.text import END, PAD, START, UNKNOWN

FIRST_SYMBOL = END + 1
"""Id of the first control symbol, such as ``<2de>``; the others follow it."""


class TranslationModel(keras.Model):
    """The translation model: `encode` and `step` to generate, `call` to train on whole sentences.

    Args:
        config: The sizes.
    """

    def __init__(self, config: TranslationConfig):
        super().__init__(name="translation")
        self.config = config
        width = config.embedding
        # With this standard deviation the logits of a vector of length 1 are about 1 at first.
        self.embedding = keras.layers.Embedding(
            config.vocabulary,
            width,
            keras.initializers.RandomNormal(stddev=width**-0.5),
            name="embedding",
        )
        self.encoder = [
            keras.layers.Bidirectional(
                LSTM(units, return_sequences=True, name="encoder", **config.cell),
                name=f"encoder_{k}",
            )
            for k, units in enumerate(config.encoder_units)
        ]
        self.decoder = AttentionDecoder(
            config.decoder_units,
            self._attention(),
            input_feeding=config.input_feeding,
            attention_layer_size=width,
            residual=config.residual,
            between=config.context_dropout,
            name="decoder",
            **config.cell,
        )
        self.first_states = states.FirstStates(self.decoder.lstm.cells, name="first_states")
        self.embedding_dropout = keras.layers.Dropout(config.embedding_dropout)
        self.context_dropout = keras.layers.Dropout(config.context_dropout)
        self.output_dropout = keras.layers.Dropout(config.output_dropout)
        self.nats = keras.metrics.Mean(name="nats_per_token")
        self.embedding.build()
        for layer in self.encoder:
            layer.build((None, None, width))
            width = 2 * layer.forward_layer.cell.output_size
        self.memory_width = width
        self.decoder.build((None, None, config.embedding), (None, None, width))
        self.first_states.build((None, width))
        self.bias = self.add_weight(shape=(config.vocabulary,), initializer="zeros", name="bias")
        control = range(FIRST_SYMBOL, FIRST_SYMBOL + len(config.symbols))
        self.softmax = TiedSoftmax(self.embedding, self.bias, (PAD, UNKNOWN, START, *control))
        self.built = True

    def _attention(self):
        if self.config.attention == "additive":
            return BahdanauAttention(self.config.attention_units, name="attention")
        return LuongAttention(self.config.attention, name="attention")

    # The two functions that are exported.

    @property
    def signature(self) -> Signature:
        """The inputs and outputs of `encode` and `step`, for sources of the config's length."""
        return self.signature_of(self.config.length)

    def signature_of(self, length: int) -> Signature:
        """The signature for sources padded to another length; no weight depends on it.

        ``source`` holds subwords, the language symbol first and the end last, ``source_mask`` 1
        where there is one. ``symbol`` is the last subword (START at first). ``attention`` holds
        the attention weights; ``attention_vector`` is the attention layer's output where it is
        fed to the next step.
        """
        memory = {
            "values": TensorSpec((length, self.memory_width)),
            "memory_mask": TensorSpec((length,)),
        }
        if (layer := self.decoder.attention.memory_layer) is not None:
            memory["keys"] = TensorSpec((length, layer.units))
        state = states.specs(self.decoder.lstm.cells)
        if self.config.input_feeding:
            state["attention_vector"] = TensorSpec((self.config.embedding,))
        return Signature(
            condition={
                "source": TensorSpec((length,), "int32"),
                "source_mask": TensorSpec((length,), "uint8"),
            },
            memory=memory,
            state=state,
            symbol={"symbol": TensorSpec((), "int32")},
            outputs={
                "logits": TensorSpec((self.config.vocabulary,)),
                "attention": TensorSpec((length,)),
            },
        )

    def encode(self, condition):
        """Computes the attention memory of a source and the state before the first subword."""
        mask = condition["source_mask"]
        memory, state = self._read(condition["source"], tf.cast(mask, tf.bool))
        del memory["mask"]
        return memory | {"memory_mask": tf.cast(mask, tf.float32)} | state

    def step(self, symbol, state):
        """Predicts the next subword; the state that it returns is without the memory."""
        memory = {name: state[name] for name in ("values", "keys") if name in state}
        memory["mask"] = state["memory_mask"] > 0.5
        x = self.embedding(symbol["symbol"])
        vector, attention, state = self.decoder.step(x, memory, state)
        return {"logits": self.softmax.logits(vector, masked=True), "attention": attention}, state

    # The same over whole sentences.

    def call(self, batch, training=False):
        """Predicts every subword of targets from the subwords before it (teacher forcing).

        Args:
            batch: ``source`` and ``source_mask`` ``(batch, length)``, ``inputs`` and ``mask``
                ``(batch, steps)``, as `apps.translation.data.pipeline` yields them.
            training: Whether dropout is active.

        Returns:
            ``vectors`` ``(batch, steps, embedding)``, the softmax's input, and the weights
            ``attention`` ``(batch, steps, length)``.
        """
        memory, state = self._read(batch["source"], batch["source_mask"], training)
        x = self.embedding_dropout(self.embedding(batch["inputs"]), training=training)
        vectors, attention, _ = self.decoder.sequence(x, memory, state, batch["mask"], training)
        vectors = self.output_dropout(vectors, training=training)
        return {"vectors": vectors, "attention": attention}

    def gates(self, batch):
        """Returns what the gates of each decoder layer do, ``(batch, steps, 5, units)``."""
        memory, state = self._read(batch["source"], batch["source_mask"])
        return self.decoder.gates(self.embedding(batch["inputs"]), memory, state)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean cross-entropy per target subword, with label smoothing in training.

        The metric `nats` is without label smoothing.
        """
        smoothing = self.config.label_smoothing if training else 0.0
        loss, nats = self.softmax.loss(y_pred["vectors"], x["targets"], x["mask"], smoothing)
        self.nats.update_state(nats, tf.reduce_sum(tf.cast(x["mask"], tf.float32)))
        return loss

    def _read(self, source, mask, training=False):
        """Computes the attention memory of a source, and the decoder's first state."""
        x = self.embedding_dropout(self.embedding(source), training=training)
        for number, layer in enumerate(self.encoder):
            below = self.context_dropout(x, training=training) if number else x
            above = layer(below, mask=mask, training=training)
            same = self.config.residual and below.shape[-1] == above.shape[-1]
            x = below + above if same else above
        weights = tf.cast(mask, x.dtype)[..., None]
        x = x * weights  # padding must not count
        mean = tf.reduce_sum(x, 1) / tf.maximum(tf.reduce_sum(weights, 1), 1.0)
        memory = self.decoder.prepare(self.context_dropout(x, training=training), mask)
        return memory, self.decoder.initial_state(memory, self.first_states(mean))


class Padded:
    """The same model for sources padded to another length, which saves time on short ones."""

    def __init__(self, model: TranslationModel, length: int):
        self.signature = model.signature_of(length)
        self.encode, self.step = model.encode, model.step


def buckets(model: TranslationModel):
    """Makes a function from a padded length to a `KerasBackend`, which is made once for each."""
    return functools.cache(lambda length: KerasBackend(Padded(model, length)))
