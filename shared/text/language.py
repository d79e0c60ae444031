"""Which language a text is in, by py3langid (Lui and Baldwin 2012)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from shared.errors import InputError


def guess_language(text: str, languages: Sequence[str]) -> str:
    """The likeliest of several languages, given by their ISO 639-1 codes.

    Raises:
        InputError: One of the languages is not among those that py3langid knows.
    """
    if len(languages) == 1:
        return languages[0]
    try:
        return _identifier(tuple(sorted(languages))).classify(text)[0]
    except ValueError as error:
        raise InputError(
            f"no guessing among {', '.join(languages)}; say the source language with --from"
        ) from error


@functools.cache
def _identifier(languages: tuple[str, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # two seconds, once

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(languages)
    return identifier
