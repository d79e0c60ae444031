"""Names that a model cannot know, as placeholders of a lifted model: they come back as written.

*Mr. Okafor is here.* is read as *Mr. {…} is here.*, see `apps.translation.glossary`. A name is a
word with a capital within a sentence that is no subword of its own, as common words are. Names that
have a translation (*Russia*, *Easter*) are listed in `translated_names.txt`: those that the other
side of the training pairs mostly lacks. German nouns have capitals too: there a name is what
follows a title, or has subwords of two letters. Needs neither Keras nor TensorFlow.
"""

from __future__ import annotations

import functools
import itertools
import re
from pathlib import Path

from apps.translation.glossary import marked_term
from apps.translation.lifting import form_of
from shared.text import Tokenizer

_WORD = r"[^\W\d_]+(?:-[^\W\d_]+)*"
# Not in an address, a tag, a term of a glossary or a placeholder.
_NAMES = re.compile(rf"(?<![\w/@#.&<{{-])(?:{_WORD} )*{_WORD}(?![\w/@>}}\u2061\u2062-]|\.\w)")
_TITLE = re.compile(
    r"\b(?:(?:Mr|Mrs|Ms|Dr|Prof|Sr|Sra|M|St)\.|Herrn?|Frau|Professor|heiße|heißt|señora?) $"
)
_FOLLOWED = re.compile(r"['’]s\b| (?:and|et|y) [^\W\d_a-z]")  # as a name is
_STARTS = re.compile(r"(?:^|[.!?…:;–—(\"'“”„«»¿¡] ?)$")


def mark_names(text: str, tokenizer: Tokenizer, language: str) -> str:
    """Puts unknown names into braces, as `apps.translation.glossary.Glossary.marked` does terms.

    Args:
        text: A sentence. One in capitals has no names that can be told; one with more names than
            placeholders stays as it is.
        tokenizer: The model's.
        language: Of the sentence.
    """
    if text == text.upper():
        return text

    def replace(found: re.Match[str]) -> str:
        words = found[0].split(" ")
        starts = itertools.accumulate((len(word) + 1 for word in words), initial=found.start())
        unknown = [
            _is_unknown(text, start, word, tokenizer, language)
            for start, word in zip(starts, words, strict=False)
        ]
        runs = itertools.groupby(zip(unknown, words, strict=True), lambda pair: pair[0])
        texts = ((name, " ".join(word for _, word in run)) for name, run in runs)
        return " ".join(marked_term(run) if name else run for name, run in texts)

    marked = _NAMES.sub(replace, text)
    return text if form_of(marked).left else marked


def _is_unknown(text: str, start: int, word: str, tokenizer: Tokenizer, language: str) -> bool:
    """Whether a word of a text is an unknown name."""
    small, before = word.lower(), text[:start]
    if not word[0].isupper() or len(word) < 2 or word.isupper():
        return False
    count = len(tokenizer.encode(small))
    if count < 2 or small in translated_names().get(language, ()):
        return False
    if _TITLE.search(before):
        return True
    if language == "de":
        return count > 2 and len(word) <= 2 * count
    # A sentence's first word has a capital anyway.
    return not _STARTS.search(before) or bool(_FOLLOWED.match(text, start + len(word)))


@functools.cache
def translated_names() -> dict[str, frozenset[str]]:
    """Names that have a translation, in small letters, by language."""
    file = Path(__file__).with_name("translated_names.txt")
    lines = (line.split(": ") for line in file.read_text(encoding="utf-8").splitlines())
    return {language: frozenset(words.split()) for language, words in lines}
