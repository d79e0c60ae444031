"""Self-critical sequence training (Rennie et al. 2017), which optimizes CIDEr-D.

The model samples captions of a photo. Captions with a higher reward than the baseline (the mean of
the others, or the greedy caption) become more probable, the rest less:

    loss = -mean_t (reward - baseline) log p(y_t)          y sampled from p

The end symbol counts in the n-grams of references and samples. Without it, the model learns to
break off ("a man in a") where further words would lower the reward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from apps.captioning.config import CaptioningConfig
from apps.captioning.metrics import Cider, words
from apps.captioning.model import CaptioningModel
from apps.captioning.words import AnyTokenizer
from shared.text import END
from shared.training.losses import sequence_loss

STOP = "</s>"

Reward = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def cider_reward(
    references: Mapping[tuple[int, int], Sequence[str]], tokenizer: AnyTokenizer
) -> Reward:
    """Creates a CIDEr-D reward with the n-gram statistics of the training captions.

    Each language has its own statistics.

    Args:
        references: Captions of each photo, by its row in the feature cache and the start symbol
            of their language.
        tokenizer: The model's tokenizer.

    Returns:
        A function that takes rows and start symbols, int32 ``(photos,)``, and ids ``(captions,
        steps)``, the same number of captions for each photo in turn, and returns rewards, float32
        ``(captions,)``. Ids after the first `END` are ignored.
    """
    known = {key: [[*words(text), STOP] for text in texts] for key, texts in references.items()}
    judges = {
        start: Cider([texts for (_, other), texts in known.items() if other == start])
        for start in {start for _, start in known}
    }

    def reward(rows: np.ndarray, starts: np.ndarray, ids: np.ndarray) -> np.ndarray:
        drawn = [_words(tokenizer, list(row)) for row in ids.tolist()]
        each = len(drawn) // len(rows)
        found = [
            judges[start].scores(drawn[k * each : (k + 1) * each], known[row, start])
            for k, (row, start) in enumerate(zip(rows.tolist(), starts.tolist(), strict=True))
        ]
        return np.array(found, np.float32).ravel()

    return reward


def _words(tokenizer: AnyTokenizer, ids: list[int]) -> list[str]:
    ended = END in ids
    text = tokenizer.decode(ids[: ids.index(END)] if ended else ids)
    return [*words(text), STOP] if ended else words(text)


class SelfCriticalModel(CaptioningModel):
    """A `CaptioningModel` that is trained on sampled captions and their rewards.

    Outside training it is the same model: weights, names and loss.

    Args:
        config: The sizes.
        reward: A reward function, such as that of `cider_reward`.
        captions: Number of captions to sample per photo.
        baseline: ``mean``, the mean reward of the other samples, or ``greedy``, the reward of the
            greedy caption.
    """

    def __init__(
        self, config: CaptioningConfig, reward: Reward, captions: int = 5, baseline: str = "mean"
    ):
        super().__init__(config)
        self.judge, self.captions, self.baseline = reward, captions, baseline
        self.reward = keras.metrics.Mean(name="reward")

    def call(self, batch, training=False):
        """Calls the model; in training, on captions that it samples, with their rewards."""
        if not training:
            return super().call(batch)
        memory, state = self.read(batch["features"])
        many = self.repeated(memory, self.captions), self.repeated(state, self.captions)
        starts = tf.repeat(batch["start"], self.captions)
        ids, mask = self.draw(*many, tf.cast(self.seeds.next(), tf.int32), starts)
        earned = self._rewards(batch, ids)
        own = tf.reshape(earned, (-1, self.captions))
        if self.baseline == "greedy":
            likeliest, _ = self.draw(memory, state, None, batch["start"])
            expected = self._rewards(batch, likeliest)[:, None]
        else:
            total = tf.reduce_sum(own, 1, keepdims=True)
            expected = (total - own) / (self.captions - 1)
        self.reward.update_state(earned)
        # The same again, with dropout and gradients.
        memory, state = self.read(batch["features"], training)
        memory = self.repeated(memory, self.captions)
        state = self.repeated(state, self.captions)
        inputs = tf.concat([starts[:, None], ids[:, :-1]], 1)
        decoded = self.decode(inputs, mask, memory, state, training)
        advantage = tf.reshape(own - expected, (-1,))
        return {**decoded, "ids": ids, "mask": mask, "advantage": advantage}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Computes the self-critical loss; outside training that of `CaptioningModel`."""
        if "advantage" not in y_pred:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        mask = y_pred["mask"]
        logits = self.softmax.logits(tf.boolean_mask(y_pred["vectors"], mask), masked=True)
        nats = sequence_loss(logits, tf.boolean_mask(y_pred["ids"], mask), reduction="none")
        gains = tf.broadcast_to(y_pred["advantage"][:, None], tf.shape(mask))
        self.nats.update_state(tf.reduce_mean(nats), tf.cast(tf.size(nats), tf.float32))
        return tf.reduce_mean(nats * tf.boolean_mask(gains, mask))

    def draw(self, memory, state, seed, starts):
        """Samples captions, or decodes them greedily.

        Args:
            memory: Memory, a row for each caption.
            state: Initial state, a row for each caption.
            seed: Seed of the samples, int32 ``(2,)``. None decodes greedily.
            starts: Start symbol of each caption, int32 ``(captions,)``.

        Returns:
            Ids, int32 ``(captions, length + 1)``, padded with `END`, and a bool mask that is True
            up to the first `END`.
        """
        rows, longest = tf.shape(state["h0"])[0], self.config.length + 1
        names = list(state)

        def body(t, last, going, ids, *values):
            inner = dict(zip(names, values, strict=True))
            vector, _, inner = self.decoder.step(self.embedding(last), memory, inner)
            logits = self.softmax.logits(vector, masked=True)
            if seed is None:
                drawn = tf.argmax(logits, -1, tf.int32)
            else:
                own = tf.random.experimental.stateless_fold_in(seed, t)
                drawn = tf.random.stateless_categorical(logits, 1, own, tf.int32)[:, 0]
            drawn = tf.where(going, drawn, END)
            going = going & (drawn != END)
            return (t + 1, drawn, going, ids.write(t, drawn), *(inner[name] for name in names))

        blank = tf.TensorArray(tf.int32, longest, element_shape=(None,))
        blank = blank.unstack(tf.fill((longest, rows), END))
        first = (0, starts, tf.fill((rows,), True), blank)
        _, _, _, ids, *_ = tf.while_loop(
            lambda t, last, going, *_: (t < longest) & tf.reduce_any(going),
            body,
            (*first, *(state[name] for name in names)),
        )
        ids = tf.stop_gradient(tf.transpose(ids.stack()))
        ids.set_shape((None, longest))
        ended = tf.cumsum(tf.cast(ids == END, tf.int32), axis=1, exclusive=True)
        return _trimmed(ids, ended == 0)

    def _rewards(self, batch, ids):
        inputs = [batch["row"], batch["start"], ids]
        found = tf.numpy_function(self.judge, inputs, tf.float32, stateful=False)
        found.set_shape((None,))
        return found


def _trimmed(ids, mask):
    """Drops the steps at which all captions are finished."""
    steps = tf.reduce_max(tf.reduce_sum(tf.cast(mask, tf.int32), 1))
    return ids[:, :steps], mask[:, :steps]
