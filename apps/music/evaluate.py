"""Measure a chorale model: ``lstm-suite evaluate music``.

By default how likely real pieces are to it; with ``--generate`` how its own compare with them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.music.compare import Copies, measure, table
from apps.music.config import MusicConfig
from apps.music.corpus import read_folder
from apps.music.data import read_split, whole_pieces
from apps.music.generate import (
    MAX_BARS,
    UPBEATS,
    check_length,
    compose,
    condition,
    open_music,
    plan,
    step_inputs,
)
from apps.music.key import parse_key
from apps.music.output import DECODING, check_range
from apps.music.piece import END, HOLD, SILENCE, START, VOICE_ORDER, Piece
from apps.music.rules import RULES
from apps.music.score import musicxml
from apps.music.splits import bach_splits
from apps.verbs.arguments import add_json, add_model_arguments, limited, report
from shared.decoding import DecodingOptions
from shared.decoding.likelihood import score
from shared.errors import InputError
from shared.export.goldens import Example
from shared.files import write_text
from shared.generator import Generator
from shared.presets.open import Opened

BACH = "bach"
_ROWS = 16
KEYS = [parse_key(k) for k in ("G", "Am", "F", "Em", "D", "Gm", "C", "Dm", "Bb", "Bm", "A", "Cm")]
"""Of generated pieces, by turns: the keys of most chorales."""


def nats(
    generator: Generator,
    pieces: Sequence[Piece],
    config: MusicConfig,
    given: bool = False,
    alone: bool = False,
) -> list[np.ndarray]:
    """Negative log-likelihood of every note of every piece, through `encode` and `step`.

    Args:
        generator: A music model on any backend.
        pieces: What to score, each from its beginning.
        config: The model's.
        given: Whether the model is told the melody beforehand, as to harmonize it.
        alone: Whether it hears the soprano alone; what it says of the other voices means little.

    Returns:
        For each piece float32 ``(steps, 4)``, voices in `VOICE_ORDER`; every voice of every step
        counts, silence too, the end does not.
    """
    results: dict[int, np.ndarray] = {}
    for batch in whole_pieces(pieces, _ROWS, config.holds):
        frames, features = batch["frames"], batch["features"]
        chosen = [pieces[index] for index in batch["index"]]
        state = generator.encode(condition(config, chosen, features, given))

        def inputs(place, last, features=features):
            t, voice = divmod(place, len(VOICE_ORDER))
            if alone and voice != 1:  # only the soprano, the first voice, is heard
                last = np.full_like(last, START)
            return step_inputs(config, last, t, voice, features[:, t])

        notes = frames[:, 1 : features.shape[1] + 1]
        symbols = notes.reshape(len(notes), -1)
        losses = score(generator, state, symbols, start=START, inputs=inputs)
        losses = losses.reshape(notes.shape).astype(np.float32)
        for row, index in enumerate(batch["index"]):
            results[int(index)] = losses[row, : len(pieces[index])]
    return [results[index] for index in range(len(pieces))]


def summarize(losses: Sequence[np.ndarray]) -> dict[str, float]:
    """``nats_per_note``, the mean over notes, and ``nats_per_note_piece``, of pieces' means."""
    return {
        "nats_per_note": float(np.concatenate([loss.ravel() for loss in losses]).mean()),
        "nats_per_note_piece": float(np.mean([loss.mean() for loss in losses])),
    }


def figures_of(
    generator: Generator, pieces: Sequence[Piece], config: MusicConfig
) -> dict[str, float]:
    """`summarize`, and for a model that harmonizes that of parts of the voices.

    ``nats_lower`` is of the three lower voices, without the melody being known beforehand,
    ``nats_lower_harmonized`` with. ``nats_melody`` is of the soprano among the other voices,
    ``nats_melody_alone`` of the soprano when none of them is heard.
    """
    for piece in pieces if config.encoder_units else ():
        check_length(piece, config)  # now, not after minutes
    losses = nats(generator, pieces, config)
    figures = summarize(losses)
    if config.encoder_units:
        told = nats(generator, pieces, config, given=True)
        alone = nats(generator, pieces, config, alone=True)
        lower, melody = slice(1, None), slice(0, 1)
        for name, values, voices in (
            ("nats_lower", losses, lower),
            ("nats_lower_harmonized", told, lower),
            ("nats_melody", losses, melody),
            ("nats_melody_alone", alone, melody),
        ):
            figures[name] = summarize([loss[:, voices] for loss in values])["nats_per_note"]
    return figures


def load_pieces(data: str, split: str) -> list[Piece]:
    """The pieces that ``--data`` and ``--split`` name.

    Args:
        data: ``bach`` for music21's chorales, a file in the canonical JSON format, or a folder
            of scores, which has no splits.
        split: ``train``, ``valid`` or ``test``, or what the file calls its parts.
    """
    if data == BACH:
        splits = bach_splits()
        if split not in splits:
            raise InputError(f"{BACH} has no split {split!r}; it has: {', '.join(splits)}")
        return splits[split]
    return read_folder(data)[0] if Path(data).is_dir() else read_split(data, split)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate music``."""
    parser.add_argument("--data", default=BACH, metavar="FILE", help="canonical JSON, a folder of "
                        "scores, or 'bach' for music21's chorales (default)")  # fmt: skip
    parser.add_argument("--split", metavar="NAME", help="default: test; with --generate: valid")
    parser.add_argument("--generate", type=int, metavar="N", help="compose N pieces, seeds 0 to "
                        "N-1, and compare them with those of the split")  # fmt: skip
    parser.add_argument("--bars", type=int, default=16, help="of each; default: %(default)s")
    parser.add_argument("-o", "--output", metavar="DIR", help="keep them there, as MusicXML")
    add_model_arguments(parser, backend="keras")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite evaluate music``."""
    if args.generate is not None:
        _compare(args)
        return
    pieces = load_pieces(args.data, args.split or "test")
    opened, config = open_music(args)
    figures = figures_of(opened.generator, pieces, config)
    values = {"n": len(pieces), **_header(opened), **figures}
    report(args, values, "\n".join(f"{name:20} {value}" for name, value in values.items()))


def _header(opened: Opened) -> dict[str, Any]:
    return {"preset": opened.name, "backend": opened.backend, "precision": opened.precision}


def _compare(args: argparse.Namespace) -> None:
    """The table of `apps.music.compare`, over what the model makes and real pieces."""
    check_range("--generate", args.generate, 1, 1000)
    check_range("--bars", args.bars, 1, MAX_BARS)
    real = load_pieces(args.data, args.split or "valid")
    folder = Path(args.data).is_dir()  # of scores: no splits
    copies = Copies(real if folder else load_pieces(args.data, "train"))
    opened, config = open_music(args)
    plans = [
        plan(args.bars, KEYS[k % len(KEYS)], upbeat=4 * UPBEATS["4/4"])
        for k in range(args.generate)
    ]
    tasks = {"generated": (plans, tuple(RULES)), "no_rules": (plans, ())}
    if config.encoder_units:
        melodies = [piece for piece in real if len(piece) <= config.frames]
        tasks["harmonized"] = (melodies[: args.generate], tuple(RULES))
    made = {"real": real}
    for name, (outlines, rules) in tasks.items():
        melody = name == "harmonized"
        made[name] = generate(opened.generator, config, outlines, rules, melody)
        print(f"{len(made[name])} pieces: {name}", file=sys.stderr)
    columns = {name: measure(pieces, copies) for name, pieces in made.items()}
    if args.output:
        for name in set(made) - {"real"}:
            for index, piece in enumerate(made[name]):
                write_text(Path(args.output) / f"{name}-{index:02}.musicxml", musicxml(piece))
    flat = {f"{name}_{key}": v for name, values in columns.items() for key, v in values.items()}
    values = {"n": args.generate, "n_real": len(real), "bars": args.bars, **_header(opened), **flat}
    report(args, values, table(columns))


def generate(
    generator: Generator,
    config: MusicConfig,
    outlines: Sequence[Piece],
    rules: Sequence[str],
    melody: bool = False,
) -> list[Piece]:
    """What ``compose`` (`melody`: ``harmonize``) makes of some plans by default, seeds from 0."""
    return [
        compose(
            generator, config, outline, DecodingOptions(**DECODING, seed=seed), melody, rules=rules
        )
        for seed, outline in enumerate(outlines)
    ]


# What export needs to know of the app.


def export_parts(
    config: MusicConfig, split: str, data: str = BACH, limit: int = 12
) -> Mapping[str, Any]:
    """Examples, task metric and decoding defaults for `shared.export.pipeline.export_bundle`."""
    pieces = load_pieces(data, split)
    sample = limited(pieces, limit)
    return {
        "examples": [_example(piece, config) for piece in sample[:4]],
        "metric": lambda generator: figures_of(generator, sample, config),
        "measured": f"{len(sample)} of {len(pieces)} pieces, {split}",
        "decoding": {**DECODING, "voice_order": list(VOICE_ORDER)},
        "special_ids": {"silence": SILENCE, "start": START, "end": END, "hold": HOLD},
        "normalization": {
            "symbol": "4 + MIDI pitch - 36",
            "features": "position, phase, fermata, fermata_in, last_bar: see apps/music/piece.py",
        },
    }


def _example(piece: Piece, config: MusicConfig, frames: int = 6) -> Example:
    [batch] = whole_pieces([piece], 1, config.holds)
    rows, symbols, last = batch["features"], [], START
    for t in range(frames):
        for voice in range(len(VOICE_ORDER)):
            symbols.append(step_inputs(config, np.array([last], np.int32), t, voice, rows[:, t]))
            last = int(batch["frames"][0, t + 1, voice])
    return Example(condition(config, [piece], rows, bool(config.encoder_units)), symbols)
