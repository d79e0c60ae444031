"""The captioning generator: a CNN encoder, and an LSTM decoder that attends to its feature grid.

grid   = CNN encoder(photo)                      7 x 7 cells of 1280 features
values = relu(W grid + b)
state  = tanh(W mean(values) + b)                h and c of each layer
a_t    = AttentionDecoder(token_t, values)       (Xu et al. 2015, Anderson et al. 2018)
logits = a_t E' + b                              E embeds the tokens, too
"""

from __future__ import annotations

import dataclasses

import keras
import tensorflow as tf

from apps.captioning.backbone import CHANNELS, Backbone
from apps.captioning.config import CaptioningConfig
from shared.generator import Signature, TensorSpec
from shared.layers import AttentionDecoder, BahdanauAttention, states
from shared.layers.tied_softmax import TiedSoftmax
from shared.text import END, PAD, START, UNKNOWN


class CaptioningModel(keras.Model):
    """The captioning model: `encode` and `step` to generate, `call` to train on whole captions.

    Args:
        config: The sizes; ``vocabulary`` is the tokenizer's.
    """

    def __init__(self, config: CaptioningConfig):
        super().__init__(name="captioning")
        self.config = config
        self.backbone = Backbone(config)
        self.network = self.backbone.network
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
        self.first_states = states.FirstStates(self.decoder.lstm.cells, name="first_states")
        self.embedding_dropout = keras.layers.Dropout(config.embedding_dropout)
        self.grid_dropout = keras.layers.SpatialDropout1D(config.grid_dropout)
        self.output_dropout = keras.layers.Dropout(config.output_dropout)
        self.nats = keras.metrics.Mean(name="nats_per_token")
        self.embedding.build()
        self.projection.build((None, None, CHANNELS))
        self.decoder.build((None, None, width), (None, None, config.grid_units))
        self.first_states.build((None, config.grid_units))
        self.bias = self.add_weight(shape=(config.vocabulary,), initializer="zeros", name="bias")
        others = range(END + 1, END + len(config.languages))  # start symbols of further languages
        self.softmax = TiedSoftmax(self.embedding, self.bias, (PAD, UNKNOWN, START, *others))
        self.seeds = keras.random.SeedGenerator()
        self.built = True

    # The two functions that are exported.

    @property
    def signature(self) -> Signature:
        """The inputs and outputs of `encode` and `step`.

        ``photo`` is RGB, 0 to 255, as `apps.captioning.photos.load_photo` makes it; ``symbol`` is
        the last token (at first the start symbol of the language, START by default);
        ``attention`` holds a weight for each cell of the grid, row by row from the top left.
        """
        config = self.config
        cells = config.cells**2
        return Signature(
            condition={"photo": TensorSpec((config.image_size, config.image_size, 3), "uint8")},
            memory={
                "values": TensorSpec((cells, config.grid_units)),
                "keys": TensorSpec((cells, config.attention_units)),
            },
            state=states.specs(self.decoder.lstm.cells),
            symbol={"symbol": TensorSpec((), "int32")},
            outputs={
                "logits": TensorSpec((config.vocabulary,)),
                "attention": TensorSpec((cells,)),
            },
        )

    def encode(self, condition):
        """Computes the attention memory of a photo and the state before the first token."""
        return self.encode_features(self.backbone.first(tf.cast(condition["photo"], tf.float32)))

    def encode_features(self, features):
        """Does the same as `encode`, from the features of the frozen layers, which are cached."""
        memory, state = self.read(features)
        return memory | state

    def step(self, symbol, state):
        """Predicts the next token; the state that it returns is without the memory."""
        memory = {name: state[name] for name in ("values", "keys")}
        x = self.embedding(symbol["symbol"])
        vector, attention, state = self.decoder.step(x, memory, state)
        return {"logits": self.softmax.logits(vector, masked=True), "attention": attention}, state

    # The same over whole captions.

    def call(self, batch, training=False):
        """Predicts every token of captions from the tokens before it (teacher forcing).

        Args:
            batch: ``features`` ``(photos, ...)``, ``inputs`` and ``mask`` ``(captions, steps)``,
                the captions of a photo one after another, equally many of each, as
                `apps.captioning.data.pipeline` yields them.
            training: Whether dropout is active.

        Returns:
            ``vectors`` ``(captions, steps, embedding)``, the softmax's input, and the weights
            ``attention`` ``(captions, steps, cells)``.
        """
        memory, state = self.read(batch["features"], training)
        each = tf.shape(batch["inputs"])[0] // tf.shape(batch["features"])[0]
        memory, state = self.repeated(memory, each), self.repeated(state, each)
        inputs, mask = batch["inputs"], batch["mask"]
        if training and self.config.scheduled_sampling:
            inputs = self._partly_sampled(inputs, mask, memory, state)
        return self.decode(inputs, mask, memory, state, training)

    def _partly_sampled(self, inputs, mask, memory, state):
        """Replaces some tokens of ``inputs`` by samples from the model's own prediction.

        All are sampled at once, each after the right ones (Mihaylova and Martins 2019).
        """
        vectors = self.decode(inputs, mask, memory, state)["vectors"]
        logits = self.softmax.logits(vectors[:, :-1], masked=True)
        sampled = keras.random.categorical(
            tf.reshape(logits, (-1, self.config.vocabulary)), 1, seed=self.seeds
        )
        sampled = tf.reshape(tf.cast(sampled, tf.int32), tf.shape(inputs[:, 1:]))
        chance = keras.random.uniform(tf.shape(sampled), seed=self.seeds)
        replaced = (chance < self.config.scheduled_sampling) & (sampled != END)
        return tf.concat([inputs[:, :1], tf.where(replaced, sampled, inputs[:, 1:])], 1)

    @staticmethod
    def repeated(tensors, times):
        """Repeats each row several times: one grid for all captions of a photo."""
        return {name: tf.repeat(value, times, axis=0) for name, value in tensors.items()}

    def decode(self, inputs, mask, memory, state, training=False):
        """Does what `call` does, from a memory and a first state with a row for each caption."""
        x = self.embedding_dropout(self.embedding(inputs), training=training)
        vectors, attention, _ = self.decoder.sequence(x, memory, state, mask, training)
        vectors = self.output_dropout(vectors, training=training)
        return {"vectors": vectors, "attention": attention}

    def gates(self, features, inputs):
        """Returns what the gates of each decoder layer do, ``(batch, steps, 5, units)``.

        Args:
            features: Those that `encode_features` takes.
            inputs: int32 ``(batch, steps)``, the tokens that the decoder reads, from START.
        """
        memory, state = self.read(features)
        return self.decoder.gates(self.embedding(inputs), memory, state)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean cross-entropy per token; in training with label smoothing and attention penalty.

        The metric `nats` is without both.
        """
        smoothing = self.config.label_smoothing if training else 0.0
        loss, nats = self.softmax.loss(y_pred["vectors"], x["targets"], x["mask"], smoothing)
        self.nats.update_state(nats, tf.reduce_sum(tf.cast(x["mask"], tf.float32)))
        if training and (penalty := self.config.attention_penalty):
            loss += penalty * self.attention_loss(y_pred["attention"])
        return loss

    @staticmethod
    def attention_loss(attention):
        """Doubly stochastic attention: penalizes attending to some cells more than to others.

        Xu et al. 2015, eq. 14, with their tau as the mean over the cells. The mean over cells and
        captions of the squares, 0 at best.
        """
        sums = tf.reduce_sum(attention, 1)  # (captions, cells)
        difference = sums - tf.reduce_mean(sums, -1, keepdims=True)
        return tf.reduce_mean(tf.square(difference))

    def read(self, features, training=False):
        """Computes the attention memory, ``values`` and ``keys``, and the decoder's first state."""
        grid = self.backbone.rest(tf.cast(features, tf.float32))
        cells = tf.reshape(grid, (-1, self.config.cells**2, CHANNELS))
        return self.begin(self.grid_dropout(self.projection(cells), training=training))

    def begin(self, values):
        """Computes what `read` does from a projected grid ``(batch, cells, grid_units)``."""
        memory = self.decoder.prepare(values)
        lstm = self.first_states(tf.reduce_mean(values, 1))
        return memory, self.decoder.initial_state(memory, lstm)


class FromFeatures:
    """The same generator for cached features in place of photos."""

    def __init__(self, model: CaptioningModel):
        spec = TensorSpec(model.backbone.features_shape)
        self.signature = dataclasses.replace(model.signature, condition={"features": spec})
        self.model, self.step = model, model.step

    def encode(self, condition):
        """Does the same as `CaptioningModel.encode`, from ``features``."""
        return self.model.encode_features(condition["features"])
