"""Translate: ``lstm-suite translate``. Needs neither Keras nor TensorFlow."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.translation.config import TranslationConfig
from apps.translation.output import (
    add_decoding_arguments,
    add_direction_arguments,
    chosen_directions,
)
from apps.translation.translate import (
    DECODING,
    Translation,
    as_json,
    parts_of,
    quickest,
    source_room,
    translate,
)
from apps.verbs.arguments import add_json, add_model_arguments, beam_options, report
from apps.verbs.progress import Progress
from shared.application import Sample
from shared.decoding import DecodingOptions
from shared.errors import InputError
from shared.files import write_bytes, write_text
from shared.generator import Generator
from shared.presets.open import Opened, open_preset
from shared.presets.store import config_from_json
from shared.text import Tokenizer
from shared.text.language import guess_language
from shared.text.sentences import split_sentences

Config = TranslationConfig
TOKENIZER = "tokenizer.model"


def build_model(config: dict[str, Any]) -> Any:
    """The Keras model of a preset's configuration; imports TensorFlow."""
    from apps.translation.model import TranslationModel

    return TranslationModel(config_from_json(TranslationConfig, config, "config.json"))


def open_translation(args: argparse.Namespace) -> tuple[Opened, TranslationConfig, Tokenizer]:
    """The model that ``--preset`` and ``--backend`` name, its configuration and its tokenizer."""
    opened = open_preset("translation", args.preset, args.backend, build_model)
    config = config_from_json(TranslationConfig, opened.config, opened.name)
    return opened, config, open_tokenizer(opened.folder)


def open_tokenizer(folder: str | Path | None) -> Tokenizer:
    """The tokenizer of a preset's or a bundle's folder."""
    return Tokenizer(Path(folder or ".") / TOKENIZER)


@dataclass(frozen=True, eq=False)
class Sentence:
    """A part of a text that was translated by itself.

    Attributes:
        source: As it was given.
        gap: What stands between it and the next one.
        found: Its translations, best first.
    """

    source: str
    gap: str
    found: Sequence[Translation]


def translate_texts(
    generator: Generator,
    config: TranslationConfig,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    target: str,
    options: DecodingOptions,
    progress: Callable[[int], None] = lambda count: None,
) -> list[list[Sentence]]:
    """Translates texts of any length: sentence by sentence, and those too long part by part.

    Args:
        generator: A translation model on any backend.
        config: The model's.
        tokenizer: The model's.
        texts: Paragraphs.
        target: The language to translate them into.
        options: How to decode.
        progress: As for `apps.translation.translate.translate`.

    Returns:
        The sentences of each text; `joined` makes a text of them again.
    """
    room = source_room(config)
    parts = [
        [
            pair
            for sentence in split_sentences(text)
            for pair in _with_gap(parts_of(sentence.text, tokenizer, room), sentence.after)
        ]
        for text in texts
    ]
    flat = [source for part in parts for source, _ in part]
    found = iter(
        translate(
            quickest(generator), config, tokenizer, flat, [target] * len(flat), options, progress
        )
    )
    return [[Sentence(source, gap, next(found)) for source, gap in part] for part in parts]


def _with_gap(parts: list[tuple[str, str]], gap: str) -> list[tuple[str, str]]:
    return [*parts[:-1], (parts[-1][0], gap)]


def joined(sentences: Sequence[Sentence]) -> str:
    """The best translations, with what stood between their sources."""
    return "".join(s.found[0].text + s.gap for s in sentences).strip()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``translate``."""
    parser.add_argument("text", nargs="*", help="what to translate; or the name of a text file, "
                        "line by line; without either, standard input")  # fmt: skip
    add_direction_arguments(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="write the translation there")
    parser.add_argument("--interactive", action="store_true", help="translate as one types")
    parser.add_argument("--n-best", type=int, default=1, metavar="N",
                        help="translations of each sentence; default: %(default)s")  # fmt: skip
    parser.add_argument("--attention", metavar="FILE.png",
                        help="what each subword attended to, in the first sentence")  # fmt: skip
    add_decoding_arguments(parser)
    add_model_arguments(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite translate``."""
    if args.attention and Path(args.attention).suffix.lower() != ".png":
        raise InputError(f"{args.attention}: an attention map is a picture; call it FILE.png")
    if args.interactive and (args.text or args.output or args.attention or args.json):
        raise InputError("--interactive takes no text, no --output, --attention or --json")
    options = beam_options(args, DECODING, args.n_best)
    lines = [] if args.interactive else read_lines(args.text)
    opened, config, tokenizer = open_translation(args)
    directions = chosen_directions(args, config)

    def translated(texts: Sequence[str], progress: Callable[[int], None]) -> Any:
        direction = choose_direction(" ".join(texts), directions)
        return direction, translate_texts(
            opened.generator, config, tokenizer, texts, direction[1], options, progress
        )

    if args.interactive:
        _converse(translated)
        return
    with Progress(len(lines), 20) as progress:
        direction, texts = translated(lines, progress)
    if args.attention:
        write_bytes(args.attention, _map(texts))
    words = _words(texts, args.n_best)
    if args.output:
        write_text(args.output, f"{words}\n")
        words = f"wrote {args.output}: {len(lines)} lines, {'-'.join(direction)}"
    values = {
        "preset": opened.name,
        "backend": opened.backend,
        "precision": opened.precision,
        "source_language": direction[0],
        "target_language": direction[1],
        "texts": [
            {
                "source": line,
                "translation": joined(text),
                "sentences": [
                    {"source": s.source, "n_best": [as_json(found) for found in s.found]}
                    for s in text
                ],
            }
            for line, text in zip(lines, texts, strict=True)
        ],
    }
    report(args, values, words)


def read_lines(words: Sequence[str]) -> list[str]:
    """The lines that the command is about, from its words, a file or standard input.

    Raises:
        InputError: There is nothing to translate, or the file is not text.
    """
    if not words:
        if sys.stdin.isatty():
            raise InputError("nothing to translate; give a text, a file or --interactive")
        return _checked(sys.stdin.buffer.read(), "standard input")
    try:
        if len(words) == 1 and Path(words[0]).is_file():
            return _checked(Path(words[0]).read_bytes(), words[0])
    except (OSError, ValueError):  # longer than a file's name can be: no file
        pass
    return _checked(" ".join(words).encode(errors="replace"), "the text")


def _checked(data: bytes, name: str) -> list[str]:
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text (byte {error.start}); convert it") from error
    if not any(line.strip() for line in lines):
        raise InputError(f"{name}: nothing to translate; it is empty")
    return lines[:-1] if not lines[-1] else lines


def choose_direction(text: str, directions: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The first direction whose source is the language that the text seems to be in."""
    source = guess_language(text, list(dict.fromkeys(source for source, _ in directions)))
    return next(pair for pair in directions if pair[0] == source)


def _converse(translated: Callable[..., Any]) -> None:
    """Line by line, until the input ends."""
    while True:
        try:
            line = input("> " if sys.stdin.isatty() else "")
        except EOFError:
            return
        if line.strip():
            _, [text] = translated([line], lambda count: None)
            print(joined(text), flush=True)


def _words(texts: Sequence[Sequence[Sentence]], n_best: int) -> str:
    """What is printed: a line for each text; with several translations, their scores before."""
    if n_best == 1:
        return "\n".join(map(joined, texts))
    return "\n".join(
        f"{found.score:8.3f}  {found.text}"
        for text in texts
        for sentence in text
        for found in sentence.found
    )


def _map(texts: Sequence[Sequence[Sentence]]) -> bytes:
    """The attention map of the first sentence, both sentences on its axes."""
    from shared.plots import attention_map

    all_found = (s.found[0] for text in texts for s in text)
    found = next((f for f in all_found if f.pieces), None)
    if found is None:
        raise InputError("there is no translation whose attention could be drawn")
    return attention_map(found.attention, found.source_pieces, found.pieces, title=found.text)


def demo(folder: Path, seed: int) -> list[Sample]:
    """The samples of ``lstm-suite demo``."""
    from apps.translation.demo import samples

    return samples(folder, seed)
