"""The verbs of translation: options in, `Translator` called, files out."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from apps.translation.confidence import DOUBTFUL, calibrate
from apps.translation.data import Pair, Source, read, say_doubts
from apps.translation.documents import FORMATS, Rebuilt, format_of
from apps.translation.evaluate import baseline, figures_of
from apps.translation.files import filled
from apps.translation.glossary import read_glossary
from apps.translation.reading import read_lines, text_file
from apps.translation.record import record
from apps.translation.search import DECODING, quickest
from apps.translation.translate import Translation, Translator
from apps.verbs.arguments import (
    add_beam_arguments,
    add_json,
    add_model_arguments,
    chosen_beam,
    report,
)
from apps.verbs.lines import Lines
from apps.verbs.progress import Progress, say_left_out
from apps.verbs.train import evaluate_command
from shared.application import Trace, Verb
from shared.calibration import CALIBRATION
from shared.datasets.split import spread
from shared.decoding import DecodingOptions, beam_options
from shared.errors import InputError
from shared.files import STDOUT, check_outputs, write_bytes, write_text
from shared.presets.attach import attach
from shared.presets.open import Opened
from shared.readers import read_text
from shared.text.language import guess_language, is_short, name_of
from shared.text.sentences import split_sentences

_CHUNK = 256  # lines after which what is done is written


def _add_text(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--text", dest="words", action="store_true",
                        help="it is text, though it looks like the name of a file")  # fmt: skip


def _add_directions(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--to", default="", metavar="LANG", help="target language, such as de")
    add("--from", dest="source_language", default="", metavar="LANG",
        help="source language; default: guessed")  # fmt: skip


def _add_decoding(parser: argparse.ArgumentParser) -> None:
    add_beam_arguments(parser, DECODING, "subwords")
    parser.add_argument("--coverage-penalty", type=float, default=0.0, metavar="B",
                        help="beta of GNMT, larger favors those that leave nothing out; "
                        "default: %(default)s")  # fmt: skip


# --- translate --------------------------------------------------------------------------------


def _add_translate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("text", nargs="*", help="what to translate; or a text file, translated line by line; "
        "- or nothing for standard input")  # fmt: skip
    _add_text(parser)
    _add_directions(parser)
    add("-o", "--output", metavar="FILE", help="write the translation there")
    add("--resume", action="store_true", help="go on with an output that was stopped")
    add("--interactive", action="store_true", help="translate as one types")
    add("--format", choices=FORMATS, dest="kind", help="what the text is: subtitles, Markdown and "
        "HTML keep their structure; default: by the file's name")  # fmt: skip
    add("--html", action="store_const", const="html", dest="kind", help="the same as --format html")
    add("--glossary", metavar="FILE.tsv", help="terms and their translations, a tab between")
    add("--flag-doubtful", action="store_true", help="mark doubtful lines with [?]")
    add("--n-best", type=int, default=1, metavar="N",
        help="translations of each sentence; default: %(default)s")  # fmt: skip
    add("--attention", metavar="FILE.png",
        help="what each subword attended to, in the first sentence")  # fmt: skip
    _add_decoding(parser)
    add_model_arguments(parser)
    add_json(parser)


def _translate(args: argparse.Namespace) -> None:
    if args.interactive and (args.text or args.output or args.attention or args.json):
        raise InputError("--interactive takes no text, no --output, --attention or --json")
    if args.output == STDOUT:
        args.output = None
    path = None if args.interactive or (args.words and args.text) else text_file(args.text)
    _check_outputs(args, path)
    beam_options(DECODING, chosen_beam(args))  # refuses bad ones before a model is opened
    args.kind = args.kind or format_of(path)
    if args.kind != "text":
        _translate_document(args, path)
        return
    lines = [] if args.interactive else read_lines(args.text, path)
    translator = _opened(args)
    if args.interactive:
        _converse(translator, args)
        return
    out = Lines(args.output, args.resume)
    if len(out.kept) > len(lines):
        raise InputError(
            f"{args.output}: has {len(out.kept)} lines, the text {len(lines)}; it is not this "
            "text's translation; leave out --resume"
        )
    direction = translator.direction(" ".join(lines), args.to, args.source_language)
    _say_assumed(args, translator, lines, direction[0])
    kept = _translate_lines(translator, args, lines, direction, out)
    if args.attention:
        write_bytes(args.attention, next((t for t in kept if t.pieces), kept[0]).attention_map())
    values = {
        **translator.opened.header,
        "source_language": direction[0],
        "target_language": direction[1],
        "source_language_guessed": not args.source_language,
        "texts": [translation.to_json() for translation in kept],
    }
    if args.json or args.output:
        report(args, values, f"wrote {args.output}: {len(lines)} lines, {'-'.join(direction)}")


def _translate_document(args: argparse.Namespace, path: str | None) -> None:
    """Translates a file with a structure, as a whole."""
    if args.interactive or args.resume or args.attention or args.n_best > 1 or args.json:
        raise InputError(f"a file of the format {args.kind} is translated as a whole: leave out "
                         "--interactive, --resume, --attention, --n-best and --json, or give "
                         "--format text to translate it line by line")  # fmt: skip
    text = " ".join(args.text) if path is None else read_text(path)
    document = Rebuilt(text, args.kind)
    translator = _opened(args)
    lines = [block.text for block in document.blocks]
    direction = translator.direction(" ".join(lines), args.to, args.source_language)
    _say_assumed(args, translator, lines, direction[0])
    with Progress(sum(len(split_sentences(line)) for line in lines), 20) as progress:
        found = translator(
            lines,
            to=direction[1],
            source_language=direction[0],
            progress=progress,
            glossary=args.terms,
            **chosen_beam(args),
        )
    if args.flag_doubtful:
        doubtful = [one.source for one in found if _is_doubtful(one)]
        print(f"{len(doubtful)} of {len(found)} parts are doubtful", *doubtful[:9], sep="\n  ",
              file=sys.stderr)  # fmt: skip
    written = document.written(found)
    if args.output:
        write_text(args.output, written)
    else:
        print(written, end="" if written.endswith("\n") else "\n")


def _translate_lines(
    translator: Translator,
    args: argparse.Namespace,
    lines: Sequence[str],
    direction: tuple[str, str],
    out: Lines,
) -> list[Translation]:
    """Writes translations as they are made; returns those that are needed in the end."""
    kept: list[Translation] = []
    lines = lines[len(out.kept) :]
    quiet = sys.stdout.isatty() and not (args.output or args.json)  # the lines show how far it is
    total = 0 if quiet else sum(len(split_sentences(line)) for line in lines)
    with out, Progress(total, 20) as progress:
        for first in range(0, len(lines), _CHUNK):
            found = translator(
                list(lines[first : first + _CHUNK]),
                to=direction[1],
                source_language=direction[0],
                progress=progress,
                glossary=args.terms,
                **chosen_beam(args),
            )
            if args.output or not args.json:
                out.write(_words(found, args))
            if args.json or (args.attention and not any(t.pieces for t in kept)):
                kept += found
    return kept


def _check_outputs(args: argparse.Namespace, path: str | None) -> None:
    other = args.json or args.attention or args.n_best > 1
    if args.resume and (other or args.interactive or not args.output):
        raise InputError("--resume goes on with --output FILE, one line for each; leave out "
                         "--json, --attention and --n-best")  # fmt: skip
    if args.attention == STDOUT:
        raise InputError("--attention is a picture, and words go to standard output; name a file")
    if (
        args.attention
        and args.output
        and os.path.realpath(args.attention) == os.path.realpath(args.output)
    ):
        raise InputError("--attention and --output name the same file; name two")
    outputs = {args.attention: (".png",), args.output: ()}
    read_from = "/dev/stdin" if path == STDOUT else path  # a link to the file that is piped in
    check_outputs(
        {name: endings for name, endings in outputs.items() if name},
        [name for name in (read_from, args.glossary) if name],
    )


def _say_assumed(
    args: argparse.Namespace, translator: Translator, lines: Sequence[str], language: str
) -> None:
    """Says which language a word or two were taken for, and how many lines seem to be of another.

    A text is translated from one language.
    """
    if args.source_language:
        return
    config = translator.opened.config
    if is_short(" ".join(lines)):
        if len({source for source, _ in config.directions}) == 1:
            return
        print(f"taken for {name_of(language)}; --from names another language", file=sys.stderr)
        return
    guesses = Counter(guess_language(line, [language], config.languages) for line in lines)
    if others := len(lines) - guesses.pop(language, 0):
        named = ", ".join(f"{name_of(name)} {count}" for name, count in guesses.most_common(3))
        print(f"taken for {name_of(language)}, but {others} of {len(lines)} lines seem to be in "
              f"other languages: {named}", file=sys.stderr)  # fmt: skip


def _converse(translator: Translator, args: argparse.Namespace) -> None:
    """Translates line by line, until the input ends."""
    while True:
        try:
            line = input("> " if sys.stdin.isatty() else "")
        except EOFError:
            return
        if not line.strip():
            continue
        try:
            source, to = translator.direction(line, args.to, args.source_language)
        except InputError as error:  # of this line
            print(error, file=sys.stderr)
            continue
        _say_assumed(args, translator, [line], source)
        found = translator(
            line, to=to, source_language=source, glossary=args.terms, **chosen_beam(args)
        )
        print(*_words([found], args), sep="\n", flush=True)


def _opened(args: argparse.Namespace) -> Translator:
    """The model, and the glossary as ``args.terms``."""
    args.terms = read_glossary(args.glossary) if args.glossary else None
    if args.flag_doubtful and args.n_best > 1:
        raise InputError("--flag-doubtful marks one translation a line; leave out --n-best")
    translator = Translator.from_preset(args.preset, backend=args.backend)
    if args.flag_doubtful and translator.calibration is None:
        raise InputError(
            f"{translator.opened.name}: its scores are not calibrated; run lstm-suite evaluate "
            "translation --calibrate --split valid with it, or leave out --flag-doubtful"
        )
    return translator


def _is_doubtful(found: Translation) -> bool:
    return found.confidence is not None and found.confidence < DOUBTFUL


def _words(found: Sequence[Translation], args: argparse.Namespace) -> list[str]:
    """The lines to print: one for each text; of several translations the scores, too."""
    if args.n_best == 1:
        marks = ["[?] " if args.flag_doubtful and _is_doubtful(one) else "" for one in found]
        return [mark + one.text for mark, one in zip(marks, found, strict=True)]
    return [
        f"{hypothesis.score:8.3f}  {hypothesis.text}"
        for translation in found
        for sentence in translation.sentences
        for hypothesis in sentence.found
    ]


# --- evaluate ---------------------------------------------------------------------------------


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write the translations there, a line for each line of the data",
    )
    parser.add_argument("--record", action="store_true", help="add the figures to the preset's "
                        "metrics.json; BLEU on the test split gets a floor there")  # fmt: skip
    parser.add_argument("--calibrate", action="store_true", help="fit confidences to the data, and "
                        "keep them with the preset, or the bundle on litert")  # fmt: skip
    _add_decoding(parser)


def _evaluate(args: argparse.Namespace, opened: Opened, source: Source) -> dict[str, Any]:
    options = beam_options(DECODING, chosen_beam(args))
    if args.output == STDOUT:
        raise InputError("the figures go to standard output; name a file for the translations")
    read_from = [path for path in (source.source, source.target, source.tsv) if path]
    if not source.own and Path(source.data).is_dir():
        read_from += map(str, Path(source.data).iterdir())
    check_outputs({args.output: ()} if args.output else {}, read_from)
    if args.record:
        _check_record(args, options, source)
    left_out: Counter[str] = Counter()
    pairs = spread(read(source, args.split, opened.config, left_out), args.limit)
    measured = filled(pairs, left_out)
    say_left_out(left_out)
    say_doubts(source, measured)
    if not measured:
        raise InputError("there are no pairs to measure; check the data")
    if args.calibrate:
        return _calibrate(args, opened, source, measured)
    generator = quickest(opened.generator)
    with Progress(len(pairs), 20) as progress:
        figures, found = figures_of(
            generator, opened.config, opened.tokenizer, pairs, options, progress
        )
    if args.output:
        write_text(args.output, "".join(f"{line}\n" for line in found))
    split = args.split or "test"
    if args.record:
        command = evaluate_command(args.app, opened.name, source, split)
        record(args.app.find_preset(args.preset), figures, measured, split, command)
    known = {} if source.own else baseline(source.data, split, measured)
    beside = {f"word_by_word_bleu_{name}": bleu for name, bleu in known.items()}
    dropped = {"left_out": len(pairs) - len(measured)} if len(pairs) > len(measured) else {}
    return {"n": len(measured), **dropped, **figures, **beside}


def _calibrate(
    args: argparse.Namespace, opened: Opened, source: Source, pairs: Sequence[Pair]
) -> dict[str, Any]:
    if args.record or args.output or (not source.own and args.split != "valid"):
        raise InputError("--calibrate takes --split valid, or your own pairs, held out; leave out "
                         "--record and --output")  # fmt: skip
    split = args.split or "test"
    command = f"{evaluate_command(args.app, opened.name, source, split)} --calibrate"
    command += f" --backend {args.backend}" + (f" --limit {args.limit}" if args.limit else "")
    with Progress(len(pairs), 20) as progress:
        found = calibrate(opened, pairs, command, progress)
    attach(opened.folder, CALIBRATION, found)
    return {**found["figures"], "n": len(pairs)}


def _check_record(args: argparse.Namespace, options: DecodingOptions, source: Source) -> None:
    partial = source.own or source.source_language or source.target_language or args.limit
    other = args.backend == "litert" or options != DecodingOptions(**DECODING)
    if partial or other:
        raise InputError("--record takes all pairs of a split of --data, the preset's own weights "
                         "and the default decoding; leave out other options")  # fmt: skip


# --- inspect ----------------------------------------------------------------------------------


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="+", help="a sentence, or a file with one")
    _add_text(parser)
    _add_directions(parser)


def _inspect(args: argparse.Namespace, opened: Opened) -> Trace:
    text = " ".join(read_lines(args.text, None if args.words else text_file(args.text)))
    translator = Translator(opened)
    direction = translator.direction(text, args.to, args.source_language)
    _say_assumed(args, translator, [text], direction[0])
    return translator.trace(text, direction[1], direction[0])


COMMANDS = {
    "translate": Verb(_add_translate, _translate),
    "evaluate": Verb(_add_evaluate, _evaluate),
    "inspect": Verb(_add_inspect, _inspect),
}
