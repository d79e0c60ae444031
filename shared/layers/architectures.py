"""The five LSTM architectures, each as a small `keras.Model` on symbols.

    vanilla            one layer reads, one dense layer answers
    stacked            layers above each other, with residual connections
    cnn_lstm           convolutions see what is near and shorten the sequence, the LSTM the rest
    bidirectional      two layers, one of which reads backwards
    encoder_decoder    one LSTM reads, another writes, and attends to what the first has read

All take integer symbols of which 0 is padding, int32 ``(batch, timesteps)``, and give logits.
They share their arguments: ``symbols`` (how many there are, 0 included), ``outputs`` (number of
classes), ``units`` and ``embedding`` (widths), ``dropout`` (a rate), ``per_step`` (an answer at
every step, or one for the sequence) and ``layer``, the recurrent layer's class or a function that
makes one from its units, so that a GRU or an LSTM with options can take its place:

    vanilla(60, 60, layer=keras.layers.GRU)
    vanilla(60, 60, layer=functools.partial(LSTM, peephole=True))

The applications' own models are made of the same layers, but as two functions with explicit
state (`shared.generator`), because they write one symbol at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from shared.layers.attention import LuongAttention
from shared.layers.lstm import LSTM

Layer = Callable[..., keras.layers.Layer]


def vanilla(
    symbols: int,
    outputs: int,
    *,
    units: int = 128,
    embedding: int = 64,
    dropout: float = 0.0,
    per_step: bool = True,
    layer: Layer = LSTM,
) -> keras.Model:
    """One recurrent layer (Hochreiter and Schmidhuber 1997).

    Args: see the module.

    Returns:
        int32 ``(batch, timesteps)`` to logits ``(batch, timesteps, outputs)``, or
        ``(batch, outputs)`` without ``per_step``.
    """
    inputs, x = _embed(symbols, embedding)
    x = layer(units, return_sequences=per_step, name="lstm")(x)
    return _answer(inputs, x, outputs, dropout, "vanilla")


def stacked(
    symbols: int,
    outputs: int,
    *,
    units: int = 128,
    embedding: int = 64,
    depth: int = 3,
    dropout: float = 0.0,
    per_step: bool = True,
    layer: Layer = LSTM,
) -> keras.Model:
    """``depth`` layers (Graves 2013), each but the first added to its input (Wu et al. 2016).

    `shared.layers.StackedLSTM` is the same as one layer, and has a `step`.

    Args: see the module; ``dropout`` acts between layers too.

    Returns:
        As `vanilla`.
    """
    inputs, x = _embed(symbols, embedding)
    x = layer(units, return_sequences=True, name="lstm_1")(x)
    for number in range(2, depth + 1):
        below = layers.Dropout(dropout)(x)
        x = layers.Add()([below, layer(units, return_sequences=True, name=f"lstm_{number}")(below)])
    if not per_step:
        x = layer(units, name="lstm_last")(x)
    return _answer(inputs, x, outputs, dropout, "stacked")


def cnn_lstm(
    symbols: int,
    outputs: int,
    *,
    units: int = 128,
    embedding: int = 64,
    width: int = 5,
    dropout: float = 0.0,
    layer: Layer = LSTM,
) -> keras.Model:
    """Two convolutions that halve the sequence, then an LSTM (after Donahue et al. 2015).

    The LSTM runs over a quarter of the steps, each of which has seen ``3 width`` symbols or so.
    There is an answer for the sequence, none for a step.

    Args: see the module; ``width`` of a convolution in symbols.

    Returns:
        int32 ``(batch, timesteps)`` to logits ``(batch, outputs)``.
    """
    inputs, x = _embed(symbols, embedding, mask_zero=False)
    x = _hide_padding(x, inputs)
    for number in (1, 2):
        x = layers.Conv1D(units, width, padding="same", activation="relu", name=f"conv_{number}")(x)
        x = _hide_padding(x, inputs[:, ::number])
        x = layers.MaxPooling1D(2, padding="same", name=f"pool_{number}")(x)
    mask = keras.ops.not_equal(inputs[:, ::4], 0)
    x = layer(units, name="lstm")(layers.Dropout(dropout)(x), mask=mask)
    return _answer(inputs, x, outputs, dropout, "cnn_lstm")


def bidirectional(
    symbols: int,
    outputs: int,
    *,
    units: int = 128,
    embedding: int = 64,
    dropout: float = 0.0,
    per_step: bool = True,
    layer: Layer = LSTM,
) -> keras.Model:
    """One layer forward and one backward, side by side (Graves and Schmidhuber 2005).

    Args: see the module; each direction has half of the ``units``.

    Returns:
        As `vanilla`.
    """
    inputs, x = _embed(symbols, embedding)
    both = layers.Bidirectional(layer(units // 2, return_sequences=per_step), name="lstm")
    return _answer(inputs, both(x), outputs, dropout, "bidirectional")


def encoder_decoder(
    symbols: int,
    outputs: int,
    *,
    units: int = 128,
    embedding: int = 64,
    dropout: float = 0.0,
    layer: Layer = LSTM,
) -> keras.Model:
    """A bidirectional encoder, and a decoder that attends to it.

    Sutskever, Vinyals and Le 2014; attention after the decoder's LSTM as in Luong, Pham and
    Manning 2015. The decoder begins with the encoder's last state and is trained with teacher
    forcing. The layer named ``attention`` has the weights as its second output.

    Args: see the module; 0 is padding in ``outputs`` too.

    Returns:
        ``[source, target]``, int32 ``(batch, timesteps)`` and ``(batch, steps)``, to logits
        ``(batch, steps, outputs)`` of the symbol after each of the target.
    """
    source, x = _embed(symbols, embedding, name="source")
    target, y = _embed(outputs, embedding, name="target")
    half = layer(units // 2, return_sequences=True, return_state=True)
    memory, *states = layers.Bidirectional(half, name="encoder")(layers.Dropout(dropout)(x))
    forward, backward = states[: len(states) // 2], states[len(states) // 2 :]
    states = [layers.Concatenate()(pair) for pair in zip(forward, backward, strict=True)]
    y = layers.Dropout(dropout)(y)
    y = layer(units, return_sequences=True, name="decoder")(y, initial_state=states)
    contexts = LuongAttention(name="attention")(y, memory)[0]
    y = layers.Dense(units, activation="tanh", name="attended")(layers.Concatenate()([y, contexts]))
    return _answer([source, target], y, outputs, dropout, "encoder_decoder")


ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {
    builder.__name__: builder
    for builder in (vanilla, stacked, cnn_lstm, bidirectional, encoder_decoder)
}
"""By name."""


def _embed(symbols: int, width: int, mask_zero: bool = True, name: str = "symbols"):
    """The input and its embedding ``(batch, timesteps, width)``."""
    inputs = keras.Input((None,), dtype="int32", name=name)
    embedded = layers.Embedding(symbols, width, mask_zero=mask_zero, name=f"embed_{name}")(inputs)
    return inputs, embedded


def _hide_padding(x: Any, symbols: Any) -> Any:
    """Zeros at padding, as beyond the end of the sequence: convolutions know no mask."""
    real = keras.ops.cast(keras.ops.not_equal(symbols, 0), x.dtype)
    return x * keras.ops.expand_dims(real, -1)


def _answer(inputs: Any, x: Any, outputs: int, dropout: float, name: str) -> keras.Model:
    logits = layers.Dense(outputs, name="logits")(layers.Dropout(dropout)(x))
    return keras.Model(inputs, logits, name=name)
