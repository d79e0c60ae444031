"""The model card of a chorale model."""

from __future__ import annotations

from apps.music.data import BACH, Data
from shared.presets.card import Card
from shared.recipe import file_name

_BACH = "Chorales by J. S. Bach in four parts from the corpus of music21"


def card(data: Data) -> Card:
    """The card of a model trained on this data."""
    source = _BACH if data.data == BACH else f"{file_name(data.data)}, its training part"
    return Card(
        title="Four-part chorales, one LSTM",
        summary="Writes four-part chorales on a grid of 16th notes, voice by voice: an LSTM over "
        "frames with chained heads for soprano, bass, alto and tenor.",
        training="",
        limits="It knows chorales in the style of Bach and nothing else. Without rules it writes "
        "parallel fifths and octaves more often than Bach, and no long form.",
        license="apache-2.0",
        license_note="The weights are Apache-2.0. The music is in the public domain.",
        commercial_use=True,
        data=(source,),
        tags=("music", "lstm", "bach", "midi"),
    )
