"""Whole words as tokens, with the face of `shared.text.Tokenizer`; captions have few of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from apps.captioning.config import CaptioningConfig
from apps.captioning.metrics import words
from shared.errors import InputError
from shared.files import read_json, write_json
from shared.text import END, UNKNOWN, Tokenizer, train_tokenizer

WORDS, SUBWORDS = "words.json", "tokenizer.model"
SPACE = "\u2581"  # before a piece that begins a word, as SentencePiece writes it
_FIRST = END + 1


class WordTokenizer:
    """Text to ids and back; a word that is not in the vocabulary is `shared.text.UNKNOWN`.

    Args:
        path: The file that `train_words` wrote.

    Attributes:
        vocabulary: Number of ids: the words and four specials.

    Raises:
        InputError: The file is missing or is no list of words.
    """

    def __init__(self, path: str | Path):
        found = read_json(path)
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            raise InputError(f"{path}: not a list of words; restore the file")
        self.words = found
        self.vocabulary = _FIRST + len(found)
        self._ids = {word: _FIRST + k for k, word in enumerate(found)}

    def encode(self, text: str) -> list[int]:
        """Ids of the words, without start and end."""
        return [self._ids.get(word, UNKNOWN) for word in words(text)]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of many texts."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        """The words of ids, with spaces between; specials are left out."""
        return " ".join(self.words[i - _FIRST] for i in map(int, ids) if i >= _FIRST)

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """What each id stands for, as `shared.text.Tokenizer.pieces` writes it."""
        specials = ("<pad>", "<unk>", "<s>", "</s>")
        return [
            SPACE + self.words[i - _FIRST] if i >= _FIRST else specials[i] for i in map(int, ids)
        ]

    def save(self, path: str | Path) -> None:
        """Write the file, under a temporary name first."""
        write_json(path, self.words)


AnyTokenizer = WordTokenizer | Tokenizer


def open_tokenizer(folder: str | Path | None) -> AnyTokenizer:
    """The tokenizer of a preset's, a bundle's or a run's folder."""
    folder = Path(folder or ".")
    if (folder / WORDS).is_file():
        return WordTokenizer(folder / WORDS)
    return Tokenizer(folder / SUBWORDS)


def tokenizer_file(config: CaptioningConfig) -> str:
    """What the file of a configuration's tokenizer is called."""
    return WORDS if config.tokens == "words" else SUBWORDS


def learn_tokenizer(
    captions: Iterable[str], folder: str | Path, config: CaptioningConfig
) -> AnyTokenizer:
    """Learn words or subwords from captions and write the file to the folder.

    Raises:
        InputError: There is nothing to learn from.
    """
    path = Path(folder) / tokenizer_file(config)
    if config.tokens == "subwords":
        return train_tokenizer([" ".join(words(c)) for c in captions], path, config.vocabulary)
    counts = Counter(word for caption in captions for word in words(caption))
    kept = sorted((-n, word) for word, n in counts.items() if n >= config.min_count)
    if not kept:
        raise InputError(f"no word occurs {config.min_count} times; lower --min-count")
    write_json(path, [word for _, word in kept[: config.vocabulary - _FIRST]])
    return WordTokenizer(path)
