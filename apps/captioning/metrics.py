"""BLEU, CIDEr and ROUGE-L of captions, equal to those of the package pycocoevalcap.

The numbers agree to 1e-9 (tests/apps/captioning/test_metrics.py), without the package's 100 MB and
Java: `words` replaces the Penn Treebank tokenizer, which needs Java.
"""

from __future__ import annotations

import math
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

N = 4  # longest n-gram
_CLITICS = "'(?:s|m|d|re|ve|ll)"
_WORD = re.compile(rf"(?<!\w){_CLITICS}(?!\w)|[^\W_]+(?:['.&-]?[^\W_]+)*")
_CLITIC = re.compile(rf"(?<=\w)(n't|{_CLITICS})$")

Words = Sequence[str]
Ngrams = Counter[tuple[str, ...]]


def words(text: str) -> list[str]:
    """Splits text into lower-case words without punctuation; ``man's`` becomes ``man 's``.

    Hyphens within words are kept.
    """
    return cased_words(text.lower())


def cased_words(text: str) -> list[str]:
    """Splits text as `words` does, but keeps its case."""
    found: list[str] = []
    for word in _WORD.findall(text.replace("’", "'")):
        found += [part for part in _CLITIC.split(word) if part]
    return found


def scores(found: Sequence[Words], references: Sequence[Sequence[Words]]) -> dict[str, float]:
    """Computes ``bleu1`` to ``bleu4`` (0 to 100), ``cider`` (typically 0.5), ``rouge_l`` (0 to 1).

    Args:
        found: The model's caption of each photo, split by `words`.
        references: The reference captions of each photo.
    """
    figures = {f"bleu{n}": 100 * value for n, value in enumerate(bleu(found, references), 1)}
    judge = Cider(references)
    pairs = list(zip(found, references, strict=True))
    figures["cider"] = float(np.mean([judge.scores([one], others) for one, others in pairs]))
    figures["rouge_l"] = float(np.mean([rouge_l(*pair) for pair in pairs]))
    return figures


def meteor(found: Sequence[Words], references: Sequence[Sequence[Words]]) -> float | None:
    """Computes METEOR 1.5, 0 to 1 (Denkowski and Lavie 2014); None if it is not installed.

    METEOR matches stems, synonyms and paraphrases of English. It is a Java program in
    pycocoevalcap (``pip install "lstm-suite[meteor]"``).
    """
    if not shutil.which("java"):
        return None
    try:
        from pycocoevalcap.meteor.meteor import Meteor
    except ModuleNotFoundError:
        return None
    known = {k: [" ".join(text) for text in texts] for k, texts in enumerate(references)}
    made = {k: [" ".join(text)] for k, text in enumerate(found)}
    return float(Meteor().compute_score(known, made)[0])


def bleu(found: Sequence[Words], references: Sequence[Sequence[Words]]) -> list[float]:
    """Computes corpus BLEU-1 to 4, 0 to 1 (Papineni et al. 2002), closest reference length."""
    right, made = np.zeros(N), np.zeros(N)
    length = reference_length = 0
    for caption, others in zip(found, references, strict=True):
        most: Ngrams = Counter()
        for other in others:
            most |= ngrams(other)
        for ngram, count in (ngrams(caption) & most).items():
            right[len(ngram) - 1] += count
        made += [max(0, len(caption) - n) for n in range(N)]
        length += len(caption)
        reference_length += min((abs(len(o) - len(caption)), len(o)) for o in others)[1]
    precision = np.cumprod((right + 1e-15) / (made + 1e-9)) ** (1 / np.arange(1, N + 1))
    ratio = (length + 1e-15) / (reference_length + 1e-9)
    return (precision * math.exp(min(0.0, 1 - 1 / ratio))).tolist()


class Cider:
    """CIDEr-D (Vedantam et al. 2015), usually reported as CIDEr.

    Args:
        references: Reference captions of each photo of the corpus, for the n-gram statistics.
    """

    def __init__(self, references: Iterable[Sequence[Words]]):
        documents = [{ngram for other in o for ngram in ngrams(other)} for o in references]
        self.frequency = Counter(ngram for document in documents for ngram in document)
        self.log_documents = math.log(len(documents))

    def scores(self, captions: Sequence[Words], references: Sequence[Words]) -> list[float]:
        """Scores captions of one photo: the mean similarity to its references, times ten."""
        others = [self._vectors(other) for other in references]
        return [
            10 * sum(_similarity(own, other) for other in others) / len(others)
            for own in map(self._vectors, captions)
        ]

    def _vectors(self, caption: Words) -> tuple[Mapping, np.ndarray, int]:
        """Returns TF-IDF by n-gram, the norm for each n, and the number of bigrams."""
        weights, squares = {}, np.zeros(N)
        for ngram, count in ngrams(caption).items():
            rarity = self.log_documents - math.log(max(1, self.frequency[ngram]))
            weights[ngram] = value = count * rarity
            squares[len(ngram) - 1] += value * value
        return weights, np.sqrt(squares), max(0, len(caption) - 1)


def _similarity(own: tuple, other: tuple, sigma: float = 6.0) -> float:
    (weights, norm, length), (other_weights, other_norm, other_length) = own, other
    values = np.zeros(N)
    for ngram in weights.keys() & other_weights.keys():
        there = other_weights[ngram]
        values[len(ngram) - 1] += min(weights[ngram], there) * there
    both = norm * other_norm
    values = np.divide(values, both, out=values, where=both != 0)
    return float(values.mean()) * math.exp(-((length - other_length) ** 2) / (2 * sigma**2))


def rouge_l(caption: Words, references: Sequence[Words], beta: float = 1.2) -> float:
    """Computes ROUGE-L (Lin 2004), the F-measure of the longest common subsequence."""
    if not caption:
        return 0.0
    common = [_common(caption, other) for other in references]
    precision = max(common) / len(caption)
    recall = max(c / max(1, len(other)) for c, other in zip(common, references, strict=True))
    if not (precision and recall):
        return 0.0
    return (1 + beta**2) * precision * recall / (recall + beta**2 * precision)


def _common(a: Words, b: Words) -> int:
    """Returns the length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for word in a:
        before = row
        row = [0]
        for k, other in enumerate(b):
            row.append(before[k] + 1 if word == other else max(before[k + 1], row[k]))
    return row[-1]


def ngrams(caption: Words) -> Ngrams:
    """Counts the n-grams of 1 to `N` words."""
    return Counter(
        tuple(caption[k : k + n]) for n in range(1, N + 1) for k in range(len(caption) - n + 1)
    )
