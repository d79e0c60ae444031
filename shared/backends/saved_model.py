"""Writes and runs a SavedModel with exactly two signatures, ``encode`` and ``step``.

Running needs TensorFlow, not Keras.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from shared.backends.arrays import checked_condition, checked_step, split_step
from shared.backends.functions import tf_functions
from shared.errors import InputError
from shared.files import checksums, new_folder, tensorflow_writes, write_json
from shared.generator import Arrays, Signature
from shared.readers import read_json

SIGNATURE_FILE = "signature.json"  # beside saved_model.pb
CHECKSUMS = "checksums.json"  # of all the others, written last


class SavedModelBackend:
    """Runs the folder's two signatures, ``encode`` and ``step``, at any batch size.

    A SavedModel is a program that may read and write files: run those alone that you made.
    """

    def __init__(self, folder: str | Path, signature: Signature | None = None) -> None:
        """Loads the folder; reads its ``signature.json`` if no signature is given.

        Raises:
            InputError: The folder is not a SavedModel of this suite, or has changed.
        """
        folder = Path(folder)
        check_saved_model(folder)
        self.signature = signature or Signature.from_json(read_json(folder / SIGNATURE_FILE))
        try:
            self._loaded = tf.saved_model.load(str(folder))
            self._encode = self._loaded.signatures["encode"]
            self._step = self._loaded.signatures["step"]
        except (OSError, KeyError, ValueError) as error:
            raise InputError(
                f"{folder}: not a SavedModel with encode and step; export it again"
            ) from error

    def encode(self, condition: Mapping[str, np.ndarray], batch: int = 1) -> Arrays:
        """Implements `shared.generator.Generator.encode`."""
        arrays = checked_condition(self.signature, condition, batch)
        return {name: tensor.numpy() for name, tensor in self._encode(**_tensors(arrays)).items()}

    def step(self, symbol: Mapping[str, np.ndarray], state: Arrays) -> tuple[Arrays, Arrays]:
        """Implements `shared.generator.Generator.step`."""
        arrays = checked_step(self.signature, symbol, state)
        tensors = self._step(**_tensors(arrays))
        return split_step(self.signature, {n: t.numpy() for n, t in tensors.items()}, state)


def _tensors(arrays: Arrays) -> dict[str, tf.Tensor]:
    return {name: tf.constant(value) for name, value in arrays.items()}


def check_saved_model(folder: Path) -> None:
    """Checks that a folder has the files that `export_saved_model` wrote, and no other.

    Raises:
        InputError: It has not.
    """
    path = folder / CHECKSUMS
    if not path.is_file() or read_json(path) != checksums(folder, _names(folder)):
        raise InputError(f"{folder}: not a SavedModel as export wrote it; export it again")


def _names(folder: Path) -> list[str]:
    """The files of a folder and those below it, without the checksums."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path != folder / CHECKSUMS)
    return [path.relative_to(folder).as_posix() for path in paths]


def export_saved_model(
    model: Any, folder: str | Path, batch: int | None = None, beam: int = 0
) -> int:
    """Writes the model's two functions and the variables that they use.

    `keras.export.ExportArchive` would add a third signature, ``serving_default``.

    Args:
        model: Built, with ``signature``, ``encode`` and ``step``.
        folder: Replaced if it is a SavedModel already.
        batch: Static batch size, 1 for the LiteRT converter; None for any.
        beam: For the converter, see `shared.backends.functions.tf_functions`.

    Returns:
        The number of weights written, to detect an export that lost them.
    """
    functions = {
        name: function.get_concrete_function()
        for name, function in tf_functions(model, batch, beam).items()
    }
    module = tf.Module()
    variables = {id(v): v for function in functions.values() for v in function.variables}
    module.used_variables = list(variables.values())  # untracked, they would not be written

    with new_folder(folder, marker="saved_model.pb") as temporary:
        with tensorflow_writes(temporary):
            tf.saved_model.save(module, str(temporary), signatures=functions)
        write_json(temporary / SIGNATURE_FILE, model.signature.to_json())
        write_json(temporary / CHECKSUMS, checksums(temporary, _names(temporary)))
    return sum(int(v.shape.num_elements()) for v in variables.values())
