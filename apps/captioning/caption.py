"""Captions of photos: `Captioner`, and what it is made of. Needs neither Keras nor TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from apps.captioning.familiarity import Confidence, Familiarity
from apps.captioning.photos import PhotoLike, as_photo, load_photo
from apps.captioning.words import SPACE, AnyTokenizer, start_of
from apps.engine import Engine
from shared.calibration import load_calibration
from shared.decoding import DecodingOptions, DecodingResult, beam_options, decode
from shared.generator import Generator
from shared.presets.open import Opened
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
    """The best caption of a photo.

    Attributes:
        text: As a sentence.
        plain: Its words without punctuation, which is what is measured.
        score: What captions of a photo are ranked by.
        log_probability: Natural log, summed over all tokens and the end.
        finished: Whether the model ended it; if not, it was cut at the greatest length allowed.
        words: Its words, joined from subwords if need be.
        attention: Attention weights ``(len(words), cells, cells)``, from the top left. Those of a
            word sum to 1.
        confidence: Probability, 0 to 1, that the photo is of the kind that the model was trained
            on; None if the model is not calibrated.
        doubtful: Whether the confidence is below the model's threshold.
        n_best: All captions that were asked for, best first; empty in those but the best.
    """

    text: str
    plain: str
    score: float
    log_probability: float
    finished: bool
    words: tuple[str, ...]
    attention: np.ndarray
    confidence: float | None = None
    doubtful: bool = False
    n_best: tuple[Caption, ...] = ()

    @property
    def said(self) -> str:
        """The text; of a doubtful caption with *not sure* before it."""
        return f"not sure: {self.text}" if self.doubtful else self.text

    def to_json(self) -> Mapping[str, Any]:
        """All as JSON values except the attention weights and the other captions."""
        return {k: v for k, v in vars(self).items() if k not in ("attention", "n_best")}


class Captioner(Engine):
    """Captions photos.

    captioner = Captioner.from_preset()
    captioner("photo.jpg").text
    [caption.text for caption in captioner(["a.jpg", image, array])]
    captioner("photo.jpg", to="de").text  # of a model that writes German
    """

    app = "captioning"

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened)
        calibration = load_calibration(opened.folder)
        self.familiarity = Familiarity.of(calibration, opened.config.grid_units)

    @overload
    def __call__(self, photos: PhotoLike, *, to: str | None = None, **options: Any) -> Caption: ...

    @overload
    def __call__(
        self, photos: Sequence[PhotoLike], *, to: str | None = None, **options: Any
    ) -> list[Caption]: ...

    def __call__(
        self,
        photos: PhotoLike | Sequence[PhotoLike],
        *,
        to: str | None = None,
        **options: Any,
    ) -> Caption | list[Caption]:
        """Captions a photo, or several.

        Args:
            photos: A file's path, a PIL image, its pixels as uint8 ``(height, width, 3)``, or a
                list of these.
            to: The language, such as "de"; by default the model's first.
            **options: Fields of `shared.decoding.DecodingOptions`, such as ``n_best``,
                ``beam_size`` and ``length_penalty``; by default those of `DECODING`.

        Returns:
            A `Caption`, or of a list one for each photo.

        Raises:
            InputError: A photo cannot be read, an option is out of range, or the model does not
                write the language.
        """
        if isinstance(photos, list | tuple):
            return list(self.each(photos, to=to, **options))
        [found] = self.each([photos], to=to, **options)  # type: ignore[list-item]
        return found

    def each(
        self, photos: Iterable[PhotoLike], *, to: str | None = None, **options: Any
    ) -> Iterator[Caption]:
        """Captions photos one after another; they are read as they are needed.

        Args:
            photos: As in a call, any number.
            to: As in a call.
            **options: As in a call.

        Returns:
            A `Caption` for each photo.

        Raises:
            InputError: As in a call.
        """
        opened = self.opened
        squares = (load_photo(photo, opened.config) for photo in photos)
        decoding = beam_options(DECODING, options)
        start = start_of(opened.tokenizer, to)
        return caption(
            opened.generator, opened.tokenizer, squares, decoding, start, self.familiarity
        )

    def attention_picture(self, photo: PhotoLike, found: Caption) -> bytes:
        """The photo, and a copy of it for each word with a heat map of the attention, as a PNG.

        A photo that was scaled to a square for the model has its own shape again, and so have the
        weights; of a padded one the square is shown.

        Args:
            photo: The photo that was captioned.
            found: Its caption.

        Raises:
            InputError: The photo cannot be read.
        """
        from shared.plots import photo_attention

        config = self.opened.config
        if config.fit == "squash":
            image = as_photo(photo)
            image.thumbnail((448, 448))
            shown = np.asarray(image)
        else:
            shown = load_photo(photo, config)
        return photo_attention(shown, found.words, found.attention, title=found.said)


def caption(
    generator: Generator,
    tokenizer: AnyTokenizer,
    conditions: Iterable[np.ndarray],
    options: DecodingOptions,
    start: int = START,
    familiarity: Familiarity | None = None,
) -> Iterator[Caption]:
    """Captions photos, several at once if the backend can; they are read as they are needed.

    Args:
        generator: A captioning model on any backend.
        tokenizer: The model's.
        conditions: What its ``encode`` takes, one by one: photos uint8 ``(size, size, 3)``.
        options: How to decode.
        start: The start symbol of the language, see `apps.captioning.words.start_of`.
        familiarity: What the confidence comes from, if the model is calibrated.

    Yields:
        For each photo the best caption, with ``options.n_best`` in all.
    """
    [name] = generator.signature.condition
    width = options.beam_size if options.strategy == "beam" else options.n_best
    together = max(1, _ROWS // width) if hasattr(generator, "model") else 1
    for some in _chunks(conditions, together):
        state = generator.encode({name: np.stack(some)})
        sure = familiarity.judge(state["values"]) if familiarity else [{}] * len(some)
        decoded = decode(generator, state, start=start, end=END, options=options)
        for results, facts in zip(decoded, sure, strict=True):
            found = tuple(_caption(tokenizer, result, facts) for result in results)
            yield dataclasses.replace(found[0], n_best=found)


def _chunks(items: Iterable[np.ndarray], size: int) -> Iterator[list[np.ndarray]]:
    chunk: list[np.ndarray] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _caption(tokenizer: AnyTokenizer, result: DecodingResult, facts: Confidence) -> Caption:
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
        **facts,
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
