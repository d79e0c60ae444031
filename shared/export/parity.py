"""Comparison of converted models with the Keras model: outputs, task metrics and latency."""

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
    """Compares the outputs of two generators on examples, each run on its own states.

    Returns:
        ``{"encode/h": {"max_abs": ..., "max_rel": ...}, ...}``. ``max_rel`` is the difference
        relative to the tensor's largest value or 1, whichever is larger (`difference`).

    Raises:
        ValueError: A generator computed NaN.
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
    """Runs `compare` and the task metric for every candidate; returns JSON values."""
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
    """Measures the median milliseconds of ``encode`` and of ``step``, after a warm-up run."""

    def timed(function: Callable, *arguments: Any) -> tuple[float, Any]:
        start = time.perf_counter()
        result = function(*arguments)
        return 1000 * (time.perf_counter() - start), result

    example = examples[0]
    state = generator.encode(example.condition)
    encodes = [timed(generator.encode, example.condition)[0] for _ in range(max(3, repeats // 5))]
    steps = []
    for i in range(repeats + 1):
        symbol = example.symbols[i % len(example.symbols)]
        spent, (_, state) = timed(generator.step, symbol, state)
        steps.append(spent)
    return {"encode": statistics.median(encodes), "step": statistics.median(steps[1:])}


def machine() -> str:
    """Describes this machine, for the latencies."""
    return f"{platform.system()} {platform.machine()}, 1 of {os.cpu_count()} cores"
