"""Batches of sentence pairs of like lengths, in NumPy or in the tf.data graph."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from apps.translation.config import TranslationConfig, language_symbol
from apps.translation.data import Data, Pair, copy_augment
from apps.translation.lifting import lift_pairs
from apps.translation.scenes import scene_pairs
from shared.text import END, PAD, START, Tokenizer, normalize

LENGTHS = (8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128)
"""Padded lengths; few, for the LSTM's fast path is compiled for each."""


def epoch_batches(
    pairs: Sequence[Pair],
    tokenizer: Tokenizer,
    config: TranslationConfig,
    data: Data,
    epoch: int,
    *,
    seed: int,
    proper: Mapping[str, Container[str]],
) -> Any:
    """Makes the training batches of an epoch as the data options say.

    Args:
        pairs: All pairs to train on.
        tokenizer: Of source and target.
        config: The model's.
        data: The options.
        epoch: Its number, from 0.
        seed: Of every random choice.
        proper: Of a lifted model, see `apps.translation.lifting.proper_words`.

    Returns:
        A `tf.data.Dataset` as `pipeline` makes it.
    """
    used = epoch_part(pairs, data.epoch_pairs, seed, epoch)
    rng = np.random.default_rng([seed, epoch])
    if data.copy_rate:
        used = copy_augment(used, rng, data.copy_rate)
    if data.scene_rate:
        count = round(data.scene_rate * len(used))
        used = [*used, *scene_pairs(config.directions, count, rng)]
    if config.lifted:
        used = lift_pairs(used, proper, rng, data.bare_rate, data.thing_rate)
    if data.pipeline == "keras-nlp":
        return keras_pipeline(used, tokenizer, data.batch_tokens, seed, epoch)
    return pipeline(used, tokenizer, data.batch_tokens, seed, epoch, data.bpe_dropout)


def epoch_part(pairs: Sequence[Pair], size: int, seed: int, epoch: int) -> Sequence[Pair]:
    """Chooses about ``size`` pairs for an epoch; all of them if it is 0.

    Successive epochs share none until all pairs have had their turn; then the order is another.
    """
    count = -(-len(pairs) // size) if size else 1
    if count == 1:
        return pairs
    turn, part = divmod(epoch, count)
    order = np.random.default_rng([seed, turn]).permutation(len(pairs))
    return [pairs[i] for i in order[part::count]]


def pipeline(
    pairs: Sequence[Pair],
    tokenizer: Tokenizer,
    tokens_per_batch: int,
    seed: int,
    epoch: int,
    dropout: float = 0.0,
) -> Any:
    """Makes the training batches of an epoch; the same arguments give the same batches.

    Args:
        pairs: The epoch's pairs.
        tokenizer: Of source and target. If it has symbols for the target languages, each source
            begins with one.
        tokens_per_batch: Target subwords of a batch, about, padding included.
        seed: Of the order.
        epoch: Number of the epoch, which has an order of its own.
        dropout: Of the tokenizer, see `Tokenizer.encode`. The merges that it leaves out are
            SentencePiece's to draw: with it, batches are not the same again.

    Returns:
        A `tf.data.Dataset` of known cardinality with ``source``, ``inputs`` (from `START`) and
        ``targets`` (up to `END`), int32 ``(batch, length)``, and ``source_mask`` and ``mask``,
        bool. Each batch is of one of `LENGTHS`, and of as many rows as any other of that length:
        the last is filled up with pairs that it has already.
    """
    rng = np.random.default_rng([seed, epoch])
    rows = _encode(pairs, tokenizer, dropout)
    plan = []
    for length, members in _by_length(rows, rng.permutation(len(rows))).items():
        size = max(1, tokens_per_batch // length)
        plan += [np.resize(members[k : k + size], size) for k in range(0, len(members), size)]
    rng.shuffle(plan)
    return _dataset([[rows[i] for i in chosen] for chosen in plan])


def keras_pipeline(
    pairs: Sequence[Pair], tokenizer: Tokenizer, tokens_per_batch: int, seed: int, epoch: int
) -> Any:
    """Makes the batches of `pipeline` in the tf.data graph, with keras-nlp's tokenizer.

    Sentences become subwords, and pairs of like lengths batches, while the model trains, without
    Python in between: nothing is held in memory but the text. The subwords are the same, the
    batches as many and of the same shapes; which pairs meet in one differs.

    Args:
        pairs: The epoch's pairs.
        tokenizer: Of source and target.
        tokens_per_batch: Target subwords of a batch, about, padding included.
        seed: Of the order.
        epoch: Number of the epoch, which has an order of its own.
    """
    import tensorflow as tf

    order = np.random.default_rng([seed, epoch]).permutation(len(pairs))
    rows = _tokenized([pairs[i] for i in order], tokenizer)
    # The first pass is for the lengths: the number of batches has to be known before training.
    longer = rows.map(lambda r: tf.maximum(r["source"].row_lengths(), r["targets"].row_lengths()))
    lengths = [padded_length(n) for part in longer.as_numpy_iterator() for n in part]
    padded, counts = np.unique(lengths, return_counts=True)
    sizes = [max(1, tokens_per_batch // int(length)) for length in padded]
    batches = sum(-(-int(count) // size) for count, size in zip(counts, sizes, strict=True))

    def batch(rows: Mapping[str, Any]) -> dict[str, Any]:
        count, length = tf.unstack(tf.shape(rows["source"]))
        filled = tf.range(tf.maximum(1, tokens_per_batch // length)) % count
        source, targets = (tf.gather(rows[name], filled) for name in ("source", "targets"))
        mask = targets != PAD
        before = tf.pad(targets[:, :-1], [[0, 0], [1, 0]], constant_values=START)
        return {
            "source": source,
            "inputs": tf.where(mask, before, PAD),
            "targets": targets,
            "source_mask": source != PAD,
            "mask": mask,
        }

    data = rows.unbatch().map(lambda row: {name: tf.identity(ids) for name, ids in row.items()})
    data = data.bucket_by_sequence_length(
        lambda row: tf.maximum(tf.size(row["source"]), tf.size(row["targets"])),
        bucket_boundaries=[int(n) + 1 for n in padded],
        bucket_batch_sizes=[*sizes, 1],
        pad_to_bucket_boundary=True,
    )
    data = data.map(batch, tf.data.AUTOTUNE)
    return data.apply(tf.data.experimental.assert_cardinality(batches)).prefetch(4)


def _tokenized(pairs: Sequence[Pair], tokenizer: Tokenizer) -> Any:
    """A dataset of 1024 pairs at a time, ragged: ``source`` and ``targets``, ends included."""
    import tensorflow as tf
    from keras_nlp.tokenizers import SentencePieceTokenizer

    layer = SentencePieceTokenizer(proto=tokenizer.proto)
    first = _first_symbols(pairs, tokenizer)
    text = {
        "source": [normalize(pair.source) for pair in pairs],
        "target": [normalize(pair.target) for pair in pairs],
        "first": [first.get(pair.target_language, PAD) for pair in pairs],
    }

    def tokenized(text: Mapping[str, Any]) -> dict[str, Any]:
        end = tf.fill([tf.size(text["first"]), 1], END)
        symbol = tf.RaggedTensor.from_tensor(text["first"][:, None], padding=PAD)
        return {
            "source": tf.concat([symbol, layer(text["source"]), end], 1),
            "targets": tf.concat([layer(text["target"]), end], 1),
        }

    return tf.data.Dataset.from_tensor_slices(text).batch(1024).map(tokenized, tf.data.AUTOTUNE)


def whole(pairs: Sequence[Pair], tokenizer: Tokenizer, tokens_per_batch: int = 4096) -> Any:
    """Makes batches to validate with: every pair once, in order of length.

    Rows that fill up the last batch of a length are masked.
    """
    rows = _encode(pairs, tokenizer, 0.0)
    batches, counts = [], []
    for length, members in _by_length(rows, range(len(rows))).items():
        size = max(1, tokens_per_batch // length)
        for k in range(0, len(members), size):
            batches.append([rows[i] for i in np.resize(members[k : k + size], size)])
            counts.append(len(members[k : k + size]))
    return _dataset(batches, counts)


def _encode(
    pairs: Sequence[Pair], tokenizer: Tokenizer, dropout: float
) -> list[tuple[list[int], list[int]]]:
    sources = tokenizer.encode_all([pair.source for pair in pairs], dropout)
    targets = tokenizer.encode_all([pair.target for pair in pairs], dropout)
    first = {name: [symbol] for name, symbol in _first_symbols(pairs, tokenizer).items()}
    return [
        ([*first.get(pair.target_language, []), *source, END], target)
        for pair, source, target in zip(pairs, sources, targets, strict=True)
    ]


def _first_symbols(pairs: Sequence[Pair], tokenizer: Tokenizer) -> dict[str, int]:
    """The id that a source begins with, by target language, of those that have a symbol."""
    symbols = {name: language_symbol(name) for name in {pair.target_language for pair in pairs}}
    return {n: tokenizer.id(symbol) for n, symbol in symbols.items() if symbol in tokenizer.symbols}


def _by_length(rows, order) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for i in order:
        groups.setdefault(_length(rows[i]), []).append(int(i))
    return dict(sorted(groups.items()))


def _length(row: tuple[list[int], list[int]]) -> int:
    return padded_length(max(len(row[0]), len(row[1]) + 1))


def padded_length(longest: int) -> int:
    """The length that a pair is padded to, from that of its longer side."""
    return next((n for n in LENGTHS if n >= longest), -(-longest // 64) * 64)


def _dataset(batches, counts: Sequence[int] | None = None):
    import tensorflow as tf

    def generate() -> Iterator[dict[str, np.ndarray]]:
        for k, rows in enumerate(batches):
            batch = _batch(rows, max(map(_length, rows)))
            if counts:
                batch["mask"][counts[k] :] = False
            yield batch

    kinds = dict.fromkeys(("source", "inputs", "targets"), tf.int32)
    kinds |= dict.fromkeys(("source_mask", "mask"), tf.bool)
    signature = {name: tf.TensorSpec((None, None), kind) for name, kind in kinds.items()}
    data = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return data.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(4)


def _batch(rows, length: int) -> dict[str, np.ndarray]:
    shape = (len(rows), length)
    result = {name: np.zeros(shape, np.int32) for name in ("source", "inputs", "targets")}
    result |= {name: np.zeros(shape, bool) for name in ("source_mask", "mask")}
    for k, (source, target) in enumerate(rows):
        result["source"][k, : len(source)] = source
        result["source_mask"][k, : len(source)] = True
        result["inputs"][k, : len(target) + 1] = [START, *target]
        result["targets"][k, : len(target) + 1] = [*target, END]
        result["mask"][k, : len(target) + 1] = True
    return result
