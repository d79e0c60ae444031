"""An LSTM layer whose cell reads a text through a window (Graves 2013, section 5.1)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from shared.layers.attention_base import Memory, State
from shared.layers.decoder import AttentionDecoder
from shared.layers.fused_lstm import is_portable
from shared.layers.fused_window import window_sequence
from shared.layers.window import GaussianWindow

_PLAIN = {"layer_norm", "coupled", "projection", "zoneout", "recurrent_dropout", "dropout"}


@keras.saving.register_keras_serializable("lstm_suite")
class WindowLSTM(AttentionDecoder):
    """One LSTM layer with a `GaussianWindow`: what the window saw last is an input of the cell.

        h_t, c_t    = LSTM([x_t; w_{t-1}], h_{t-1}, c_{t-1})
        w_t, kappa_t = window(h_t, kappa_{t-1}, text)
        output       = [h_t; w_t]

    An `AttentionDecoder` with input feeding, whose output is the LSTM's and the window's. Its
    state is ``h0``, ``c0``, the window vector ``attention`` and the window's ``position``. Over a
    sequence it takes a fast path, one XLA loop forward and one backward, where it has no other
    option than peepholes and no time mask (padding on the right needs none). Else, and inside
    `shared.layers.portable()`, the plain loop runs.

    Args:
        units: of the LSTM.
        components: Gaussians of the window.
        first_step: how far the window moves per step at first, see `GaussianWindow`.
        peephole: see `LSTMCell`; as in the paper, on by default.
        dtype: as for every Keras layer.
        trainable: as for every Keras layer.
        name: as for every Keras layer.
        **cell_options: as for `LSTMCell`.

    Call arguments, methods and what they return are those of `AttentionDecoder`; outputs are
    ``(batch, time, units + memory_features)``.
    """

    def __init__(
        self,
        units: int,
        components: int = 10,
        first_step: float = 0.1,
        peephole: bool = True,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **cell_options: Any,
    ):
        """See the class."""
        super().__init__(
            units,
            GaussianWindow(components, first_step, dtype=dtype, name="window"),
            input_feeding=True,
            output_attention=False,
            dtype=dtype,
            trainable=trainable,
            name=name,
            peephole=peephole,
            **cell_options,
        )

    @property
    def cell(self) -> keras.Layer:
        """The LSTM's cell."""
        return self.lstm.layers[0].cell

    def sequence(
        self,
        inputs: Any,
        memory: Memory,
        state: State | None = None,
        mask: Any = None,
        training: bool = False,
    ) -> tuple[Any, Any, State]:
        """See `AttentionDecoder.sequence`."""
        special = any(self.cell_options.get(name) for name in _PLAIN)
        if is_portable() or special or mask is not None or self.compute_dtype != "float32":
            return super().sequence(inputs, memory, state, mask, training)
        inputs = ops.cast(inputs, "float32")
        state = self.initial_state(memory) if state is None else state
        cell, window, values = self.cell, self.attention, memory["values"]
        kernel = tf.convert_to_tensor(cell.kernel)
        features = inputs.shape[-1]
        projected = ops.matmul(inputs, kernel[:features])
        hidden, context, weights, *last = window_sequence(
            projected if cell.bias is None else projected + cell.bias,
            tf.concat([tf.convert_to_tensor(cell.recurrent_kernel), kernel[features:]], 0),
            tf.convert_to_tensor(cell.peephole_kernel) if cell.peephole else None,
            tf.convert_to_tensor(window.kernel),
            tf.convert_to_tensor(window.bias),
            values,
            memory.get("mask"),
            [state[name] for name in ("h0", "c0", "attention", "position")],
        )
        names = ("h0", "c0", "attention", "position")
        return ops.concatenate([hidden, context], -1), weights, dict(zip(names, last, strict=True))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **keras.layers.Layer.get_config(self),
            "units": self.units[0],
            "components": self.attention.components,
            "first_step": self.attention.first_step,
            **self.cell_options,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WindowLSTM:
        """The inverse of `get_config`."""
        return cls(**config)

    def _output_size(self, memory_features: int) -> int:
        return super()._output_size(memory_features) + memory_features

    def _step(
        self,
        inputs: Any,
        memory: Memory,
        state: State,
        training: bool,
        traces: list[Any] | None = None,
    ) -> tuple[Any, Any, State]:
        hidden, weights, new = super()._step(inputs, memory, state, training, traces)
        return ops.concatenate([hidden, new["attention"]], -1), weights, new
