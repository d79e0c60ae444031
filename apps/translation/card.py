"""The model card of a trained translation model."""

from __future__ import annotations

from pathlib import Path

from apps.translation.config import TranslationConfig
from apps.translation.data import Data
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

_SCENES = "Sentences made by a grammar of this project (apps/translation/scenes), under its license"


def describe(config: TranslationConfig, source: Data) -> Card:
    """The card of a model with a configuration, trained on data; ``training`` is empty."""
    name = Path(source.own or source.data).name
    unknown = (name, "other", "The license is that of the data it was trained on.", False)
    kind = "" if source.own else next((known for known in _KNOWN if known in name), "")
    data, license_id, note, commercial = _KNOWN.get(kind, unknown)
    more = [_SCENES] if source.scene_rate else []
    if source.extra:
        more.append(Path(source.extra).name)
        _, license_id, note, commercial = unknown
    directions = ", ".join("-".join(pair) for pair in config.directions)
    return Card(
        title=f"Translation {directions}, LSTM with attention",
        summary="Translates sentences: a bidirectional LSTM reads, an LSTM with attention writes, "
        f"{config.vocabulary} subwords shared by all languages.",
        training="",
        limits="It knows the kind of sentence it was trained on, and translates sentence by "
        "sentence: what a pronoun refers to in the one before is lost on it.",
        license=license_id,
        license_note=note,
        commercial_use=commercial,
        data=(data, *more),
        languages=config.languages,
        tags=("translation", "lstm", "attention"),
    )
