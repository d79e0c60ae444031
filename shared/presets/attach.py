"""A file of an application's own, added to a preset or a bundle."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from shared.files import checksums, new_folder, write_json
from shared.presets.bundle import SIDECAR, load_bundle, seal
from shared.presets.store import CHECKSUMS, CONFIG, load_preset


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
    is_bundle = (Path(folder) / SIDECAR).is_file()
    marker = SIDECAR if is_bundle else CONFIG
    found: Any = load_bundle(folder) if is_bundle else load_preset(folder)
    with new_folder(folder, marker=marker) as temporary:  # a kill leaves the old files
        shutil.copytree(found.folder, temporary, dirs_exist_ok=True)
        write_json(temporary / name, value)
        others = [p.name for p in temporary.iterdir() if p.name not in (CHECKSUMS, SIDECAR)]
        if is_bundle:
            sidecar = {**found.sidecar, "files": checksums(temporary, others)}
            write_json(temporary / SIDECAR, sidecar)
            seal(temporary)
        else:
            write_json(temporary / CHECKSUMS, checksums(temporary, others))
