"""What is kept of a measurement: figures in ``metrics.json``, with floors, beside a baseline."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from apps.translation.data import Pair, is_tatoeba
from shared.errors import InputError
from shared.presets.store import Preset, add_figures, figure

# Of `benchmarks/word_by_word.py` on Tatoeba's test part: pairs, BLEU.
WORD_BY_WORD = {
    "en_de": (1760, 9.45),
    "de_en": (1760, 15.6),
    "en_es": (1176, 12.6),
    "es_en": (1176, 22.0),
    "en_fr": (1724, 10.4),
    "fr_en": (1724, 14.3),
}
MARGIN = 1.0  # BLEU that a model trained anew may lose


def direction_of(pair: Pair) -> str:
    """As figures are named: ``en_de``."""
    return f"{pair.source_language}_{pair.target_language}"


def baseline(data: str | Path, split: str, pairs: Sequence[Pair]) -> dict[str, float]:
    """BLEU of a dictionary, word by word, of each direction of which it is known on these pairs."""
    if split != "test" or not is_tatoeba(data):
        return {}
    counts = Counter(map(direction_of, pairs))
    return {
        name: bleu
        for name, (count, bleu) in WORD_BY_WORD.items()
        if counts[name] == count  # else they are of another release, or not all
    }


def record(
    preset: Preset, figures: Mapping[str, Any], pairs: Sequence[Pair], split: str, data: str | None
) -> Preset:
    """Add the figures of a split to the preset's; of all but validation with the split's name.

    BLEU on the test split gets a floor beside it when it is first measured, `MARGIN` below; it
    stays, and what falls below is not recorded.

    Args:
        preset: Of the model.
        figures: `apps.translation.evaluate.figures_of` the pairs.
        pairs: All of the split.
        split: Its name.
        data: Where they are from, None for one's own files.

    Raises:
        InputError: A figure is below its floor.
    """
    counts = Counter(map(direction_of, pairs))
    kind = "validation pairs" if split == "valid" else f"pairs of the {split} split"
    where = f"--data {Path(data).name} --split {split}" if data else "--source F --reference G"
    entries: dict[str, dict[str, Any]] = {}
    for name, value in figures.items():
        if not isinstance(value, float):
            continue
        key = name if split == "valid" else f"{split}_{name}"
        count = counts.get(name.partition("_")[2], len(pairs))
        entries[key] = figure(
            value,
            f"{count} {kind}; sacreBLEU {figures['bleu_signature']}",
            f"lstm-suite evaluate translation --preset {preset.name} {where}",
            datetime.date.today().isoformat(),
        )
        floor = preset.figures.get(key, {}).get("floor")
        if floor is None and key.startswith("test_bleu"):
            floor = max(0.0, math.floor(10 * (value - MARGIN)) / 10)
        if floor is not None:
            if value < floor:
                raise InputError(f"{preset.name}: {key} {value:.2f} is below its floor {floor}; "
                                 "nothing is recorded")  # fmt: skip
            entries[key]["floor"] = floor
    return add_figures(preset.folder, entries)
