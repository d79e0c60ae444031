"""The search for translations of sentences, on any generator, in batches of like lengths."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.translation.config import TranslationConfig, language_symbol
from apps.translation.copying import copied
from apps.translation.lifting import Form, finished, form_of, shown
from apps.translation.placing import Placing
from apps.translation.repeats import repeats
from shared.decoding import DecodingOptions, decode
from shared.errors import InputError
from shared.generator import Arrays, Generator
from shared.text import END, START, Tokenizer, normalize
from shared.text.sentences import fit_sentence, split_clauses

DECODING: dict[str, Any] = {
    "strategy": "beam",
    "beam_size": 5,
    "length_penalty": 1.0,
    "min_length": 1,
    "max_length": 128,
}
"""How translations are searched for by default; the shipped bundles name the same."""

# Padded lengths of sources, beside the model's own.
_BUCKETS = (8, 12, 16, 20, 24, 32, 48)
# At most so many sentences, and so many of their hypotheses, are decoded at once.
_SENTENCES, _ROWS = 64, 320
_REPEATED = 4  # subwords that may not come again where something was said twice


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """One translation of a sentence.

    Attributes:
        text: Detokenized, misspelled names as in the source, see `apps.translation.copying`.
        score: By which translations of a sentence are ranked, see
            `shared.decoding.DecodingResult`.
        log_probability: Natural log, summed over all subwords and the end.
        finished: Whether the model ended it; if not, it was cut at the greatest length allowed.
        source_pieces: Subwords of the source as the encoder read them.
        pieces: Subwords of the translation.
        attention: Attention weights ``(len(pieces), len(source_pieces))``; rows sum to 1.
    """

    text: str
    score: float
    log_probability: float
    finished: bool
    source_pieces: tuple[str, ...]
    pieces: tuple[str, ...]
    attention: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values, the attention weights rounded."""
        return {**vars(self), "attention": np.round(self.attention, 4).tolist()}


Buckets = Callable[[int], Generator]
"""Takes a padded length and returns the generator for sources of it."""


def source_room(config: TranslationConfig) -> int:
    """Returns how many subwords of text a source may have beside language symbol and end."""
    return config.length - 1 - config.multilingual


def source_ids(
    tokenizer: Tokenizer, config: TranslationConfig, text: str, target: str
) -> list[int]:
    """Returns what the encoder reads: the language symbol if there is one, the text, the end.

    Raises:
        InputError: The text has more subwords than the model's length.
    """
    first = [tokenizer.id(language_symbol(target))] if config.multilingual else []
    text = form_of(text).text if config.lifted else text
    ids = [*first, *tokenizer.encode(text), END]
    if len(ids) > config.length:
        raise InputError(
            f"{len(ids)} subwords in one sentence ({text[:30]!r}...), the model reads "
            f"{config.length}; split it"
        )
    return ids


def parts_of(
    text: str, tokenizer: Tokenizer, room: int, lifted: bool = False, words: int = 0
) -> list[tuple[str, str]]:
    """Splits a sentence into parts of at most ``room`` subwords, each with the space after it.

    A sentence that is short enough is one part. Nothing but spacing is lost.

    Args:
        text: A sentence.
        tokenizer: The model's.
        room: See `source_room`.
        lifted: The model's. With it a part has no more placeholders than there are of each kind.
        words: If not 0, a sentence of more words is split between clauses, too.
    """

    def length(part: str) -> int:
        if not lifted:
            return len(tokenizer.encode(part))
        form = form_of(part)
        return room + form.left if form.left else len(tokenizer.encode(form.text))

    text = normalize(text)
    clauses = split_clauses(text, words) if words else [text]
    parts, start = [], 0
    for part in (part for clause in clauses for part in fit_sentence(clause, room, length)):
        end = start + len(part)
        gap = text[end : end + 1].strip(" ") != text[end : end + 1]
        parts.append((part, " " if gap else ""))
        start = end + gap
    return parts


def condition(sources: Sequence[Sequence[int]], length: int) -> Arrays:
    """Makes the condition of ``encode`` of sources, padded to a length."""
    source = np.zeros((len(sources), length), np.int32)
    mask = np.zeros((len(sources), length), np.uint8)
    for row, ids in enumerate(sources):
        source[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
    return {"source": source, "source_mask": mask}


def translate(
    generator: Generator | Buckets,
    config: TranslationConfig,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    targets: Sequence[str],
    options: DecodingOptions,
    progress: Callable[[int], None] = lambda count: None,
    again: bool = False,
) -> list[list[Hypothesis]]:
    """Translates sentences, those of like lengths together.

    Args:
        generator: A translation model on any backend; or `Buckets`, for a backend that need not
            pad every source to the model's length.
        config: The model's.
        tokenizer: The model's.
        texts: Sentences, none longer than `source_room` subwords; an empty one stays empty.
        targets: The language to translate each into.
        options: How to decode; a result has at most ten subwords more than three times as many
            as its source.
        progress: Called with the number of sentences finished since the last call.
        again: Whether sentences whose translation says something twice are searched again, without
            repeated n-grams.

    Returns:
        For each text ``options.n_best`` translations, best first.

    Raises:
        InputError: A sentence is too long.
    """
    forms = [form_of(text) if config.lifted else Form(text) for text in texts]
    sources = [
        []
        if not text.strip() or (config.lifted and form.is_empty)
        else source_ids(tokenizer, config, text, target)
        for text, target, form in zip(texts, targets, forms, strict=True)
    ]
    results = [[_untranslated(finished(f, f.text) if config.lifted else "")] for f in forms]
    placing = Placing(tokenizer) if any(form.slots for form in forms) else None
    width = options.beam_size if options.strategy == "beam" else options.n_best
    size = min(_SENTENCES, max(1, _ROWS // width))
    if width > 1 and getattr(generator, "beam", False):
        size = 1  # the hypotheses of one sentence are stepped at once

    def search(chosen: Generator, length: int, indices: Sequence[int]) -> list[Any]:
        limit = min(3 * max(len(sources[i]) for i in indices) + 10, options.max_length)
        slots = [forms[i].slots for i in indices]
        return decode(
            chosen,
            chosen.encode(condition([sources[index] for index in indices], length)),
            start=START,
            end=END,
            options=dataclasses.replace(options, max_length=limit),
            constraint=placing.constraint(slots, limit) if placing and any(slots) else None,
        )

    # TensorFlow makes little use of two cores within a step, and none while Python ranks; batches
    # side by side do. A LiteRT interpreter is for one thread.
    threads, lengths = 1, [config.length]
    if callable(generator):
        threads = 2 * (os.cpu_count() or 1)
        lengths = [*(length for length in _BUCKETS if length < config.length), config.length]
    batches = [
        (generator(length) if callable(generator) else generator, length, indices)
        for some in _with_slots_apart(sources, forms)
        for length, indices in _batches(some, lengths, size)
    ]
    progress(sources.count([]))
    with ThreadPoolExecutor(threads) as pool:
        # If one search fails, `map` does not begin those behind it.
        searches = pool.map(lambda batch: search(*batch), batches)
        for (_, _, indices), decoded in zip(batches, searches, strict=True):
            for index, found in zip(indices, decoded, strict=True):
                results[index] = [
                    _hypothesis(tokenizer, sources[index], forms[index], one, config.lifted)
                    for one in found
                ]
            progress(len(indices))
    twice = [k for k, text in enumerate(texts) if again and repeats(results[k][0].text, text)]
    if twice and not options.no_repeat_ngram:
        other = dataclasses.replace(options, no_repeat_ngram=_REPEATED)
        chosen = [texts[k] for k in twice], [targets[k] for k in twice]
        better = translate(generator, config, tokenizer, *chosen, other)
        for k, found in zip(twice, better, strict=True):
            if found and found[0].finished:
                results[k] = found
    return results


def quickest(generator: Generator) -> Generator | Buckets:
    """Returns `Buckets` of a Keras model, which run faster; another backend as it is."""
    model = getattr(generator, "model", None)
    if model is None:
        return generator
    from apps.translation.model import buckets

    return buckets(model)


def _batches(
    sources: Sequence[Sequence[int]], lengths: Sequence[int], size: int
) -> Iterator[tuple[int, list[int]]]:
    """Yields batches of sources of like lengths: the padded length and the sources' indices.

    Empty sources are left out. Full batches save more steps than exact lengths would.
    """
    order = sorted((i for i, s in enumerate(sources) if s), key=lambda index: len(sources[index]))
    for first in range(0, len(order), size):
        chosen = order[first : first + size]
        yield next(n for n in lengths if n >= len(sources[chosen[-1]])), chosen


def _with_slots_apart(
    sources: Sequence[Sequence[int]], forms: Sequence[Form]
) -> Iterator[list[Sequence[int]]]:
    """Yields the sources without placeholders, then those with them, all others empty.

    A constraint takes time, and most sentences need none.
    """
    for wanted in (False, True):
        yield [s if bool(f.slots) is wanted else [] for s, f in zip(sources, forms, strict=True)]


def _untranslated(text: str) -> Hypothesis:
    return Hypothesis(text, 0.0, 0.0, True, (), (), np.zeros((0, 0), np.float32))


def _hypothesis(
    tokenizer: Tokenizer, source: Sequence[int], form: Form, result: Any, lifted: bool
) -> Hypothesis:
    symbols, attention = list(result.symbols), result.attention[:, : len(source)]
    written = tokenizer.decode(copied(tokenizer, source, symbols, attention, lifted))
    return Hypothesis(
        text=finished(form, written) if lifted else written,
        score=result.score,
        log_probability=result.log_probability,
        finished=result.finished,
        source_pieces=tuple(map(shown, tokenizer.pieces(source))),
        pieces=tuple(map(shown, tokenizer.pieces(symbols))),
        attention=attention,
    )
