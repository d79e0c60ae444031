"""The translation generator: a bidirectional encoder, and a decoder that attends to it.

values = LSTM stack, both ways, over the embedded source             (Bahdanau et al. 2015)
state  = tanh(W mean(values))                                        for h and c of each layer
a_t, alignment_t = shared.layers.AttentionDecoder                    (Luong et al. 2015)
logits = a_t E' + b           E: the table that embeds source and target too (Press, Wolf 2017)
"""

from __future__ import annotations

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from apps.translation.config import TranslationConfig
from shared.backends.keras_model import KerasBackend
from shared.generator import Signature, TensorSpec
from shared.layers import LSTM, AttentionDecoder, BahdanauAttention, LuongAttention
from shared.text import END, PAD, START, UNKNOWN

FIRST_SYMBOL = END + 1  # where the tokenizer has its control symbols


class TranslationModel(keras.Model):
    """See the module; `encode` and `step` are pure, `call` is both over whole sentences.

    Args:
        config: The sizes.
    """

    def __init__(self, config: TranslationConfig):
        super().__init__(name="translation")
        self.config = config
        width = config.embedding
        # Standard deviation: logits of an output of length 1 then begin at about 1.
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
        self.first_states = keras.layers.Dense(
            sum(sum(layer.cell.state_size) for layer in self.decoder.lstm.layers),
            activation="tanh",
            name="first_states",
        )
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
        self.never = _never(config)
        self.bias = self.add_weight(shape=(config.vocabulary,), initializer="zeros", name="bias")
        self.built = True

    def _attention(self):
        if self.config.attention == "additive":
            return BahdanauAttention(self.config.attention_units, name="attention")
        return LuongAttention(self.config.attention, name="attention")

    # The two functions that are exported.

    @property
    def signature(self) -> Signature:
        """What crosses `encode` and `step`: see `signature_of`."""
        return self.signature_of(self.config.length)

    def signature_of(self, length: int) -> Signature:
        """The signature for sources padded to so many subwords, on which no weight depends.

        ``source`` holds subwords, the language symbol first and the end last, ``source_mask`` 1
        where there is one. ``symbol`` is what was emitted last (START at first), ``alignment`` in
        the outputs called ``attention``; ``fed`` is the output of the attention layer where it
        is fed to the next step.
        """
        memory = {
            "values": TensorSpec((length, self.memory_width)),
            "memory_mask": TensorSpec((length,)),
        }
        if (layer := self.decoder.attention.memory_layer) is not None:
            memory["keys"] = TensorSpec((length, layer.units))
        state = {}
        for k, layer in enumerate(self.decoder.lstm.layers):
            for name, size in zip("hc", layer.cell.state_size, strict=True):
                state[f"{name}{k}"] = TensorSpec((size,))
        if self.config.input_feeding:
            state["fed"] = TensorSpec((self.config.embedding,))
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
        """The memory of a source and the state before the first subword."""
        memory, lstm = self._read(condition["source"], tf.cast(condition["source_mask"], tf.bool))
        mask = tf.cast(memory.pop("mask"), tf.float32)
        state = memory | {"memory_mask": mask}
        for k, (h, c) in enumerate(lstm):
            state |= {f"h{k}": h, f"c{k}": c}
        if self.config.input_feeding:
            # From a tensor, not a constant, which LiteRT would merge with others.
            state["fed"] = 0.0 * state["values"][:, 0, :1] + tf.zeros((1, self.config.embedding))
        return state

    def step(self, symbol, state):
        """One subword further: ``logits`` and ``attention``, and the state, memory left out."""
        memory = {name: state[name] for name in ("values", "keys") if name in state}
        memory["mask"] = state["memory_mask"] > 0.5
        names = [n for n in self.signature.state if n != "fed"]
        inner = {name: state[name] for name in names}
        if self.config.input_feeding:
            inner["attention"] = state["fed"]
        x = self.embedding(symbol["symbol"])
        vector, alignment, inner = self.decoder.step(x, memory, inner)
        new = {name: inner[name] for name in names}
        if self.config.input_feeding:
            new["fed"] = tf.identity(inner["attention"])
        return {"logits": self.logits(vector, self.never), "attention": alignment}, new

    # The same over whole sentences.

    def call(self, batch, training=False):
        """What the softmax reads, ``(batch, steps, embedding)``, see `logits`.

        Args:
            batch: ``source`` and ``source_mask`` ``(batch, length)``, ``inputs`` and ``mask``
                ``(batch, steps)``, as `apps.translation.data.pipeline` yields them.
            training: Whether dropout draws.
        """
        return self.aligned(batch, training)[0]

    def aligned(self, batch, training=False):
        """As `call`, and the alignments ``(batch, steps, length)``."""
        memory, lstm = self._read(batch["source"], batch["source_mask"], training)
        state = self.decoder.initial_state(memory, lstm)
        x = self.embedding_dropout(self.embedding(batch["inputs"]), training=training)
        vectors, alignments, _ = self.decoder.sequence(x, memory, state, batch["mask"], training)
        return self.output_dropout(vectors, training=training), alignments

    def logits(self, vectors, more=0.0):
        """Of every subword, ``(..., vocabulary)``, from what `call` gives; ``more`` on each."""
        table = ops.convert_to_tensor(self.embedding.embeddings)
        # One bias: on 320 hypotheses a pass over the logits takes a tenth of their product's time.
        bias = ops.convert_to_tensor(self.bias) + more
        return tf.nn.bias_add(tf.matmul(vectors, table, transpose_b=True), bias)

    def gates(self, batch):
        """Of each decoder layer ``(batch, steps, 5, units)``, see `StackedLSTM.gates`.

        Raises:
            ValueError: The decoder is fed what it attended to, so its LSTM has no inputs known
                beforehand.
        """
        if self.config.input_feeding:
            raise ValueError("the gates of a decoder with input feeding are not traced")
        _, lstm = self._read(batch["source"], batch["source_mask"])
        return self.decoder.lstm.gates(self.embedding(batch["inputs"]), lstm)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean cross-entropy per target subword, smoothed (Szegedy et al. 2016) in training.

        `nats` is without smoothing, and so is the loss outside training.
        """
        vectors = tf.boolean_mask(y_pred, x["mask"])
        targets = tf.boolean_mask(x["targets"], x["mask"])
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=targets, logits=self.logits(vectors)
            )
        )
        self.nats.update_state(loss, tf.cast(tf.size(targets), tf.float32))
        if training and self.config.label_smoothing:
            # Cross-entropy with the uniform distribution less that with the target: the
            # normalizer cancels out, and no other logit than the target's is needed.
            table = ops.convert_to_tensor(self.embedding.embeddings)
            bias = ops.convert_to_tensor(self.bias)
            wanted = tf.reduce_sum(vectors * tf.gather(table, targets), -1) + tf.gather(
                bias, targets
            )
            mean = tf.linalg.matvec(vectors, tf.reduce_mean(table, 0)) + tf.reduce_mean(bias)
            loss += self.config.label_smoothing * tf.reduce_mean(wanted - mean)
        return loss

    def _read(self, source, mask, training=False):
        """The attention's memory of a source, and the decoder's first ``[h, c]`` of each layer."""
        x = self.embedding_dropout(self.embedding(source), training=training)
        for number, layer in enumerate(self.encoder):
            below = self.context_dropout(x, training=training) if number else x
            above = layer(below, mask=mask, training=training)
            same = self.config.residual and below.shape[-1] == above.shape[-1]
            x = below + above if same else above
        weights = tf.cast(mask, x.dtype)[..., None]
        x = x * weights  # what stands at padding must not count
        mean = tf.reduce_sum(x, 1) / tf.maximum(tf.reduce_sum(weights, 1), 1.0)
        sizes = [size for layer in self.decoder.lstm.layers for size in layer.cell.state_size]
        flat = tf.split(self.first_states(mean), sizes, axis=-1)
        lstm = [flat[k : k + 2] for k in range(0, len(flat), 2)]
        memory = self.decoder.prepare(self.context_dropout(x, training=training), mask)
        return memory, lstm


def _never(config: TranslationConfig) -> np.ndarray:
    """``(vocabulary,)``: a large negative number for what no translation holds."""
    result = np.zeros(config.vocabulary, np.float32)
    result[[PAD, UNKNOWN, START]] = -1e9
    result[FIRST_SYMBOL : FIRST_SYMBOL + len(config.symbols)] = -1e9
    return result


class Padded:
    """The same model for sources padded to another length: less to compute where all are short."""

    def __init__(self, model: TranslationModel, length: int):
        self.signature = model.signature_of(length)
        self.encode, self.step = model.encode, model.step


def buckets(model: TranslationModel):
    """Makes `shared.backends.keras_model.KerasBackend` for padded lengths, once for each."""
    return functools.cache(lambda length: KerasBackend(Padded(model, length)))
