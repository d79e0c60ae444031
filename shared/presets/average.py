"""The mean of trained models: a preset whose weights are the average of others'."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import InputError
from shared.presets.store import EXAMPLES, Preset, save_preset


def average_presets(
    presets: Sequence[Preset],
    shares: Sequence[float],
    folder: str | Path,
    training: str,
    recipe: Mapping[str, Any],
) -> Preset:
    """Writes a preset whose weights are the mean of others'; its configuration is the first's.

    Args:
        presets: Trained from one another, or all from the same one.
        shares: Of each in the mean; they need not sum to 1.
        folder: As for `save_preset`; the preset is called after it.
        training: How they and their mean came about, for the card.
        recipe: The same as data, see `shared.recipe`.

    Raises:
        InputError: They differ in the weights that they have, in their tokenizers or licenses.
    """
    first, *others = presets
    all_weights = [preset.weights() for preset in presets]
    kinds = [{name: array.shape for name, array in w.items()} for w in all_weights]
    files = [{path.name: path.read_bytes() for path in p.extra_files} for p in presets]
    for k, other in enumerate(others, 1):
        if kinds[k] != kinds[0] or files[k] != files[0]:
            what = "other weights" if kinds[k] != kinds[0] else "another tokenizer"
            raise InputError(
                f"{other.folder}: {what} than {first.folder}; only models that were trained from "
                "one another can be averaged"
            )
        if other.card.license_note != first.card.license_note:
            raise InputError(f"{other.folder}: another license than {first.folder}; see the cards")
    mean = all_weights[0] | {
        name: np.average([w[name].astype(np.float32) for w in all_weights], 0, shares)
        for name, array in all_weights[0].items()
        if array.dtype.kind == "f"
    }
    card = dataclasses.replace(first.card, training=training)
    kept = [*first.extra_files, *first.folder.glob(EXAMPLES)]
    return save_preset(folder, first.app, first.config, mean, card, {}, kept, recipe)
