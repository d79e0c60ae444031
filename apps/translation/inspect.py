"""Look into the decoder while it translates: ``lstm-suite inspect translation``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from apps.translation.config import TranslationConfig
from apps.translation.generate import build_model, choose_direction, open_tokenizer
from apps.translation.output import add_direction_arguments, chosen_directions
from apps.translation.translate import DECODING, Translation, condition, source_ids, translate
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
from shared.text import START, Tokenizer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``inspect translation``."""
    parser.add_argument("text", nargs="+", help="a sentence")
    parser.add_argument("-o", "--output", default="gates.png", metavar="FILE.png")
    parser.add_argument("--layer", type=int, default=1, help="of the decoder, from 1, the lowest")
    parser.add_argument("--units", type=int, default=32, help="shown; those that change most")
    parser.add_argument("--preset", metavar="NAME", help="a trained model, or its folder's path")
    add_direction_arguments(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite inspect translation``."""
    preset = find_preset("translation", args.preset)
    config = config_from_json(TranslationConfig, preset.config, preset.folder)
    if not 1 <= args.layer <= len(config.decoder_units) or args.units < 1:
        raise InputError(f"--layer must be 1 to {len(config.decoder_units)}, --units at least 1")
    if config.input_feeding:
        raise InputError(f"{preset.name} has input feeding, whose gates are not traced")
    text = " ".join(args.text)
    if not text.strip():
        raise InputError("nothing to translate; give a sentence")
    tokenizer = open_tokenizer(preset.folder)
    target = choose_direction(text, chosen_directions(args, config))[1]
    source = source_ids(tokenizer, config, text, target)
    model = load_model(preset, build_model)
    options = DecodingOptions(**DECODING)
    [[found]] = translate(KerasBackend(model), config, tokenizer, [text], [target], options)
    labels, trace = gates(model, tokenizer, source, found, args.layer - 1)
    cell = trace[:, GATES.index("cell")]
    busy = np.argsort(-np.abs(np.diff(cell, axis=0)).sum(0))[: args.units]
    picture = gate_trace(trace[:, :, busy], labels, title=f"{text}\n{found.text}")
    write_bytes(args.output, picture)
    means = dict(zip(GATES, trace.mean((0, 2)).tolist(), strict=True))
    shares = ", ".join(f"{name} {value:.2f}" for name, value in means.items())
    report(
        args,
        {
            "preset": preset.name,
            "translation": found.text,
            "layer": args.layer,
            "steps": len(trace),
            "means": means,
            "file": str(args.output),
        },
        f"{found.text}\nwrote {Path(args.output)}; means: {shares}",
    )


def gates(
    model, tokenizer: Tokenizer, source: list[int], found: Translation, layer: int
) -> tuple[list[str], np.ndarray]:
    """The subwords that the decoder read, and a layer's gates ``(steps, 5, units)``."""
    import tensorflow as tf

    symbols = [START, *tokenizer.encode(found.text)]
    given = condition([source], len(source))
    batch = {
        "source": tf.constant(given["source"]),
        "source_mask": tf.constant(given["source_mask"] > 0),
        "inputs": tf.constant([symbols]),
    }
    return tokenizer.pieces(symbols), model.gates(batch)[layer][0].numpy()
