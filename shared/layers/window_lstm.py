"""An LSTM layer that attends to a text through a Gaussian window (Graves 2013, section 5.1)."""

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
    """One LSTM layer with a `GaussianWindow`, whose context vector is fed to the next step.

        h_t, c_t     = LSTM([x_t; w_{t-1}], h_{t-1}, c_{t-1})
        w_t, kappa_t = window(h_t, kappa_{t-1}, text)
        output       = [h_t; w_t]

    This is an `AttentionDecoder` with input feeding, whose output is the LSTM's joined with the
    context vector. Its state is ``h0``, ``c0``, the context vector as ``attention_vector`` and the
    window's ``position``. A sequence takes a fast path, one XLA loop forward and one backward,
    unless it has a time mask (padding on the right needs none), the cell has other options than
    peepholes, or `shared.layers.portable()` is open. Otherwise the plain loop runs.

    Args:
        units: Number of units of the LSTM.
        components: Number of Gaussians of the window.
        first_step: Initial movement of the window per step, in memory positions.
        peephole: Whether the cell has peepholes, as in the paper.
        dtype: Dtype or dtype policy.
        trainable: Whether the weights are trainable.
        name: Name of the layer.
        **cell_options: Passed to `LSTMCell`.

    Call arguments, methods and return values are those of `AttentionDecoder`; outputs are
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
        return self.lstm.cells[0]

    def sequence(
        self,
        inputs: Any,
        memory: Memory,
        state: State | None = None,
        mask: Any = None,
        training: bool = False,
    ) -> tuple[Any, Any, State]:
        """Runs all steps, on the fast path where it applies; see `AttentionDecoder.sequence`."""
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
            [state[name] for name in ("h0", "c0", "attention_vector", "position")],
        )
        names = ("h0", "c0", "attention_vector", "position")
        return ops.concatenate([hidden, context], -1), weights, dict(zip(names, last, strict=True))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {
            **keras.layers.Layer.get_config(self),
            "units": self.units[0],
            "components": self.attention.components,
            "first_step": self.attention.first_step,
            **self.cell_options,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WindowLSTM:
        """Creates the layer from what `get_config` returns."""
        return cls(**config)

    def _output_size(self, memory_features: int) -> int:
        return super()._output_size(memory_features) + memory_features

    def _step(
        self,
        inputs: Any,
        memory: Memory,
        state: State,
        training: bool,
        trace: list[Any] | None = None,
    ) -> tuple[Any, Any, State]:
        hidden, weights, new = super()._step(inputs, memory, state, training, trace)
        return ops.concatenate([hidden, new["attention_vector"]], -1), weights, new
