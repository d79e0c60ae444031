"""The five LSTM architectures, each as a small `keras.Model` on symbols.

    vanilla            one LSTM layer, then a dense layer
    stacked            several LSTM layers with residual connections
    cnn_lstm           convolutions read neighboring symbols and shorten the sequence for an LSTM
    bidirectional      one LSTM layer reads forward and one backward
    encoder_decoder    one LSTM encodes a sequence, another decodes it with attention

All take symbols, int32 ``(batch, timesteps)``, of which 0 is padding, and return logits. They share
these arguments:

    symbols      number of symbols, 0 included
    outputs      number of classes
    units        width of the LSTM layers
    embedding    width of the embedding
    dropout      dropout rate
    per_step     whether there are logits for every step, or for the sequence
    layer        class of the recurrent layer, or a function that makes one from its units

So a GRU or an LSTM with options can take the LSTM's place:

    vanilla(60, 60, layer=keras.layers.GRU)
    vanilla(60, 60, layer=functools.partial(LSTM, peephole=True))

The models of the applications are made of the same layers, but as two functions with explicit
state (`shared.generator`), because they generate one symbol at a time.
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

    Returns:
        int32 ``(batch, timesteps)`` to logits ``(batch, timesteps, outputs)``, or
        ``(batch, outputs)`` without ``per_step``.
    """
    inputs, x = _embed(symbols, embedding)
    x = layer(units, return_sequences=per_step, name="lstm")(x)
    return _model(inputs, x, outputs, dropout, "vanilla")


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
    """``depth`` layers (Graves 2013) with residual connections (Wu et al. 2016).

    Dropout also acts between layers. `shared.layers.StackedLSTM` is the same as one layer, and has
    a `step`.

    Returns:
        The same as `vanilla`.
    """
    inputs, x = _embed(symbols, embedding)
    x = layer(units, return_sequences=True, name="lstm_1")(x)
    for number in range(2, depth + 1):
        below = layers.Dropout(dropout)(x)
        x = layers.Add()([below, layer(units, return_sequences=True, name=f"lstm_{number}")(below)])
    if not per_step:
        x = layer(units, name="lstm_last")(x)
    return _model(inputs, x, outputs, dropout, "stacked")


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

    The LSTM runs over a quarter of the steps, each of which covers about ``3 width`` symbols;
    ``width`` is that of a convolution. The logits are for the sequence, not for a step.

    Returns:
        int32 ``(batch, timesteps)`` to logits ``(batch, outputs)``.
    """
    inputs, x = _embed(symbols, embedding, mask_zero=False)
    x = _zero_padding(x, inputs)
    for number in (1, 2):
        x = layers.Conv1D(units, width, padding="same", activation="relu", name=f"conv_{number}")(x)
        x = _zero_padding(x, inputs[:, ::number])
        x = layers.MaxPooling1D(2, padding="same", name=f"pool_{number}")(x)
    mask = keras.ops.not_equal(inputs[:, ::4], 0)
    x = layer(units, name="lstm")(layers.Dropout(dropout)(x), mask=mask)
    return _model(inputs, x, outputs, dropout, "cnn_lstm")


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
    """One layer forward and one backward (Graves and Schmidhuber 2005).

    Each direction has half of the ``units``.

    Returns:
        The same as `vanilla`.
    """
    inputs, x = _embed(symbols, embedding)
    both = layers.Bidirectional(layer(units // 2, return_sequences=per_step), name="lstm")
    return _model(inputs, both(x), outputs, dropout, "bidirectional")


def encoder_decoder(
    symbols: int,
    outputs: int,
    *,
    units: int = 128,
    embedding: int = 64,
    dropout: float = 0.0,
    layer: Layer = LSTM,
) -> keras.Model:
    """A bidirectional encoder, and a decoder with attention.

    Sutskever, Vinyals and Le 2014; attention after the decoder's LSTM as in Luong, Pham and
    Manning 2015. The decoder begins with the encoder's last state and is trained with teacher
    forcing. The second output of the layer named ``attention`` are the attention weights. Class 0
    of ``outputs`` is padding, too.

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
    return _model([source, target], y, outputs, dropout, "encoder_decoder")


ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {
    builder.__name__: builder
    for builder in (vanilla, stacked, cnn_lstm, bidirectional, encoder_decoder)
}
"""The architectures by name."""


def _embed(symbols: int, width: int, mask_zero: bool = True, name: str = "symbols"):
    """An input and its embedding ``(batch, timesteps, width)``."""
    inputs = keras.Input((None,), dtype="int32", name=name)
    embedded = layers.Embedding(symbols, width, mask_zero=mask_zero, name=f"embed_{name}")(inputs)
    return inputs, embedded


def _zero_padding(x: Any, symbols: Any) -> Any:
    """Sets ``x`` to zero at padding, because convolutions have no mask."""
    real = keras.ops.cast(keras.ops.not_equal(symbols, 0), x.dtype)
    return x * keras.ops.expand_dims(real, -1)


def _model(inputs: Any, x: Any, outputs: int, dropout: float, name: str) -> keras.Model:
    logits = layers.Dense(outputs, name="logits")(layers.Dropout(dropout)(x))
    return keras.Model(inputs, logits, name=name)
