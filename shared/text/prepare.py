"""The tokenizer of a training run; a resumed run keeps it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from shared.errors import InputError
from shared.files import write_json
from shared.readers import read_json

DATA_FILE = "data.json"  # in the run folder: identifies the training data


def prepare_tokenizer(
    path: Path,
    lines: Iterable[str],
    facts: Mapping[str, Any],
    start: Path | None,
    learn: Callable[[Path], Any],
) -> None:
    """Writes the tokenizer file of a run, unless it exists.

    When fine-tuning, the file is that of the preset; otherwise a new tokenizer is trained.

    Args:
        path: The file, in the run folder. A preset's file has the same name.
        lines: The training data as text. A resumed run must have the same.
        facts: Other values that must not change when the run resumes, such as the size of the
            vocabulary, as JSON values.
        start: The folder of the preset to start from, or None.
        learn: Function that trains a tokenizer and writes it to a path.

    Raises:
        InputError: The folder contains a run on other data.
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
                f"{path.parent}: contains a run on other data; name another folder with --run"
            )
        return
    if start:
        shutil.copyfile(start / path.name, path)
    else:
        learn(path)
    write_json(record, began)
