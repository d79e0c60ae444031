"""Comparison of converted models with the Keras model: outputs, task metrics and latency."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from shared.errors import InputError
from shared.export.goldens import Example, difference
from shared.generator import Generator, with_one_memory

Metric = Callable[[Generator], Mapping[str, float]]
PARITY = "parity.json"


def compare(
    reference: Generator, candidate: Generator, examples: Sequence[Example], beam: int = 0
) -> dict:
    """Compares the outputs of two generators on examples, each run on its own states.

    Args:
        reference: What is right.
        candidate: What is compared with it.
        examples: What both are run on.
        beam: Hypotheses that share a memory, to be stepped at once; or 0.

    Returns:
        ``{"encode/h": {"max_abs": ..., "max_rel": ...}, ...}``. ``max_rel`` is the difference
        relative to the tensor's largest value or 1, whichever is larger (`difference`).

    Raises:
        InputError: A generator computed NaN.
    """
    report: dict[str, dict[str, float]] = {}

    def note(what: str, expected: Mapping, got: Mapping) -> None:
        for name in expected:
            gap, relative = difference(expected[name], got[name])
            if np.isnan(gap):
                raise InputError(
                    f"{what}/{name}: not a number (NaN); the weights may be too large, train again "
                    "with a lower rate"
                )
            entry = report.setdefault(f"{what}/{name}", {"max_abs": 0.0, "max_rel": 0.0})
            entry["max_abs"] = max(entry["max_abs"], gap)
            entry["max_rel"] = max(entry["max_rel"], relative)

    for example in examples:
        left, right = reference.encode(example.condition), candidate.encode(example.condition)
        note("encode", left, right)
        memory, replaced = reference.signature.memory, reference.signature.state
        if beam:
            symbol = example.beam_symbols(beam)
            expected, then = reference.step(symbol, with_one_memory(left, memory, beam))
            got, now = candidate.step(symbol, with_one_memory(right, memory, beam))
            note("beam_step", expected, got)
            note("beam_step", {n: then[n] for n in replaced}, {n: now[n] for n in replaced})
        for symbol in example.symbols:
            expected, left = reference.step(symbol, left)
            got, right = candidate.step(symbol, right)
            note("step", expected, got)
            note("step", {n: left[n] for n in replaced}, {n: right[n] for n in replaced})
    return report


def parity(
    reference: Generator,
    candidates: Mapping[str, Generator],
    examples: Sequence[Example],
    metric: Metric | None = None,
    beam: int = 0,
) -> dict[str, Any]:
    """Runs `compare` and the task metric for every candidate; returns JSON values."""
    report: dict[str, Any] = {
        "examples": len(examples),
        "steps": sum(len(example.symbols) for example in examples),
        "keras": {"metric": dict(metric(reference)) if metric else {}},
    }
    for name, candidate in candidates.items():
        report[name] = {
            "tensors": compare(reference, candidate, examples, beam),
            "metric": dict(metric(candidate)) if metric else {},
        }
    return report


def latency(
    generator: Generator, examples: Sequence[Example], repeats: int = 50, beam: int = 0
) -> dict[str, float]:
    """Measures the median milliseconds of ``encode``, ``step`` and, of a beam, ``beam_step``."""

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
    measured = {"encode": statistics.median(encodes), "step": statistics.median(steps[1:])}
    if beam:
        state = with_one_memory(state, generator.signature.memory, beam)
        symbol = example.beam_symbols(beam)
        beams = [timed(generator.step, symbol, state)[0] for _ in range(repeats + 1)]
        measured["beam_step"] = statistics.median(beams[1:])
    return measured


def machine() -> str:
    """Describes this machine, for the latencies."""
    return f"{platform.system()} {platform.machine()}, 1 of {os.cpu_count()} cores"
