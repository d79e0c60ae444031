"""Control characters made visible, so that no file's name or content controls a terminal."""

from __future__ import annotations

import re
from typing import Any

# C0 but for tab and line feed, DEL, C1, and what turns the direction of text.
_CONTROLS = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]"
)


def visible(text: str) -> str:
    r"""The text with ``\x1b`` in place of an escape, and so on; a carriage return may begin it."""
    begin = text[: text.startswith("\r")]
    return begin + _CONTROLS.sub(lambda c: ascii(c[0])[1:-1], text[len(begin) :])


class Visible:
    """A text stream that writes with `visible`, and is the given one else."""

    def __init__(self, stream: Any):
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Writes the text, with its control characters visible."""
        self._stream.write(visible(text))
        return len(text)
