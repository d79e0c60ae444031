"""Look into the decoder while it captions: ``lstm-suite inspect captioning``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from apps.captioning.caption import DECODING, caption
from apps.captioning.config import CaptioningConfig
from apps.captioning.generate import build_model
from apps.captioning.photos import load_photo
from apps.captioning.words import open_tokenizer
from apps.verbs.arguments import add_json, report
from shared.backends.keras_model import KerasBackend
from shared.decoding import DecodingOptions
from shared.errors import InputError
from shared.files import write_bytes
from shared.layers import GATES
from shared.plots import gate_trace
from shared.presets.catalog import find_preset
from shared.presets.open import load_model
from shared.presets.store import config_from_json
from shared.text import START


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``inspect captioning``."""
    parser.add_argument("photo", help="a photo's file")
    parser.add_argument("-o", "--output", default="gates.png", metavar="FILE.png")
    parser.add_argument("--layer", type=int, default=1, help="of the decoder, from 1, the lowest")
    parser.add_argument("--units", type=int, default=32, help="shown; those that change most")
    parser.add_argument("--preset", metavar="NAME", help="a trained model, or its folder's path")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite inspect captioning``."""
    preset = find_preset("captioning", args.preset)
    config = config_from_json(CaptioningConfig, preset.config, preset.folder)
    layers = 2 if config.decoder == "up-down" else 1
    if not 1 <= args.layer <= layers or args.units < 1:
        raise InputError(f"--layer must be 1 to {layers}, --units at least 1")
    photo = load_photo(args.photo, config)
    tokenizer = open_tokenizer(preset.folder)
    model = load_model(preset, build_model)
    options = DecodingOptions(**DECODING)
    [[found]] = caption(KerasBackend(model), tokenizer, [photo], options)
    symbols = [START, *tokenizer.encode(found.plain)]
    trace = gates(model, photo, symbols, args.layer - 1)
    cell = trace[:, GATES.index("cell")]
    busy = np.argsort(-np.abs(np.diff(cell, axis=0)).sum(0))[: args.units]
    picture = gate_trace(trace[:, :, busy], tokenizer.pieces(symbols), title=found.text)
    write_bytes(args.output, picture)
    means = dict(zip(GATES, trace.mean((0, 2)).tolist(), strict=True))
    shares = ", ".join(f"{name} {value:.2f}" for name, value in means.items())
    report(
        args,
        {
            "preset": preset.name,
            "caption": found.text,
            "layer": args.layer,
            "steps": len(trace),
            "means": means,
            "file": str(args.output),
        },
        f"{found.text}\nwrote {Path(args.output)}; means: {shares}",
    )


def gates(model, photo: np.ndarray, symbols: list[int], layer: int) -> np.ndarray:
    """A layer's gates ``(steps, 5, units)`` while the decoder reads these tokens."""
    import tensorflow as tf

    features = model.sight.first(tf.constant(photo[None], tf.float32))
    return model.gates(features, tf.constant([symbols]))[layer][0].numpy()
