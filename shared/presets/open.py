"""A trained preset, opened on the backend that the user chose."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared import __version__
from shared.backends import open_backend
from shared.datasets import cache_dir
from shared.errors import InputError
from shared.files import checksums, private_folder
from shared.generator import Generator
from shared.presets.catalog import find_bundle, find_preset
from shared.presets.store import CONFIG, WEIGHTS, Preset, assign_weights

BuildModel = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, eq=False)
class Opened:
    """A generator and where it is from.

    Attributes:
        generator: Runs ``encode`` and ``step``.
        name: The preset's.
        config: As JSON values; `shared.application.Application.open` makes its ``Config`` of it.
        backend: ``litert``, ``keras`` or ``saved_model``.
        precision: Of the weights, such as ``int8``.
        folder: The preset's or the bundle's.
        tokenizer: Read from the folder by `shared.application.Application.open`, if it has one.
    """

    generator: Generator
    name: str
    config: Any
    backend: str
    precision: str
    folder: Path
    tokenizer: Any = None

    def on(self, generator: Generator) -> Opened:
        """The same model on another generator."""
        return dataclasses.replace(self, generator=generator)

    @property
    def header(self) -> dict[str, str]:
        """What every JSON report begins with."""
        return {"preset": self.name, "backend": self.backend, "precision": self.precision}


def open_preset(
    app: str, name: str | Path | None, backend: str, build_model: BuildModel, default: str = ""
) -> Opened:
    """Opens a preset by name or path.

    Args:
        app: The application.
        name: Of the preset, or the path of its folder; None for the default.
        backend: ``litert`` runs the bundle; ``keras`` and ``saved_model`` the preset's weights,
            the latter through a SavedModel that is exported once into the cache.
        build_model: Makes the Keras model from the preset's ``config``; not called for litert.
        default: The name that None stands for where there are several.

    Raises:
        InputError: There is no such preset, or TensorFlow is needed and not installed.
    """
    if backend == "litert":
        bundle = find_bundle(app, name, default)
        return Opened(
            bundle.open(), bundle.preset, bundle.config, backend, bundle.precision, bundle.folder
        )
    preset = find_preset(app, name, default)
    model = load_model(preset, build_model)
    source = model if backend == "keras" else _saved_model(preset, model)
    generator = open_backend(backend, source)
    return Opened(generator, preset.name, preset.config, backend, "float16", preset.folder)


def _saved_model(preset: Preset, model: Any) -> Path:
    """The preset's SavedModel in the cache, exported unless it is there, whole.

    A SavedModel is a program. So its folder is named by a digest of what it is made of, not by what
    a preset says of itself, and nobody else can write to it.
    """
    from shared.backends.saved_model import check_saved_model, export_saved_model

    made_of = checksums(preset.folder, [CONFIG, WEIGHTS])
    digest = hashlib.sha256(json.dumps([__version__, made_of]).encode()).hexdigest()[:32]
    folder = private_folder(cache_dir() / "saved_models") / digest
    try:
        check_saved_model(folder)
    except InputError:
        shutil.rmtree(folder, ignore_errors=True)
        export_saved_model(model, folder)
    return folder


def load_model(preset: Preset, build_model: BuildModel) -> Any:
    """The preset's Keras model with its weights.

    Raises:
        InputError: TensorFlow is not installed.
    """
    try:
        model = build_model(preset.config)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{error.name} is not installed; pip install 'lstm-suite[train]', or use litert"
        ) from error
    assign_weights(model, preset)
    return model
