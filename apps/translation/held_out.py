"""Sentences that no model is trained on, because they test it: `benchmarks/everyday`."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("held_out.txt")


def fingerprint(text: str) -> str:
    """Of its letters and digits: case and punctuation do not tell sentences apart."""
    key = "".join(c for c in text.casefold() if c.isalnum())
    return hashlib.sha256(key.encode()).hexdigest()[:12]


@functools.cache
def _held_out() -> frozenset[str]:
    return frozenset(_FILE.read_text(encoding="ascii").split())


def without_held_out(pairs: Sequence[Any]) -> list[Any]:
    """Pairs neither side of which is such a sentence."""
    texts = {text for pair in pairs for text in pair[:2]}
    bad = {text for text in texts if is_held_out([text])}
    return [pair for pair in pairs if not bad.intersection(pair[:2])]


def is_held_out(texts: Iterable[str]) -> bool:
    """Whether one of them is such a sentence."""
    return any(fingerprint(text) in _held_out() for text in texts)
