"""What the card of a trained handwriting model says."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from apps.handwriting.config import HandwritingConfig
from apps.handwriting.ink import Ink
from apps.verbs.arguments import spoken
from shared.presets.card import Card
from shared.presets.store import figure

UNIPEN = (
    "UNIPEN train_r01_v07 (doi:10.5281/zenodo.1195803): Guyon, Schomaker, Plamondon, Liberman and "
    "Janet, ICPR 1994"
)
_NOTE = (
    "The ink is CC BY 4.0 on Zenodo: credit the International Unipen Foundation. The notice on its "
    "CD-ROM of 1999 says research, and no commercial distribution of the data; no ink of it is "
    "in here. The weights are under the same license."
)


def describe(
    args: argparse.Namespace,
    config: HandwritingConfig,
    summary: Mapping[str, Any],
    items: Sequence[Ink],
    changed: Mapping[str, Any],
) -> Card:
    """The card.

    Args:
        args: Of the command that trained it.
        config: The model's.
        summary: Of the run.
        items: What it was trained on.
        changed: Options of the command that are not the configuration's or the recipe's.
    """
    name = Path(args.data).name
    known = any(item.source.startswith("data/") for item in items)  # as in UNIPEN's folders
    data = UNIPEN if known else name
    words = [f"--start {args.start}" if args.start else f"--config {args.config}", f"--data {name}"]
    words.append(spoken(changed))
    lines = sum(not item.word for item in items)
    return Card(
        title="Handwriting, an LSTM with a window over the text",
        summary="Writes a text by hand, point by point: Graves' synthesis network, "
        f"{len(config.units)} LSTM layers, {config.mixtures} Gaussians for every point, "
        f"{len(config.styles)} styles.",
        training=f"{lines} lines and {len(items) - lines} words of "
        f"{len({item.writer for item in items})} writers; {summary['steps']} steps, "
        f"{summary['minutes']:.0f} minutes on {summary['hardware']['cores']} cores, "
        f"seed {args.seed}; `lstm-suite train handwriting {' '.join(words)} --seed {args.seed}`.",
        limits="It writes printable ASCII. Rare capitals, digits and signs are the least legible. "
        "It imitates the hands of its writers by number; it must not be used to pass its ink off "
        "as somebody's.",
        license="cc-by-4.0" if known else "other",
        license_note=_NOTE if known else "The license is that of the ink it was trained on.",
        commercial_use=known,
        data=(data,),
        languages=("en",),
        tags=("handwriting", "lstm", "mixture-density"),
    )


def figures_table(
    figures: Mapping[str, float], preset: str, data: str, lines: int
) -> dict[str, dict[str, Any]]:
    """Figures for a preset's ``metrics.json``, with the command that measures them."""
    command = f"lstm-suite evaluate handwriting --preset {preset} --data {Path(data).name}"
    what, today = f"{lines} lines of validation writers", datetime.date.today().isoformat()
    return {
        name: figure(value, what, f"{command} --split valid", today)
        for name, value in figures.items()
    }
