"""Traces the gates of the LSTM layers while a line is written. Needs TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

from apps.handwriting.data import stack
from apps.handwriting.lines import BIAS, Line, write_lines
from shared.application import Trace
from shared.errors import InputError
from shared.presets.open import Opened


def trace(
    opened: Opened, text: str, style: str | int = 0, bias: float = BIAS, seed: int = 0
) -> Trace:
    """Writes a line with a Keras model, and traces the gates of all layers.

    Args:
        opened: A model on the backend ``keras``.
        text: The line.
        style: Name or number of the style.
        bias: Probability bias, see `PointOptions`.
        seed: Seed of the sample.

    Raises:
        InputError: There is no text, or it cannot be written.
    """
    import tensorflow as tf

    if not text.strip():
        raise InputError("nothing to write; give a line")
    number = opened.config.style_id(style)
    [line] = write_lines(opened.generator, opened.config, [text], number, bias, seed)
    shape = (len(line.rows), len(line.text))
    batch = stack([line.rows], [line.text], np.array([number]), shape)
    tensors = {name: tf.constant(value) for name, value in batch.items()}
    backend: Any = opened.generator
    layers = [layer[0].numpy() for layer in backend.model.gates(tensors)]
    return Trace(layers, f"{text} written by {opened.name}", labels(line))


def labels(line: Line) -> list[str]:
    """Finds the character with the largest attention weight at each point."""
    assert line.result.attention is not None
    places = line.result.attention[:, : len(line.text)].argmax(1)
    return [line.text[k].replace("$", r"\$") for k in places]
