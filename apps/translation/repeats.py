"""Translations that say something twice, as weak models do with long sentences."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_LEAST = 3  # words


def repeats(text: str, source: str = "") -> bool:
    """Whether three words or more come twice in a text, without their source doing so."""
    return _said_twice(text) and not _said_twice(source)


def _said_twice(text: str) -> bool:
    words = _WORD.findall(text.lower())
    runs = [tuple(words[k : k + _LEAST]) for k in range(len(words) - _LEAST + 1)]
    return len(set(runs)) < len(runs)
