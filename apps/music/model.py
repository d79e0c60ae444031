"""The chorale generator: an LSTM over 16th-note frames, four heads chained over the voices.

Once per frame the LSTM reads the notes that sound, metre and fermatas. Its output then feeds the
heads of soprano, bass, alto and tenor in turn, each of which also sees the notes that the voices
before it have taken in this frame (the chain rule: nothing is assumed independent). To harmonize,
a bidirectional LSTM reads the melody first, so that every frame knows what is to come.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from apps.music.config import MusicConfig
from apps.music.piece import (
    END,
    FEATURE_SIZES,
    FEATURES,
    HOLD,
    START,
    VOCABULARY,
    VOICE_ORDER,
)
from shared.generator import Signature, TensorSpec
from shared.layers import LSTM, StackedLSTM

KEY = ("tonic", "mode")
STEP_FEATURES = tuple(name for name in FEATURES if name not in KEY)
_VOICES = len(VOICE_ORDER)
_NEVER = -1e9


class MusicModel(keras.Model):
    """See the module; `encode` and `step` are pure, `call` is both over a whole piece.

    Args:
        config: The sizes.
    """

    def __init__(self, config: MusicConfig):
        super().__init__(name="music")
        self.config = config
        sizes = dict(zip(FEATURES, FEATURE_SIZES, strict=True))
        wide, narrow = config.embedding, config.feature_embedding
        # One table for all voices, each in rows of its own.
        self.notes = keras.layers.Embedding(_VOICES * VOCABULARY, wide, name="notes")
        self.chain = keras.layers.Embedding(_VOICES * VOCABULARY, wide, name="chain")
        self.held = keras.layers.Embedding(_VOICES * 2, wide, name="held")
        self.features = {
            name: keras.layers.Embedding(sizes[name], narrow, name=f"feature_{name}")
            for name in FEATURES
        }
        self.lstm = StackedLSTM(
            config.units,
            residual=config.residual,
            between=config.dropout,
            name="lstm",
            **config.cell,
        )
        self.first_states = keras.layers.Dense(
            sum(sum(layer.cell.state_size) for layer in self.lstm.layers),
            activation="tanh",
            name="first_states",
        )
        self.dropout = keras.layers.Dropout(config.dropout)
        self.head_dropout = keras.layers.Dropout(config.head_dropout)
        self.hidden = [
            keras.layers.Dense(config.head_units, activation="relu", name=f"hidden_{v}")
            for v in range(_VOICES)
        ]
        self.logits = [keras.layers.Dense(VOCABULARY, name=f"logits_{v}") for v in range(_VOICES)]
        self.encoder = None
        if config.encoder_units:
            self.encoder = keras.layers.Bidirectional(
                LSTM(config.encoder_units, return_sequences=True, name="encoder"), name="encoder"
            )
            self.encoder.build((None, None, wide + narrow))
            self.seeds = keras.random.SeedGenerator()
        self.forbidden = _forbidden(config.holds)
        self.nats = keras.metrics.Mean(name="nats_per_note")
        width = wide * _VOICES + narrow + 2 * config.encoder_units
        for embedding in (self.notes, self.chain, self.held, *self.features.values()):
            embedding.build()
        self.lstm.build((None, None, width))
        self.first_states.build((None, narrow))
        for hidden, logits in zip(self.hidden, self.logits, strict=True):
            hidden.build((None, self.lstm.units[-1] + wide * (_VOICES - 1)))
            logits.build((None, config.head_units))
        self.built = True

    # The two functions that are exported.

    @property
    def signature(self) -> Signature:
        """What crosses `encode` and `step`.

        ``symbol`` is what the last voice emitted (`START` at first), ``voice`` the place in
        `VOICE_ORDER` that is asked for, the same in every row; ``features`` those of
        `STEP_FEATURES` for this frame. ``sounding`` and ``held`` are the notes of the voices so
        far, the last frame's for those that are still to come; ``top`` the LSTM's output.

        With an encoder, ``encode`` also takes a melody: the soprano's ``melody`` (what sounds) and
        ``melody_held``, ``melody_features`` like a step's, and ``melody_mask``, 1 where it is
        given; and ``step`` the index ``frame``.
        """
        ints = "int32"
        frames, narrow = self.config.frames, self.config.feature_embedding
        condition = {"key": TensorSpec((len(KEY),), ints)}
        memory = {"key_embedding": TensorSpec((narrow,))}
        symbol = {
            "symbol": TensorSpec((), ints),
            "voice": TensorSpec((), ints),
            "features": TensorSpec((len(STEP_FEATURES),), ints),
        }
        if self.encoder:
            condition |= {
                "melody": TensorSpec((frames,), ints),
                "melody_held": TensorSpec((frames,), ints),
                "melody_features": TensorSpec((frames, len(STEP_FEATURES)), ints),
                "melody_mask": TensorSpec((frames,), "uint8"),
            }
            memory["melody_memory"] = TensorSpec((frames, 2 * self.config.encoder_units))
            symbol["frame"] = TensorSpec((), ints)
        state = {
            "sounding": TensorSpec((_VOICES,), ints),
            "held": TensorSpec((_VOICES,), ints),
            "top": TensorSpec((self.lstm.units[-1],)),
        }
        for k, layer in enumerate(self.lstm.layers):
            for name, size in zip("hc", layer.cell.state_size, strict=True):
                state[f"{name}{k}"] = TensorSpec((size,))
        return Signature(
            condition=condition,
            memory=memory,
            state=state,
            symbol=symbol,
            outputs={"logits": TensorSpec((VOCABULARY,))},
        )

    def encode(self, condition):
        """The state before the first note, from ``key``: tonic and mode, ``(batch, 2)``."""
        key = self._embed_key(condition["key"])
        state = {"key_embedding": key}
        if self.encoder:
            columns = tf.unstack(condition["melody_features"], axis=-1)
            state["melody_memory"] = self._read_melody(
                condition["melody"],
                condition["melody_held"],
                dict(zip(STEP_FEATURES, columns, strict=True)),
                key[:, None],
                tf.cast(condition["melody_mask"], tf.bool),
            )
        for k, (h, c) in enumerate(self._first_states(key)):
            state |= {f"h{k}": h, f"c{k}": c}
        # From a tensor, not constants: equal constants would be merged into one output.
        zeros = condition["key"][:, :1] * 0
        state["sounding"] = zeros + tf.fill((1, _VOICES), START)
        state["held"] = tf.tile(zeros, (1, _VOICES))
        state["top"] = 0.0 * state[f"h{len(self.lstm.units) - 1}"]
        return state

    def step(self, symbol, state):
        """One voice further: its ``logits`` and the state, memory left out."""
        voice = symbol["voice"][0]  # the rows of a batch go in step
        just = tf.one_hot((voice - 1) % _VOICES, _VOICES, dtype=tf.int32)
        emitted = symbol["symbol"][:, None]
        holding = tf.cast(emitted == HOLD, tf.int32)
        sounding = state["sounding"]
        sounding += just * (1 - holding) * (emitted - sounding)
        held = state["held"] + just * (holding - state["held"])

        names = [f"{name}{k}" for k in range(len(self.lstm.units)) for name in "hc"]
        kept = ("top", *names)

        def advance():
            rows = tf.unstack(symbol["features"], axis=-1)
            key = state["key_embedding"]
            x = self._inputs(sounding, held, dict(zip(STEP_FEATURES, rows, strict=True)), key)
            if self.encoder:
                here = tf.gather(state["melody_memory"], symbol["frame"][0], axis=1)
                x = tf.concat([x, here], axis=-1)
            flat = [state[name] for name in names]
            pairs = [flat[k : k + 2] for k in range(0, len(flat), 2)]
            top, pairs = self.lstm.step(x, pairs)
            return tf.concat([top, *tf.nest.flatten(pairs)], axis=-1)

        def stay():
            return tf.concat([state[name] for name in kept], axis=-1)

        # One tensor, for LiteRT mixes up a branch's results when two of them are equal.
        sizes = [self.signature.state[name].shape[0] for name in kept]
        top, *flat = tf.split(tf.cond(voice == 0, advance, stay), sizes, axis=-1)
        chain = self._chain(sounding, held)
        everything = tf.stack([self._head(v, top, chain) for v in range(_VOICES)], axis=1)
        logits = tf.reduce_sum(everything * tf.one_hot(voice, _VOICES)[:, None], axis=1)
        new = {
            "top": top,
            "sounding": sounding,
            "held": held,
            **dict(zip(names, flat, strict=True)),
        }
        return {"logits": logits}, new

    # The same over a whole piece.

    def call(self, batch, training=False):
        """Logits ``(batch, steps, 4, vocabulary)`` of what `apps.music.data.crops` yields.

        In training half of the rows, drawn anew, are given their melody; otherwise none is,
        unless the batch says so in ``given``, ``(batch,)`` bool.
        """
        x, states = self._read(batch, training)
        x = self.dropout(x, training=training)
        top, _ = self.lstm(x, initial_state=states, training=training)
        top = self.dropout(top, training=training)
        chain = self._chain(batch["sounding"][:, 1:], _held(batch)[:, 1:])
        return tf.stack([self._head(v, top, chain, training) for v in range(_VOICES)], axis=-2)

    def gates(self, batch):
        """For each layer ``(batch, steps, 5, units)``, see `StackedLSTM.gates`; as `call`."""
        return self.lstm.gates(*self._read(batch, training=False))

    def _read(self, batch, training):
        """The LSTM's inputs over a whole piece, ``(batch, steps, width)``, and its first states."""
        sounding, held = batch["sounding"], _held(batch)
        columns = dict(zip(FEATURES, tf.unstack(batch["features"], axis=-1), strict=True))
        key = self._embed_key(tf.stack([columns[name][:, 0] for name in KEY], axis=-1))
        features = {name: columns[name] for name in STEP_FEATURES}
        x = self._inputs(sounding[:, :-1], held[:, :-1], features, key[:, None])
        if self.encoder:
            given = self._given(batch, training)[:, None] & _is_note(batch)
            melody = (sounding[:, 1:, 0], held[:, 1:, 0])
            x = tf.concat([x, self._read_melody(*melody, features, key[:, None], given)], axis=-1)
        return x, self._first_states(key)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean cross-entropy of what counts, the end included; `nats` leaves the end out."""
        targets = x["frames"][:, 1:]
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=y_pred)
        counts = tf.cast(x["mask"], losses.dtype)
        notes = counts * tf.cast(targets != END, losses.dtype)
        total = tf.reduce_sum(notes)  # a scalar each: Keras would average over rows first
        self.nats.update_state(tf.reduce_sum(losses * notes) / total, total)
        return tf.reduce_sum(losses * counts) / tf.reduce_sum(counts)

    def _given(self, batch, training):
        rows = tf.shape(batch["frames"])[0]
        if training:
            return keras.random.uniform((rows,), seed=self.seeds) < 0.5
        return batch.get("given", tf.zeros((rows,), tf.bool))

    def _read_melody(self, melody, held, features, key, mask):
        """Memory of a melody, ``(batch, frames, 2 * encoder_units)``, zero where none is given."""
        assert self.encoder
        notes = self.notes(melody) + self.held(held)  # rows of the soprano, the first voice
        x = tf.concat([notes, self._place(features, key)], axis=-1)
        memory = self.encoder(x, mask=mask)
        return memory * tf.cast(mask, memory.dtype)[..., None]

    def _place(self, features, key):
        return key + sum(self.features[name](value) for name, value in features.items())

    def _embed_key(self, key):
        return self.features["tonic"](key[..., 0]) + self.features["mode"](key[..., 1])

    def _first_states(self, key):
        sizes = [size for layer in self.lstm.layers for size in layer.cell.state_size]
        flat = tf.split(self.first_states(key), sizes, axis=-1)
        return [flat[k : k + 2] for k in range(0, len(flat), 2)]

    def _note_embeddings(self, table, sounding, held):
        """``(..., 4)`` symbols to ``(..., 4, embedding)``."""
        voices = np.arange(_VOICES, dtype=np.int32)
        return table(sounding + voices * VOCABULARY) + self.held(held + 2 * voices)

    def _inputs(self, sounding, held, features, key):
        """What the LSTM reads, ``(..., width)``: the last frame's notes, this frame's place."""
        notes = self._note_embeddings(self.notes, sounding, held)
        notes = tf.concat(tf.unstack(notes, axis=-2), axis=-1)
        return tf.concat([notes, self._place(features, key)], axis=-1)

    def _chain(self, sounding, held):
        """Embeddings of this frame's notes but the last voice's, ``(..., 3 * embedding)``."""
        notes = tf.unstack(self._note_embeddings(self.chain, sounding, held), axis=-2)
        return tf.concat(notes[:-1], axis=-1)

    def _head(self, voice, top, chain, training=False):
        """Logits of one voice; it sees the voices before it, never itself or those after it."""
        seen = np.zeros(chain.shape[-1], np.float32)
        seen[: voice * self.config.embedding] = 1
        hidden = self.hidden[voice](ops.concatenate([top, chain * seen], axis=-1))
        return (
            self.logits[voice](self.head_dropout(hidden, training=training)) + self.forbidden[voice]
        )


def _held(batch):
    return tf.cast(batch["frames"] == HOLD, tf.int32)


def _is_note(batch):
    """Where the soprano sings, ``(batch, steps)`` bool: not at the end, not in the padding."""
    return batch["mask"][:, :, 0] & (batch["frames"][:, 1:, 0] != END)


def _forbidden(holds: bool) -> np.ndarray:
    """``(4, vocabulary)``: a large negative number for what a voice can never emit."""
    result = np.zeros((_VOICES, VOCABULARY), np.float32)
    result[:, START] = _NEVER
    result[1:, END] = _NEVER
    if not holds:
        result[:, HOLD] = _NEVER
    return result
