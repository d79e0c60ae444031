"""The captioning generator: a grid of features, and an LSTM that attends to its cells.

grid   = MobileNetV2(photo)                               7 x 7 cells of 1280 features
values = relu(W grid + b)
state  = tanh(W mean(values))                             for h and c of each layer
a_t, alignment_t = shared.layers.AttentionDecoder         (Xu et al. 2015, Anderson et al. 2018)
logits = a_t E' + b            E: the table that embeds words, too (Press and Wolf 2017)
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from apps.captioning.backbone import CHANNELS, Backbone
from apps.captioning.config import CaptioningConfig
from shared.generator import Signature, TensorSpec
from shared.layers import AttentionDecoder, BahdanauAttention
from shared.text import END, PAD, START, UNKNOWN

_NEVER = (PAD, UNKNOWN, START)  # what no caption holds


class CaptioningModel(keras.Model):
    """See the module; `encode` and `step` are pure, `call` is both over whole captions.

    Args:
        config: The sizes; ``vocabulary`` is the tokenizer's.
    """

    def __init__(self, config: CaptioningConfig):
        super().__init__(name="captioning")
        self.config = config
        self.sight = Backbone(config)
        self.network = self.sight.network
        width = config.embedding
        self.embedding = keras.layers.Embedding(
            config.vocabulary,
            width,
            keras.initializers.RandomNormal(stddev=width**-0.5),
            name="embedding",
        )
        self.projection = keras.layers.Dense(
            config.grid_units, activation="relu", name="projection"
        )
        two = config.decoder == "up-down"
        self.decoder = AttentionDecoder(
            [config.units] * (2 if two else 1),
            BahdanauAttention(config.attention_units, name="attention"),
            attention_first=not two,
            attention_between=two,
            gated_context=True,
            attention_layer_size=width,
            name="decoder",
            **config.cell,
        )
        self.first_states = keras.layers.Dense(
            sum(sum(layer.cell.state_size) for layer in self.decoder.lstm.layers),
            activation="tanh",
            name="first_states",
        )
        self.embedding_dropout = keras.layers.Dropout(config.embedding_dropout)
        self.grid_dropout = keras.layers.SpatialDropout1D(config.grid_dropout)
        self.output_dropout = keras.layers.Dropout(config.output_dropout)
        self.nats = keras.metrics.Mean(name="nats_per_token")
        self.embedding.build()
        self.projection.build((None, None, CHANNELS))
        self.decoder.build((None, None, width), (None, None, config.grid_units))
        self.first_states.build((None, config.grid_units))
        self.never = np.zeros(config.vocabulary, np.float32)
        self.never[list(_NEVER)] = -1e9
        self.bias = self.add_weight(shape=(config.vocabulary,), initializer="zeros", name="bias")
        self.seeds = keras.random.SeedGenerator()
        self.built = True

    # The two functions that are exported.

    @property
    def signature(self) -> Signature:
        """What crosses `encode` and `step`.

        ``photo`` is RGB, 0 to 255, as `apps.captioning.photos.load_photo` makes it; ``symbol`` is
        what was emitted last (START at first); ``attention`` has a weight for each cell of the
        grid, row by row from the top left.
        """
        config = self.config
        cells = config.cells**2
        state = {}
        for k, layer in enumerate(self.decoder.lstm.layers):
            for name, size in zip("hc", layer.cell.state_size, strict=True):
                state[f"{name}{k}"] = TensorSpec((size,))
        return Signature(
            condition={"photo": TensorSpec((config.image_size, config.image_size, 3), "uint8")},
            memory={
                "values": TensorSpec((cells, config.grid_units)),
                "keys": TensorSpec((cells, config.attention_units)),
            },
            state=state,
            symbol={"symbol": TensorSpec((), "int32")},
            outputs={
                "logits": TensorSpec((config.vocabulary,)),
                "attention": TensorSpec((cells,)),
            },
        )

    def encode(self, condition):
        """The memory of a photo and the state before the first token."""
        return self.encode_features(self.sight.first(tf.cast(condition["photo"], tf.float32)))

    def encode_features(self, features):
        """`encode` of what the frozen part of the network made of a photo, as it is cached."""
        memory, state = self._read(features)
        return memory | state

    def step(self, symbol, state):
        """One token further: ``logits`` and ``attention``, and the state, memory left out."""
        memory = {name: state[name] for name in ("values", "keys")}
        inner = {name: value for name, value in state.items() if name not in memory}
        x = self.embedding(symbol["symbol"])
        vector, alignment, inner = self.decoder.step(x, memory, inner)
        return {"logits": self.sayable(vector), "attention": alignment}, inner

    # The same over whole captions.

    def call(self, batch, training=False):
        """What the softmax reads ``(captions, steps, embedding)``, see `logits`, and alignments.

        Args:
            batch: ``features`` ``(photos, ...)``, ``inputs`` and ``mask`` ``(captions, steps)``,
                the captions of a photo one after another, equally many of each, as
                `apps.captioning.data.pipeline` yields them.
            training: Whether dropout draws.

        Returns:
            ``{"vectors": ..., "alignments": (captions, steps, cells)}``.
        """
        memory, state = self._read(batch["features"], training)
        each = tf.shape(batch["inputs"])[0] // tf.shape(batch["features"])[0]
        memory, state = self.repeated(memory, each), self.repeated(state, each)
        inputs, mask = batch["inputs"], batch["mask"]
        if training and self.config.scheduled_sampling:
            inputs = self._partly_drawn(inputs, mask, memory, state)
        return self.tell(inputs, mask, memory, state, training)

    def _partly_drawn(self, inputs, mask, memory, state):
        """``inputs`` with some tokens drawn from what the model says after those before.

        All are drawn at once, each after the right ones (Mihaylova and Martins 2019).
        """
        logits = self.sayable(self.tell(inputs, mask, memory, state)["vectors"])
        drawn = keras.random.categorical(
            tf.reshape(logits[:, :-1], (-1, self.config.vocabulary)), 1, seed=self.seeds
        )
        drawn = tf.reshape(tf.cast(drawn, tf.int32), tf.shape(inputs[:, 1:]))
        chance = keras.random.uniform(tf.shape(drawn), seed=self.seeds)
        own = (chance < self.config.scheduled_sampling) & (drawn != END)
        return tf.concat([inputs[:, :1], tf.where(own, drawn, inputs[:, 1:])], 1)

    @staticmethod
    def repeated(tensors, times):
        """Each row several times: one grid for all captions of a photo."""
        return {name: tf.repeat(value, times, axis=0) for name, value in tensors.items()}

    def tell(self, inputs, mask, memory, state, training=False):
        """As `call`, of a memory and a first state with a row for each caption."""
        x = self.embedding_dropout(self.embedding(inputs), training=training)
        vectors, alignments, _ = self.decoder.sequence(x, memory, state, mask, training)
        vectors = self.output_dropout(vectors, training=training)
        return {"vectors": vectors, "alignments": alignments}

    def logits(self, vectors):
        """Of every token, ``(..., vocabulary)``, from ``vectors``."""
        table = ops.convert_to_tensor(self.embedding.embeddings)
        return tf.matmul(vectors, table, transpose_b=True) + self.bias

    def sayable(self, vectors):
        """`logits` with no chance for what no caption holds."""
        return self.logits(vectors) + self.never

    def gates(self, features, inputs):
        """Of each decoder layer ``(batch, steps, 5, units)``, see `AttentionDecoder.gates`.

        Args:
            features: As for `encode_features`.
            inputs: ``(batch, steps)``, the tokens that the decoder reads, from START.
        """
        memory, state = self._read(features)
        return self.decoder.gates(self.embedding(inputs), memory, state)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean cross-entropy per token, smoothed in training, and what attention is to pay.

        `nats` is without both, and so is the loss outside training.
        """
        mask = x["mask"]
        vectors = tf.boolean_mask(y_pred["vectors"], mask)
        targets = tf.boolean_mask(x["targets"], mask)
        logits = self.logits(vectors)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
        )
        self.nats.update_state(loss, tf.cast(tf.size(targets), tf.float32))
        if training and (smoothing := self.config.label_smoothing):
            wanted = tf.gather(logits, targets, batch_dims=1)
            loss += smoothing * tf.reduce_mean(wanted - tf.reduce_mean(logits, -1))
        if training and (penalty := self.config.attention_penalty):
            loss += penalty * self.attention_loss(y_pred["alignments"])
        return loss

    @staticmethod
    def attention_loss(alignments):
        """Doubly stochastic attention: how unequally often the cells were looked at.

        Xu et al. 2015, eq. 14, with their tau as the mean: what a cell would have if all had the
        same. The mean over cells and captions of the squares, 0 at best.
        """
        sums = tf.reduce_sum(alignments, 1)  # (captions, cells)
        apart = sums - tf.reduce_mean(sums, -1, keepdims=True)
        return tf.reduce_mean(tf.square(apart))

    def _read(self, features, training=False):
        """The attention's memory ``values``, ``keys``, and the decoder's first state."""
        grid = self.sight.rest(tf.cast(features, tf.float32))
        cells = tf.reshape(grid, (-1, self.config.cells**2, CHANNELS))
        values = self.grid_dropout(self.projection(cells), training=training)
        flat = self.first_states(tf.reduce_mean(values, 1))
        memory = self.decoder.prepare(values)
        sizes = [size for layer in self.decoder.lstm.layers for size in layer.cell.state_size]
        parts = tf.split(flat, sizes, axis=-1)
        lstm = [parts[k : k + 2] for k in range(0, len(parts), 2)]
        return memory, self.decoder.initial_state(memory, lstm)


class FromFeatures:
    """The same generator for cached features in place of photos."""

    def __init__(self, model: CaptioningModel):
        spec = TensorSpec(model.sight.features_shape)
        whole = model.signature
        parts = {"memory": whole.memory, "state": whole.state, "symbol": whole.symbol}
        self.signature = Signature(condition={"features": spec}, outputs=whole.outputs, **parts)
        self.model, self.step = model, model.step

    def encode(self, condition):
        """See `CaptioningModel.encode_features`."""
        return self.model.encode_features(condition["features"])
