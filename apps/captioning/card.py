"""What the card of a trained captioning model says."""

from __future__ import annotations

from pathlib import Path

from apps.captioning.config import CaptioningConfig
from apps.captioning.data import Data
from shared.presets.card import Card

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


def card(config: CaptioningConfig, data: Data) -> Card:
    """The card, without how the model was trained."""
    place = Path(data.data or data.captions)
    # Flickr8k's captions are in a file called captions.txt: its folder has the name.
    names = [place.name, *(part.name for part in list(place.resolve().parents)[:2])]
    found = [kind for name in names for kind in _KNOWN if kind in name.lower()]
    unknown = (place.name, "The license is that of the data it was trained on.")
    source, note = _KNOWN[found[0]] if found else unknown
    more = [
        f"Captions in {language}: {Path(file).name}"
        for language, _, file in (entry.partition("=") for entry in data.also)
    ]
    more += [f"Captions without photos: {Path(data.text).name}"] if data.text else []
    tongues = f", in {' and '.join(config.languages)}" if len(config.languages) > 1 else ""
    state = "fine-tuned" if config.tune else "pretrained"
    how = "on CIDEr-D itself (self-critical, Rennie et al. 2017)" if data.scst else "cross-entropy"
    return Card(
        title=f"Image captioning, LSTM with attention, {how}",
        summary="Describes a photo in a sentence, and shows where it looked for each word: "
        f"a {state} {config.encoder} encodes the photo, an LSTM ({config.decoder}) writes, "
        f"{config.vocabulary} {config.tokens}{tongues}.",
        training="",
        limits="It knows what its training photos show: people, dogs, sport, the street. Of "
        "anything else it makes one of these. It cannot read, hardly counts, and takes the gender, "
        "age and skin color of people for what captions usually say. Not for decisions about "
        "people, nor for those who cannot check it against the photo.",
        license="other",
        license_note=note,
        commercial_use=False,
        data=(source, *more, f"{config.encoder}, pretrained on ImageNet (Apache-2.0)"),
        languages=config.languages,
        tags=("image-to-text", "lstm", "attention"),
    )
