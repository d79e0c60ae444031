"""The handwriting generator: the synthesis network of Graves (2013, section 5).

The first LSTM layer reads the last point and attends to the text through a Gaussian window. Each
layer above it reads the same point, the window's context vector and the output of the layer below.
All outputs go to a mixture density layer, from which the next point is sampled: its offset,
whether the pen is lifted after it, and whether the writing ends there. The embedding of a style,
learned for every writer, is an input of every layer and sets the states before the first step.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from apps.handwriting.config import SYMBOLS, HandwritingConfig
from shared.generator import Signature, TensorSpec
from shared.layers import LSTM, MixtureDensity, WindowLSTM, states
from shared.layers.mixture import mixture_size, negative_log_likelihood

SCALE = 2.0
"""Factor of the offsets that the LSTM reads; in x-heights their deviation is about 0.4."""


class HandwritingModel(keras.Model):
    """The handwriting model: `encode` and `step` to generate, `call` to train on whole lines.

    Args:
        config: The sizes.
    """

    def __init__(self, config: HandwritingConfig):
        super().__init__(name="handwriting")
        self.config = config
        width = config.style_size
        self.styles = keras.layers.Embedding(config.style_count, width, name="styles")
        self.first = WindowLSTM(
            config.units[0],
            config.components,
            1.0 / config.points_per_character,
            name="first",
        )
        self.above = [
            LSTM(n, return_sequences=True, name=f"lstm_{k}", **config.cell)
            for k, n in enumerate(config.units[1:], 1)
        ]
        self.cells = [self.first.cell, *(layer.cell for layer in self.above)]
        self.first_states = states.FirstStates(self.cells, name="first_states")
        self.dropout = keras.layers.Dropout(config.dropout)
        self.head = MixtureDensity(config.mixtures, name="head")
        self.nats = keras.metrics.Mean(name="nats_per_point")
        self.nats_per_char = keras.metrics.Mean(name="nats_per_char")
        self.styles.build()
        self.first.build((None, None, 3 + width), (None, None, SYMBOLS))
        self.first_states.build((None, width))
        for below, layer in zip(config.units, self.above, strict=False):
            layer.build((None, None, 3 + width + SYMBOLS + below))
        self.head.build((None, None, sum(config.units)))
        self.built = True

    # The two functions that are exported.

    @property
    def signature(self) -> Signature:
        """The inputs and outputs of `encode` and `step`.

        ``text`` holds symbols, 0 for padding; ``text_mask`` is 1 where there is text; ``style`` is
        an index into `HandwritingConfig.style_names`. ``point`` is the last point: its offset in
        x-heights and whether the pen was lifted after it; 0, 0, 1 at first. ``mixture`` holds the
        parameters that `shared.decoding.mixture` samples from, ``attention`` the window's weights
        over the text, ``attention_vector`` its context vector and ``position`` the positions of
        its Gaussians.
        """
        length, width = self.config.length, self.config.style_size
        return Signature(
            condition={
                "text": TensorSpec((length,), "int32"),
                "text_mask": TensorSpec((length,), "uint8"),
                "style": TensorSpec((), "int32"),
            },
            memory={
                "text_memory": TensorSpec((length, SYMBOLS)),
                "style_embedding": TensorSpec((width,)),
            },
            state={
                "attention_vector": TensorSpec((SYMBOLS,)),
                "position": TensorSpec((self.config.components,)),
                **states.specs(self.cells),
            },
            symbol={"point": TensorSpec((3,))},
            outputs={
                "mixture": TensorSpec((mixture_size(self.config.mixtures),)),
                "attention": TensorSpec((length,)),
            },
        )

    def encode(self, condition):
        """Computes the memory of a text and a style, and the state before the first point."""
        style = self.styles(condition["style"])
        text = _one_hot(condition["text"], condition["text_mask"])
        _, window, pairs = self._first_state(style, text)
        return {"text_memory": text, "style_embedding": style, **window, **states.flat(pairs)}

    def step(self, symbol, state):
        """Predicts the next point; the state that it returns is without the memory."""
        x = tf.concat([_scaled(symbol["point"]), state["style_embedding"]], -1)
        memory = self.first.prepare(state["text_memory"])
        outputs, attention, state = self._step(x, memory, state)
        return {"mixture": self.head(tf.concat(outputs, -1)), "attention": attention}, state

    def _step(self, x, memory, state, trace=None):
        """Runs one step of all layers.

        Args:
            x: Point and style, ``(batch, 3 + style_size)``.
            memory: The window's.
            state: As in the signature; may hold more.
            trace: A list that gets the gates of each layer, or None.

        Returns:
            The output of each layer, the attention weights, the new state.
        """
        output, attention, new = self.first.step(x, memory, state, trace=trace)
        output, context = tf.split(output, [self.config.units[0], SYMBOLS], -1)
        outputs, pairs = [output], states.nested(state, len(self.cells))
        pairs[0] = states.nested(new, 1)[0]
        for k, cell in enumerate(self.cells[1:], 1):
            inputs = tf.concat([x, context, outputs[-1]], -1)
            output, pairs[k] = cell.step(inputs, pairs[k], trace=trace)
            outputs.append(output)
        return outputs, attention, new | states.flat(pairs)

    # The same over whole lines.

    def call(self, batch, training=False):
        """Predicts every point of lines from the points before it (teacher forcing).

        Args:
            batch: What `apps.handwriting.data` yields.
            training: Whether dropout is active.

        Returns:
            The mixtures' parameters, ``(batch, points, 6 M + 2)``.
        """
        outputs, _ = self._read(batch, training)
        return self.head(self.dropout(tf.concat(outputs, -1), training=training))

    def gates(self, batch):
        """Returns what the gates of each layer do, ``(batch, points, 5, units)``."""
        x, memory, window, pairs = self._inputs(batch)

        def step(point, state, trace):
            return self._step(point, memory, state, trace)[2]

        return states.gates_of(step, x, window | states.flat(pairs))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean nats per point; the metrics leave out the first point of each line."""
        losses = negative_log_likelihood(
            y_pred, x["targets"][..., :2], x["targets"][..., 2], x["end"]
        )
        counts = tf.cast(x["mask"], losses.dtype)
        total = tf.reduce_sum(losses * counts)
        points = counts[:, 1:]
        figure = tf.reduce_sum(losses[:, 1:] * points)
        for metric, number in (
            (self.nats, tf.reduce_sum(points)),
            (self.nats_per_char, tf.reduce_sum(tf.cast(x["text_mask"], losses.dtype))),
        ):
            metric.update_state(figure / number, number)
        return total / tf.reduce_sum(counts)

    def _first_state(self, style, text):
        """The window's memory, the first layer's state, and ``[h, c]`` of all layers."""
        pairs = self.first_states(style)
        memory = self.first.prepare(text)
        return memory, self.first.initial_state(memory, pairs[:1]), pairs

    def _inputs(self, batch):
        """The layers' inputs ``(batch, points, 3 + style_size)``, and `_first_state`."""
        style = self.styles(batch["style"])
        points = _scaled(batch["inputs"])
        spread = tf.tile(style[:, None], (1, tf.shape(points)[1], 1))
        text = _one_hot(batch["text"], batch["text_mask"])
        return tf.concat([points, spread], -1), *self._first_state(style, text)

    def _read(self, batch, training=False):
        """Every layer's output ``(batch, points, units)``, and the attention weights."""
        x, memory, window, pairs = self._inputs(batch)
        output, attention, _ = self.first.sequence(x, memory, window)
        output, context = tf.split(output, [self.config.units[0], SYMBOLS], -1)
        outputs = [output]
        for layer, pair in zip(self.above, pairs[1:], strict=True):
            below = self.dropout(outputs[-1], training=training)
            inputs = tf.concat([x, context, below], -1)
            outputs.append(layer(inputs, initial_state=pair, training=training))
        return outputs, attention


def _scaled(points):
    """The points as the LSTM reads them: offsets scaled, the pen unchanged."""
    return points * tf.constant([SCALE, SCALE, 1.0])


def _one_hot(text, mask):
    """``(batch, characters, symbols)``, zeros at padding."""
    return tf.one_hot(text, SYMBOLS) * tf.cast(mask, tf.float32)[..., None]
