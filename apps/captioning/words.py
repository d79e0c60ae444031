"""A tokenizer of whole words, with the interface of `shared.text.Tokenizer`."""

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
    """Encodes words as ids; words outside the vocabulary are `shared.text.UNKNOWN`.

    Args:
        path: A file written by `train_words`.

    Attributes:
        vocabulary: Number of ids: the words and four special ones.

    Raises:
        InputError: The file is missing, or is not a list of words.
    """

    def __init__(self, path: str | Path):
        found = read_json(path)
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            raise InputError(f"{path}: not a list of words; restore the file")
        self.words = found
        self.vocabulary = _FIRST + len(found)
        self._ids = {word: _FIRST + k for k, word in enumerate(found)}

    def encode(self, text: str) -> list[int]:
        """Encodes text as ids of its words, without start and end."""
        return [self._ids.get(word, UNKNOWN) for word in words(text)]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Encodes many texts."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        """Decodes ids to words separated by spaces; special ids are dropped."""
        return " ".join(self.words[i - _FIRST] for i in map(int, ids) if i >= _FIRST)

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Returns the word of each id, in the notation of `shared.text.Tokenizer.pieces`."""
        specials = ("<pad>", "<unk>", "<s>", "</s>")
        return [
            SPACE + self.words[i - _FIRST] if i >= _FIRST else specials[i] for i in map(int, ids)
        ]

    def save(self, path: str | Path) -> None:
        """Writes the tokenizer to a file, atomically."""
        write_json(path, self.words)


AnyTokenizer = WordTokenizer | Tokenizer


def open_tokenizer(folder: str | Path | None) -> AnyTokenizer:
    """Opens the tokenizer in the folder of a preset, a bundle or a run."""
    folder = Path(folder or ".")
    if (folder / WORDS).is_file():
        return WordTokenizer(folder / WORDS)
    return Tokenizer(folder / SUBWORDS)


def tokenizer_file(config: CaptioningConfig) -> str:
    """Returns the file name of the tokenizer of a config."""
    return WORDS if config.tokens == "words" else SUBWORDS


def learn_tokenizer(
    captions: Iterable[str], folder: str | Path, config: CaptioningConfig
) -> AnyTokenizer:
    """Trains a tokenizer of words or subwords on captions and writes it to the folder.

    Raises:
        InputError: The captions are empty.
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
