"""The chorale generator: an LSTM over 16th-note frames, and a head for each of the four voices.

Once per frame the LSTM reads the notes that sound, their durations so far, the intervals between
them, metre and fermatas. Its output is the input of the heads of soprano, bass, alto and tenor in
turn. Each head also reads the notes of the voices before it in this frame (the chain rule: no
voices are assumed independent) and the last notes of the others. To harmonize, a bidirectional LSTM
encodes the melody first, so that every frame depends on the melody that follows.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from apps.music.config import MusicConfig
from apps.music.piece import (
    AGES,
    END,
    FEATURE_SIZES,
    FEATURES,
    HOLD,
    PITCH,
    SILENCE,
    START,
    VOCABULARY,
    VOICE_ORDER,
)
from shared.generator import Signature, TensorSpec
from shared.layers import LSTM, StackedLSTM, states
from shared.layers.tied_softmax import IMPOSSIBLE
from shared.training.losses import sequence_loss

KEY = ("tonic", "mode")
STEP_FEATURES = tuple(name for name in FEATURES if name not in KEY)
_VOICES = len(VOICE_ORDER)
_PAIRS = np.array([(a, b) for b in range(_VOICES) for a in range(b)], np.int32)


class MusicModel(keras.Model):
    """The music model: `encode` and `step` to generate, `call` to train on whole pieces.

    Args:
        config: The sizes.
    """

    def __init__(self, config: MusicConfig):
        super().__init__(name="music")
        self.config = config
        sizes = dict(zip(FEATURES, FEATURE_SIZES, strict=True))
        wide, narrow = config.embedding, config.feature_embedding
        # One table for all voices, each with its own rows.
        self.notes = keras.layers.Embedding(_VOICES * VOCABULARY, wide, name="notes")
        self.chain = keras.layers.Embedding(_VOICES * VOCABULARY, wide, name="chain")
        self.ages = keras.layers.Embedding(_VOICES * AGES, wide, name="ages")
        # Intervals of each pair of voices in semitones modulo 12; 12 when one is silent.
        self.intervals, self.chain_intervals = (
            keras.layers.Embedding(len(_PAIRS) * 13, narrow, name=name)
            for name in ("intervals", "chain_intervals")
        )
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
        self.first_states = states.FirstStates(self.lstm.cells, name="first_states")
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
        self.forbidden = _forbidden(config.holds)
        self.nats = keras.metrics.Mean(name="nats_per_note")
        memory = 2 * config.encoder_units
        width = wide * _VOICES + narrow + memory
        tables = (self.notes, self.chain, self.ages, self.intervals, self.chain_intervals)
        for embedding in (*tables, *self.features.values()):
            embedding.build()
        self.lstm.build((None, None, width))
        self.first_states.build((None, narrow))
        for hidden, logits in zip(self.hidden, self.logits, strict=True):
            hidden.build((None, self.lstm.units[-1] + memory + wide * _VOICES + narrow))
            logits.build((None, config.head_units))
        self.built = True

    # The two functions that are exported.

    @property
    def signature(self) -> Signature:
        """The inputs and outputs of `encode` and `step`.

        ``symbol`` is the last voice's symbol (`START` at first); ``voice`` the index in
        `VOICE_ORDER` of the voice to predict, the same in every row; ``features`` holds the
        `STEP_FEATURES` of this frame. ``sounding`` and ``age`` are the notes of the voices and
        their durations so far (`apps.music.piece.ages`), of the last frame for voices that have no
        note in this one yet; ``top`` is the LSTM's output.

        With an encoder, ``encode`` also takes the soprano's ``melody`` and ``melody_age``,
        ``melody_features`` like those of a step, and ``melody_mask``, 1 where it is given; and
        ``step`` takes the index ``frame``.
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
                "melody_age": TensorSpec((frames,), ints),
                "melody_features": TensorSpec((frames, len(STEP_FEATURES)), ints),
                "melody_mask": TensorSpec((frames,), "uint8"),
            }
            memory["melody_memory"] = TensorSpec((frames, 2 * self.config.encoder_units))
            symbol["frame"] = TensorSpec((), ints)
        state = {
            "sounding": TensorSpec((_VOICES,), ints),
            "age": TensorSpec((_VOICES,), ints),
            "top": TensorSpec((self.lstm.units[-1],)),
            **states.specs(self.lstm.cells),
        }
        return Signature(
            condition=condition,
            memory=memory,
            state=state,
            symbol=symbol,
            outputs={"logits": TensorSpec((VOCABULARY,))},
        )

    def encode(self, condition):
        """Computes the state before the first note from ``key``, tonic and mode ``(batch, 2)``."""
        key = self._embed_key(condition["key"])
        state = {"key_embedding": key}
        if self.encoder:
            columns = tf.unstack(condition["melody_features"], axis=-1)
            state["melody_memory"] = self._read_melody(
                condition["melody"],
                condition["melody_age"],
                dict(zip(STEP_FEATURES, columns, strict=True)),
                key[:, None],
                tf.cast(condition["melody_mask"], tf.bool),
            )
        state |= states.flat(self.first_states(key))
        state["sounding"] = tf.fill((1, _VOICES), START)
        state["age"] = tf.zeros((1, _VOICES), tf.int32)
        state["top"] = tf.zeros((1, self.lstm.units[-1]))
        return state

    def step(self, symbol, state):
        """Predicts the next voice's note; the state that it returns is without the memory."""
        voice = symbol["voice"][0]  # the same in all rows
        just = tf.one_hot((voice - 1) % _VOICES, _VOICES, dtype=tf.int32)
        sounding, age = self._listen(just, symbol["symbol"][:, None], state)

        pairs = states.nested(state, len(self.lstm.units))
        names = ("top", *states.flat(pairs))
        here = []
        if self.encoder:
            here = [tf.gather(state["melody_memory"], symbol["frame"][0], axis=1)]

        def advance():
            rows = tf.unstack(symbol["features"], axis=-1)
            key = state["key_embedding"]
            x = self._inputs(sounding, age, dict(zip(STEP_FEATURES, rows, strict=True)), key)
            top, new = self.lstm.step(tf.concat([x, *here], axis=-1), pairs)
            return tf.concat([top, *tf.nest.flatten(new)], axis=-1)

        def stay():
            return tf.concat([state[name] for name in names], axis=-1)

        # One tensor, because LiteRT confuses the results of a branch when two of them are equal.
        sizes = [self.signature.state[name].shape[0] for name in names]
        parts = tf.split(tf.cond(voice == 0, advance, stay), sizes, axis=-1)
        new = dict(zip(names, parts, strict=True))
        top_here = tf.concat([new["top"], *here], axis=-1)
        now, before = (self._notes(t, sounding, age) for t in (self.chain, self.notes))
        chord = self._intervals(self.chain_intervals, sounding)

        def choose(voices):
            if len(voices) == 1:
                return self._head(voices[0], top_here, now, before, chord)
            lower, upper = voices[: len(voices) // 2], voices[len(voices) // 2 :]
            return tf.cond(voice < upper[0], lambda: choose(lower), lambda: choose(upper))

        logits = choose(range(_VOICES))  # runs one head; LiteRT has no `tf.switch_case`
        return {"logits": logits}, {**new, "sounding": sounding, "age": age}

    def _listen(self, just, emitted, state):
        """Updates ``sounding`` and ``age`` of the last voice, marked by ``just``."""
        sounding, age = state["sounding"], state["age"]
        goes_on = emitted == HOLD
        again = (emitted == sounding) & (emitted != START)
        goes_on |= again & (emitted == SILENCE) if self.config.holds else again
        goes_on = tf.cast(goes_on, tf.int32)
        age += just * (goes_on * tf.minimum(age + 1, AGES - 1) - age)
        held = tf.cast(emitted == HOLD, tf.int32)
        return sounding + just * (1 - held) * (emitted - sounding), age

    # The same over a whole piece.

    def call(self, batch, training=False):
        """Predicts every note of pieces from the notes before it (teacher forcing).

        Args:
            batch: What `apps.music.data.crops` yields; ``given``, bool ``(batch,)``, is true where
                the melody is given.
            training: Whether dropout is active.

        Returns:
            Logits ``(batch, steps, 4, vocabulary)``.
        """
        x, first = self._read(batch)
        x = self.dropout(x, training=training)
        top, _ = self.lstm(x, initial_state=first, training=training)
        top = self.dropout(top, training=training)
        if self.encoder:
            top = tf.concat([top, x[..., -2 * self.config.encoder_units :]], axis=-1)
        sounding, age = batch["sounding"], batch["ages"]
        now = self._notes(self.chain, sounding[:, 1:], age[:, 1:])
        before = self._notes(self.notes, sounding[:, :-1], age[:, :-1])
        heads = []
        for voice in range(_VOICES):
            seen = tf.concat([sounding[:, 1:, :voice], sounding[:, :-1, voice:]], axis=-1)
            chord = self._intervals(self.chain_intervals, seen)
            heads.append(self._head(voice, top, now, before, chord, training))
        return tf.stack(heads, axis=-2)

    def gates(self, batch):
        """Returns what the gates of each layer do, ``(batch, steps, 5, units)``."""
        return self.lstm.gates(*self._read(batch))

    def _read(self, batch):
        """Computes the LSTM's inputs ``(batch, steps, width)``, and its first states."""
        sounding, age = batch["sounding"], batch["ages"]
        columns = dict(zip(FEATURES, tf.unstack(batch["features"], axis=-1), strict=True))
        key = self._embed_key(tf.stack([columns[name][:, 0] for name in KEY], axis=-1))
        features = {name: columns[name] for name in STEP_FEATURES}
        x = self._inputs(sounding[:, :-1], age[:, :-1], features, key[:, None])
        if self.encoder:
            melody = (sounding[:, 1:, 0], age[:, 1:, 0])
            known = _given(batch)[:, None] & _is_note(batch)
            x = tf.concat([x, self._read_melody(*melody, features, key[:, None], known)], axis=-1)
        return x, self.first_states(key)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean cross-entropy of the notes and the end; the metric `nats` leaves out the end.

        A melody that is given does not count, for its head need only repeat it.
        """
        targets = x["frames"][:, 1:]
        losses = sequence_loss(y_pred, targets, reduction="none")
        repeated = _given(x)[:, None, None] & (np.arange(_VOICES) == 0)
        counts = tf.cast(x["mask"] & ~repeated, losses.dtype)
        notes = counts * tf.cast(targets != END, losses.dtype)
        total = tf.reduce_sum(notes)  # a scalar each: Keras would average over rows first
        self.nats.update_state(tf.reduce_sum(losses * notes) / total, total)
        return tf.reduce_sum(losses * counts) / tf.reduce_sum(counts)

    def _read_melody(self, melody, age, features, key, mask):
        """Encodes a melody, ``(batch, frames, 2 * encoder_units)``; zero where none is given."""
        assert self.encoder
        notes = self.notes(melody) + self.ages(age)  # rows of the soprano, the first voice
        x = tf.concat([notes, self._place(features, key)], axis=-1)
        memory = self.encoder(x, mask=mask)
        return memory * tf.cast(mask, memory.dtype)[..., None]

    def _place(self, features, key):
        return key + sum(self.features[name](value) for name, value in features.items())

    def _embed_key(self, key):
        return self.features["tonic"](key[..., 0]) + self.features["mode"](key[..., 1])

    def _notes(self, table, sounding, age):
        """Embeds symbols and durations ``(..., 4)`` as ``(..., 4 * embedding)``."""
        voices = np.arange(_VOICES, dtype=np.int32)
        notes = table(sounding + voices * VOCABULARY) + self.ages(age + AGES * voices)
        return tf.concat(tf.unstack(notes, axis=-2), axis=-1)

    def _inputs(self, sounding, age, features, key):
        """Computes the LSTM's inputs ``(..., width)``: the last frame's notes, this one's metre."""
        place = self._place(features, key) + self._intervals(self.intervals, sounding)
        return tf.concat([self._notes(self.notes, sounding, age), place], axis=-1)

    def _intervals(self, table, sounding):
        """Embeds the intervals between symbols ``(..., 4)`` as ``(..., feature_embedding)``."""
        lower, upper = (tf.gather(sounding, column, axis=-1) for column in _PAIRS.T)
        heard = tf.minimum(lower, upper) >= PITCH
        intervals = tf.where(heard, (upper - lower) % 12, 12)
        return tf.reduce_sum(table(intervals + 13 * np.arange(len(_PAIRS), dtype=np.int32)), -2)

    def _head(self, voice, top, now, before, chord, training=False):
        """Computes the logits of one voice.

        It reads the notes ``now`` of the voices before it, the notes ``before`` of itself and of
        those after it, and ``chord``, the intervals between all these notes.
        """
        seen = np.zeros(now.shape[-1], np.float32)
        seen[: voice * self.config.embedding] = 1
        notes = now * seen + before * (1 - seen)
        hidden = self.hidden[voice](ops.concatenate([top, notes, chord], axis=-1))
        return (
            self.logits[voice](self.head_dropout(hidden, training=training)) + self.forbidden[voice]
        )


def _given(batch):
    """Rows whose melody is given, bool ``(batch,)``; none by default."""
    return batch.get("given", tf.zeros(tf.shape(batch["frames"])[:1], tf.bool))


def _is_note(batch):
    """Steps with a note of the soprano, bool ``(batch, steps)``: not the end, not padding."""
    return batch["mask"][:, :, 0] & (batch["frames"][:, 1:, 0] != END)


def _forbidden(holds: bool) -> np.ndarray:
    """A mask ``(4, vocabulary)`` to add to logits: `IMPOSSIBLE` for what a voice cannot emit."""
    result = np.zeros((_VOICES, VOCABULARY), np.float32)
    result[:, START] = IMPOSSIBLE
    result[1:, END] = IMPOSSIBLE
    if not holds:
        result[:, HOLD] = IMPOSSIBLE
    return result
