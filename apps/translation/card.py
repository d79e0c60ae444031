"""What the card of a trained translation model says."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apps.translation.config import TranslationConfig
from apps.translation.evaluate import DATA
from apps.verbs.arguments import spoken
from shared.presets.card import Card

# By a part of the data's name: what it is, license, note, whether commercial use is allowed.
_KNOWN = {
    "multi30k": (
        "Multi30k (Elliott et al. 2016), task 1",
        "other",
        "Multi30k is for non-commercial research and education, and so are these weights.",
        False,
    ),
    "tatoeba": (
        "Tatoeba sentence pairs as selected by manythings.org/anki",
        "cc-by-2.0",
        "Sentences are from tatoeba.org (CC BY 2.0 FR) by way of manythings.org: name both.",
        True,
    ),
}


def describe(
    args: argparse.Namespace,
    config: TranslationConfig,
    summary: Mapping[str, Any],
    pairs: int,
    changed: Mapping[str, Any],
) -> Card:
    """The card.

    Args:
        args: Of the command that trained it.
        config: The model's.
        summary: Of the run.
        pairs: How many it was trained on.
        changed: Options of the command that are not the configuration's or the recipe's.
    """
    own = args.tsv or args.source
    data = Path(own or args.data or DATA).name
    unknown = (data, "other", "The license is that of the data it was trained on.", False)
    kind = "" if own else next((name for name in _KNOWN if name in data), "")
    source, license_id, note, commercial = _KNOWN.get(kind, unknown)
    words = [f"--start {args.start}" if args.start else f"--config {args.config or DATA}"]
    words.append(f"{'--tsv' if args.tsv else '--source' if own else '--data'} {data}")
    words.append(spoken(changed))
    directions = ", ".join("-".join(pair) for pair in config.directions)
    return Card(
        title=f"Translation {directions}, LSTM with attention",
        summary="Translates sentences: a bidirectional LSTM reads, an LSTM with attention writes, "
        f"{config.vocabulary} subwords shared by all languages.",
        training=f"{pairs} pairs; {summary['steps']} steps, {summary['minutes']:.0f} minutes "
        f"on {summary['hardware']['cores']} cores, seed {args.seed}; "
        f"`lstm-suite train translation {' '.join(words)} --seed {args.seed}`.",
        limits="It knows the kind of sentence it was trained on, and translates sentence by "
        "sentence: what a pronoun refers to in the one before is lost on it.",
        license=license_id,
        license_note=note,
        commercial_use=commercial,
        data=(source,),
        languages=config.languages,
        tags=("translation", "lstm", "attention"),
    )
