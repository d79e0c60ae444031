"""Everyday sentences, written for this project in four languages: what a model makes of them.

    python -m benchmarks.everyday.score --preset everyday
    python -m benchmarks.everyday.score --write-held-out

Prints chrF (sacreBLEU) of each direction and of each kind of sentence, and how many translations
have exactly the digits of their source, and all of its names. ``-o`` writes the translations. The
second line writes the fingerprints by which training leaves these sentences out: after a change of
`sentences.tsv`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from apps.translation import held_out
from apps.verbs.arguments import add_json, add_model_arguments, report
from shared.files import write_text

FILE = Path(__file__).with_name("sentences.tsv")
LANGUAGES = ("en", "de", "fr", "es")


class Sentence(NamedTuple):
    """One sentence in all languages."""

    kind: str
    texts: tuple[str, ...]  # in the order of LANGUAGES
    names: tuple[str, ...]  # what stands in all of them


def read() -> list[Sentence]:
    """The sentences of `sentences.tsv`."""
    rows = [line.split("\t") for line in FILE.read_text(encoding="utf-8").splitlines()[1:]]
    return [Sentence(r[0], tuple(r[1:5]), tuple(filter(None, r[5].split(",")))) for r in rows]


def digits(text: str) -> Counter[str]:
    """Each run of digits, and how often it is there."""
    spaced = "".join(c if c.isdecimal() else " " for c in text)
    return Counter(spaced.split())


def figures(sentences: list[Sentence], found: dict[tuple[str, str], list[str]]) -> dict[str, float]:
    """Of translations of all sentences, by source and target language."""
    from sacrebleu.metrics import CHRF

    result: dict[str, float] = {}
    kept, numbered, named, names = 0, 0, 0, 0
    for (source, target), texts in found.items():
        left, right = LANGUAGES.index(source), LANGUAGES.index(target)
        references = [sentence.texts[right] for sentence in sentences]
        result[f"chrf_{source}_{target}"] = CHRF().corpus_score(texts, [references]).score
        for sentence, text in zip(sentences, texts, strict=True):
            if wanted := digits(sentence.texts[left]):
                numbered += 1
                kept += digits(text) == wanted
            if sentence.names:
                named += 1
                names += all(name in text for name in sentence.names)
    for kind in dict.fromkeys(sentence.kind for sentence in sentences):
        chosen = [k for k, sentence in enumerate(sentences) if sentence.kind == kind]
        pairs = [(texts[k], sentences[k].texts[LANGUAGES.index(target)])
                 for (_, target), texts in found.items() for k in chosen]  # fmt: skip
        hypotheses, references = map(list, zip(*pairs, strict=True))
        result[f"chrf_{kind}"] = CHRF().corpus_score(hypotheses, [references]).score
    overall = [value for key, value in result.items() if key[5:7] in LANGUAGES and key[7:8] == "_"]
    result = {"chrf": sum(overall) / len(overall), **result}
    if numbered:
        result["digits_equal"] = 100 * kept / numbered
    if named:
        result["names_kept"] = 100 * names / named
    return result


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write-held-out", action="store_true")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the translations there")
    add_model_arguments(parser)
    add_json(parser)
    args = parser.parse_args()
    sentences = read()
    if args.write_held_out:
        marks = sorted({held_out.fingerprint(t) for s in sentences for t in s.texts})
        write_text(held_out._FILE, "".join(f"{mark}\n" for mark in marks))
        return
    from apps.translation.translate import Translator

    translator = Translator.from_preset(args.preset, backend=args.backend)
    found = {}
    for source, target in translator.opened.config.directions:
        texts = [sentence.texts[LANGUAGES.index(source)] for sentence in sentences]
        translated = translator(texts, to=target, source_language=source)
        found[source, target] = [translation.text for translation in translated]
    if args.output:
        lines = [f"{s}-{t}\t{sentence.kind}\t{sentence.texts[LANGUAGES.index(s)]}\t{text}\n"
                 for (s, t), texts in found.items()
                 for sentence, text in zip(sentences, texts, strict=True)]  # fmt: skip
        write_text(args.output, "".join(lines))
    values = {"n": len(sentences), **translator.opened.header, **figures(sentences, found)}
    lines = [
        f"{k:20} {v:.1f}" if isinstance(v, float) else f"{k:20} {v}" for k, v in values.items()
    ]
    report(args, values, "\n".join(lines))


if __name__ == "__main__":
    main()
