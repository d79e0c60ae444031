"""Language identification with py3langid (Lui and Baldwin 2012)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from shared.errors import InputError


def guess_language(text: str, languages: Sequence[str]) -> str:
    """Returns the most probable language of a text.

    Args:
        text: Any text.
        languages: ISO 639-1 codes to choose from.

    Raises:
        InputError: py3langid does not know one of the languages.
    """
    if len(languages) == 1:
        return languages[0]
    try:
        return _identifier(tuple(sorted(languages))).classify(text)[0]
    except ValueError as error:
        raise InputError(
            f"cannot identify {', '.join(languages)}; name the source language with --from"
        ) from error


@functools.cache
def _identifier(languages: tuple[str, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # takes two seconds

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(languages)
    return identifier
