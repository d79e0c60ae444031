"""The LSTM layer, and a stack of LSTM layers."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from shared.layers.fused_lstm import Weights, is_portable, lstm_sequence
from shared.layers.lstm_cell import GATES, LSTMCell
from shared.layers.states import gates_of

_LAYER_OPTIONS = (
    "return_sequences",
    "return_state",
    "go_backwards",
    "stateful",
    "unroll",
    "zero_output_for_mask",
    "return_gates",
)


@keras.saving.register_keras_serializable("lstm_suite")
class LSTM(keras.layers.LSTM):
    """Runs `LSTMCell` over a sequence: a drop-in `keras.layers.LSTM` with the cell's options.

    With every option off, weights and numbers are those of `keras.layers.LSTM`. Masks, initial
    states, ``return_state``, ``go_backwards``, ``stateful`` and `keras.layers.Bidirectional`
    work as there.

    On a GPU and with every option off, cuDNN runs. On a CPU the fast path of
    `shared.layers.fused_lstm` runs, unless ``coupled``, ``projection`` or ``zoneout`` is set, which
    take the plain loop. XLA compiles the fast path once per shape, in about a second, so pad to a
    few lengths. Inside `shared.layers.portable()` the plain loop is traced, for export, or for
    second derivatives, which the fast path lacks.

    Args:
        units: Size of the cell state.
        return_sequences: Whether to return all outputs or the last one.
        return_state: Whether to return the last ``h`` and ``c``, too.
        go_backwards: Whether to read, and return, the sequence in reverse.
        stateful: Whether to keep the state from batch to batch.
        unroll: Whether to unroll the plain loop.
        zero_output_for_mask: Whether masked steps output zeros instead of the last output.
        return_gates: Whether to return the gates and the cell state of every step, too,
            ``(batch, timesteps, 5, units)`` in the order of `GATES`; needs ``return_sequences``.
        dtype: Dtype or dtype policy.
        trainable: Whether the weights are trainable.
        name: Name of the layer.
        activity_regularizer: Regularizer of the outputs.
        **cell_options: Passed to `LSTMCell`.

    Call arguments:
        sequences: ``(batch, timesteps, features)``.
        initial_state: ``[h, c]`` or None for zeros.
        mask: Optional bool ``(batch, timesteps)``; masked steps keep state and output.
        training: Whether dropout and zoneout are active.

    Returns:
        ``(batch, timesteps, projection or units)``, or the last step of it; then ``h``, ``c`` and
        the gates, if set.

    Raises:
        ValueError: `LSTMCell` refuses an option, or ``return_gates`` is set without
            ``return_sequences``.
    """

    def __init__(
        self,
        units,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        zero_output_for_mask=False,
        return_gates=False,
        dtype=None,
        trainable=True,
        name=None,
        activity_regularizer=None,
        **cell_options,
    ):
        if return_gates and not return_sequences:
            raise ValueError("`return_gates` needs `return_sequences=True`.")
        cell = LSTMCell(units, dtype=dtype, trainable=trainable, name="lstm_cell", **cell_options)
        # Skips keras.layers.LSTM's __init__, which would make Keras' own cell.
        keras.layers.RNN.__init__(
            self,
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            zero_output_for_mask=zero_output_for_mask,
            dtype=dtype,
            trainable=trainable,
            name=name,
            activity_regularizer=activity_regularizer,
        )
        self.input_spec = keras.layers.InputSpec(ndim=3)
        self.return_gates = return_gates
        self.use_cudnn = "auto"
        self.supports_jit = False  # its loops are compiled; they cannot be inside another program

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Runs cuDNN, the fast path or the plain loop; Keras calls this."""
        cell = self.cell
        if training:  # one mask per sequence, drawn before the loop
            cell.get_dropout_mask(sequences[:, 0, :])
            cell.get_recurrent_dropout_mask(initial_state[0])
        if self.return_gates:
            return self._loop_with_gates(sequences, initial_state, mask, training)
        plain_loop = is_portable() or self.unroll
        dropping = training and cell.recurrent_dropout
        if cell.plain and not (plain_loop or dropping) and tf.config.list_logical_devices("GPU"):
            return super().inner_loop(sequences, initial_state, mask, training)
        slow = cell.coupled or cell.projection or any(cell.zoneout)
        if slow or plain_loop or self.compute_dtype not in ("float32", "bfloat16"):
            return keras.layers.RNN.inner_loop(self, sequences, initial_state, mask, training)
        return self._fused_loop(sequences, initial_state, mask, training)

    def _maybe_config_dropout_masks(self, cell, input_sequence, input_state):
        """Does nothing: Keras would draw masks outside of training, too, and export them."""

    def _fused_loop(self, sequences, initial_state, mask, training):
        cell = self.cell
        if training and cell.dropout:
            sequences = sequences * cell.get_dropout_mask(sequences[:, 0, :])[:, None]
        dropout_mask = None
        if training and cell.recurrent_dropout:
            dropout_mask = ops.cast(cell.get_recurrent_dropout_mask(initial_state[0]), "float32")
        if self.go_backwards:
            sequences = ops.flip(sequences, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        if mask is not None:  # the loop multiplies by the mask, which would keep NaN and infinity
            mask = ops.cast(mask, "bool")
            sequences = ops.where(mask[:, :, None], sequences, 0.0)

        def tensor(variable, dtype="float32"):
            return None if variable is None else ops.cast(ops.convert_to_tensor(variable), dtype)

        weights = Weights(
            tensor(cell.kernel, self.compute_dtype),
            tensor(cell.recurrent_kernel),
            tensor(cell.bias),
            tensor(cell.peephole_kernel) if cell.peephole else None,
            tuple(
                tensor(getattr(cell, f"{part}_{kind}"))
                for part in ("kernel", "recurrent", "state")
                for kind in ("gamma", "beta")
            )
            if cell.layer_norm
            else None,
        )
        h0, c0 = (tensor(state) for state in initial_state)
        outputs, h, c = lstm_sequence(
            sequences, weights, h0, c0, mask, dropout_mask, bool(training)
        )
        last = h
        if mask is not None:
            # As in Keras, a masked step repeats the last output; before the first output it is
            # zero, even if an initial state is given.
            if self.zero_output_for_mask:
                seen = mask
            else:
                seen = ops.cumsum(ops.cast(mask, "int32"), axis=1) > 0
            outputs = ops.where(seen[:, :, None], outputs, 0.0)
            last = outputs[:, -1]
        return last, outputs, [h, c]

    def _loop_with_gates(self, sequences, initial_state, mask, training):
        runner = keras.layers.RNN(
            _CellWithGates(self.cell, training),
            return_sequences=True,
            go_backwards=self.go_backwards,
            unroll=self.unroll,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        return runner.inner_loop(sequences, initial_state, mask, training)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """Runs the cell over the sequences."""
        result = keras.layers.RNN.call(
            self, sequences, initial_state=initial_state, mask=mask, training=training
        )
        if not self.return_gates:
            return result
        outputs, *states = result if self.return_state else (result,)
        h, gates = ops.split(outputs, [self.cell.output_size], axis=-1)
        shape = ops.shape(outputs)
        gates = ops.reshape(gates, (shape[0], shape[1], len(GATES), self.cell.units))
        return h, *states, gates

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        """Returns the shapes of what `call` returns."""
        shapes = super().compute_output_shape(sequences_shape)
        if not self.return_gates:
            return shapes
        first = shapes if self.return_state else (shapes,)
        return *first, (*sequences_shape[:2], len(GATES), self.cell.units)

    def compute_mask(self, inputs, mask):
        """Returns the mask of the outputs, None for states and gates."""
        masks = super().compute_mask(inputs, mask)
        if not self.return_gates:
            return masks
        return [*(masks if isinstance(masks, list) else [masks]), None]

    def get_config(self):
        """Returns the arguments of the constructor."""
        config = self.cell.get_config()
        config |= {key: getattr(self, key) for key in _LAYER_OPTIONS}
        base = keras.layers.Layer.get_config(self)
        regularizer = keras.regularizers.serialize(self.activity_regularizer)
        return {**config, **base, "activity_regularizer": regularizer}


class _CellWithGates:
    """Wraps a cell for one call; its output is ``h`` and the gates in one vector."""

    def __init__(self, cell: LSTMCell, training: bool):
        self.cell = cell
        self.training = training
        self.state_size = cell.state_size
        self.output_size = cell.output_size + len(GATES) * cell.units

    def __call__(self, inputs, states):
        states, gates = self.cell.gates(inputs, states, self.training)
        return ops.concatenate([states[0], *gates.values()], axis=-1), states

    call = __call__


@keras.saving.register_keras_serializable("lstm_suite")
class StackedLSTM(keras.layers.Layer):
    """Stacked LSTM layers (Graves 2013) with optional residual connections (Wu et al. 2016).

    Args:
        units: Units of each layer, from the bottom up.
        residual: Whether to add a layer's input to its output where their sizes are equal.
        between: Dropout rate between layers.
        dtype: Dtype or dtype policy.
        trainable: Whether the weights are trainable.
        name: Name of the layer.
        **cell_options: Passed to every `LSTMCell`.

    Call arguments:
        sequences: ``(batch, timesteps, features)``.
        initial_state: ``[h, c]`` of each layer, or None for zeros.
        mask: Optional bool ``(batch, timesteps)``.
        training: Whether dropout is active.

    Returns:
        ``(batch, timesteps, units[-1])`` and a list of the last ``[h, c]`` of every layer.

    Raises:
        ValueError: There is no layer, or the number of initial states is another.
    """

    def __init__(
        self,
        units,
        residual=False,
        between=0.0,
        dtype=None,
        trainable=True,
        name=None,
        **cell_options,
    ):
        super().__init__(dtype=dtype, trainable=trainable, name=name)
        self.supports_masking = True
        self.units = list(units)
        if not self.units:
            raise ValueError("`units` needs at least one layer.")
        self.residual = residual
        self.between = between
        self._cell_options = cell_options
        self.layers = [
            LSTM(
                n,
                return_sequences=True,
                return_state=True,
                dtype=dtype,
                name=f"layer_{k}",
                **cell_options,
            )
            for k, n in enumerate(self.units)
        ]
        self.dropouts = [keras.layers.Dropout(between, dtype=dtype) for _ in self.units[1:]]

    def build(self, input_shape):
        """Builds every layer for inputs ``(batch, timesteps, features)``."""
        shape = tuple(input_shape)
        for layer in self.layers:
            if not layer.built:
                layer.build(shape)
            shape = (*shape[:2], layer.cell.output_size)
        self.built = True

    @property
    def cells(self):
        """The cell of each layer, from the bottom up."""
        return [layer.cell for layer in self.layers]

    def _join(self, x, output):
        return x + output if self.residual and x.shape[-1] == output.shape[-1] else output

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """Runs all layers over the sequences."""
        initial_state = initial_state or [None] * len(self.layers)
        if len(initial_state) != len(self.layers):
            raise ValueError(f"Expected {len(self.layers)} initial states.")
        x, states = sequences, []
        for k, layer in enumerate(self.layers):
            if k:
                x = self.dropouts[k - 1](x, training=training)
            output, *state = layer(x, initial_state=initial_state[k], mask=mask, training=training)
            states.append(state)
            x = self._join(x, output)
        return x, states

    def compute_mask(self, inputs, mask=None):
        """Returns the mask of the outputs, None for the states."""
        return mask, [[None, None] for _ in self.layers]

    def step(self, inputs, states, training=False, trace=None, first=0):
        """Runs one step through all layers, or through some that are next to each other.

        Args:
            inputs: ``(batch, features)``.
            states: ``[h, c]`` of each layer to run.
            training: Whether dropout is active.
            trace: A list that gets the gates of each layer, ``(batch, 5, units)`` in the order of
                `GATES`, or None.
            first: Index of the lowest layer to run.

        Returns:
            Output of the highest layer ``(batch, units)``, and the new states.
        """
        x, new_states = inputs, []
        for k, state in enumerate(states, first):
            if k > first:
                x = self.dropouts[k - 1](x, training=training)
            output, state = self.layers[k].cell.step(x, state, training, trace)
            new_states.append(state)
            x = self._join(x, output)
        return x, new_states

    def gates(self, sequences, states):
        """Returns what the gates of every layer do, for plots.

        Args:
            sequences: ``(batch, timesteps, features)``.
            states: ``[h, c]`` of each layer before the first step.

        Returns:
            For each layer ``(batch, timesteps, 5, units)`` in the order of `GATES`.
        """
        return gates_of(lambda x, s, trace: self.step(x, s, trace=trace)[1], sequences, states)

    def get_config(self):
        """Returns the arguments of the constructor."""
        own = {"units": self.units, "residual": self.residual, "between": self.between}
        return {**super().get_config(), **own, **self._cell_options}
