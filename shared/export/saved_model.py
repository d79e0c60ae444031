"""A SavedModel with exactly two signatures, ``encode`` and ``step``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from shared.backends.functions import tf_functions
from shared.backends.saved_model import SIGNATURE_FILE
from shared.files import new_folder, write_json


def export_saved_model(model: Any, folder: str | Path, batch: int | None = None) -> int:
    """Write the model's two functions and the variables that they use.

    `keras.export.ExportArchive` would add a third signature, ``serving_default``.

    Args:
        model: built, with ``signature``, ``encode`` and ``step``.
        folder: replaced if it is a SavedModel already.
        batch: None for a free batch; 1 is what the LiteRT converter is given.

    Returns:
        The number of weights in it: what an export that lost them is found out by.
    """
    functions = {
        name: function.get_concrete_function()
        for name, function in tf_functions(model, batch).items()
    }
    module = tf.Module()
    variables = {id(v): v for function in functions.values() for v in function.variables}
    module.used_variables = list(variables.values())  # untracked, they would not be written

    with new_folder(folder, marker="saved_model.pb") as temporary:
        tf.saved_model.save(module, str(temporary), signatures=functions)
        write_json(temporary / SIGNATURE_FILE, model.signature.to_json())
    return sum(int(v.shape.num_elements()) for v in variables.values())
