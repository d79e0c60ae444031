"""Golden inputs and outputs, with which a runtime checks that it runs a bundle correctly."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import InputError
from shared.generator import Arrays, Generator, with_one_memory
from shared.presets.bundle import Bundle, load_bundle
from shared.readers import read_json

GOLDENS = "goldens.json"
# Values beyond this are masked logits.
NEVER = 1e4
# Relative to the tensor's largest value or 1, whichever is larger. Quantized kernels round
# differently on different processors; a wrong name, order or layout is off by far more.
TOLERANCE = {"float32": 1e-3, "float16": 1e-3, "int8": 2e-2}
# Every bundle carries its goldens, so they are small: a few steps of each example, and outputs of
# more than LARGE values are subsampled to about as many.
STEPS = 6
LARGE = 1024


@dataclass(frozen=True)
class Example:
    """A condition and the symbols to feed after it, at batch size 1."""

    condition: Arrays
    symbols: Sequence[Arrays]

    def beam_symbols(self, beam: int) -> Arrays:
        """Symbols to feed to all hypotheses of a beam at once, a different one to each."""
        chosen = [self.symbols[row % len(self.symbols)] for row in range(beam)]
        return {name: np.concatenate([one[name] for one in chosen]) for name in chosen[0]}


def make_goldens(
    generator: Generator, examples: Sequence[Example], precision: str, beam: int = 0
) -> dict:
    """Records the outputs of a generator on examples, as JSON values.

    An array is ``{"dtype", "shape", "base64"}``: row-major, little-endian, one byte per bool. With
    ``"every": n`` it holds the first value and every n-th value after it. Inputs are always
    complete.

    Args:
        generator: The model to record.
        examples: The cases.
        precision: The model's.
        beam: Rows of a ``beam_step`` to record after ``encode`` of the first example, or 0.
    """
    memory = generator.signature.memory
    cases: list[dict[str, Any]] = []
    for example in examples:
        state = generator.encode(example.condition)
        case: dict[str, Any] = {
            "condition": _pack(example.condition),
            "encoded": _pack(state, LARGE),
            "steps": [],
        }
        if beam and not cases:  # one is enough, and bundles are to be small
            symbol = example.beam_symbols(beam)
            outputs, following = generator.step(symbol, with_one_memory(state, memory, beam))
            own = {name: following[name] for name in generator.signature.state}
            case["beam_step"] = {"symbol": _pack(symbol), "outputs": _pack(outputs | own, LARGE)}
        for symbol in example.symbols[:STEPS]:
            outputs, state = generator.step(symbol, state)
            replaced = {name: state[name] for name in generator.signature.state}
            expected = _pack(outputs | replaced, LARGE)
            case["steps"].append({"symbol": _pack(symbol), "outputs": expected})
        cases.append(case)
    return {"precision": precision, "tolerance": TOLERANCE[precision], "cases": cases}


def check_goldens(bundle: Bundle | str | Path) -> float:
    """Runs a bundle on its goldens.

    Returns:
        The largest difference, as a fraction of the tolerance.

    Raises:
        InputError: An output differs by more than the tolerance.
    """
    if not isinstance(bundle, Bundle):
        bundle = load_bundle(bundle)
    goldens = read_json(bundle.folder / GOLDENS)
    generator = bundle.open(goldens["precision"])
    worst = 0.0
    for number, case in enumerate(goldens["cases"]):
        state = generator.encode(_unpack(case["condition"]))
        pairs = [("encode", state, case["encoded"])]
        if beam := case.get("beam_step"):
            symbol = _unpack(beam["symbol"])
            rows = len(next(iter(symbol.values())))
            shared = with_one_memory(state, generator.signature.memory, rows)
            outputs, following = generator.step(symbol, shared)
            pairs.append(("beam_step", following | outputs, beam["outputs"]))
        for t, step in enumerate(case["steps"]):
            outputs, state = generator.step(_unpack(step["symbol"]), state)
            pairs.append((f"step {t}", outputs | state, step["outputs"]))
        for what, got, expected in pairs:
            for name, entry in expected.items():
                share = _difference(entry, got[name]) / goldens["tolerance"]
                if not share <= 1:
                    raise InputError(
                        f"{bundle.folder}: {name!r} of {what} differs from the golden of case "
                        f"{number}; this runtime computes something else"
                    )
                worst = max(worst, share)
    return worst


def difference(expected: np.ndarray, got: np.ndarray) -> tuple[float, float]:
    """Computes the largest absolute and relative difference.

    The relative difference is over the largest expected value or 1, whichever is larger. Values
    beyond `NEVER` are masked logits, -1e9 or -inf: they are clipped, and do not set the scale.
    """
    if expected.shape != got.shape:
        raise ValueError(f"shapes differ: {expected.shape} and {got.shape}")
    a, b = (np.clip(v.astype(np.float64), -NEVER, NEVER) for v in (expected, got))
    gap = float(np.max(np.abs(a - b), initial=0.0))
    scale = np.abs(a[np.abs(a) < NEVER]).max(initial=1.0)
    return gap, gap / float(scale)


def _difference(entry: Mapping[str, Any], got: np.ndarray) -> float:
    """Computes the relative `difference` between a golden output and an array."""
    if list(got.shape) != entry["shape"]:
        raise ValueError(f"shapes differ: {entry['shape']} and {list(got.shape)}")
    return difference(_values(entry), got.ravel()[:: entry.get("every", 1)])[1]


def _pack(arrays: Mapping[str, np.ndarray], large: float = math.inf) -> dict[str, Any]:
    return {name: _entry(value, large) for name, value in arrays.items()}


def _entry(value: np.ndarray, large: float) -> dict[str, Any]:
    entry: dict[str, Any] = {"dtype": str(value.dtype), "shape": list(value.shape)}
    values = value.ravel()
    if value.size > large:
        every = math.ceil(value.size / large)
        while math.gcd(every, value.shape[-1]) > 1:  # otherwise only some columns are sampled
            every += 1
        entry["every"], values = every, values[::every]
    return entry | {"base64": base64.b64encode(values.tobytes()).decode()}


def _values(entry: Mapping[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(entry["base64"]), entry["dtype"])


def _unpack(arrays: Mapping[str, Any]) -> Arrays:
    return {name: _values(entry).reshape(entry["shape"]) for name, entry in arrays.items()}
