"""What the card of a trained captioning model says."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apps.captioning.config import CaptioningConfig
from apps.verbs.arguments import spoken
from shared.presets.card import Card

_BACKBONE = "MobileNetV2, pretrained on ImageNet (Apache-2.0)"
# By a part of the data's name: what it is, note.
_KNOWN = {
    "flickr8k": (
        "Flickr8k (Hodosh, Young and Hockenmaier 2013)",
        "Flickr8k is for research and education only, and so are these weights; its photos belong "
        "to their authors on Flickr and none of them is here.",
    ),
    "flickr30k": (
        "Flickr30k (Young et al. 2014)",
        "Flickr30k is for research and education only, and so are these weights; its photos "
        "belong to their authors on Flickr and none of them is here.",
    ),
}


def describe(
    args: argparse.Namespace,
    config: CaptioningConfig,
    summary: Mapping[str, Any],
    photos: int,
    changed: Mapping[str, Any],
) -> Card:
    """The card.

    Args:
        args: Of the command that trained it.
        config: The model's.
        summary: Of the run.
        photos: How many it was trained on.
        changed: Options of the command that are not the configuration's or the recipe's.
    """
    place = Path(args.data or args.captions)
    # Flickr8k's captions are in a file called captions.txt: its folder has the name.
    names = [place.name, *(part.name for part in list(place.resolve().parents)[:2])]
    found = [kind for name in names for kind in _KNOWN if kind in name.lower()]
    unknown = (place.name, "The license is that of the data it was trained on.")
    source, note = _KNOWN[found[0]] if found else unknown
    words = [f"--start {Path(args.start).name}" if args.start else f"--config {args.config}"]
    words += ["--scst"] * args.scst
    words.append("--data DIR" if args.data else "--images DIR --captions FILE")
    words.append(f"{spoken(changed)} --seed {args.seed}".strip())
    sight = "fine-tuned" if config.tune else "pretrained"
    how = "on CIDEr-D itself (self-critical, Rennie et al. 2017)" if args.scst else "cross-entropy"
    return Card(
        title=f"Image captioning, LSTM with attention, {how}",
        summary="Says in a sentence what is in a photo, and shows where it looked for each word: "
        f"a {sight} MobileNetV2 sees, an LSTM ({config.decoder}) writes, {config.vocabulary} "
        f"{config.tokens}.",
        training=f"{photos} photos; {summary['steps']} steps, {summary['minutes']:.0f} minutes "
        f"on {summary['hardware']['cores']} cores, seed {args.seed}; "
        f"`lstm-suite train captioning {' '.join(words)}`. Features of the photos were computed "
        "once before, a few minutes more.",
        limits="It knows what its training photos show: people, dogs, sport, the street. Of "
        "anything else it makes one of these. It cannot read, hardly counts, and takes the gender, "
        "age and skin color of people for what captions usually say. Not for decisions about "
        "people, nor for those who cannot check it against the photo.",
        license="other",
        license_note=note,
        commercial_use=False,
        data=(source, _BACKBONE),
        languages=("en",),
        tags=("image-to-text", "lstm", "attention"),
    )
