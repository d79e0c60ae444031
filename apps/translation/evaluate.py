"""Figures of a translation model: BLEU and chrF, and what a dictionary reaches beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from apps.translation.config import TranslationConfig
from apps.translation.data import Pair, is_tatoeba
from apps.translation.search import DECODING, Buckets, parts_of, source_room, translate
from shared.decoding import DecodingOptions
from shared.errors import InputError
from shared.generator import Generator
from shared.text import Tokenizer

WORD_BY_WORD = {
    "en_de": (1760, 9.45),
    "de_en": (1760, 15.6),
    "en_es": (1176, 12.6),
    "es_en": (1176, 22.0),
    "en_fr": (1724, 10.4),
    "fr_en": (1724, 14.3),
}
"""Pairs and BLEU of `benchmarks/word_by_word.py` on Tatoeba's test split."""


def scores(hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
    """Measures ``bleu`` and ``chrf``, 0 to 100, cased, 13a (Post 2018), and ``bleu_signature``.

    Raises:
        InputError: sacrebleu is not installed.
    """
    try:
        from sacrebleu.metrics import BLEU, CHRF
    except ModuleNotFoundError as error:
        raise InputError(f'{error.name} is missing; pip install "lstm-suite[train]"') from error

    bleu, chrf = BLEU(), CHRF()
    return {
        "bleu": bleu.corpus_score(list(hypotheses), [list(references)]).score,
        "chrf": chrf.corpus_score(list(hypotheses), [list(references)]).score,
        "bleu_signature": str(bleu.get_signature()),
    }


def figures_of(
    generator: Generator | Buckets,
    config: TranslationConfig,
    tokenizer: Tokenizer,
    pairs: Sequence[Pair],
    options: DecodingOptions | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> tuple[dict[str, Any], list[str]]:
    """Measures `scores` of pairs.

    With several directions there are keys such as ``bleu_en_de`` for each, and ``bleu`` and
    ``chrf`` are their means.

    Args:
        generator: A translation model on any backend, or `Buckets`.
        config: The model's.
        tokenizer: The model's.
        pairs: Of one or more of its directions; what is empty on a side is not measured.
        options: How to decode, `DECODING` by default.
        progress: Called with the number of sentences finished since the last call.

    Returns:
        The figures, and a translation for each pair.

    Raises:
        InputError: There is no pair with a source and a target.
    """
    room = source_room(config)
    parts = [parts_of(pair.source, tokenizer, room, config.lifted) for pair in pairs]
    results = iter(
        translate(
            generator,
            config,
            tokenizer,
            [text for some in parts for text, _ in some],
            [pair.target_language for pair, some in zip(pairs, parts, strict=True) for _ in some],
            options or DecodingOptions(**DECODING),
            progress,
        )
    )
    found = ["".join(next(results)[0].text + gap for _, gap in some) for some in parts]
    groups: dict[str, list[int]] = {}
    for index, pair in enumerate(pairs):
        if pair.source and pair.target:
            groups.setdefault(direction_of(pair), []).append(index)
    if not groups:
        raise InputError("there are no pairs to measure; check the data")
    each = {
        name: scores([found[i] for i in group], [pairs[i].target for i in group])
        for name, group in sorted(groups.items())
    }
    first = next(iter(each.values()))
    if len(each) == 1:
        return first, found
    numbers = ("bleu", "chrf")
    figures = {key: sum(values[key] for values in each.values()) / len(each) for key in numbers}
    for name, values in each.items():
        figures |= {f"{key}_{name}": values[key] for key in numbers}
    return {**figures, "bleu_signature": first["bleu_signature"]}, found


def direction_of(pair: Pair) -> str:
    """The direction as figures name it: ``en_de``."""
    return f"{pair.source_language}_{pair.target_language}"


def counts_of(pairs: Sequence[Pair], names: Iterable[str]) -> dict[str, int]:
    """For each figure, such as ``bleu`` or ``bleu_en_de``, how many pairs it is of."""
    counts = Counter(map(direction_of, pairs))
    return {name: counts.get(name.partition("_")[2], len(pairs)) for name in names}


def baseline(data: str | Path, split: str, pairs: Sequence[Pair]) -> dict[str, float]:
    """BLEU of a dictionary, word by word, for each direction where it is known for these pairs."""
    if split != "test" or not is_tatoeba(data):
        return {}
    counts = Counter(map(direction_of, pairs))
    return {
        name: bleu
        for name, (count, bleu) in WORD_BY_WORD.items()
        if counts[name] == count  # otherwise they are of another release, or not all
    }


def numbers_of(figures: Mapping[str, Any]) -> dict[str, float]:
    """The figures without the signature."""
    return {name: value for name, value in figures.items() if isinstance(value, float)}
