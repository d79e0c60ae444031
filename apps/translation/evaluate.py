"""Measure a translation model: ``lstm-suite evaluate translation``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apps.translation.config import TranslationConfig
from apps.translation.data import Pair, load, read_parallel
from apps.translation.figures import baseline, direction_of, record
from apps.translation.generate import open_tokenizer, open_translation
from apps.translation.output import (
    add_decoding_arguments,
    add_direction_arguments,
    chosen_directions,
)
from apps.translation.translate import (
    DECODING,
    Buckets,
    condition,
    parts_of,
    quickest,
    source_ids,
    source_room,
    translate,
)
from apps.verbs.arguments import (
    add_json,
    add_limit,
    add_model_arguments,
    beam_options,
    limited,
    report,
)
from apps.verbs.progress import Progress
from shared.decoding import DecodingOptions
from shared.errors import InputError
from shared.export.goldens import Example
from shared.files import write_text
from shared.generator import Generator
from shared.presets.catalog import find_preset
from shared.text import END, PAD, START, UNKNOWN, Tokenizer

DATA = "tatoeba"


def scores(hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
    """``bleu`` and ``chrf``, 0 to 100, cased, 13a (Post 2018), and ``bleu_signature``.

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
    """`scores` of the pairs, and the translations that they are of.

    With several directions there are keys such as ``bleu_en_de`` for each, and ``bleu`` and
    ``chrf`` are their means.
    """
    parts = [parts_of(pair.source, tokenizer, source_room(config)) for pair in pairs]
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
        groups.setdefault(direction_of(pair), []).append(index)
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


def load_pairs(args: argparse.Namespace, config: TranslationConfig) -> list[Pair]:
    """What ``--source`` and ``--reference``, or ``--data`` and ``--split``, name.

    Raises:
        InputError: Only one of the two files is given, or the direction is not the model's.
    """
    if not (args.source or args.reference):
        return load(args.data, args.split, chosen_directions(args, config))
    if not (args.source and args.reference):
        raise InputError("--source and --reference go together: a line of one translates the other")
    directions = chosen_directions(args, config)
    if len(directions) > 1:
        raise InputError("this model has several directions; name one with --from and --to")
    return read_parallel(args.source, args.reference, *directions[0])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate translation``."""
    parser.add_argument("--source", metavar="FILE", help="sentences, one a line")
    parser.add_argument("--reference", metavar="FILE", help="their translations, line by line")
    parser.add_argument("--data", default=DATA, metavar="PATH", help="instead: a folder of "
                        "Multi30k or Tatoeba, 'multi30k' or 'tatoeba'; %(default)s")  # fmt: skip
    parser.add_argument("--split", default="test", metavar="NAME", help="%(default)s")
    add_limit(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="write the translations there")
    parser.add_argument("--record", action="store_true", help="add the figures to the preset's "
                        "metrics.json; BLEU on the test split gets a floor there")  # fmt: skip
    add_direction_arguments(parser)
    add_decoding_arguments(parser)
    add_model_arguments(parser, backend="keras")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """``lstm-suite evaluate translation``."""
    options = beam_options(args, DECODING)
    _check_record(args, options)
    opened, config, tokenizer = open_translation(args)
    everything = load_pairs(args, config)
    pairs = limited(everything, args.limit)
    if not pairs:
        raise InputError("there is no pair of sentences to measure; check the files")
    with Progress(len(pairs), 20) as progress:
        figures, found = figures_of(
            quickest(opened.generator), config, tokenizer, pairs, options, progress
        )
    if args.output:
        write_text(args.output, "".join(f"{line}\n" for line in found))
    if args.record:
        record(find_preset("translation", args.preset), figures, pairs, args.split, args.data)
    values = {
        "n": len(pairs),
        "preset": opened.name,
        "backend": opened.backend,
        "precision": opened.precision,
        **figures,
    }
    known = {} if args.source else baseline(args.data, args.split, pairs)
    values |= {f"word_by_word_bleu_{name}": bleu for name, bleu in known.items()}
    report(args, values, _table(values, known))


def _check_record(args: argparse.Namespace, options: DecodingOptions) -> None:
    partial = args.source or args.reference or args.limit or args.to or args.source_language
    if args.record and (
        partial or args.backend == "litert" or options != DecodingOptions(**DECODING)
    ):
        raise InputError("--record takes all pairs of a split of --data, the preset's own weights "
                         "and the default decoding; leave out other options")  # fmt: skip


def _table(values: Mapping[str, Any], known: Mapping[str, float]) -> str:
    """A line for each figure, BLEU of a direction with the baseline's beside it."""
    beside = {f"bleu_{name}": f"   word by word {bleu}" for name, bleu in known.items()}
    return "\n".join(
        f"{name:20} {value}{beside.get(name, '')}"
        for name, value in values.items()
        if not name.startswith("word_by_word")
    )


# What export needs to know of the app.


def export_parts(
    config: TranslationConfig, split: str, folder: str | Path, data: str = DATA, limit: int = 0
) -> Mapping[str, Any]:
    """Examples, task metric and decoding defaults for `shared.export.pipeline.export_bundle`.

    Raises:
        InputError: There are too few pairs.
    """
    tokenizer = open_tokenizer(folder)
    everything = load(data, split, config.directions)
    pairs = limited(everything, limit)
    if len(pairs) < 4:
        raise InputError(f"{data}: {len(pairs)} pairs; to export takes four, to compare with")
    return {
        "examples": [_example(config, tokenizer, pair) for pair in pairs[:: len(pairs) // 4][:4]],
        "metric": lambda generator: {
            name: value
            for name, value in figures_of(quickest(generator), config, tokenizer, pairs)[0].items()
            if isinstance(value, float)
        },
        "measured": f"{len(pairs)} of {len(everything)} pairs, {split}",
        "decoding": DECODING,
        "special_ids": {
            "pad": PAD,
            "unknown": UNKNOWN,
            "start": START,
            "end": END,
            **{symbol: tokenizer.id(symbol) for symbol in config.symbols},
        },
        "normalization": {"source": "Unicode NFC, see shared/text; subwords by tokenizer.model"},
    }


def _example(config: TranslationConfig, tokenizer: Tokenizer, pair: Pair) -> Example:
    source = source_ids(tokenizer, config, pair.source, pair.target_language)
    symbols = [START, *tokenizer.encode(pair.target)][:6]
    return Example(
        condition([source], config.length), [{"symbol": np.array([s], np.int32)} for s in symbols]
    )
