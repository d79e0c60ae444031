"""The fast path of `WindowLSTM`: two loops compiled by XLA, and large matmuls around them.

As in `shared.layers.fused_lstm`, the projection of the inputs is computed before the loops, and the
gradients of all weights after them.
"""

from __future__ import annotations

import tensorflow as tf

from shared.layers.fused_lstm import _array, _flat, _recurrent_product, _split, _time_major
from shared.layers.window import LIMIT


def window_sequence(projected, recurrent, peephole, kernel, bias, values, mask, state):
    """Runs the equations of `WindowLSTM` with peepholes or without, and no other option.

    Args:
        projected: The projected inputs with the bias, ``(batch, time, 4 H)``.
        recurrent: Kernel of ``[h; w]``, ``(H + V, 4 H)``.
        peephole: ``(3, H)`` or None.
        kernel: Kernel of the window, ``(H, 3 K)``.
        bias: Bias of the window, ``(3 K,)``.
        values: The text, ``(batch, memory, V)``.
        mask: Mask of the text, ``(batch, memory)`` or None.
        state: ``h, c`` ``(batch, H)``, ``w`` ``(batch, V)``, ``position`` ``(batch, K)``.

    Returns:
        ``h``, ``w`` and the weights ``(batch, memory)`` of every step, batch first; then the last
        ``h``, ``c``, ``w`` and ``position``.
    """
    marks = tf.ones(tf.shape(values)[:2]) if mask is None else tf.cast(mask, tf.float32)
    weights = [recurrent, kernel, bias] + ([] if peephole is None else [peephole])

    @tf.custom_gradient
    def run(projected, values, h, c, w, position, *weights):
        by_row = [tf.stop_gradient(v) for v in (projected, values, h, c, w, position)]
        weights = tuple(tf.stop_gradient(v) for v in weights)
        parts = _split(projected.shape[0], tf.shape(projected)[0])
        cut = [([v[p] for v in by_row], marks[p]) for p in parts]
        done = [_forward(*arrays[:2], arrays[2:], own, *weights) for arrays, own in cut]

        def grad(*upstream):
            found = []
            for (arrays, own), saved, p in zip(cut, done, parts, strict=True):
                d = [v[p] for v in upstream]
                found.append(_gradients(arrays[1], own, saved, d, weights))
            rows, shared = zip(*found, strict=True)
            joined = [tf.concat(g, 0) for g in zip(*rows, strict=True)]
            return *joined, *(tf.add_n(g) for g in zip(*shared, strict=True))

        outputs = []
        for saved in done:
            sequences = [_time_major(saved[n][s:]) for n, s in (("h", 1), ("w", 1), ("phi", 0))]
            last = [saved[n][-1] for n in ("h", "c", "w", "position")]
            outputs.append((*sequences, *last))
        return tuple(tf.concat(v, 0) for v in zip(*outputs, strict=True)), grad

    return run(projected, values, *state, *weights)


def _bells(position, sharpness, places):
    """``exp(-b (kappa - u)^2)`` and ``kappa - u``, ``(rows, K, memory)``."""
    away = position[:, :, None] - places
    return tf.exp(-sharpness[:, :, None] * away * away), away


@tf.function(jit_compile=True)
def _forward(projected, values, state, marks, recurrent, kernel, bias, peephole=None):
    """Runs the forward pass; returns all steps by name, time-major, states with the first one."""
    h, c, w, position = state
    time = tf.shape(projected)[1]
    places = tf.range(tf.shape(values)[1], dtype=tf.float32)
    gates = [_array(time, c, values=g) for g in tf.split(_time_major(projected), 4, 2)]
    product = _recurrent_product(recurrent)
    first = {"h": h, "c": c, "w": w, "position": position}
    arrays = {n: _array(time + 1, v).write(0, v) for n, v in first.items()}
    arrays |= {n: _array(time, c) for n in "ifgo"}
    arrays["z"] = _array(time, c, 3 * position.shape[1])
    arrays["phi"] = tf.TensorArray(
        tf.float32, time, element_shape=(values.shape[0], values.shape[1])
    )

    def body(t, h, c, w, position, arrays):
        arrays = dict(arrays)

        def stored(name, value, at):
            arrays[name] = arrays[name].write(at, value)
            return arrays[name].read(at)  # read back, so that XLA computes it in place

        u = product(tf.concat([h, w], 1))
        z_i, z_f, z_g, z_o = (gate.read(t) + v for gate, v in zip(gates, u, strict=True))
        if peephole is not None:
            z_i, z_f = z_i + c * peephole[0], z_f + c * peephole[1]
        i, f = stored("i", tf.sigmoid(z_i), t), stored("f", tf.sigmoid(z_f), t)
        g = stored("g", tf.tanh(z_g), t)
        c = stored("c", f * c + i * g, t + 1)
        o = stored("o", tf.sigmoid(z_o if peephole is None else z_o + c * peephole[2]), t)
        h = stored("h", o * tf.tanh(c), t + 1)
        z = stored("z", tf.matmul(h, kernel) + bias, t)
        height, sharpness, move = tf.split(tf.exp(tf.clip_by_value(z, -LIMIT, LIMIT)), 3, 1)
        position = stored("position", position + move, t + 1)
        bells, _ = _bells(position, sharpness, places)
        phi = stored("phi", tf.reduce_sum(height[:, :, None] * bells, 1) * marks, t)
        w = stored("w", tf.reduce_sum(phi[:, :, None] * values, 1), t + 1)
        return t + 1, h, c, w, position, arrays

    *_, arrays = tf.while_loop(
        lambda t, *_: t < time,
        body,
        (0, h, c, w, position, arrays),
        maximum_iterations=time,
    )
    return {name: array.stack() for name, array in arrays.items()}


def _gradients(values, marks, saved, upstream, weights):
    """Gradients by row (projected, values, h, c, w, position), and of the weights."""
    d_gates, d_z, d_w, d_state, sums = _backward(values, marks, saved, upstream, *weights)
    flat = _flat(d_gates)
    both = tf.concat([saved["h"][:-1], saved["w"][:-1]], 2)
    shared = [
        tf.matmul(_flat(both), flat, transpose_a=True),
        tf.matmul(_flat(saved["h"][1:]), _flat(d_z), transpose_a=True),
        tf.reduce_sum(d_z, (0, 1)),
    ]
    if len(weights) > 3:
        shared.append(sums)
    # (rows, memory, time) x (rows, time, V)
    d_values = tf.matmul(tf.transpose(saved["phi"], (1, 2, 0)), _time_major(d_w))
    return (_time_major(d_gates), d_values, *d_state), shared


@tf.function(jit_compile=True)
def _backward(values, marks, saved, upstream, recurrent, kernel, bias, peephole=None):
    """Gradients of the sums of gates and window and of ``w``; of the state; of the peepholes."""
    d_hs, d_ws, d_phis, d_h, d_c, d_w, d_position = upstream
    time, units = tf.shape(d_hs)[1], d_h.shape[1]
    places = tf.range(tf.shape(values)[1], dtype=tf.float32)

    def array(value):
        return tf.TensorArray(tf.float32, element_shape=value.shape[1:], size=0).unstack(value)

    reads = {name: array(saved[name]) for name in ("c", "position", "i", "f", "g", "o", "z")}
    incoming = [array(_time_major(v)) for v in (d_hs, d_ws, d_phis)]
    back = [tf.transpose(k) for k in tf.split(recurrent, 4, 1)]
    kernel_back = tf.transpose(kernel)

    def body(t, dh, dc, dw, dk, sums, arrays):
        arrays, sums = dict(arrays), dict(sums)
        dh, dw = dh + incoming[0].read(t), dw + incoming[1].read(t)
        arrays["w"] = arrays["w"].write(t, dw)
        # The window.
        z = reads["z"].read(t)
        height, sharpness, move = tf.split(tf.exp(tf.clip_by_value(z, -LIMIT, LIMIT)), 3, 1)
        bells, away = _bells(reads["position"].read(t + 1), sharpness, places)
        d_phi = (incoming[2].read(t) + tf.reduce_sum(values * dw[:, None, :], 2)) * marks
        pull = d_phi[:, None, :] * bells
        d_height = tf.reduce_sum(pull, 2)
        d_sharp = -height * tf.reduce_sum(pull * away * away, 2)
        dk -= 2.0 * height * sharpness * tf.reduce_sum(pull * away, 2)
        d_z = tf.concat([d_height * height, d_sharp * sharpness, dk * move], 1)
        d_z *= tf.cast(tf.abs(z) < LIMIT, tf.float32)
        arrays["z"] = arrays["z"].write(t, d_z)
        dh += tf.matmul(d_z, kernel_back)
        # The LSTM.
        i, f, g, o = (reads[name].read(t) for name in "ifgo")
        c_before, c = reads["c"].read(t), reads["c"].read(t + 1)
        tanh_c = tf.tanh(c)
        dz_o = dh * tanh_c * o * (1 - o)
        d_cell = dc + dh * o * (1 - tanh_c * tanh_c)
        if peephole is not None:
            d_cell += dz_o * peephole[2]
        dz_i = d_cell * g * i * (1 - i)
        dz_f = d_cell * c_before * f * (1 - f)
        new_dc = d_cell * f
        if peephole is not None:
            new_dc += dz_i * peephole[0] + dz_f * peephole[1]
            sums["o"] += dz_o * c
            sums["i"] += dz_i * c_before
            sums["f"] += dz_f * c_before
        dz = [dz_i, dz_f, d_cell * i * (1 - g * g), dz_o]
        arrays["gates"] = arrays["gates"].write(t, tf.concat(dz, 1))
        both = tf.add_n([d @ k for d, k in zip(dz, back, strict=True)])
        return t - 1, both[:, :units], new_dc, both[:, units:], dk, sums, arrays

    arrays = {
        "gates": _array(time, d_h, 4 * units),
        "z": _array(time, d_h, kernel.shape[1]),
        "w": _array(time, d_w),
    }
    sums = {} if peephole is None else {name: tf.zeros_like(d_h) for name in "ifo"}
    _, *d_state, sums, arrays = tf.while_loop(
        lambda t, *_: t >= 0,
        body,
        (time - 1, d_h, d_c, d_w, d_position, sums, arrays),
        maximum_iterations=time,
    )
    peeps = (
        tf.zeros(())
        if peephole is None
        else tf.stack([tf.reduce_sum(sums[name], 0) for name in "ifo"])
    )
    d = {name: array.stack() for name, array in arrays.items()}
    return d["gates"], d["z"], d["w"], d_state, peeps


for _function in (_forward, _backward):  # a trace for each shape is meant: no warning of that
    _function._omit_frequent_tracing_warning = True
