"""The handwriting generator: Graves' synthesis network.

The first LSTM reads where the pen went, and the text through a Gaussian window; the layers above
see the same, and the layer below. All layers feed the mixture density from which the next point
is drawn: its offset, whether the pen is lifted there, and whether that was the end (Graves 2013,
section 5). A style, learned for every writer, is read by all layers and sets their first states.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from apps.handwriting.config import SYMBOLS, HandwritingConfig
from shared.generator import Signature, TensorSpec
from shared.layers import LSTM, MixtureDensity, WindowLSTM
from shared.layers.mixture import mixture_size, negative_log_likelihood

SCALE = 2.0  # of what the LSTM reads: offsets in x-heights have a deviation of about 0.4


class HandwritingModel(keras.Model):
    """See the module; `encode` and `step` are pure, `call` is both over whole lines.

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
        self.first_states = keras.layers.Dense(
            2 * sum(config.units), activation="tanh", name="first_states"
        )
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
        """What crosses `encode` and `step`.

        ``text`` are symbols, 0 is padding, ``text_mask`` is 1 where there is text; ``style`` is
        one of `HandwritingConfig.style_names`. ``point`` is the point before: its offset in
        x-heights and whether the pen was lifted after it; 0, 0, 1 at first. ``mixture`` are the
        parameters that `shared.decoding.mixture` samples from, ``attention`` the window's
        weights over the text, ``position`` where its Gaussians stand.
        """
        length, width = self.config.length, self.config.style_size
        state = {
            "attention_vector": TensorSpec((SYMBOLS,)),
            "position": TensorSpec((self.config.components,)),
        }
        for k, size in enumerate(self.config.units):
            state |= {f"{name}{k}": TensorSpec((size,)) for name in "hc"}
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
            state=state,
            symbol={"point": TensorSpec((3,))},
            outputs={
                "mixture": TensorSpec((mixture_size(self.config.mixtures),)),
                "attention": TensorSpec((length,)),
            },
        )

    def encode(self, condition):
        """The state before the first point."""
        style = self.styles(condition["style"])
        text = _one_hot(condition["text"], condition["text_mask"])
        state = {"text_memory": text, "style_embedding": style}
        for k, (h, c) in enumerate(self._first_states(style)):
            state |= {f"h{k}": h, f"c{k}": c}
        # From tensors, not constants: equal constants would be merged into one output.
        state["attention_vector"] = 0.0 * text[:, 0]
        state["position"] = tf.tile(0.0 * style[:, :1], (1, self.config.components))
        return state

    def step(self, symbol, state):
        """One point further: its ``mixture`` and the state, memory left out."""
        point = _scaled(symbol["point"])
        style, text = state["style_embedding"], state["text_memory"]
        x = tf.concat([point, style], -1)
        first = {name: state[name] for name in ("h0", "c0", "position")}
        first["attention"] = state["attention_vector"]
        both, weights, first = self.first.step(x, self.first.prepare(text), first)
        below, seen = tf.split(both, [self.config.units[0], SYMBOLS], -1)
        new = {name: first[name] for name in ("h0", "c0", "position")}
        new["attention_vector"] = first["attention"]
        outputs = [below]
        for k, layer in enumerate(self.above, 1):
            here = tf.concat([x, seen, outputs[-1]], -1)
            h, (h_new, c_new) = layer.cell(here, [state[f"h{k}"], state[f"c{k}"]])
            new |= {f"h{k}": h_new, f"c{k}": c_new}
            outputs.append(h)
        mixture = self.head(tf.concat(outputs, -1))
        return {"mixture": mixture, "attention": weights}, new

    # The same over whole lines.

    def call(self, batch, training=False):
        """Parameters ``(batch, points, 6 M + 2)`` of what `apps.handwriting.data` yields."""
        outputs, _ = self._read(batch, training)
        return self.head(self.dropout(tf.concat(outputs, -1), training=training))

    def window(self, batch):
        """The window's weights over the text, ``(batch, points, characters)``; as `call`."""
        return self._read(batch)[1]

    def gates(self, batch):
        """For each layer ``(batch, points, 5, units)`` in the order of `GATES`; as `call`."""
        style, x, text = self._inputs(batch)
        states = self._first_states(style)
        memory = self.first.prepare(text)
        state = self.first.initial_state(memory, [states[0]])
        traces: list[list[tf.Tensor]] = [[] for _ in self.config.units]
        pairs = list(states)
        for point in tf.unstack(x, axis=1):
            read = tf.concat([point, state["attention"]], -1)
            _, gates = self.first.cell.gates(read, [state["h0"], state["c0"]])
            traces[0].append(tf.stack(list(gates.values()), 1))
            both, _, state = self.first.step(point, memory, state)
            below, seen = tf.split(both, [self.config.units[0], SYMBOLS], -1)
            for k, layer in enumerate(self.above, 1):
                pairs[k], gates = layer.cell.gates(tf.concat([point, seen, below], -1), pairs[k])
                traces[k].append(tf.stack(list(gates.values()), 1))
                below = pairs[k][0]
        return [tf.stack(trace, 1) for trace in traces]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean nats of a point; `nats` and `nats_per_char` leave each line's first one out."""
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

    def _inputs(self, batch):
        """Styles ``(batch, size)``, what is read ``(batch, points, 3 + size)``, the text."""
        style = self.styles(batch["style"])
        points = _scaled(batch["inputs"])
        steps = tf.shape(points)[1]
        spread = tf.tile(style[:, None], (1, steps, 1))
        text = _one_hot(batch["text"], batch["text_mask"])
        return style, tf.concat([points, spread], -1), text

    def _read(self, batch, training=False):
        """Every layer's output ``(batch, points, units)``, and the window's weights."""
        style, x, text = self._inputs(batch)
        states = self._first_states(style)
        memory = self.first.prepare(text)
        state = self.first.initial_state(memory, [states[0]])
        both, weights, _ = self.first.sequence(x, memory, state)
        below, seen = tf.split(both, [self.config.units[0], SYMBOLS], -1)
        outputs = [below]
        for layer, pair in zip(self.above, states[1:], strict=True):
            below = self.dropout(outputs[-1], training=training)
            here = tf.concat([x, seen, below], -1)
            outputs.append(layer(here, initial_state=list(pair), training=training))
        return outputs, weights

    def _first_states(self, style):
        sizes = [size for size in self.config.units for _ in "hc"]
        flat = tf.split(self.first_states(style), sizes, axis=-1)
        return [flat[k : k + 2] for k in range(0, len(flat), 2)]


def _scaled(points):
    """Points as they are read: offsets scaled, the pen as it is."""
    return points * tf.constant([SCALE, SCALE, 1.0])


def _one_hot(text, mask):
    """``(batch, characters, symbols)``, zeros at padding."""
    return tf.one_hot(text, SYMBOLS) * tf.cast(mask, tf.float32)[..., None]
