"""Measure a handwriting model: ``lstm-suite evaluate handwriting``.

How likely real ink is to it, and how well a recognizer reads what it writes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from apps.handwriting.config import HandwritingConfig
from apps.handwriting.data import load, shape_of, whole
from apps.handwriting.generate import BIAS, condition, open_handwriting
from apps.handwriting.ink import Ink, spelled, to_strokes
from apps.handwriting.judge import Judge, error_rate, rapidocr
from apps.handwriting.phrases import PHRASES
from apps.handwriting.write import Line, write_each
from apps.verbs.arguments import add_json, add_model_arguments, limited, report
from shared.decoding.mixture import START, PointOptions, score_points
from shared.errors import InputError
from shared.export.goldens import Example
from shared.generator import Generator

_ROWS = 64


def losses(
    generator: Generator, config: HandwritingConfig, items: Sequence[Ink], style: int = 0
) -> list[np.ndarray]:
    """Negative log-likelihood of every point of some ink, through `encode` and `step`.

    Args:
        generator: A handwriting model on any backend.
        config: The model's.
        items: What to score; batches are of like lengths.
        style: That the model is told.

    Returns:
        For each item, in no particular order, float64 ``(points,)``, the first row's included.
    """
    results = []
    for batch in whole(items, _ROWS):
        rows, points = batch["mask"].shape
        points = int(batch["mask"].any(0).sum())
        texts = [spelled(text) for text in batch["text"]]
        state = generator.encode(condition(config, texts, [style] * rows))
        found = score_points(generator, state, batch["targets"][:, :points], batch["end"])
        results += [found[k, batch["mask"][k, :points]] for k in range(rows)]
    return results


def nats_of(
    generator: Generator, config: HandwritingConfig, items: Sequence[Ink], style: int = 0
) -> dict[str, float]:
    """``nats_per_point`` and ``nats_per_char``: pen and end included, an item's first row not."""
    items = [item for item in items if shape_of(item)]
    found = losses(generator, config, items, style)
    total = sum(float(values[1:].sum()) for values in found)
    return {
        "nats_per_point": total / sum(len(values) - 1 for values in found),
        "nats_per_char": total / sum(len(item.text) for item in items),
    }


def figures_of(
    generator: Generator,
    config: HandwritingConfig,
    texts: Sequence[str],
    judge: Judge,
    seeds: int = 1,
    style: int = 0,
    bias: float = BIAS,
) -> tuple[dict[str, float], list[Line]]:
    """``cer`` of written texts, and ``good``, the share of lines without problems.

    Args:
        generator: A handwriting model on any backend.
        config: The model's.
        texts: To be written.
        judge: Who reads them.
        seeds: How often each is written: one draw each, whatever comes of it.
        style: See `HandwritingConfig.style_id`.
        bias: See `PointOptions`.
    """
    asked = [text for _ in range(seeds) for text in texts]
    lines: list[Line] = []
    for first in range(0, len(asked), _ROWS):
        part = asked[first : first + _ROWS]
        numbers = range(first, first + len(part))
        lines += write_each(generator, config, part, numbers, style, bias)
    read = [judge(to_strokes(line.rows)) for line in lines]
    values = {
        "cer": error_rate(asked, read),
        "ended": float(np.mean([line.result.finished for line in lines])),
        "good": float(np.mean([not line.problems for line in lines])),
    }
    return values, lines


def real_error_rate(items: Sequence[Ink], judge: Judge) -> float:
    """``cer_real``: the judge's own, on ink of people."""
    read = [judge(to_strokes(item.rows)) for item in items]
    return error_rate([item.text for item in items], read)


def open_judge(name: str) -> Judge | None:
    """RapidOCR, our own recognizer in a folder, or None for ``none`` and where there is none."""
    if name == "none":
        return None
    if name in ("auto", "rapidocr"):
        try:
            return rapidocr()
        except InputError as error:
            if name == "rapidocr":
                raise
            print(f"nobody reads what is written: {error}", file=sys.stderr)
            return None
    from apps.handwriting.recognizer import own_judge  # which needs TensorFlow

    return own_judge(name)


def load_lines(data: str, split: str, config: HandwritingConfig) -> list[Ink]:
    """The lines of a split, words if it has no lines, that are not too long."""
    items = [i for i in load(data, split, config.arc, config.turning) if shape_of(i)]
    return [item for item in items if not item.word] or items


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate handwriting``."""
    add = parser.add_argument
    add("--data", required=True, metavar="PATH", help="ink, as for training")
    add("--split", default="all", metavar="NAME", help="train, valid, withheld (lines of writers "
        "who are trained on) or all; default: %(default)s")  # fmt: skip
    add("--judge", default="auto", metavar="NAME", help="who reads what is written: rapidocr, "
        "none, or a folder of apps.handwriting.recognizer; default: rapidocr where it is "
        "installed")  # fmt: skip
    add("--phrases", action="store_true", help="write 96 phrases of our own, not the ink's texts")
    add("-n", "--lines", type=int, default=96, help="of the ink that are written and read; "
        "default: %(default)s")  # fmt: skip
    add("--seeds", type=int, default=1, help="draws of each; default: %(default)s")
    add("--bias", type=float, default=BIAS, help="default: %(default)s")
    add("--style", default="any", metavar="NAME|N", help="default: %(default)s")
    add_model_arguments(parser, backend="keras")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite evaluate handwriting``."""
    for name in ("lines", "seeds"):
        if getattr(args, name) < 1:
            raise InputError(f"--{name} must be 1 or more, not {getattr(args, name)}")
    PointOptions(bias=args.bias)
    judge = open_judge(args.judge)
    opened, config = open_handwriting(args)
    style = config.style_id(args.style)
    items = load_lines(args.data, args.split, config)
    values: dict[str, Any] = {
        "n": len(items),
        "preset": opened.name,
        "backend": opened.backend,
        "precision": opened.precision,
        **nats_of(opened.generator, config, items, style),
        "resampling": f"{config.arc:g}/{config.turning:g}",
    }
    if judge:
        chosen = limited(items, args.lines)
        texts = list(PHRASES) if args.phrases else [item.text for item in chosen]
        figures, _ = figures_of(
            opened.generator, config, texts, judge, args.seeds, style, args.bias
        )
        values |= {**figures, "cer_real": real_error_rate(chosen, judge)}
        values |= {"bias": args.bias, "style": args.style, "written": len(texts) * args.seeds}
    report(args, values, "\n".join(f"{name:20} {value}" for name, value in values.items()))


# What export needs to know of the app.


def export_parts(
    config: HandwritingConfig, split: str, data: str = "", limit: int = 12
) -> Mapping[str, Any]:
    """Examples, task metric and decoding defaults for `shared.export.pipeline.export_bundle`."""
    if not data:
        raise InputError("export handwriting needs --data: ink to measure on, as for evaluate")
    items = load_lines(data, split, config)
    sample = limited(items, limit)
    return {
        "examples": [example(item, config) for item in sample[:4] or items],
        "metric": lambda generator: nats_of(generator, config, sample),
        "measured": f"{len(sample)} of {len(items)} lines, {split}",
        "decoding": {"strategy": "mixture", "bias": BIAS},
        "special_ids": {"padding": 0, "space": 1},
        "normalization": {
            "text": "character code - 31, 0 is padding",
            "point": "dx, dy in x-heights, y up; 1 where the pen is lifted; 0, 0, 1 at first",
            "mixture": "6 M + 2: see shared/layers/mixture.py",
        },
    }


def example(item: Ink, config: HandwritingConfig, points: int = 24) -> Example:
    """What an export is compared on: the beginning of some ink."""
    rows = np.concatenate([np.array([START], np.float32), item.rows[: points - 1]])
    symbols = [{"point": row[None]} for row in rows]
    return Example(condition(config, [item.text], [0]), symbols)
