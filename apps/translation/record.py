"""Figures of a split kept in a preset's ``metrics.json``, and the floors that they must hold."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from apps.translation.data import Pair
from apps.translation.evaluate import counts_of, numbers_of
from shared.errors import InputError
from shared.presets.card import Figure
from shared.presets.store import Preset, add_figures, figure

MARGIN = 1.0
"""BLEU that a model trained anew may lose."""


def record(
    preset: Preset, figures: Mapping[str, Any], pairs: Sequence[Pair], split: str, command: str
) -> Preset:
    """Adds the figures of a split to a preset's, of all but validation with the split's name.

    BLEU on the test split gets a floor when it is first measured, `MARGIN` below it. The floor
    stays, and what falls below it is not recorded.

    Args:
        preset: The model's.
        figures: `apps.translation.evaluate.figures_of` the pairs.
        pairs: All of the split.
        split: Its name.
        command: Measures the same again.

    Raises:
        InputError: A figure is below its floor.
    """
    numbers = numbers_of(figures)
    counts = counts_of(pairs, numbers)
    kind = "validation pairs" if split == "valid" else f"pairs of the {split} split"
    entries: dict[str, Figure] = {}
    for name, value in numbers.items():
        key = name if split == "valid" else f"{split}_{name}"
        entries[key] = figure(
            value,
            f"{counts[name]} {kind}; sacreBLEU {figures['bleu_signature']}",
            command,
            datetime.date.today().isoformat(),
        )
        floor = preset.figures[key].get("floor") if key in preset.figures else None
        if floor is None and key.startswith("test_bleu"):
            floor = max(0.0, math.floor(10 * (value - MARGIN)) / 10)
        if floor is not None:
            if value < floor:
                raise InputError(f"{preset.name}: {key} {value:.2f} is below its floor {floor}; "
                                 "nothing is recorded")  # fmt: skip
            entries[key]["floor"] = floor
    return add_figures(preset.folder, entries)
