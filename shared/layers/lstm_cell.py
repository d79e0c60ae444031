"""One step of an LSTM, with the options that the literature added to it."""

from __future__ import annotations

import keras
from keras import ops

GATES = ("input", "forget", "candidate", "output", "cell")
# Arguments of Keras' cell that have a fixed value here.
_FIXED = {"activation": "tanh", "recurrent_activation": "sigmoid", "unit_forget_bias": True}


@keras.saving.register_keras_serializable("lstm_suite")
class LSTMCell(keras.layers.LSTMCell):
    """A `keras.layers.LSTMCell` with peepholes and other options.

    With every option off it computes the same numbers. The equations, with gate order i, f, c, o in
    the weights as in Keras (``*`` is elementwise):

        z_i, z_f, z_c, z_o = split(x_t W + h_{t-1} R + b)
        i_t = sigmoid(z_i + p_i * c_{t-1})         input gate: how much is written
        f_t = sigmoid(z_f + p_f * c_{t-1})         forget gate: 0 drops, 1 keeps
        g_t = tanh(z_c)                            candidate
        c_t = f_t * c_{t-1} + i_t * g_t            cell state, the conveyor belt
        o_t = sigmoid(z_o + p_o * c_t)             output gate: how much is shown
        h_t = o_t * tanh(c_t)                      hidden state, a filtered view of the cell

    Hochreiter and Schmidhuber 1997; forget gate: Gers, Schmidhuber and Cummins 2000.

    Args:
        units: Size of the cell state.
        peephole: Whether the gates read the cell state through diagonal weights ``p_i, p_f, p_o``
            (Gers and Schmidhuber 2000), variable ``peephole_kernel`` of shape ``(3, units)``.
        layer_norm: Whether to normalize ``x W`` and ``h R``, each over its joint vector, and the
            new cell state, which is carried normalized (after Ba, Kiros and Hinton 2016, in the
            form of tensorflow-addons' ``LayerNormLSTMCell``, epsilon 1e-3). The bias is added
            afterwards.
        coupled: Whether the input gate is ``i = 1 - f`` (CIFG; Greff et al. 2017). The kernels then
            hold three blocks, in the order f, c, o.
        projection: Size of a linear projection of ``h``, which becomes output and recurrent input
            (LSTMP; Sak, Senior and Beaufays 2014), or None.
        recurrent_dropout: Dropout rate of ``h``; one mask per sequence, shared by the gates (Gal
            and Ghahramani 2016).
        zoneout: Probability that a unit of the state keeps its last value; a float, or a pair for
            ``(h, c)`` (Krueger et al. 2017). Outside of training the expectation is used.
        forget_bias: Initial bias of the forget gate (Jozefowicz et al. 2015).
        **kwargs: Passed to `keras.layers.LSTMCell`; the activations are fixed, and ``forget_bias``
            replaces ``unit_forget_bias``.

    Call arguments:
        inputs: ``(batch, features)``.
        states: ``[h, c]``, ``(batch, projection or units)`` and ``(batch, units)``.
        training: Whether dropout and zoneout are active.

    Returns:
        ``h, [h, c]`` of the next step.

    Raises:
        ValueError: A size is not positive, a rate is outside ``[0, 1)``, or an activation is given.

    Dropout, recurrent dropout and zoneout draw from ``seed_generator`` only. Its state is one of
    ``variables``, which a checkpoint of `shared.training` holds, so that a resumed run continues
    with the same draws; Keras' weights files leave it out.
    """

    def __init__(
        self,
        units,
        peephole=False,
        layer_norm=False,
        coupled=False,
        projection=None,
        recurrent_dropout=0.0,
        zoneout=0.0,
        forget_bias=1.0,
        **kwargs,
    ):
        for name, fixed in _FIXED.items():
            if kwargs.pop(name, fixed) != fixed:
                raise ValueError(f"`{name}` is always {fixed!r}; see `forget_bias` for the bias.")
        super().__init__(units, **kwargs)
        if projection is not None and projection <= 0:
            raise ValueError(f"`projection` must be positive or None, got {projection}.")
        rates = tuple(zoneout) if isinstance(zoneout, list | tuple) else (zoneout, zoneout)
        if len(rates) != 2 or not all(0 <= r < 1 for r in (*rates, recurrent_dropout)):
            raise ValueError(
                "`recurrent_dropout` and `zoneout` (a rate, or a pair for h and c) must be in "
                f"[0, 1), got {recurrent_dropout} and {zoneout}."
            )
        self.peephole = peephole
        self.layer_norm = layer_norm
        self.coupled = coupled
        self.projection = projection
        # Set after __init__, for else Keras draws one mask for each gate.
        self.recurrent_dropout = recurrent_dropout
        self.zoneout = rates
        self.forget_bias = float(forget_bias)
        self.output_size = projection or units
        self.state_size = [self.output_size, units]

    @property
    def plain(self) -> bool:
        """Whether no option changes the standard equations."""
        special = (self.peephole, self.layer_norm, self.coupled, self.projection, any(self.zoneout))
        return not any(special)

    def build(self, input_shape):
        """Creates the variables for inputs ``(batch, features)``."""
        blocks = 3 if self.coupled else 4

        def add(name, shape, initializer, like=None):
            regularizer = getattr(self, f"{like}_regularizer", None)
            constraint = getattr(self, f"{like}_constraint", None)
            return self.add_weight(
                name=name,
                shape=shape,
                initializer=initializer,
                regularizer=regularizer,
                constraint=constraint,
            )

        def fresh():  # the same initializer object would repeat the kernel's values
            initializer = self.kernel_initializer
            return initializer.clone() if hasattr(initializer, "clone") else initializer

        wide = self.units * blocks
        self.kernel = add("kernel", (input_shape[-1], wide), self.kernel_initializer, "kernel")
        self.recurrent_kernel = add(
            "recurrent_kernel", (self.output_size, wide), self.recurrent_initializer, "recurrent"
        )
        self.bias = add("bias", (wide,), self._initial_bias, "bias") if self.use_bias else None
        if self.peephole:
            rows = 2 if self.coupled else 3
            self.peephole_kernel = add("peephole_kernel", (rows, self.units), fresh())
        if self.projection:
            self.projection_kernel = add(
                "projection_kernel", (self.units, self.projection), fresh()
            )
        if self.layer_norm:
            for part, size in (("kernel", wide), ("recurrent", wide), ("state", self.units)):
                setattr(self, f"{part}_gamma", add(f"{part}_gamma", (size,), "ones"))
                setattr(self, f"{part}_beta", add(f"{part}_beta", (size,), "zeros"))
        self.built = True

    def _initial_bias(self, shape, dtype=None):
        bias = self.bias_initializer(shape, dtype=dtype)
        start = 0 if self.coupled else self.units
        forget = ops.full((self.units,), self.forget_bias, dtype=dtype)
        return ops.concatenate([bias[:start], forget, bias[start + self.units :]])

    def project_inputs(self, inputs):
        """Computes ``x W + b``, the part of a step without state, for any leading axes."""
        z = ops.matmul(inputs, self.kernel)
        if self.layer_norm:
            z = normalize(z, self.kernel_gamma, self.kernel_beta)
        return z if self.bias is None else z + self.bias

    def gates(self, inputs, states, training=False):
        """Runs one step, and returns what the gates do.

        Returns:
            The next ``[h, c]``, and a dict of `GATES`, each ``(batch, units)``.
        """
        h_prev, c_prev = states
        if training and self.dropout:
            inputs = inputs * self.get_dropout_mask(inputs)
        h = h_prev
        if training and self.recurrent_dropout:
            h = h * self.get_recurrent_dropout_mask(h_prev)
        recurrent = ops.matmul(h, self.recurrent_kernel)
        if self.layer_norm:
            recurrent = normalize(recurrent, self.recurrent_gamma, self.recurrent_beta)
        z = self.project_inputs(inputs) + recurrent

        p_i, p_f, p_o = self._peepholes()
        if self.coupled:
            z_f, z_c, z_o = ops.split(z, 3, axis=-1)
            f = _gate(z_f, p_f, c_prev)
            i = 1.0 - f
        else:
            z_i, z_f, z_c, z_o = ops.split(z, 4, axis=-1)
            i = _gate(z_i, p_i, c_prev)
            f = _gate(z_f, p_f, c_prev)
        g = ops.tanh(z_c)
        c = f * c_prev + i * g
        if self.layer_norm:
            c = normalize(c, self.state_gamma, self.state_beta)
        o = _gate(z_o, p_o, c)
        h = o * ops.tanh(c)
        if self.projection:
            h = ops.matmul(h, self.projection_kernel)
        h = self._zone_out(h_prev, h, self.zoneout[0], training)
        c = self._zone_out(c_prev, c, self.zoneout[1], training)
        return [h, c], dict(zip(GATES, (i, f, g, o, c), strict=True))

    def call(self, inputs, states, training=False):
        """Runs one step."""
        states, _ = self.gates(inputs, states, training)
        return states[0], states

    def step(self, inputs, states, training=False, trace=None):
        """Runs one step as `call` does; appends the gates to a list if one is given.

        Args:
            inputs: ``(batch, features)``.
            states: ``[h, c]``.
            training: Whether dropout and zoneout are active.
            trace: A list that gets ``(batch, 5, units)`` in the order of `GATES`, or None.

        Returns:
            ``h, [h, c]`` of the next step.
        """
        if trace is None:
            return self(inputs, states, training=training)
        states, gates = self.gates(inputs, states, training)
        trace.append(ops.stack(list(gates.values()), axis=1))
        return states[0], states

    def _peepholes(self):
        """``p_i, p_f, p_o``, None where there is none."""
        if not self.peephole:
            return None, None, None
        rows = ops.unstack(self.peephole_kernel, axis=0)
        return (None, *rows) if self.coupled else rows

    def _zone_out(self, old, new, rate, training):
        if not rate:
            return new
        change = (new - old) * (1.0 - rate)
        if training:  # dropout divides by 1 - rate, so that a change is applied fully or not at all
            change = keras.random.dropout(change, rate, seed=self.seed_generator)
        return old + change

    def get_config(self):
        """Returns the arguments of the constructor."""
        config = super().get_config()
        for fixed in _FIXED:
            del config[fixed]
        own = ("peephole", "layer_norm", "coupled", "projection", "zoneout", "forget_bias")
        return {**config, **{name: getattr(self, name) for name in own}}


def _gate(z, peephole, c):
    return ops.sigmoid(z if peephole is None else z + peephole * c)


def normalize(x, gamma, beta, epsilon=1e-3):
    """Layer normalization over the last axis (Ba, Kiros and Hinton 2016), float32 or wider."""
    wide = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
    mean, variance = ops.moments(wide, axes=[-1], keepdims=True)
    x = ops.cast((wide - mean) * ops.rsqrt(variance + epsilon), x.dtype)
    return x * ops.cast(gamma, x.dtype) + ops.cast(beta, x.dtype)
