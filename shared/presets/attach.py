"""A file of an application's own, added to a preset or a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shared.presets.bundle import SIDECAR, add_bundle_file
from shared.presets.store import add_preset_file


def attach(folder: str | Path, name: str, value: Any) -> None:
    """Adds a JSON file, or replaces the one of that name; checksums follow.

    An export takes what a preset has along.

    Args:
        folder: Of a preset or a bundle.
        name: The file's.
        value: JSON values.

    Raises:
        InputError: The folder is damaged, or neither.
    """
    add = add_bundle_file if (Path(folder) / SIDECAR).is_file() else add_preset_file
    add(folder, name, value)
