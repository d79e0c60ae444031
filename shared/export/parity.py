"""How far a converted model is from the Keras model: in numbers, on the task, in time."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from shared.export.goldens import Example, difference
from shared.generator import Generator

Metric = Callable[[Generator], Mapping[str, float]]
PARITY = "parity.json"


def compare(reference: Generator, candidate: Generator, examples: Sequence[Example]) -> dict:
    """Walk both through the examples, each with the states that it computed itself.

    Returns:
        ``{"encode/h": {"max_abs": ..., "max_rel": ...}, ...}``; ``max_rel`` is the difference
        over the tensor's largest value, or over 1 if that is larger (`difference`).

    Raises:
        ValueError: One of them computed a NaN.
    """
    report: dict[str, dict[str, float]] = {}

    def note(what: str, expected: Mapping, got: Mapping) -> None:
        for name in expected:
            gap, relative = difference(expected[name], got[name])
            if np.isnan(gap):
                raise ValueError(f"{what}/{name}: not a number (NaN)")
            entry = report.setdefault(f"{what}/{name}", {"max_abs": 0.0, "max_rel": 0.0})
            entry["max_abs"] = max(entry["max_abs"], gap)
            entry["max_rel"] = max(entry["max_rel"], relative)

    for example in examples:
        left, right = reference.encode(example.condition), candidate.encode(example.condition)
        note("encode", left, right)
        for symbol in example.symbols:
            expected, left = reference.step(symbol, left)
            got, right = candidate.step(symbol, right)
            replaced = reference.signature.state
            note("step", expected, got)
            note("step", {n: left[n] for n in replaced}, {n: right[n] for n in replaced})
    return report


def parity(
    reference: Generator,
    candidates: Mapping[str, Generator],
    examples: Sequence[Example],
    metric: Metric | None = None,
) -> dict[str, Any]:
    """`compare` and the app's task metric for every candidate, as JSON."""
    report: dict[str, Any] = {
        "examples": len(examples),
        "steps": sum(len(example.symbols) for example in examples),
        "keras": {"metric": dict(metric(reference)) if metric else {}},
    }
    for name, candidate in candidates.items():
        report[name] = {
            "tensors": compare(reference, candidate, examples),
            "metric": dict(metric(candidate)) if metric else {},
        }
    return report


def latency(
    generator: Generator, examples: Sequence[Example], repeats: int = 50
) -> dict[str, float]:
    """Median milliseconds of one ``encode`` and one ``step``, after a first run that warms up."""

    def timed(function: Callable, *arguments: Any) -> tuple[float, Any]:
        start = time.perf_counter()
        result = function(*arguments)
        return 1000 * (time.perf_counter() - start), result

    example = examples[0]
    state = generator.encode(example.condition)
    encodes = [timed(generator.encode, example.condition)[0] for _ in range(max(3, repeats // 5))]
    steps = []
    for turn in range(repeats + 1):
        symbol = example.symbols[turn % len(example.symbols)]
        spent, (_, state) = timed(generator.step, symbol, state)
        steps.append(spent)
    return {"encode": statistics.median(encodes), "step": statistics.median(steps[1:])}


def machine() -> str:
    """What the milliseconds were measured on."""
    return f"{platform.system()} {platform.machine()}, 1 of {os.cpu_count()} cores"
