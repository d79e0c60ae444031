"""What the card of a trained handwriting model says."""

from __future__ import annotations

from pathlib import Path

from apps.handwriting.archive import archive_sources
from apps.handwriting.config import HandwritingConfig
from apps.handwriting.data import Source, find_ink
from shared.presets.card import Card

UNIPEN = (
    "UNIPEN train_r01_v07 (doi:10.5281/zenodo.1195803): Guyon, Schomaker, Plamondon, Liberman and "
    "Janet, ICPR 1994"
)
_NOTE = (
    "The ink is CC BY 4.0 on Zenodo: credit the International Unipen Foundation. The notice on its "
    "CD-ROM of 1999 says research, and no commercial distribution of the data; no ink of it is "
    "in here. The weights are under the same license."
)


def card(config: HandwritingConfig, source: Source, tuned: bool) -> Card:
    """The card of a model; see `shared.application.Application.card`."""
    known = _is_unipen(source.data)
    data = UNIPEN if known else Path(source.data).name
    unknown = "The license is that of the ink it was trained on"
    unknown += ", and of the model that it started from." if tuned else "."
    return Card(
        title="Handwriting, an LSTM with a window over the text",
        summary="Writes a text by hand, point by point: Graves' synthesis network, "
        f"{len(config.units)} LSTM layers, {config.mixtures} Gaussians for every point, "
        f"{len(config.styles)} styles.",
        training="",
        limits="It writes printable ASCII. Rare capitals, digits and signs are the least legible. "
        "It imitates the hands of its writers by number; it must not be used to pass its ink off "
        "as somebody's.",
        license="cc-by-4.0" if known else "other",
        license_note=_NOTE if known else unknown,
        commercial_use=known,
        data=(data,),
        languages=("en",),
        tags=("handwriting", "lstm", "mixture-density"),
    )


def _is_unipen(data: str) -> bool:
    """Whether ink is from UNIPEN: its folders, or an archive made from them."""
    path = find_ink(data)
    if path.suffix == ".npz":
        return any(source.startswith("data/") for source in archive_sources(path))
    return (path / "data").is_dir() and (path / "include").is_dir()
