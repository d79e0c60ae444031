"""The folder of a preset, a trained model: ``saved_models/<app>/<preset>/``.

It is readable without this program:

    config.json      app, name, the app's configuration, what the card says
    weights.npz      one array per variable, float16, keyed by the variable's path
    recipe.json      how it came about, as data: see `shared.recipe`
    metrics.json     every figure with its value, data, command and date
    examples.npz     inputs from its validation data, on which exports are compared with it
    README.md        the model card
    checksums.json   of all the others, verified on load
    calibration.json when it is sure: see `shared.calibration`
    ...              the tokenizer's files, if the app has one
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import numpy as np

from shared.calibration import CALIBRATION
from shared.errors import InputError, check_name
from shared.files import (
    File,
    check_folder,
    checksums,
    new_folder,
    verify_checksums,
    write_json,
    write_text,
)
from shared.presets.card import Card, Figure, model_card
from shared.presets.weights import assign, model_weights, read_weights, some, write_weights
from shared.readers import read_json
from shared.typed import from_json

FORMAT_VERSION = 1
CONFIG, WEIGHTS, METRICS, README = "config.json", "weights.npz", "metrics.json", "README.md"
RECIPE, EXAMPLES, CHECKSUMS = "recipe.json", "examples.npz", "checksums.json"

Config = TypeVar("Config")


class _Header(TypedDict):
    format_version: int
    app: str
    name: str
    config: dict[str, Any]
    card: Card


@dataclass(frozen=True)
class Preset:
    """A trained model's folder and what it says of itself; the weights are read on request."""

    folder: Path
    app: str
    name: str
    config: dict[str, Any]
    card: Card
    figures: dict[str, Figure]

    @property
    def extra_files(self) -> list[Path]:
        """The tokenizer's files."""
        ours = (CONFIG, WEIGHTS, RECIPE, EXAMPLES, METRICS, README, CALIBRATION)
        return [self.folder / n for n in read_json(self.folder / CHECKSUMS) if n not in ours]

    @property
    def recipe(self) -> Any:
        """The JSON value of ``recipe.json``, or None for a preset without one."""
        path = self.folder / RECIPE
        return read_json(path) if path.exists() else None

    def weights(self) -> dict[str, np.ndarray]:
        """The arrays by variable path, as stored.

        Raises:
            InputError: the file is damaged.
        """
        return read_weights(self.folder / WEIGHTS)


def figure(value: float, data: str, command: str, date: str) -> Figure:
    """One entry of ``metrics.json``; the date as 2025-01-31."""
    return {"value": float(value), "data": data, "command": command, "date": date}


def save_preset(
    folder: str | Path,
    app: str,
    config: Any,
    weights: Any,
    card: Card,
    figures: Mapping[str, Figure] | None = None,
    extra_files: Iterable[str | Path] = (),
    recipe: Mapping[str, Any] | None = None,
) -> Preset:
    """Writes a preset, named after its folder; a folder that is one already is replaced.

    Args:
        folder: ``saved_models/<app>/<name>``, or anywhere.
        app: The application's folder name.
        config: The app's configuration, a dataclass or a mapping of JSON values.
        weights: A built Keras model, or arrays by variable path.
        card: What the model card tells.
        figures: `figure` by name.
        extra_files: The tokenizer's files, copied under their own names.
        recipe: `shared.recipe.recipe_to_json` of how it came about.

    Raises:
        InputError: the folder's name is none for a preset, or a weight is NaN or infinite.
        ValueError: two variables share a path.
    """
    name = check_preset_folder(folder).name
    arrays = weights if isinstance(weights, Mapping) else model_weights(weights)
    header = {
        "format_version": FORMAT_VERSION,
        "app": app,
        "name": name,
        "config": dataclasses.asdict(config) if dataclasses.is_dataclass(config) else dict(config),  # type: ignore[arg-type]
        "card": dataclasses.asdict(card),
    }
    with new_folder(folder, marker=CONFIG) as temporary:
        write_json(temporary / CONFIG, header)
        if wide := write_weights(temporary / WEIGHTS, arrays):
            print(f"{folder}: stored as float32, beyond float16: {some(wide)}", file=sys.stderr)
        if recipe:
            write_json(temporary / RECIPE, recipe)
        for source in map(Path, extra_files):
            shutil.copyfile(source, temporary / source.name)
        _write_figures(temporary, app, name, card, figures or {})
    return load_preset(folder)


def check_preset_folder(folder: str | Path) -> Path:
    """The real path of a folder to which a preset may be written; see `shared.files.check_folder`.

    Raises:
        InputError: It holds something else, or its name cannot be a preset's.
    """
    real = check_folder(folder, marker=CONFIG)
    check_name(real.name, folder)
    return real


def add_figures(folder: str | Path, figures: Mapping[str, Figure]) -> Preset:
    """Add to a preset's figures, or replace those of the same name; the card follows."""
    preset = load_preset(folder)
    figures = {**preset.figures, **figures}
    with new_folder(folder, marker=CONFIG) as temporary:  # a kill leaves the old figures
        shutil.copytree(preset.folder, temporary, dirs_exist_ok=True)
        _write_figures(temporary, preset.app, preset.name, preset.card, figures)
    return load_preset(folder)


def add_preset_file(folder: str | Path, name: str, value: Any) -> None:
    """Adds a JSON file to a preset, or replaces it; export copies it to the bundle."""
    preset = load_preset(folder)
    with new_folder(folder, marker=CONFIG) as temporary:
        shutil.copytree(preset.folder, temporary, dirs_exist_ok=True)
        write_json(temporary / name, value)
        _write_checksums(temporary)


def _write_figures(
    folder: Path, app: str, name: str, card: Card, figures: Mapping[str, Figure]
) -> None:
    write_json(folder / METRICS, figures)
    write_text(folder / README, model_card(app, name, card, figures))
    _write_checksums(folder)


def _write_checksums(folder: Path) -> None:
    names = [path.name for path in folder.iterdir() if path.name != CHECKSUMS]
    write_json(folder / CHECKSUMS, checksums(folder, names))


def load_preset(folder: str | Path) -> Preset:
    """Read a preset, every file checked against its checksum.

    Raises:
        InputError: no preset, another format version, unknown keys, or a damaged file; one line.
    """
    folder = Path(folder)
    path = folder / CONFIG
    if not path.is_file():
        raise InputError(f"{folder}: not a preset (no {CONFIG}); name a folder that train wrote")
    header = read_json(path)
    version = header.get("format_version") if isinstance(header, dict) else None
    if version != FORMAT_VERSION:
        raise InputError(
            f"{path}: format version {version}, this program reads {FORMAT_VERSION}; "
            "install the lstm-suite that wrote it"
        )
    table = from_json(read_json(folder / CHECKSUMS), dict[str, File], folder / CHECKSUMS)
    if not {CONFIG, WEIGHTS, METRICS} <= table.keys():
        raise InputError(f"{folder / CHECKSUMS}: incomplete; restore the file")
    verify_checksums(folder, table)
    header = from_json(header, _Header, path)
    for name in (header["app"], header["name"]):
        check_name(name, path)
    figures = from_json(read_json(folder / METRICS), dict[str, Figure], folder / METRICS)
    return Preset(folder, header["app"], header["name"], header["config"], header["card"], figures)


def config_from_json(cls: type[Config], value: Mapping[str, Any], source: str | Path) -> Config:
    """A configuration dataclass from JSON values; lists become tuples.

    Args:
        cls: the dataclass.
        value: its fields; those left out keep their defaults.
        source: the file, for messages.

    Raises:
        InputError: a value of another type or out of range, a key that the dataclass lacks, or one
            without a default that is missing.
    """
    return from_json(value, cls, source)


def assign_weights(model: Any, preset: Preset | str | Path) -> None:
    """Give a built Keras model the preset's weights; names and shapes must match exactly.

    Raises:
        InputError: they do not; the message names what differs.
    """
    if not isinstance(preset, Preset):
        preset = load_preset(preset)
    assign(model, preset.weights(), preset.folder)
