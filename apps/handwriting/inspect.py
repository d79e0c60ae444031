"""Look into the LSTM while it writes: ``lstm-suite inspect handwriting``. Needs TensorFlow."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from apps.handwriting.config import HandwritingConfig
from apps.handwriting.data import stack
from apps.handwriting.generate import build_model
from apps.handwriting.write import BIAS, Line, write_lines
from apps.verbs.arguments import add_json, add_seed, report
from shared.backends.keras_model import KerasBackend
from shared.errors import InputError
from shared.files import write_bytes
from shared.layers import GATES
from shared.plots import gate_trace
from shared.presets.catalog import find_preset
from shared.presets.open import load_model
from shared.presets.store import config_from_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``inspect handwriting``."""
    parser.add_argument("text", nargs="+", help="a line to write")
    parser.add_argument("-o", "--output", default="gates.png", metavar="FILE.png")
    parser.add_argument("--layer", type=int, default=1, help="from 1, the lowest")
    parser.add_argument("--units", type=int, default=32, help="shown; those that change most")
    parser.add_argument("--style", default="any", metavar="NAME|N", help="default: %(default)s")
    parser.add_argument("--bias", type=float, default=BIAS, help="default: %(default)s")
    parser.add_argument("--preset", metavar="NAME", help="a trained model, or its folder's path")
    add_seed(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite inspect handwriting``."""
    preset = find_preset("handwriting", args.preset)
    config = config_from_json(HandwritingConfig, preset.config, preset.folder)
    if not 1 <= args.layer <= len(config.units) or args.units < 1:
        raise InputError(f"--layer must be 1 to {len(config.units)}, --units at least 1")
    text = " ".join(args.text)
    if not text.strip():
        raise InputError("nothing to write; give a line")
    style = config.style_id(args.style)
    model = load_model(preset, build_model)
    [line] = write_lines(KerasBackend(model), config, [text], style, args.bias, args.seed)
    trace = gates(model, line, style)[args.layer - 1]
    cell = trace[:, GATES.index("cell")]
    busy = np.argsort(-np.abs(np.diff(cell, axis=0)).sum(0))[: args.units]
    title = f"{text} written by {preset.name}, layer {args.layer}"
    write_bytes(args.output, gate_trace(trace[:, :, busy], labels(line), title=title))
    means = dict(zip(GATES, trace.mean((0, 2)).tolist(), strict=True))
    shares = ", ".join(f"{name} {value:.2f}" for name, value in means.items())
    values = {"preset": preset.name, "layer": args.layer, "steps": len(trace), "means": means}
    report(
        args, {**values, "file": str(args.output)}, f"wrote {Path(args.output)}; means: {shares}"
    )


def gates(model, line: Line, style: int) -> list[np.ndarray]:
    """For each layer ``(points, 5, units)`` in the order of `shared.layers.GATES`."""
    import tensorflow as tf

    shape = (len(line.rows), len(line.text))
    batch = stack([line.rows], [line.text], np.array([style]), shape)
    tensors = {name: tf.constant(value) for name, value in batch.items()}
    return [trace[0].numpy() for trace in model.gates(tensors)]


def labels(line: Line) -> list[str]:
    """For each point the character that the window saw most."""
    assert line.result.attention is not None
    places = line.result.attention[:, : len(line.text)].argmax(1)
    return [line.text[k].replace("$", r"\$") for k in places]
