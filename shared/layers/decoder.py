"""LSTM layers with attention: one step with explicit state, or a whole sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from shared.layers import states
from shared.layers.attention import Attention, Memory, State
from shared.layers.lstm import StackedLSTM
from shared.layers.scan import scan, zero_masked


@keras.saving.register_keras_serializable("lstm_suite")
class AttentionDecoder(keras.layers.Layer):
    """LSTM layers with attention over a memory, as a pure step or over a whole sequence.

    Attending after the LSTM (Luong, Pham and Manning 2015), the default:

        h_t, s_t = LSTM(x_t, s_{t-1})               or LSTM([x_t; a_{t-1}], s_{t-1}), input feeding
        context  = attention(h_t, memory)
        a_t      = activation(W_a [h_t; context])   or the context, without `attention_layer_size`

    Attending before it (Bahdanau, Cho and Bengio 2015), with `attention_first`:

        context  = attention(h_{t-1}, memory)
        h_t, s_t = LSTM([x_t; context], s_{t-1})
        a_t      as above

    Attending between the first layer and the others (Anderson et al. 2018, "up-down"), with
    `attention_between`; ``top`` is the output of the highest layer:

        h1_t, s1_t = LSTM1([x_t; top_{t-1}], s1_{t-1})
        context    = attention(h1_t, memory)
        h_t, s_t   = LSTM2([h1_t; context], s_{t-1})
        a_t        as above

    The output is ``a_t``, or ``h_t`` without `output_attention`. With input feeding and no
    activation this is tensorflow-addons' ``AttentionWrapper``. With `gated_context` each context
    becomes ``sigmoid(W_g query + b_g) * context`` (Xu et al. 2015, section 4.2.1, with a gate for
    each feature).

    With input feeding, `attention_first` or `attention_between`, a step of the LSTM depends on the
    attention, and a sequence is a loop over its steps. Otherwise it takes the fast path of
    `shared.layers.LSTM`, and all outputs attend at once.

    Args:
        units: Units of each LSTM layer, from the bottom up; an integer for one layer.
        attention: An `Attention`.
        input_feeding: Whether the LSTM also reads the last step's ``a``.
        attention_first: Whether the LSTM's last output attends, and the LSTM reads the context.
        attention_between: Whether the lowest layer's output attends, and the others read it and
            the context; takes two layers or more, and excludes `residual` and `between`.
        gated_context: Whether a gate computed from the query scales each feature of the context.
        attention_layer_size: Width of ``a``; None makes ``a`` the context itself.
        attention_activation: Activation of ``a``.
        output_attention: Whether the output is ``a``, or the LSTM's output.
        residual: Whether layers have residual connections, see `StackedLSTM`.
        between: Dropout rate between LSTM layers.
        dtype: Dtype or dtype policy.
        trainable: Whether the weights are trainable.
        name: Name of the layer.
        **cell_options: Passed to every `LSTMCell`.

    Call arguments:
        inputs: ``(batch, time, features)``.
        memory: ``(batch, memory, memory_features)``.
        inputs_mask: Optional bool ``(batch, time)``.
        memory_mask: Optional bool ``(batch, memory)``. Where a mask is not given, the Keras mask
            of the tensor is used.
        initial_state: Optional dict like that of `initial_state`.
        training: Whether dropout is active.

    Returns:
        ``(outputs, weights, state)``, see `sequence`.

    Raises:
        ValueError: More than one of `input_feeding`, `attention_first` and `attention_between` is
            set, or `attention_between` with an option that it excludes.
    """

    def __init__(
        self,
        units: int | Sequence[int],
        attention: Attention,
        input_feeding: bool = False,
        attention_first: bool = False,
        attention_between: bool = False,
        gated_context: bool = False,
        attention_layer_size: int | None = None,
        attention_activation: Any = "tanh",
        output_attention: bool = True,
        residual: bool = False,
        between: float = 0.0,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **cell_options: Any,
    ):
        super().__init__(dtype=dtype, trainable=trainable, name=name)
        if input_feeding + attention_first + attention_between > 1:
            raise ValueError(
                "attention_first and attention_between feed the context already; leave out "
                "input_feeding and the other"
            )
        self.units = [units] if isinstance(units, int) else list(units)
        if attention_between and (len(self.units) < 2 or residual or between):
            raise ValueError("attention_between takes two layers, without residual and between")
        self.attention = attention
        self.input_feeding = input_feeding
        self.attention_first = attention_first
        self.attention_between = attention_between
        self.gated_context = gated_context
        self.attention_layer_size = attention_layer_size
        self.attention_activation = keras.activations.get(attention_activation)
        self.output_attention = output_attention
        self.cell_options = cell_options
        self.supports_masking = True
        self.lstm = StackedLSTM(
            self.units, residual=residual, between=between, dtype=dtype, name="lstm", **cell_options
        )
        self.attention_layer: keras.Layer | None = None
        self.gate: keras.Layer | None = None
        if attention_layer_size:
            self.attention_layer = keras.layers.Dense(
                attention_layer_size,
                use_bias=False,
                activation=attention_activation,
                dtype=dtype,
                name="attention_layer",
            )

    def build(self, inputs_shape: Any, memory_shape: Any) -> None:
        """Creates the weights for inputs and memory of shapes ``(batch, time, features)``."""
        top, memory = self.lstm.layers[-1].cell.output_size, memory_shape[-1]
        query, fed = top, 0
        if self.attention_first:
            fed = memory
        elif self.input_feeding:
            fed = self.attention_layer_size or memory
        elif self.attention_between:
            query, fed = self.lstm.layers[0].cell.output_size, top
            if not self.lstm.layers[1].built:
                self.lstm.layers[1].build((None, None, query + memory))
        self.lstm.build((*inputs_shape[:2], inputs_shape[-1] + fed))
        if not self.attention.built:
            self.attention.build((None, None, query), memory_shape)
        if self.gated_context:
            self.gate = keras.layers.Dense(
                memory, activation="sigmoid", dtype=self.dtype_policy, name="gate"
            )
            self.gate.build((None, None, query))
        if self.attention_layer is not None:
            self.attention_layer.build((None, None, top + memory))
        self.built = True

    def prepare(self, values: Any, mask: Any = None) -> Memory:
        """Computes the memory that every step reads, see `Attention.prepare`."""
        return self.attention.prepare(values, mask)

    def initial_state(self, memory: Memory, lstm: Sequence[Sequence[Any]] | None = None) -> State:
        """Returns the state before the first step, a dict of named tensors.

        Args:
            memory: From `prepare`.
            lstm: Optional ``[h, c]`` of each layer; zeros by default.

        Returns:
            ``h0, c0, h1, c1, ...`` of the layers; with input feeding ``attention_vector``, the
            last ``a``; and the state of the attention.
        """
        rows, width = ops.shape(memory["values"])[0], memory["values"].shape[-1]
        state = self._flat(states.zeros(self.lstm.cells, rows) if lstm is None else lstm)
        if self.input_feeding:
            width = self.attention_layer_size or width
            state["attention_vector"] = ops.zeros((rows, width), self.compute_dtype)
        return state | self.attention.initial_state(memory)

    def step(
        self,
        inputs: Any,
        memory: Memory,
        state: State,
        training: bool = False,
        trace: list[Any] | None = None,
    ) -> tuple[Any, Any, State]:
        """Runs one step.

        Args:
            inputs: ``(batch, features)``.
            memory: From `prepare`.
            state: From `initial_state` or the last step; may hold entries of other layers.
            training: Whether dropout is active; its masks differ from call to call.
            trace: A list that gets the gates of each layer, ``(batch, 5, units)`` in the order of
                `GATES`, or None.

        Returns:
            Output ``(batch, features)``, attention weights ``(batch, memory)``, new state.
        """
        with self._dropout_masks(memory, training):
            return self._step(inputs, memory, state, training, trace)

    def sequence(
        self,
        inputs: Any,
        memory: Memory,
        state: State | None = None,
        mask: Any = None,
        training: bool = False,
    ) -> tuple[Any, Any, State]:
        """Runs all steps, with the result of repeated calls of `step`.

        In training one recurrent dropout mask is used for the whole sequence.

        Args:
            inputs: ``(batch, time, features)``.
            memory: From `prepare`.
            state: State before the first step; by default `initial_state`.
            mask: Optional bool ``(batch, time)``; masked steps keep the state, and their outputs
                and weights are zero.
            training: Whether dropout is active.

        Returns:
            Outputs ``(batch, time, width)``, weights ``(batch, time, memory)``, last state.
        """
        inputs = ops.cast(inputs, self.compute_dtype)
        state = self.initial_state(memory) if state is None else state
        if not (self.input_feeding or self.attention_first or self.attention_between):
            lstm = states.nested(state, len(self.units))
            hidden, lstm = self.lstm(inputs, lstm, mask=mask, training=training)
            contexts, weights, attended = self.attention.sequence(hidden, memory, state, mask)
            contexts = self._gated(hidden, contexts)
            outputs = self._attention_vector(hidden, contexts) if self.output_attention else hidden
            return zero_masked(outputs, mask), weights, self._flat(lstm) | attended

        def body(x, state):
            output, weights, state = self._step(x, memory, state, training)
            return (output, weights), state

        values = memory["values"]
        width = self._output_size(values.shape[-1])
        with self._dropout_masks(memory, training):
            (outputs, weights), state = scan(
                body,
                inputs,
                state,
                [
                    (self.compute_dtype, (*values.shape[:1], width)),
                    (self.attention.weights_dtype, values.shape[:2]),
                ],
                mask,
            )
        return outputs, weights, state

    def gates(self, inputs: Any, memory: Memory, state: State) -> list[Any]:
        """Returns what the gates of every layer do, see `StackedLSTM.gates`."""

        def step(x, state, trace):
            return self.step(x, memory, state, trace=trace)[2]

        return states.gates_of(step, inputs, state)

    def call(
        self,
        inputs: Any,
        memory: Any,
        inputs_mask: Any = None,
        memory_mask: Any = None,
        initial_state: State | None = None,
        training: bool = False,
    ) -> tuple[Any, Any, State]:
        """Runs a whole sequence over a memory that is not prepared."""
        memory = self.prepare(memory, memory_mask)
        state = self.attention.uncast(initial_state)
        return self.sequence(inputs, memory, state, inputs_mask, training)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {
            **super().get_config(),
            "units": self.units,
            "attention": keras.saving.serialize_keras_object(self.attention),
            "input_feeding": self.input_feeding,
            "attention_first": self.attention_first,
            "attention_between": self.attention_between,
            "gated_context": self.gated_context,
            "attention_layer_size": self.attention_layer_size,
            "attention_activation": keras.activations.serialize(self.attention_activation),
            "output_attention": self.output_attention,
            "residual": self.lstm.residual,
            "between": self.lstm.between,
            **self.cell_options,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> AttentionDecoder:
        """Creates the layer from what `get_config` returns."""
        attention = keras.saving.deserialize_keras_object(config["attention"])
        return cls(**{**config, "attention": attention})

    def _step(
        self,
        inputs: Any,
        memory: Memory,
        state: State,
        training: bool,
        trace: list[Any] | None = None,
    ) -> tuple[Any, Any, State]:
        inputs = ops.cast(inputs, self.compute_dtype)
        lstm = states.nested(state, len(self.units))
        below = 1 if self.attention_between else len(lstm)  # layers before the attention
        context = weights = None
        attended: State = {}
        if self.attention_first:
            context, weights, attended = self._attend(lstm[-1][0], memory, state)
            inputs = ops.concatenate([inputs, context], -1)
        elif self.attention_between:
            inputs = ops.concatenate([inputs, lstm[-1][0]], -1)
        elif self.input_feeding:
            inputs = ops.concatenate([inputs, state["attention_vector"]], -1)
        hidden, lower = self.lstm.step(inputs, lstm[:below], training, trace)
        if not self.attention_first:
            context, weights, attended = self._attend(hidden, memory, state)
        upper = lstm[below:]
        if upper:
            hidden = ops.concatenate([hidden, context], -1)
            hidden, upper = self.lstm.step(hidden, upper, training, trace, first=below)
        vector = self._attention_vector(hidden, context)
        new = self._flat(lower + upper) | attended
        if self.input_feeding:
            new["attention_vector"] = vector
        return (vector if self.output_attention else hidden), weights, new

    def _attend(self, query: Any, memory: Memory, state: State) -> tuple[Any, Any, State]:
        context, weights, attended = self.attention.step(query, memory, state)
        return self._gated(query, context), weights, attended

    def _gated(self, queries: Any, contexts: Any) -> Any:
        return contexts if self.gate is None else self.gate(queries) * contexts

    def _output_size(self, memory_features: int) -> int:
        """Width of a step's output."""
        if self.output_attention:
            return self.attention_layer_size or memory_features
        return self.lstm.layers[-1].cell.output_size

    def _attention_vector(self, hidden: Any, context: Any) -> Any:
        if self.attention_layer is None:
            return context
        return self.attention_layer(ops.concatenate([hidden, context], -1))

    def _flat(self, lstm: Sequence[Sequence[Any]]) -> State:
        return {n: ops.cast(v, self.compute_dtype) for n, v in states.flat(lstm).items()}

    @contextmanager
    def _dropout_masks(self, memory: Memory, training: bool) -> Iterator[None]:
        """Draws the cells' dropout masks outside of the loop, and drops them at the end."""
        cells = self.lstm.cells if training else []
        rows = ops.shape(memory["values"])[0]
        for cell in cells:
            cell.get_dropout_mask(ops.ones((rows, cell.kernel.shape[0]), self.compute_dtype))
            cell.get_recurrent_dropout_mask(ops.ones((rows, cell.output_size), self.compute_dtype))
        try:
            yield
        finally:
            for cell in cells:
                cell.reset_dropout_mask()
                cell.reset_recurrent_dropout_mask()
