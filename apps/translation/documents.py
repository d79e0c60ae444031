"""Files with a structure, which come back with it: subtitles, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from apps.translation.markup import Marked
from apps.translation.translate import Translation, Translator
from shared.errors import InputError

FORMATS = ("text", "srt", "vtt", "md", "html")
_ENDINGS = {
    ".srt": "srt",
    ".vtt": "vtt",
    ".md": "md",
    ".markdown": "md",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
}


class Document(Protocol):
    """A text of some format.

    Attributes:
        blocks: What is to be translated; a sentence is never in two.
    """

    blocks: list[Marked]

    def written(self, found: Sequence[Translation]) -> str:
        """The text with the translations of its blocks."""
        ...


def format_of(path: str | Path | None) -> str:
    """The format that a file's name tells; ``text`` if it tells none."""
    return _ENDINGS.get(Path(path).suffix.lower(), "text") if path else "text"


def read_document(text: str, kind: str) -> Document:
    """Finds what is to be translated.

    Args:
        text: The file's content.
        kind: One of `FORMATS` other than ``text``.

    Raises:
        InputError: The text is not of that format, or has no words.
    """
    document: Document
    if kind in ("srt", "vtt"):
        from apps.translation.subtitles import Subtitles

        document = Subtitles(text, kind)
    elif kind == "md":
        from apps.translation.markdown import Markdown

        document = Markdown(text)
    else:
        from apps.translation.html import Html

        document = Html(text)
    if not document.blocks:
        raise InputError(f"nothing to translate; there are no words in this {kind} file")
    return document


class Rebuilt:
    """A file of some format: a `Document`, and the file's line ends.

    Args:
        text: The file's content.
        kind: One of `FORMATS` other than ``text``.

    Attributes:
        blocks: What is to be translated, see `Document`.

    Raises:
        InputError: As for `read_document`.
    """

    def __init__(self, text: str, kind: str):
        self._line_end = "\r\n" if "\r\n" in text else "\n"
        self._document = read_document(text.replace("\r\n", "\n"), kind)
        self.blocks = self._document.blocks

    def written(self, found: Sequence[Translation]) -> str:
        """The file with the translations of its blocks."""
        return self._document.written(found).replace("\n", self._line_end)


def translate_document(translator: Translator, text: str, kind: str, **options: Any) -> str:
    """Translates a text of a format.

    Args:
        translator: A model.
        text: The file's content.
        kind: One of `FORMATS` other than ``text``.
        **options: Those of a call of `Translator`, such as ``to``.

    Raises:
        InputError: As for `read_document` and `Translator`.
    """
    document = Rebuilt(text, kind)
    return document.written(translator([block.text for block in document.blocks], **options))
