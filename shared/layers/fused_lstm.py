"""The fast path of the LSTM layer: a whole sequence as two XLA loops and a few large matmuls.

Forward, only ``h R`` stays in the loop; ``x W`` is one matmul before it. Backward, what the
gates' derivatives need is computed for the whole sequence at once, the loop holds one matmul
(``dz R'``), and the weight gradients are single large matmuls after it. The batch is cut into one
part per processor: the parts run side by side without meeting at every time step, which on two
cores is worth more than two threads inside each small matmul.

All sigmoids and tanhs of a step are one tanh, by ``sigmoid(z) = (1 + tanh(z / 2)) / 2``: XLA's
CPU code for one function over one array is several times faster than for four slices.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

_portable = False
_ROWS_PER_PART = 8  # below this a part's matmuls are too thin to pay


@contextlib.contextmanager
def portable() -> Iterator[None]:
    """While open, LSTM layers trace the plain Keras loop, which every export format knows."""
    global _portable
    before, _portable = _portable, True
    try:
        yield
    finally:
        _portable = before


def is_portable() -> bool:
    """Whether a `portable` block is open."""
    return _portable


class Weights(NamedTuple):
    """What the loop reads; the optional parts are None when off. H is the number of units."""

    kernel: tf.Tensor  # (features, 4H)
    recurrent_kernel: tf.Tensor  # (H, 4H)
    bias: tf.Tensor | None  # (4H,)
    peephole: tf.Tensor | None = None  # (3, H)
    norms: tuple[tf.Tensor, ...] | None = None  # gamma, beta of kernel, recurrent (4H), state (H)


def lstm_sequence(x, weights: Weights, h0, c0, mask=None, dropout_mask=None):
    """Runs the LSTM equations of `LSTMCell` over a sequence.

    Args:
        x: ``(batch, timesteps, features)``. If bfloat16, matmuls are, and the state stays float32.
        weights: The cell's variables.
        h0: First hidden state, ``(batch, H)`` float32.
        c0: First cell state, ``(batch, H)`` float32.
        mask: ``(batch, timesteps)`` bool or None; a False step hands the state through.
        dropout_mask: Multiplies ``h`` before the recurrent matmul, ``(batch, H)`` or None.

    Returns:
        ``h`` of every step ``(batch, timesteps, H)``, and the last ``h`` and ``c``, float32.
    """
    flat = [w for w in tf.nest.flatten(tuple(weights)) if w is not None]
    structure = tuple(weights)

    @tf.custom_gradient
    def run(x, h0, c0, *flat):
        # Run eagerly, an outer tape would record the XLA calls and fail.
        x, h0, c0, *values = (tf.stop_gradient(v) for v in (x, h0, c0, *flat))
        drop = None if dropout_mask is None else tf.stop_gradient(dropout_mask)
        weights = Weights(*_refill(structure, values))
        parts = _split(x.shape[0], tf.shape(x)[0])
        cut = [[None if v is None else v[p] for v in (x, h0, c0, mask, drop)] for p in parts]
        done = [_forward(weights, *c) for c in cut]

        def grad(d_hs, d_h, d_c):
            parts_grads = [
                _backward(weights, *c, saved, d_hs[p], d_h[p], d_c[p])
                for c, (_, saved), p in zip(cut, done, parts, strict=True)
            ]
            rows, shared = zip(*parts_grads, strict=True)
            by_row = [tf.concat(g, 0) for g in zip(*rows, strict=True)]
            return *by_row, *(tf.add_n(g) for g in zip(*shared, strict=True))

        outputs, _ = zip(*done, strict=True)
        return tuple(tf.concat(v, 0) for v in zip(*outputs, strict=True)), grad

    return run(x, h0, c0, *flat)


def _refill(structure, flat):
    values = iter(flat)
    return tf.nest.map_structure(lambda w: None if w is None else next(values), structure)


def _split(static: int | None, batch) -> list[slice]:
    """Slices of the batch axis, one for each processor that is worth waking."""
    count = os.cpu_count() or 1
    if static is not None:
        count = max(1, min(count, static // _ROWS_PER_PART))
        edges = [static * k // count for k in range(count + 1)]
    else:
        edges = [batch * k // count for k in range(count + 1)]
    return [slice(a, b) for a, b in zip(edges, edges[1:], strict=False)]


def _tanh_form(units: int) -> tuple[np.ndarray, np.ndarray]:
    """Scale s and offset o, ``(4H,)``, with which gate(z) = tanh(s z) s + o."""
    return (
        np.repeat(np.array([0.5, 0.5, 1, 0.5], np.float32), units),
        np.repeat(np.array([0.5, 0.5, 0, 0.5], np.float32), units),
    )


def _array(length, rows, columns, values=None):
    array = tf.TensorArray(tf.float32, length, element_shape=(rows, columns))
    return array if values is None else array.unstack(values)


def _time_major(x):
    return tf.transpose(x, (1, 0, 2))


def _flat(x):
    rows = tf.size(x) // x.shape[-1]  # not -1: a part of the batch may be empty
    return tf.reshape(x, (rows, x.shape[-1]))


def _standardize(x, epsilon=1e-3):
    """Layer normalization without gain and bias: the result and 1 / deviation."""
    mean, variance = tf.nn.moments(x, [-1], keepdims=True)
    scale = tf.math.rsqrt(variance + epsilon)
    return (x - mean) * scale, scale


def _standardize_grad(d, y, scale):
    """Gradient of `_standardize` from that of its result ``y``."""
    along = tf.reduce_mean(d * y, -1, keepdims=True)
    return scale * (d - tf.reduce_mean(d, -1, keepdims=True) - y * along)


def _project(x, weights: Weights):
    """``x W + b`` for all steps, with its standardized part and scale if normalized."""
    z = tf.cast(tf.tensordot(x, weights.kernel, 1), tf.float32)
    normal = None
    if weights.norms:
        normal = _standardize(z)
        z = normal[0] * weights.norms[0] + weights.norms[1]
    return (z if weights.bias is None else z + weights.bias), normal


@tf.function(jit_compile=True)
def _forward(weights: Weights, x, h0, c0, mask, dropout_mask):
    """One part of the batch: ``(hs, h, c)`` and what the gradient needs (time-major)."""
    x = _time_major(x)
    steps, rows, units = tf.shape(x)[0], x.shape[1], c0.shape[-1]
    scale, offset = _tanh_form(units)
    z, _ = _project(x, weights)
    z = _array(steps, rows, 4 * units, z * scale)
    recurrent, half_peep, norms = weights.recurrent_kernel, None, weights.norms
    if norms:
        gain, shift = norms[2] * scale, norms[3] * scale
    else:
        recurrent *= tf.cast(scale, recurrent.dtype)
    if weights.peephole is not None:
        half_peep = weights.peephole * 0.5
    keep = None if mask is None else _array(steps, rows, 1, _mask_column(mask))

    def body(t, h, c, arrays):
        arrays = dict(arrays)
        u = h if dropout_mask is None else h * dropout_mask
        u = tf.cast(tf.cast(u, recurrent.dtype) @ recurrent, tf.float32)
        if norms:
            u, r = _standardize(u)
            arrays["recurrent"] = arrays["recurrent"].write(t, tf.concat([u, r], 1))
            u = u * gain + shift
        zt = z.read(t) + u
        ifg = zt[:, : 3 * units]
        if half_peep is not None:
            ifg += tf.concat([c * half_peep[0], c * half_peep[1], tf.zeros_like(c)], 1)
        ifg = tf.tanh(ifg) * scale[: 3 * units] + offset[: 3 * units]
        i, f, g = tf.split(ifg, 3, 1)
        new_c = f * c + i * g
        if norms:
            new_c, r = _standardize(new_c)
            arrays["state"] = arrays["state"].write(t, tf.concat([new_c, r], 1))
            new_c = new_c * norms[4] + norms[5]
        zo = zt[:, 3 * units :]
        o = tf.tanh(zo if half_peep is None else zo + new_c * half_peep[2]) * 0.5 + 0.5
        new_h = o * tf.tanh(new_c)
        if keep is not None:
            m = keep.read(t)
            new_h, new_c = m * new_h + (1 - m) * h, m * new_c + (1 - m) * c
        arrays["gates"] = arrays["gates"].write(t, tf.concat([ifg, o], 1))
        arrays["c"] = arrays["c"].write(t, new_c)
        arrays["h"] = arrays["h"].write(t, new_h)
        return t + 1, new_h, new_c, arrays

    widths = {"gates": 4 * units, "c": units, "h": units}
    if norms:
        widths |= {"recurrent": 4 * units + 1, "state": units + 1}
    arrays = {name: _array(steps, rows, width) for name, width in widths.items()}
    _, h, c, arrays = tf.while_loop(
        lambda t, *_: t < steps, body, (0, h0, c0, arrays), maximum_iterations=steps
    )
    saved = {name: array.stack() for name, array in arrays.items()}
    return (_time_major(saved["h"]), h, c), saved


def _mask_column(mask):
    return tf.cast(tf.transpose(mask)[:, :, None], tf.float32)


@tf.function(jit_compile=True)
def _backward(weights: Weights, x, h0, c0, mask, dropout_mask, saved, d_hs, d_h, d_c):
    """Gradients by row (x, h0, c0) and of the weights, in the order of `Weights`, flattened."""
    x, d_hs = _time_major(x), _time_major(d_hs)
    steps, rows, units = tf.shape(x)[0], x.shape[1], c0.shape[-1]
    norms, peep = weights.norms, weights.peephole
    cs = saved["c"]
    c_before = tf.concat([c0[None], cs[:-1]], 0)
    h_before = tf.concat([h0[None], saved["h"][:-1]], 0)
    i, f, g, o = tf.split(saved["gates"], 4, 2)
    tanh_c = tf.tanh(cs)
    factors = [
        g * i * (1 - i),  # d c / d z_i
        c_before * f * (1 - f),  # d c / d z_f
        i * (1 - g * g),  # d c / d z_c
        tanh_c * o * (1 - o),  # d h / d z_o
        o * (1 - tanh_c * tanh_c),  # d h / d c
        f,  # d c / d c_before
    ]
    pass_through = None
    if mask is not None:  # a masked step: nothing for the weights, the state's gradient unchanged
        m = _mask_column(mask)
        factors = [m * k for k in factors]
        pass_through = _array(steps, rows, 1, 1 - m)
    factors = _array(steps, rows, 6 * units, tf.concat(factors, 2))
    incoming = _array(steps, rows, units, d_hs)
    standard = {
        name: _array(steps, rows, saved[name].shape[-1], saved[name])
        for name in ("recurrent", "state")
        if norms
    }
    transposed = tf.transpose(weights.recurrent_kernel)

    def body(t, dh, dc, arrays):
        arrays = dict(arrays)
        dh += incoming.read(t)
        k = factors.read(t)
        dz_o = dh * k[:, 3 * units : 4 * units]
        kept = dc
        dc = dc + dh * k[:, 4 * units : 5 * units]
        if peep is not None:
            dc += dz_o * peep[2]
        if norms:
            arrays["state"] = arrays["state"].write(t, dc)
            y = standard["state"].read(t)
            dc = _standardize_grad(dc * norms[4], y[:, :units], y[:, units:])
        dz_ifg = tf.concat([dc, dc, dc], 1) * k[:, : 3 * units]
        dz = tf.concat([dz_ifg, dz_o], 1)
        dc = dc * k[:, 5 * units :]
        if peep is not None:
            dc += dz_ifg[:, :units] * peep[0] + dz_ifg[:, units : 2 * units] * peep[1]
        arrays["z"] = arrays["z"].write(t, dz)
        if norms:
            y = standard["recurrent"].read(t)
            dz = _standardize_grad(dz * norms[2], y[:, : 4 * units], y[:, 4 * units :])
            arrays["u"] = arrays["u"].write(t, dz)
        d_before = tf.cast(tf.cast(dz, transposed.dtype) @ transposed, tf.float32)
        if dropout_mask is not None:
            d_before *= dropout_mask
        if pass_through is not None:
            p = pass_through.read(t)
            d_before, dc = d_before + p * dh, dc + p * kept
        return t - 1, d_before, dc, arrays

    widths = {"z": 4 * units} | ({"u": 4 * units, "state": units} if norms else {})
    arrays = {name: _array(steps, rows, width) for name, width in widths.items()}
    _, d_h0, d_c0, arrays = tf.while_loop(
        lambda t, *_: t >= 0, body, (steps - 1, d_h, d_c, arrays), maximum_iterations=steps
    )
    d = {name: array.stack() for name, array in arrays.items()}

    # Everything that needs no recurrence: single large matmuls and sums over batch and time.
    dz = d["z"]
    grads = {"bias": tf.reduce_sum(dz, (0, 1)) if weights.bias is not None else None}
    if peep is not None:
        dz_i, dz_f, _, dz_o = tf.split(dz, 4, 2)
        pairs = ((dz_i, c_before), (dz_f, c_before), (dz_o, cs))
        grads["peephole"] = tf.stack([tf.reduce_sum(a * b, (0, 1)) for a, b in pairs])
    d_recurrent = d_project = dz
    if norms:
        _, (normal, scale) = _project(x, weights)
        d_project = _standardize_grad(dz * norms[0], normal, scale)
        d_recurrent = d["u"]
        total = tf.reduce_sum(dz, (0, 1))
        d_state = d["state"] if mask is None else d["state"] * _mask_column(mask)
        grads["norms"] = (
            tf.reduce_sum(dz * normal, (0, 1)),
            total,
            tf.reduce_sum(dz * saved["recurrent"][:, :, :-1], (0, 1)),
            total,
            tf.reduce_sum(d_state * saved["state"][:, :, :-1], (0, 1)),
            tf.reduce_sum(d_state, (0, 1)),
        )
    used = h_before if dropout_mask is None else h_before * dropout_mask
    kind = weights.kernel.dtype
    d_project, d_recurrent = tf.cast(_flat(d_project), kind), tf.cast(_flat(d_recurrent), kind)
    grads["kernel"] = tf.matmul(_flat(x), d_project, transpose_a=True)
    grads["recurrent_kernel"] = tf.matmul(tf.cast(_flat(used), kind), d_recurrent, transpose_a=True)
    dx = tf.reshape(tf.matmul(d_project, weights.kernel, transpose_b=True), tf.shape(x))
    ordered = [grads.get(name) for name in Weights._fields]
    return (_time_major(dx), d_h0, d_c0), [g for g in tf.nest.flatten(ordered) if g is not None]


for _function in (_forward, _backward):  # a trace for each shape is meant: no warning of that
    _function._omit_frequent_tracing_warning = True
