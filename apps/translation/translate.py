"""Translate texts: `Translator`. Needs neither Keras nor TensorFlow."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack, overload

import numpy as np

from apps.engine import Engine
from apps.translation.confidence import Calibration, confidence, read_calibration
from apps.translation.glossary import Glossary, original, translated
from apps.translation.lifting import form_of, shown
from apps.translation.names import mark_names
from apps.translation.search import (
    DECODING,
    Hypothesis,
    condition,
    parts_of,
    quickest,
    source_ids,
    source_room,
    translate,
)
from shared.application import Trace
from shared.decoding import BeamOptions, DecodingOptions, beam_options
from shared.errors import InputError
from shared.text import START
from shared.text.language import guess_language, name_of
from shared.text.sentences import split_sentences

_ENDS = tuple(".!?…\"'”’»)]")
_LONG = 20  # words; the models were trained on shorter sentences


@dataclass(frozen=True, eq=False)
class Sentence:
    """A sentence of a text, or a part of a long one, which is translated by itself.

    Attributes:
        source: As it was given.
        gap: The whitespace between it and the next one.
        found: Its translations, best first.
        confidence: How likely the first one is good, 0 to 1; None of a model that is not
            calibrated. See `apps.translation.confidence`.
    """

    source: str
    gap: str
    found: Sequence[Hypothesis]
    confidence: float | None = None


@dataclass(frozen=True, eq=False)
class Translation:
    """A translated text.

    Attributes:
        source: The text as it was given.
        source_language: Its language, as it was named or guessed.
        target_language: The language of the translation.
        sentences: Its sentences with their translations.
        rank: Which translation of each sentence this one is made of; 0 for the best.
    """

    source: str
    source_language: str
    target_language: str
    sentences: tuple[Sentence, ...]
    rank: int = 0

    @property
    def hypotheses(self) -> list[Hypothesis]:
        """The translation of each sentence."""
        return [s.found[min(self.rank, len(s.found) - 1)] for s in self.sentences]

    @property
    def text(self) -> str:
        """The translation, with the whitespace that stood between the sentences."""
        return "".join(
            found.text + sentence.gap
            for found, sentence in zip(self.hypotheses, self.sentences, strict=True)
        ).strip()

    @property
    def score(self) -> float:
        """The mean of the sentences' scores; 0, the highest score, of a text without words."""
        scores = [found.score for found in self.hypotheses if found.pieces]
        return sum(scores) / len(scores) if scores else 0.0

    @property
    def confidence(self) -> float | None:
        """That of the sentence that is least likely to be good; None if it is not known."""
        return min((s.confidence for s in self.sentences if s.confidence is not None), default=None)

    @property
    def pieces(self) -> list[str]:
        """The subwords of the translation."""
        return [piece for found in self.hypotheses for piece in found.pieces]

    @property
    def source_pieces(self) -> list[str]:
        """The subwords of the source as the encoder read them."""
        return [piece for found in self.hypotheses for piece in found.source_pieces]

    @property
    def alignment(self) -> np.ndarray:
        """Attention weights ``(len(pieces), len(source_pieces))``; rows sum to 1.

        A sentence attends to its own source alone.
        """
        result = np.zeros((len(self.pieces), len(self.source_pieces)), np.float32)
        row = column = 0
        for found in self.hypotheses:
            rows, columns = found.attention.shape
            result[row : row + rows, column : column + columns] = found.attention
            row, column = row + rows, column + columns
        return result

    @property
    def n_best(self) -> list[Translation]:
        """All translations that were asked for, best first."""
        count = max(len(sentence.found) for sentence in self.sentences)
        return [dataclasses.replace(self, rank=rank) for rank in range(count)]

    def attention_map(self) -> bytes:
        """Draws what each subword of the first sentence attended to, as a PNG.

        Raises:
            InputError: There is no word in the text.
        """
        from shared.plots import attention_map

        found = next((found for found in self.hypotheses if found.pieces), None)
        if found is None:
            raise InputError("there is no translation whose attention could be drawn")
        return attention_map(found.attention, found.source_pieces, found.pieces, title=found.text)

    def to_json(self) -> dict[str, Any]:
        """The text, its translation, and what was found for each sentence, as JSON values."""
        return {
            "source": self.source,
            "translation": self.text,
            "confidence": self.confidence,
            "sentences": [
                {
                    "source": s.source,
                    "confidence": s.confidence,
                    "n_best": [found.to_json() for found in s.found],
                }
                for s in self.sentences
            ],
        }


class Translator(Engine):
    """Translates texts of any length, sentence by sentence.

        translator = Translator.from_preset()
        translator("Where is the station?", to="fr").text

    A sentence that is too long for the model is translated part by part.
    """

    app = "translation"

    @overload
    def __call__(
        self,
        texts: str,
        *,
        to: str = "",
        source_language: str = "",
        progress: Callable[[int], None] = ...,
        glossary: Mapping[str, str] | None = ...,
        **options: Unpack[BeamOptions],
    ) -> Translation: ...

    @overload
    def __call__(
        self,
        texts: list[str],
        *,
        to: str = "",
        source_language: str = "",
        progress: Callable[[int], None] = ...,
        glossary: Mapping[str, str] | None = ...,
        **options: Unpack[BeamOptions],
    ) -> list[Translation]: ...

    def __call__(
        self,
        texts: str | list[str],
        *,
        to: str = "",
        source_language: str = "",
        progress: Callable[[int], None] = lambda count: None,
        glossary: Mapping[str, str] | None = None,
        **options: Unpack[BeamOptions],
    ) -> Translation | list[Translation]:
        """Translates a text, or several in one language.

        Args:
            texts: A text, or a list of texts; a line break ends a sentence.
            to: The language to translate into, such as ``"de"``; by default the first that the
                model translates this source language into.
            source_language: Their language; by default it is guessed, from all texts together.
            progress: Called with the number of sentences finished since the last call.
            glossary: From terms to their translations, which the text then has; of a model that
                lifts placeholders, see `apps.translation.glossary`.
            **options: ``beam_size`` (5; 1 is greedy), ``n_best`` (1 translation of each sentence),
                ``length_penalty`` (1.0), ``coverage_penalty`` (0.0), ``no_repeat_ngram`` (0), see
                `shared.decoding.DecodingOptions`.

        Returns:
            A translation for a string, a list of them for a list.

        Raises:
            InputError: The model does not translate that way, cannot keep to a glossary, or an
                option is out of range.
        """
        decoding = beam_options(DECODING, options)
        several = [texts] if isinstance(texts, str) else list(texts)
        direction = self.direction(" ".join(several), to, source_language)
        if glossary and not self.opened.config.lifted:
            raise InputError(
                f"{self.opened.name}: cannot keep to a glossary, for it places no placeholders; "
                "leave out --glossary, or use a model trained with --lifted"
            )
        texts_read = map(Glossary(glossary).marked, several) if glossary else several
        found = self._translate(list(texts_read), direction, decoding, progress)
        results = [
            Translation(text, *direction, tuple(sentences))
            for text, sentences in zip(several, found, strict=True)
        ]
        return results[0] if isinstance(texts, str) else results

    def direction(self, text: str, to: str = "", source_language: str = "") -> tuple[str, str]:
        """Returns the first direction of the model that fits, its source guessed from a text.

        A word or two are taken for the first of the model's languages, unless clearly of another.

        Args:
            text: In the source language.
            to: The target language; "" for any.
            source_language: The source language; "" for the one that the text seems to be in.

        Raises:
            InputError: There is none, or the text is in a language that the model does not
                translate, or in the target language.
        """
        config = self.opened.config
        directions = config.directions_between(source_language, to)
        if source_language:
            return directions[0]
        sources = list(dict.fromkeys(source for source, _ in directions))
        found = guess_language(text, sources, config.languages)
        if found in sources:
            return next(pair for pair in directions if pair[0] == found)
        name = name_of(found)
        if found == directions[0][1]:
            raise InputError(f"the text is {name} already; name another language with --to, or "
                             "the text's own with --from")  # fmt: skip
        ways = ", ".join("-".join(pair) for pair in config.directions)
        where = f" into {to}" if to else ""
        raise InputError(
            f"the text seems to be {name}, which this model does not translate{where}; "
            f"it translates {ways}; if it is another language, name it with --from"
        )

    def _translate(
        self,
        texts: Sequence[str],
        direction: tuple[str, str],
        decoding: DecodingOptions,
        progress: Callable[[int], None],
    ) -> list[list[Sentence]]:
        """Translates the sentences of each text, all at once."""
        config, tokenizer = self.opened.config, self.opened.tokenizer
        room = source_room(config)
        parts: list[list[tuple[str, str]]] = []
        for text in texts:
            parts.append([])
            for sentence in split_sentences(text):
                some = parts_of(sentence.text, tokenizer, room, config.lifted, _LONG)
                if config.lifted:
                    some = [(mark_names(one, tokenizer, direction[0]), gap) for one, gap in some]
                *first, (last, _) = some
                parts[-1] += [*first, (last, sentence.after)]
        sources = [source for some in parts for source, _ in some]
        targets = [direction[1]] * len(sources)
        generator = quickest(self.opened.generator)
        found = iter(
            translate(generator, config, tokenizer, sources, targets, decoding, progress, True)
        )
        return [[self._sentence(part, gap, next(found)) for part, gap in some] for some in parts]

    @functools.cached_property
    def calibration(self) -> Calibration | None:
        """What makes confidences of scores, if the model has it.

        Raises:
            InputError: Its file is damaged.
        """
        return read_calibration(self.opened.folder)

    def _sentence(self, source: str, gap: str, found: Sequence[Hypothesis]) -> Sentence:
        """A sentence, the terms of a glossary in it."""
        sure = confidence(found[0], self.calibration) if self.calibration else None
        goes_on = gap == " " and not source.endswith(_ENDS)  # a part of a long sentence
        texts = [translated(one.text, source) for one in found]
        texts = [_open_ended(text, source) if goes_on else text for text in texts]
        found = [
            dataclasses.replace(one, text=text) for one, text in zip(found, texts, strict=True)
        ]
        return Sentence(original(source), gap, found, sure)

    def trace(self, text: str, to: str = "", source_language: str = "") -> Trace:
        """Translates a sentence and returns the gates of the decoder meanwhile.

        Args:
            text: A sentence.
            to: As for a translation.
            source_language: The same.

        Raises:
            InputError: The model is not open on Keras, or the sentence is empty or too long.
        """
        opened = self.opened
        model = getattr(opened.generator, "model", None)
        if model is None:
            raise InputError('gates are traced by Keras alone; open the model on backend "keras"')
        if not text.strip():
            raise InputError("nothing to translate; give a sentence")
        target = self.direction(text, to, source_language)[1]
        source = source_ids(opened.tokenizer, opened.config, text, target)
        options = DecodingOptions(**DECODING)
        [[found]] = translate(
            opened.generator, opened.config, opened.tokenizer, [text], [target], options
        )
        written = form_of(found.text).text if opened.config.lifted else found.text
        symbols = [START, *opened.tokenizer.encode(written)]
        read = condition([source], len(source))
        batch = {
            "source": read["source"],
            "source_mask": read["source_mask"] > 0,
            "inputs": np.array([symbols], np.int32),
        }
        return Trace(
            layers=[np.asarray(gates[0]) for gates in model.gates(batch)],
            title=f"{text}\n{found.text}",
            labels=[*map(shown, opened.tokenizer.pieces(symbols))],
            text=found.text,
            values={"translation": found.text},
        )


def _open_ended(text: str, source: str) -> str:
    """The translation of a part of a sentence, without the period that the model ends it with."""
    text = text.removesuffix(".")
    return f"{text}," if source.endswith(",") and not text.endswith(",") else text
