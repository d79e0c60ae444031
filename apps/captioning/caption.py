"""Photos in, captions out, on any generator: what the command, evaluate and train share.

Needs neither Keras nor TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.captioning.words import SPACE, AnyTokenizer
from shared.decoding import DecodingOptions, DecodingResult, decode
from shared.generator import Generator
from shared.text import END, START

# What the shipped bundles name as their defaults, too.
DECODING: dict[str, Any] = {
    "strategy": "beam",
    "beam_size": 5,
    "length_penalty": 1.0,
    "min_length": 1,
    "max_length": 30,
}
_ROWS = 320  # hypotheses that are decoded at once


@dataclass(frozen=True, eq=False)
class Caption:
    """One caption of one photo.

    Attributes:
        text: As a sentence.
        plain: Its words in lower case, which is what is measured.
        score: What captions of a photo are ranked by.
        log_probability: Natural log, of all tokens and the end.
        finished: Whether the model ended it; else it was cut at the longest length allowed.
        words: Its words, joined of subwords if need be.
        attention: ``(len(words), cells, cells)``, each word's sums to 1: rows from the top.
    """

    text: str
    plain: str
    score: float
    log_probability: float
    finished: bool
    words: tuple[str, ...]
    attention: np.ndarray


def caption(
    generator: Generator,
    tokenizer: AnyTokenizer,
    conditions: Iterable[np.ndarray],
    options: DecodingOptions,
    progress: Callable[[int], None] = lambda count: None,
) -> Iterator[list[Caption]]:
    """Captions photos, some at once if the backend can; they are read as they are needed.

    Args:
        generator: A captioning model on any backend.
        tokenizer: The model's.
        conditions: What its ``encode`` takes, one by one: photos uint8 ``(size, size, 3)``.
        options: How to decode.
        progress: Told how many photos have been done since it was told last.

    Yields:
        For each photo ``options.n_best`` captions, best first.
    """
    [name] = generator.signature.condition
    width = options.beam_size if options.strategy == "beam" else options.n_best
    together = max(1, _ROWS // width) if hasattr(generator, "model") else 1
    for some in _chunks(conditions, together):
        state = generator.encode({name: np.stack(some)})
        found = decode(generator, state, start=START, end=END, options=options)
        progress(len(some))
        for results in found:
            yield [_caption(tokenizer, result) for result in results]


def _chunks(items: Iterable[np.ndarray], size: int) -> Iterator[list[np.ndarray]]:
    chunk: list[np.ndarray] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _caption(tokenizer: AnyTokenizer, result: DecodingResult) -> Caption:
    plain = tokenizer.decode(result.symbols)
    assert result.attention is not None
    words, attention = join_pieces(tokenizer.pieces(result.symbols), result.attention)
    cells = int(result.attention.shape[1] ** 0.5)
    return Caption(
        text=sentence(plain),
        plain=plain,
        score=result.score,
        log_probability=result.log_probability,
        finished=result.finished,
        words=tuple(words),
        attention=attention.reshape(-1, cells, cells),
    )


def sentence(plain: str) -> str:
    """Lower-case words as a sentence: ``a man 's dog`` is ``A man's dog.``"""
    text = plain.replace(" 's", "'s").replace(" n't", "n't").strip()
    return f"{text[0].upper()}{text[1:]}." if text else ""


def join_pieces(pieces: Sequence[str], attention: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Subwords as words, each with the mean attention ``(cells,)`` of its subwords."""
    words: list[str] = []
    rows: list[list[np.ndarray]] = []
    for piece, row in zip(pieces, attention, strict=True):
        if piece.startswith(SPACE) or not words:
            words.append(piece.removeprefix(SPACE))
            rows.append([row])
        else:
            words[-1] += piece
            rows[-1].append(row)
    means = [np.mean(some, 0) for some in rows]
    return words, np.array(means, np.float32).reshape(-1, attention.shape[1])


def as_json(found: Caption) -> Mapping[str, Any]:
    """All of it as JSON values but the attention."""
    return {name: value for name, value in vars(found).items() if name != "attention"}
