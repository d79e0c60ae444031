"""The mean of trained models: a preset whose weights are the average of others'."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from shared.errors import InputError
from shared.presets.store import Preset, save_preset


def average_presets(
    presets: Sequence[Preset], shares: Sequence[float], folder: str | Path, command: str
) -> Preset:
    """Write a preset whose weights are the mean of others'; its configuration is the first's.

    Args:
        presets: Trained from one another, or all from the same one.
        shares: Of each in the mean; they need not sum to 1.
        folder: As for `save_preset`; the preset is called after it.
        command: That asks for this, for the card, which tells how each was trained.

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
    parts = "; ".join(f"{preset.name}: {preset.card.training.rstrip('.')}" for preset in presets)
    training = f"The mean of {len(presets)} models, `{command}`. {parts}."
    card = dataclasses.replace(first.card, training=training)
    name = Path(folder).name
    return save_preset(folder, first.app, name, first.config, mean, card, {}, first.extra_files)
