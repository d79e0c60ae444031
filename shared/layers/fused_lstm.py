"""The fast path of the LSTM layer: two compiled loops, and a few large matmuls around them.

Forward, only ``h R`` stays in the loop; ``x W`` is one product before it. Backward, the loop holds
one matmul (``dz R'``), and the gradients of inputs and weights are single products after it. XLA
compiles the loops; the products outside are TensorFlow's, whose CPU matmul is faster. The batch is
split into one part per processor; the parts run in parallel without synchronizing at every step,
which on two cores gains more than two threads in each small matmul.

In the loops each gate is a separate array. XLA fuses elementwise operations on whole arrays into
one loop; on slices of a joint array, or on a concatenation, it takes up to half as long again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar
from typing import NamedTuple

import tensorflow as tf

_portable = ContextVar("portable", default=False)  # per thread: two may trace at once
# Smallest part of a batch whose matmuls are worth a thread.
_ROWS_PER_PART = 8
# With a multiple of 128 units, rows of four gates fall on few sets of a cache, which slows products
# that read them by a fifth. Rows one cache line longer avoid it.
_ALIASED = 128
_LINE = 16
# Numbers of units for which a product ``h R`` for each gate is faster than one for all gates.
_APART = range(129, 400)


@contextlib.contextmanager
def portable() -> Iterator[None]:
    """Makes LSTM layers trace the plain Keras loop, which every export format supports."""
    before = _portable.set(True)
    try:
        yield
    finally:
        _portable.reset(before)


def is_portable() -> bool:
    """Returns whether a `portable` block is open."""
    return _portable.get()


class Weights(NamedTuple):
    """The weights of a cell; optional parts are None. H is the number of units."""

    kernel: tf.Tensor  # (features, 4H), float32 or bfloat16; all others are float32
    recurrent_kernel: tf.Tensor  # (H, 4H)
    bias: tf.Tensor | None  # (4H,)
    peephole: tf.Tensor | None = None  # (3, H)
    norms: tuple[tf.Tensor, ...] | None = None  # gamma, beta of kernel, recurrent (4H), state (H)


def lstm_sequence(x, weights: Weights, h0, c0, mask=None, dropout_mask=None, training=True):
    """Runs the LSTM equations of `LSTMCell` over a sequence.

    Args:
        x: ``(batch, timesteps, features)``, with the dtype of ``weights.kernel``. With bfloat16
            the large products are bfloat16; the loops stay float32, faster with XLA on a CPU.
        weights: The cell's variables.
        h0: First hidden state, ``(batch, H)`` float32.
        c0: First cell state, ``(batch, H)`` float32.
        mask: Optional bool ``(batch, timesteps)``; masked steps keep the state.
        dropout_mask: Multiplies ``h`` before the recurrent matmul, ``(batch, H)`` or None.
        training: Whether to store what the gradient needs. Otherwise a gradient runs the forward
            pass again.

    Returns:
        ``h`` of every step ``(batch, timesteps, H)``, and the last ``h`` and ``c``, float32.
    """
    flat = [w for w in tf.nest.flatten(tuple(weights)) if w is not None]
    structure = tuple(weights)

    @tf.custom_gradient
    def run(x, h0, c0, *flat):
        # An outer tape must not record the XLA calls: it fails when eager and is slow in a graph.
        x, h0, c0, *values = (tf.stop_gradient(v) for v in (x, h0, c0, *flat))
        drop = None if dropout_mask is None else tf.stop_gradient(dropout_mask)
        weights = Weights(*_refill(structure, values))
        parts = _split(x.shape[0], tf.shape(x)[0])
        cut = [[None if v is None else v[p] for v in (x, h0, c0, mask, drop)] for p in parts]
        done = [_run(weights, c, bool(training)) for c in cut]

        def grad(d_hs, d_h, d_c):
            saved = done if training else [_run(weights, c, True) for c in cut]
            back = tf.transpose(weights.recurrent_kernel)
            parts_grads = [
                _gradients(weights, back, c, kept, d_hs[p], d_h[p], d_c[p])
                for c, (_, kept), p in zip(cut, saved, parts, strict=True)
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
    """Slices of the batch axis, one for each processor to use."""
    count = os.cpu_count() or 1
    if static is not None:
        count = max(1, min(count, static // _ROWS_PER_PART))
        edges = [static * k // count for k in range(count + 1)]
    else:
        edges = [batch * k // count for k in range(count + 1)]
    return [slice(a, b) for a, b in zip(edges, edges[1:], strict=False)]


def _run(weights: Weights, part, save: bool):
    """Runs one part of the batch: ``(hs, h, c)``, and what `_gradients` needs."""
    x, h0, c0, mask, drop = part
    x = _time_major(x)
    z = _project(x, weights)
    hs, h, c, saved = _forward(weights._replace(kernel=None), z, h0, c0, mask, drop, save)
    return (_time_major(hs[1:]), h, c), ({**saved, "h": hs}, z if weights.norms else None, x)


def _project(x, weights: Weights):
    """``x W`` for all steps, ``(timesteps, rows, H)`` of each gate.

    With layer normalization, which is of all gates jointly, one of ``(timesteps, rows, 4H)``.
    """
    shape, x = tf.shape(x), _flat(x)
    kernels = [weights.kernel] if weights.norms else tf.split(weights.kernel, 4, 1)
    products = [tf.cast(x @ kernel, tf.float32) for kernel in kernels]
    return [tf.reshape(z, (shape[0], shape[1], z.shape[1])) for z in products]


def _gradients(weights: Weights, transposed, part, kept, d_hs, d_h, d_c):
    """Gradients by row (x, h0, c0) and of the weights, in the order of `Weights`, flattened."""
    (_, _, _, mask, drop), (saved, z, x) = part, kept
    d_z, d_u, d_states, grads = _backward(
        weights._replace(kernel=None, recurrent_kernel=None),
        transposed,
        z,
        mask,
        drop,
        saved,
        (_time_major(d_hs), d_h, d_c),
    )
    # Outside of the recurrence, single large matmuls over batch and time.
    kind, width = weights.kernel.dtype, weights.kernel.shape[1]
    d_z = tf.cast(_flat(d_z), kind)
    d_u = d_z if d_u is None else tf.cast(_flat(d_u), kind)
    used = saved["h"][:-1] if drop is None else saved["h"][:-1] * drop
    grads["kernel"] = tf.matmul(_flat(x), d_z, transpose_a=True)[:, :width]
    d_recurrent = tf.matmul(tf.cast(_flat(used), kind), d_u, transpose_a=True)[:, :width]
    grads["recurrent_kernel"] = tf.cast(d_recurrent, tf.float32)
    kernel = tf.pad(weights.kernel, ((0, 0), (0, d_z.shape[1] - width)))
    d_x = tf.reshape(tf.matmul(d_z, kernel, transpose_b=True), tf.shape(x))
    ordered = [grads.get(name) for name in Weights._fields]
    flat = [g for g in tf.nest.flatten(ordered) if g is not None]
    return (_time_major(d_x), *d_states), flat


def _array(length, like, columns=None, values=None):
    """A TensorArray of matrices shaped like ``like``, with another number of columns if given."""
    shape = (like.shape[0], columns or like.shape[1])
    array = tf.TensorArray(tf.float32, length, element_shape=shape)
    return array if values is None else array.unstack(values)


def _time_major(x):
    return tf.transpose(x, (1, 0, 2))


def _mask_column(mask):
    return tf.cast(tf.transpose(mask)[:, :, None], tf.float32)


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


def _normalized(z, gamma, beta):
    """The gates of `_project`'s joint ``x W``."""
    return tf.split(_standardize(z)[0] * gamma + beta, 4, 2)


def _recurrent_product(kernel):
    """Returns the function from ``h`` to ``h R``, a list with an entry for each gate."""
    if kernel.shape[1] // 4 not in _APART:
        return lambda h: tf.split(h @ kernel, 4, 1)
    kernels = tf.split(kernel, 4, 1)
    return lambda h: [h @ k for k in kernels]


@tf.function(jit_compile=True)
def _forward(weights: Weights, z, h0, c0, mask, drop, save):
    """Runs the loop of the forward pass.

    Args:
        weights: The weights without the kernel.
        z: From `_project`.
        h0: First hidden state, ``(rows, H)``.
        c0: First cell state, ``(rows, H)``.
        mask: Bool ``(rows, timesteps)`` or None.
        drop: Dropout mask of ``h``, ``(rows, H)`` or None.
        save: Whether to save what the gradient needs.

    Returns:
        ``h`` of every step, beginning with ``h0``, ``(timesteps + 1, rows, H)``; the last ``h`` and
        ``c``; and a dict of what was saved, time-major.
    """
    norms, peep = weights.norms, weights.peephole
    steps, units = tf.shape(z[0])[0], c0.shape[-1]
    biases = [0.0] * 4 if weights.bias is None else tf.split(weights.bias, 4)
    if norms:
        z = _normalized(z[0], norms[0], norms[1])
    z = [_array(steps, c0, values=gate) for gate in z]
    product = _recurrent_product(weights.recurrent_kernel)
    keep = None if mask is None else _array(steps, c0, 1, _mask_column(mask))

    def body(t, h, c, arrays):
        arrays = dict(arrays)

        def stored(name, value):
            if not save:
                return value
            arrays[name] = arrays[name].write(t, value)
            return arrays[name].read(t)  # read back, so that XLA computes it in place

        used = h if drop is None else h * drop
        if norms:
            normal, scale = _standardize(used @ weights.recurrent_kernel)
            stored("u_scale", scale)
            u = tf.split(stored("u", normal) * norms[2] + norms[3], 4, 1)
        else:
            u = product(used)
        z_i, z_f, z_g, z_o = (gate.read(t) + v + b for gate, v, b in zip(z, u, biases, strict=True))
        if peep is not None:
            z_i, z_f = z_i + c * peep[0], z_f + c * peep[1]
        i, f = stored("i", tf.sigmoid(z_i)), stored("f", tf.sigmoid(z_f))
        g = stored("g", tf.tanh(z_g))
        new_c = f * c + i * g
        if norms:
            normal, scale = _standardize(new_c)
            stored("state_scale", scale)
            new_c = stored("state", normal) * norms[4] + norms[5]
        o = stored("o", tf.sigmoid(z_o if peep is None else z_o + new_c * peep[2]))
        new_h = o * tf.tanh(new_c)
        if keep is not None:
            m = keep.read(t)
            new_h, new_c = m * new_h + (1 - m) * h, m * new_c + (1 - m) * c
        arrays["h"] = arrays["h"].write(t + 1, new_h)  # this array begins with the first state
        if save:
            arrays["c"] = arrays["c"].write(t + 1, new_c)
        return t + 1, new_h, new_c, arrays

    arrays = {"h": _array(steps + 1, h0).write(0, h0)}
    if save:
        arrays["c"] = _array(steps + 1, c0).write(0, c0)
        arrays |= {name: _array(steps, c0) for name in "ifgo"}
        if norms:
            widths = {"u": 4 * units, "u_scale": 1, "state": units, "state_scale": 1}
            arrays |= {name: _array(steps, c0, width) for name, width in widths.items()}
    _, h, c, arrays = tf.while_loop(
        lambda t, *_: t < steps, body, (0, h0, c0, arrays), maximum_iterations=steps
    )
    saved = {name: array.stack() for name, array in arrays.items()}
    return saved.pop("h"), h, c, saved


@tf.function(jit_compile=True)
def _backward(weights: Weights, transposed, z, mask, drop, saved, upstream):
    """Runs the loop of the backward pass, up to the large matmuls.

    Args:
        weights: The weights without both kernels.
        transposed: The recurrent kernel, transposed.
        z: From `_project`; needed with layer normalization.
        mask: Bool ``(rows, timesteps)`` or None.
        drop: Dropout mask of ``h``, ``(rows, H)`` or None.
        saved: What `_forward` saved.
        upstream: Gradients of the outputs, time-major, and of the last ``h`` and ``c``.

    Returns:
        Gradients of ``x W`` and of ``h R``, ``(timesteps, rows, 4H)``, the latter None if equal; of
        ``(h0, c0)``; and of the other weights, by name.
    """
    d_hs, d_h, d_c = upstream
    norms, peep = weights.norms, weights.peephole
    steps, units = tf.shape(d_hs)[0], d_h.shape[-1]
    starts = {"h", "c"}  # these begin with the first state
    reads = {
        name: _array(steps + (name in starts), d_h, value.shape[-1], value)
        for name, value in saved.items()
    }
    incoming = _array(steps, d_h, values=d_hs)
    keep = None if mask is None else _array(steps, d_h, 1, _mask_column(mask))
    gates = tf.split(transposed, 4, 0)
    beyond = tf.zeros((tf.shape(d_h)[0], 0 if norms or units % _ALIASED else _LINE))

    def body(t, dh, dc, sums, place, arrays):
        sums, new = dict(sums), {}
        dh += incoming.read(t)
        live_h, live_c = dh, dc  # gradients of unmasked rows; those of masked rows pass unchanged
        if keep is not None:
            m = keep.read(t)
            live_h, live_c = m * dh, m * dc
        i, f, g, o = (reads[name].read(t) for name in "ifgo")
        c_before, c = reads["c"].read(t), reads["c"].read(t + 1)
        tanh_c = tf.tanh(c)
        dz_o = live_h * tanh_c * o * (1 - o)
        d_cell = live_c + live_h * o * (1 - tanh_c * tanh_c)
        if peep is not None:
            d_cell += dz_o * peep[2]
            sums["o"] += dz_o * c
        if norms:
            new["state"] = d_cell
            y, scale = reads["state"].read(t), reads["state_scale"].read(t)
            d_cell = _standardize_grad(d_cell * norms[4], y, scale)
        # Read back, or XLA would compute it again for each of its five uses.
        place = place.write(tf.minimum(t, 0), d_cell)
        d_cell = place.read(tf.minimum(t, 0))
        dz_i = d_cell * g * i * (1 - i)
        dz_f = d_cell * c_before * f * (1 - f)
        new_dc = d_cell * f
        if peep is not None:
            new_dc += dz_i * peep[0] + dz_f * peep[1]
            sums["i"] += dz_i * c_before
            sums["f"] += dz_f * c_before
        dz = [dz_i, dz_f, d_cell * i * (1 - g * g), dz_o]
        new["z"] = joint = tf.concat([*dz, beyond], 1)
        sums["z"] += tf.reduce_sum(joint, 0)
        if norms:
            y, scale = reads["u"].read(t), reads["u_scale"].read(t)
            new["u"] = joint = _standardize_grad(joint * norms[2], y, scale)
            dz = tf.split(joint, 4, 1)
        new_dh = tf.add_n([d @ k for d, k in zip(dz, gates, strict=True)])
        if drop is not None:
            new_dh *= drop
        if keep is not None:
            new_dh, new_dc = new_dh + (dh - live_h), new_dc + (dc - live_c)
        arrays = {name: array.write(t, new[name]) for name, array in arrays.items()}
        return t - 1, new_dh, new_dc, sums, place, arrays

    width = 4 * units + beyond.shape[1]
    sums = {"z": tf.zeros(width)}
    if peep is not None:
        sums |= {name: tf.zeros_like(d_h) for name in "ifo"}
    widths = {"z": width} | ({"u": 4 * units, "state": units} if norms else {})
    arrays = {name: _array(steps, d_h, width) for name, width in widths.items()}
    place = _array(2, d_h)  # holds one matrix; with length 1, XLA would optimize it away
    _, d_h0, d_c0, sums, _, arrays = tf.while_loop(
        lambda t, *_: t >= 0,
        body,
        (steps - 1, d_h, d_c, sums, place, arrays),
        maximum_iterations=steps,
    )
    d = {name: array.stack() for name, array in arrays.items()}
    grads = {"bias": sums["z"][: 4 * units] if weights.bias is not None else None}
    if peep is not None:
        grads["peephole"] = tf.stack([tf.reduce_sum(sums[name], 0) for name in "ifo"])
    if not norms:
        return d["z"], None, (d_h0, d_c0), grads
    normal, scale = _standardize(z[0])
    grads["norms"] = (
        tf.reduce_sum(d["z"] * normal, (0, 1)),
        sums["z"],
        tf.reduce_sum(d["z"] * saved["u"], (0, 1)),
        sums["z"],
        tf.reduce_sum(d["state"] * saved["state"], (0, 1)),
        tf.reduce_sum(d["state"], (0, 1)),
    )
    return _standardize_grad(d["z"] * norms[0], normal, scale), d["u"], (d_h0, d_c0), grads


for _function in (_forward, _backward):  # one trace for each shape is intended
    _function._omit_frequent_tracing_warning = True
