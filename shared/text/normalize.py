"""Normalization of text before tokenization."""

from __future__ import annotations

import re
import unicodedata

# All whitespace, and U+2581, which SentencePiece writes for a space.
_SPACES = re.compile(r"[\s\u2581]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]+")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def normalize(text: str) -> str:
    """Normalizes text to Unicode NFC, removes control characters and collapses whitespace.

    ``String.normalize`` and three regular expressions do the same in JavaScript.
    """
    text = _CONTROLS.sub("", _SURROGATES.sub("\ufffd", text))
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip(" ")
