"""The tokenizer of a training run, which stays the same when the run is resumed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from shared.errors import InputError
from shared.files import read_json, write_json

DATA_FILE = "data.json"  # in the run's folder: what it was trained on


def prepare_tokenizer(
    path: Path,
    lines: Iterable[str],
    facts: Mapping[str, Any],
    start: Path | None,
    learn: Callable[[Path], Any],
) -> None:
    """Writes a run's tokenizer file: that of a trained model, or a new one learned from the data.

    If the run has one already, it is kept.

    Args:
        path: The file, in the run's folder. In a model's folder it has the same name.
        lines: The training data as text; a resumed run must have the same.
        facts: What else must be the same, as JSON values, such as the size of the vocabulary.
        start: The folder of the trained model to start from, or None.
        learn: Learns a tokenizer and writes it to a path.

    Raises:
        InputError: The folder holds a run on other data.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    began = {
        **facts,
        "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        "start": str(start) if start else None,
    }
    record = path.parent / DATA_FILE
    if path.exists() and record.exists():
        if read_json(record) != began:
            raise InputError(
                f"{path.parent}: holds a run on other data; name another folder with --run"
            )
        return
    if start:
        shutil.copyfile(start / path.name, path)
    else:
        learn(path)
    write_json(record, began)
