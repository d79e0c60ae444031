"""What is done to every text before it is cut into subwords."""

from __future__ import annotations

import re
import unicodedata

# Spaces of every kind, and U+2581, which SentencePiece itself writes for one.
_SPACES = re.compile(r"[\s\u2581]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]+")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def normalize(text: str) -> str:
    """Unicode NFC, without control characters, each run of whitespace one space, stripped.

    Nothing that ``String.normalize`` and three regular expressions of JavaScript do not do alike.
    """
    text = _CONTROLS.sub("", _SURROGATES.sub("\ufffd", text))
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip(" ")
