"""Examples in a file: what an export is compared on, kept beside the weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from shared.errors import InputError
from shared.export.goldens import Example
from shared.generator import Arrays
from shared.readers import read_arrays


def write_examples(path: str | Path, examples: Sequence[Example]) -> None:
    """Writes an ``.npz`` with an array for each input: ``0/condition/photo``, ``0/4/symbol``."""
    arrays: Arrays = {}
    for number, example in enumerate(examples):
        parts = {"condition": example.condition} | dict(
            (str(step), symbol) for step, symbol in enumerate(example.symbols)
        )
        for part, values in parts.items():
            arrays |= {f"{number}/{part}/{name}": array for name, array in values.items()}
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def read_examples(path: str | Path) -> list[Example]:
    """The inverse of `write_examples`.

    Raises:
        InputError: The file is damaged.
    """
    parts: dict[int, dict[str, Arrays]] = {}
    try:
        for key, array in read_arrays(path).items():
            number, part, name = key.split("/")
            parts.setdefault(int(number), {}).setdefault(part, {})[name] = array
        return [
            Example(values.pop("condition", {}), [values[step] for step in sorted(values, key=int)])
            for _, values in sorted(parts.items())
        ]
    except InputError:
        raise
    except ValueError as error:  # another name
        raise InputError(f"{path}: holds no examples; restore the file") from error
