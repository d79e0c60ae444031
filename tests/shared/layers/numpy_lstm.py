"""The published equations once more, in NumPy and apart from the code under test."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def norm(x, gamma, beta):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta


def step(cell, x, h, c, dropout=1.0, recurrent_dropout=1.0):
    """One step of an `LSTMCell`, without training's zoneout.

    Returns:
        The next ``h`` and ``c``, and the gates ``(batch, 5, units)`` i, f, g, o, c.
    """
    weights = {w.name: np.asarray(w, "float64") for w in cell.weights}
    z_x = (x * dropout) @ weights["kernel"]
    z_h = (h * recurrent_dropout) @ weights["recurrent_kernel"]
    if cell.layer_norm:  # Ba, Kiros and Hinton 2016
        z_x = norm(z_x, weights["kernel_gamma"], weights["kernel_beta"])
        z_h = norm(z_h, weights["recurrent_gamma"], weights["recurrent_beta"])
    z = z_x + z_h + weights.get("bias", 0)
    n = cell.units
    if cell.coupled:  # CIFG, Greff et al. 2017
        z_f, z_g, z_o = z[:, :n], z[:, n : 2 * n], z[:, 2 * n :]
        z_i = None
    else:
        z_i, z_f, z_g, z_o = z[:, :n], z[:, n : 2 * n], z[:, 2 * n : 3 * n], z[:, 3 * n :]
    peep = weights.get("peephole_kernel", np.zeros((2 if cell.coupled else 3, n)))
    f = sigmoid(z_f + peep[-2] * c)  # Gers and Schmidhuber 2000
    i = 1 - f if cell.coupled else sigmoid(z_i + peep[0] * c)
    g = np.tanh(z_g)
    new_c = f * c + i * g
    if cell.layer_norm:
        new_c = norm(new_c, weights["state_gamma"], weights["state_beta"])
    o = sigmoid(z_o + peep[-1] * new_c)
    new_h = o * np.tanh(new_c)
    if cell.projection:  # LSTMP, Sak, Senior and Beaufays 2014
        new_h = new_h @ weights["projection_kernel"]
    keep_h, keep_c = cell.zoneout  # Krueger et al. 2017, the expectation
    new_h = keep_h * h + (1 - keep_h) * new_h
    new_c = keep_c * c + (1 - keep_c) * new_c
    return new_h, new_c, np.stack([i, f, g, o, new_c], 1)


def sequence(cell, x, h, c, mask=None, **masks):
    """`step` repeated over ``(batch, timesteps, features)``; a masked step is left out.

    Returns:
        ``(batch, timesteps, ...)`` outputs and gates, zero until the first unmasked step, and
        the last ``h`` and ``c``.
    """
    mask = np.ones(x.shape[:2], bool) if mask is None else mask
    out, shown = np.zeros_like(h), np.zeros((len(x), 5, cell.units))
    outputs, gates = [], []
    for t in range(x.shape[1]):
        new_h, new_c, new_gates = step(cell, x[:, t], h, c, **masks)
        m = mask[:, t, None]
        h, c = np.where(m, new_h, h), np.where(m, new_c, c)
        out = np.where(m, new_h, out)
        shown = np.where(m[:, :, None], new_gates, shown)
        outputs.append(out)
        gates.append(shown)
    return np.stack(outputs, 1), np.stack(gates, 1), h, c
