"""A tokenizer of whole words, with the interface of `shared.text.Tokenizer`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from apps.captioning.config import FIRST_LANGUAGE, CaptioningConfig
from apps.captioning.metrics import cased_words, words
from shared.errors import InputError
from shared.files import write_json
from shared.readers import read_json
from shared.text import END, START, UNKNOWN, Tokenizer, train_tokenizer

WORDS, SUBWORDS = "words.json", "tokenizer.model"
SPACE = "\u2581"  # before a piece that begins a word, as SentencePiece writes it


class WordTokenizer:
    """Encodes words as ids; words outside the vocabulary are `shared.text.UNKNOWN`.

    Each language has its own words and its own start symbol: `shared.text.START` for the first
    language, ids after `shared.text.END` for the others.

    Args:
        path: A file written by `learn_tokenizer`: a list of words, or such lists by language.

    Attributes:
        words: The words of all languages, in the order of their ids.
        starts: The start symbol of each language.
        vocabulary: Number of ids: the words and the special ones.

    Raises:
        InputError: The file is missing, or is not a list of words.
    """

    def __init__(self, path: str | Path):
        found = read_json(path)
        lists = found if isinstance(found, dict) else {FIRST_LANGUAGE: found}
        if not lists or not all(map(_is_list_of_words, lists.values())):
            raise InputError(f"{path}: not a list of words; restore the file")
        self._lists = lists
        self.words = [word for some in lists.values() for word in some]
        self.starts = {name: END + k if k else START for k, name in enumerate(lists)}
        self._first = END + len(lists)
        self.vocabulary = self._first + len(self.words)
        self._ids: dict[str, dict[str, int]] = {}
        first = self._first
        for name, some in lists.items():
            self._ids[name] = {word.lower(): first + k for k, word in enumerate(some)}
            first += len(some)

    def encode(self, text: str, language: str | None = None) -> list[int]:
        """Encodes text, by default in the first language, as ids without start and end."""
        ids = self._ids[language or next(iter(self._ids))]
        return [ids.get(word, UNKNOWN) for word in words(text)]

    def encode_all(self, texts: Sequence[str], language: str | None = None) -> list[list[int]]:
        """Encodes many texts."""
        return [self.encode(text, language) for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        """Decodes ids to words separated by spaces; special ids are dropped."""
        return " ".join(self.words[i - self._first] for i in map(int, ids) if i >= self._first)

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Returns the word of each id, in the notation of `shared.text.Tokenizer.pieces`."""
        others = [f"<{name}>" for name in list(self.starts)[1:]]
        specials = ["<pad>", "<unk>", "<s>", "</s>", *others]
        return [
            SPACE + self.words[i - self._first] if i >= self._first else specials[i]
            for i in map(int, ids)
        ]

    def save(self, path: str | Path) -> None:
        """Writes the tokenizer to a file, atomically."""
        write_json(path, self._lists if len(self._lists) > 1 else self.words)


def _is_list_of_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


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


def starts_of(tokenizer: AnyTokenizer) -> dict[str, int]:
    """Returns the start symbol of each language, the default one first."""
    return getattr(tokenizer, "starts", {FIRST_LANGUAGE: START})


def start_of(tokenizer: AnyTokenizer, language: str | None = None) -> int:
    """Returns the start symbol of captions in a language, by default the first one.

    Raises:
        InputError: The model does not write this language.
    """
    starts = starts_of(tokenizer)
    if language is None:
        return START
    if language not in starts:
        raise InputError(f"this model writes {', '.join(starts)}, not {language!r}")
    return starts[language]


def encode_texts(
    tokenizer: AnyTokenizer, texts: Sequence[str], language: str | None = None
) -> list[list[int]]:
    """Encodes many texts in one language; a tokenizer of subwords has only one."""
    if isinstance(tokenizer, WordTokenizer):
        return tokenizer.encode_all(texts, language)
    return tokenizer.encode_all(list(texts))


def learn_tokenizer(
    captions: Iterable[str],
    folder: str | Path,
    config: CaptioningConfig,
    others: Mapping[str, Iterable[str]] | None = None,
) -> AnyTokenizer:
    """Trains a tokenizer of words or subwords on captions and writes it to the folder.

    Args:
        captions: Captions in the first language, whose words become lower-case.
        folder: Folder of the file.
        config: The size of the vocabulary, and how often a word must occur.
        others: Captions in other languages, whose words keep their most common case.

    Raises:
        InputError: The captions are empty, or subwords of several languages are asked for.
    """
    path = Path(folder) / tokenizer_file(config)
    if config.tokens == "subwords":
        if others:
            raise InputError("captions in several languages need --tokens words")
        return train_tokenizer([" ".join(words(c)) for c in captions], path, config.vocabulary)
    counts = Counter(word for caption in captions for word in words(caption))
    lists = {FIRST_LANGUAGE: _frequent(counts, config)}
    for language, texts in (others or {}).items():
        forms = _common_forms(texts)
        counts = Counter({word: some.total() for word, some in forms.items()})
        lists[language] = [forms[w].most_common(1)[0][0] for w in _frequent(counts, config)]
    write_json(path, lists if others else lists[FIRST_LANGUAGE])
    return WordTokenizer(path)


def _frequent(counts: Counter[str], config: CaptioningConfig) -> list[str]:
    kept = sorted((-n, word) for word, n in counts.items() if n >= config.min_count)
    if not kept:
        raise InputError(f"no word occurs {config.min_count} times; lower --min-count")
    return [word for _, word in kept[: config.vocabulary - END - 1]]


def _common_forms(texts: Iterable[str]) -> dict[str, Counter[str]]:
    """Counts the spellings of each word, by its lower-case form.

    The first word of a sentence is capitalized in any case: it counts as the most common spelling
    within sentences, or as lower-case if there is none.
    """
    inside: dict[str, Counter[str]] = {}
    first: Counter[str] = Counter()
    for text in texts:
        for place, word in enumerate(cased_words(text)):
            if place:
                inside.setdefault(word.lower(), Counter())[word] += 1
            else:
                first[word.lower()] += 1
    for word, count in first.items():
        forms = inside.setdefault(word, Counter())
        forms[forms.most_common(1)[0][0] if forms else word] += count
    return inside
