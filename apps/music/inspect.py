"""Look into the LSTM while it reads a chorale: ``lstm-suite inspect music``. Needs TensorFlow."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from apps.music.corpus import read_score
from apps.music.data import whole_pieces
from apps.music.generate import build_model
from apps.music.piece import Piece
from apps.verbs.arguments import add_json, report
from shared.errors import InputError
from shared.files import write_bytes
from shared.layers import GATES
from shared.plots import gate_trace
from shared.presets.catalog import find_preset
from shared.presets.open import load_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``inspect music``."""
    parser.add_argument("input", help="a four-part piece: MIDI, MusicXML or ABC")
    parser.add_argument("-o", "--output", default="gates.png", metavar="FILE.png")
    parser.add_argument("--layer", type=int, default=1, help="from 1, the lowest")
    parser.add_argument("--units", type=int, default=32, help="shown; those that change most")
    parser.add_argument("--steps", type=int, default=128, help="16ths from the beginning")
    parser.add_argument("--preset", metavar="NAME", help="a trained model, or its folder's path")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite inspect music``."""
    piece = read_score(args.input)
    preset = find_preset("music", args.preset)
    layers = len(preset.config["units"])
    if not 1 <= args.layer <= layers or args.units < 1 or args.steps < 1:
        raise InputError(f"--layer must be 1 to {layers}, --units and --steps at least 1")
    trace = gates(load_model(preset, build_model), piece, args.steps)[args.layer - 1]
    write_bytes(
        args.output,
        picture(
            piece,
            trace,
            args.units,
            f"{Path(args.input).name} read by {preset.name}, layer {args.layer}",
        ),
    )
    means = dict(zip(GATES, trace.mean((0, 2)).tolist(), strict=True))
    values = {"preset": preset.name, "layer": args.layer, "steps": len(trace), "means": means}
    shares = ", ".join(f"{name} {value:.2f}" for name, value in means.items())
    report(
        args, {**values, "file": str(args.output)}, f"wrote {Path(args.output)}; means: {shares}"
    )


def gates(model, piece: Piece, steps: int) -> list[np.ndarray]:
    """For each layer ``(steps, 5, units)`` in the order of `shared.layers.GATES`."""
    import tensorflow as tf

    [batch] = whole_pieces([piece], 1, model.config.holds)
    count = min(steps, len(piece))
    cut = {
        name: tf.constant(batch[name][:, : count + extra])
        for name, extra in (
            ("frames", 1),
            ("sounding", 1),
            ("ages", 1),
            ("features", 0),
            ("mask", 0),
        )
    }
    return [trace[0].numpy() for trace in model.gates(cut)]


def picture(piece: Piece, trace: np.ndarray, units: int, title: str) -> bytes:
    """The notes above the gates of the units whose cell state changes most, as a PNG."""
    cell = trace[:, GATES.index("cell")]
    busy = np.argsort(-np.abs(np.diff(cell, axis=0)).sum(0))[:units]
    steps = slice(len(trace))
    return gate_trace(
        trace[:, :, busy],
        pitches=piece.pitches[steps],
        strikes=piece.strikes[steps],
        bars=np.flatnonzero(piece.position[steps] == 0).tolist(),
        title=title,
    )
