"""The baseline of translation: a dictionary, word by word.

    python benchmarks/word_by_word.py --data tatoeba --split test --json FILE

The dictionary is learned from the training pairs: IBM Model 1 (Brown et al. 1993) aligns their
words, and each word is translated by the word that it is most often aligned to. Unknown words are
copied.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # installed or not

from apps.translation.app import TRANSLATION
from apps.translation.data import Pair, load
from apps.translation.evaluate import scores
from benchmarks.common import table
from shared.files import write_json

WORD = re.compile(r"\w+|[^\w\s]")
ITERATIONS = 6
NOTHING = ""  # what a target word is aligned to that stands for no source word


def dictionary(pairs: Sequence[Pair], iterations: int = ITERATIONS) -> dict[str, str]:
    """The likeliest translation of each source word, by expectation maximization."""
    sources: dict[str, int] = {NOTHING: 0}
    targets: dict[str, int] = {}
    of_source, of_target, of_token, token = [], [], [], 0
    for pair in pairs:
        left = [0, *(sources.setdefault(w, len(sources)) for w in WORD.findall(pair.source))]
        for word in WORD.findall(pair.target):
            of_source += left
            of_target += [targets.setdefault(word, len(targets))] * len(left)
            of_token += [token] * len(left)
            token += 1
    tokens = np.array(of_token)
    links, link = np.unique(
        np.array(of_source, np.int64) * len(targets) + np.array(of_target), return_inverse=True
    )
    source, target = links // len(targets), links % len(targets)
    probability = np.ones(len(links))
    for _ in range(iterations):
        share = probability[link]
        share /= np.bincount(tokens, share)[tokens]
        count = np.bincount(link, share)
        probability = count / np.bincount(source, count)[source]
    words = list(targets)
    order = np.lexsort((probability, source))  # the last of each source is the likeliest
    best = dict(zip(source[order].tolist(), target[order].tolist(), strict=True))
    return {word: words[best[i]] for word, i in sources.items() if i and i in best}


def translate(text: str, words: dict[str, str]) -> str:
    """Word by word; no space before a mark."""
    found = " ".join(words.get(word, word) for word in WORD.findall(text))
    return re.sub(r" (?=[.,!?;:])", "", found)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Word-by-word translation, as a baseline.")
    parser.add_argument("--data", default="tatoeba", help="as for evaluate translation")
    parser.add_argument("--split", default="test")
    parser.add_argument("--recipe", choices=TRANSLATION.recipes, default="base",
                        help="whose directions")  # fmt: skip
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args(arguments)
    result = {}
    for direction in TRANSLATION.stage(options.recipe).config.directions:
        words = dictionary(load(options.data, "train", [direction]))
        pairs = load(options.data, options.split, [direction])
        found = [translate(pair.source, words) for pair in pairs]
        figures = scores(found, [pair.target for pair in pairs])
        result["-".join(direction)] = {"n": len(pairs), **figures}
    rows = [[name, row["n"], row["bleu"], row["chrf"]] for name, row in result.items()]
    print(table(["word by word", "pairs", "BLEU", "chrF"], rows))
    if options.json:
        write_json(options.json, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
