"""Trained models by name: ``saved_models/<app>/<preset>/`` and the bundles made from them.

A preset's folder is readable without this program:

    config.json      app, name, the app's configuration, what the card says
    weights.npz      one array per variable, float16, keyed by the variable's path
    metrics.json     every figure with its value, data, command and date
    README.md        the model card
    checksums.json   of all the others, verified on load
    ...              the tokenizer's files, if the app has one
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from shared.errors import InputError
from shared.export.bundle import Bundle, load_bundle
from shared.files import (
    checksums,
    new_folder,
    read_json,
    verify_checksums,
    write_json,
    write_text,
)
from shared.model_card import Card, model_card
from shared.weights import assign, model_weights, read_weights, write_weights

FORMAT_VERSION = 1
# Of several bundles, the one that runs when none is named.
DEFAULT = {
    "captioning": "flickr8k-scst",
    "handwriting": "unipen",
    "music": "chorales",
    "translation": "tatoeba",
}
CONFIG, WEIGHTS, METRICS, README = "config.json", "weights.npz", "metrics.json", "README.md"
CHECKSUMS = "checksums.json"

_ROOT = Path(__file__).resolve().parents[1]
SAVED_MODELS = _ROOT / "saved_models"
# In the wheel the bundles are the package apps.bundles; in a checkout they stand in tflite/.
BUNDLES = _ROOT / "apps" / "bundles" if (_ROOT / "apps" / "bundles").is_dir() else _ROOT / "tflite"

Config = TypeVar("Config")


@dataclass(frozen=True)
class Preset:
    """A trained model's folder and what it says of itself; the weights are read on request."""

    folder: Path
    app: str
    name: str
    config: dict[str, Any]
    card: Card
    figures: dict[str, dict[str, Any]]

    @property
    def extra_files(self) -> list[Path]:
        """The tokenizer's files."""
        ours = (CONFIG, WEIGHTS, METRICS, README)
        return [self.folder / n for n in read_json(self.folder / CHECKSUMS) if n not in ours]

    def weights(self) -> dict[str, np.ndarray]:
        """The arrays by variable path, as stored.

        Raises:
            InputError: the file is damaged.
        """
        return read_weights(self.folder / WEIGHTS)


@dataclass(frozen=True)
class PresetInfo:
    """One line of ``lstm-suite presets``."""

    app: str
    name: str
    kind: str  # "bundle" runs as it is; "weights" needs Keras
    default: bool
    bytes: int
    license: str
    commercial_use: bool
    figures: dict[str, dict[str, Any]]
    measured: dict[str, float]  # the same task's figures of the bundle's own precision
    measured_on: str  # what those were taken on, in words; empty if the bundle does not say
    folder: Path


def figure(value: float, data: str, command: str, date: str) -> dict[str, Any]:
    """One entry of ``metrics.json``; the date as 2025-01-31."""
    return {"value": float(value), "data": data, "command": command, "date": date}


def save_preset(
    folder: str | Path,
    app: str,
    name: str,
    config: Any,
    weights: Any,
    card: Card,
    figures: Mapping[str, Mapping[str, Any]] | None = None,
    extra_files: Iterable[str | Path] = (),
) -> Preset:
    """Write a preset; a folder that is one already is replaced.

    Args:
        folder: ``saved_models/<app>/<name>``, or anywhere.
        app: the application's folder name.
        name: the preset's.
        config: the app's configuration, a dataclass or a mapping of JSON values.
        weights: a built Keras model, or arrays by variable path.
        card: what the model card tells.
        figures: `figure` by name.
        extra_files: the tokenizer's files, copied under their own names.

    Raises:
        ValueError: two variables share a path, or a weight is not finite in float16.
    """
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
        write_weights(temporary / WEIGHTS, arrays)
        for source in map(Path, extra_files):
            shutil.copyfile(source, temporary / source.name)
        _write_figures(temporary, app, name, card, figures or {})
    return load_preset(folder)


def add_figures(folder: str | Path, figures: Mapping[str, Mapping[str, Any]]) -> Preset:
    """Add to a preset's figures, or replace those of the same name; the card follows."""
    preset = load_preset(folder)
    _write_figures(
        preset.folder, preset.app, preset.name, preset.card, {**preset.figures, **figures}
    )
    return load_preset(folder)


def _write_figures(
    folder: Path, app: str, name: str, card: Card, figures: Mapping[str, Mapping[str, Any]]
) -> None:
    write_json(folder / METRICS, figures)
    write_text(folder / README, model_card(app, name, card, figures))
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
    table = read_json(folder / CHECKSUMS)
    if not isinstance(table, dict) or not {CONFIG, WEIGHTS, METRICS} <= table.keys():
        raise InputError(f"{folder / CHECKSUMS}: incomplete; restore the file")
    verify_checksums(folder, table)
    if header.keys() != {"format_version", "app", "name", "config", "card"}:
        raise InputError(f"{path}: unknown or missing keys; restore the file")
    card = config_from_json(Card, header["card"], path)
    figures = read_json(folder / METRICS)
    return Preset(folder, header["app"], header["name"], header["config"], card, figures)


def config_from_json(cls: type[Config], value: Mapping[str, Any], source: str | Path) -> Config:
    """A configuration dataclass from JSON values; lists become tuples.

    Args:
        cls: the dataclass.
        value: its fields; those left out keep their defaults.
        source: the file, for messages.

    Raises:
        InputError: a key that the dataclass lacks, or one without a default that is missing.
    """
    known = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(value.keys() - known)
    if unknown:
        raise InputError(f"{source}: unknown keys {', '.join(unknown)}; remove them")
    try:
        return cls(**{key: _tuples(entry) for key, entry in value.items()})
    except (TypeError, ValueError) as error:
        raise InputError(f"{source}: not a valid configuration: {error}") from error


def assign_weights(model: Any, preset: Preset | str | Path) -> None:
    """Give a built Keras model the preset's weights; names and shapes must match exactly.

    Raises:
        InputError: they do not; the message names what differs.
    """
    if not isinstance(preset, Preset):
        preset = load_preset(preset)
    assign(model, preset.weights(), preset.folder)


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


def find_preset(app: str, name: str | Path | None = None) -> Preset:
    """A preset by name, or by its folder's path; by default the app's own.

    Raises:
        InputError: there is none of that name; the message lists those that there are.
    """
    preset = load_preset(_pick(app, name, _preset_folders(app), "saved model"))
    _check_app(app, preset.app, preset.folder)
    return preset


def find_bundle(app: str, name: str | Path | None = None) -> Bundle:
    """A bundle by its preset's name, or by its folder's path; by default the app's own.

    Raises:
        InputError: there is none of that name; the message lists those that there are.
    """
    bundle = load_bundle(_pick(app, name, _bundle_folders(app), "bundle"))
    _check_app(app, bundle.app, bundle.folder)
    return bundle


def list_presets() -> list[PresetInfo]:
    """All bundles and saved models that are installed or in the checkout."""
    return [_bundle_info(folder) for folder in _bundle_folders("").values()] + [
        _weights_info(path.parent) for path in sorted(SAVED_MODELS.glob(f"*/*/{CONFIG}"))
    ]


def _bundle_info(folder: Path) -> PresetInfo:
    bundle = load_bundle(folder)
    side = bundle.sidecar
    return PresetInfo(
        app=bundle.app,
        name=bundle.preset,
        kind="bundle",
        default=bundle.preset == _default(bundle.app, _bundle_folders(bundle.app)),
        bytes=bundle.model_path().stat().st_size,
        license=side["license"],
        commercial_use=side["commercial_use"],
        figures=side["figures"],
        measured=side["precisions"][bundle.precision]["metric"],
        measured_on=side.get("measured", ""),
        folder=folder,
    )


def _weights_info(folder: Path) -> PresetInfo:
    preset = load_preset(folder)
    return PresetInfo(
        app=preset.app,
        name=preset.name,
        kind="weights",
        default=preset.name == _default(preset.app, _preset_folders(preset.app)),
        bytes=(folder / WEIGHTS).stat().st_size,
        license=preset.card.license,
        commercial_use=preset.card.commercial_use,
        figures=preset.figures,
        measured={},
        measured_on="",
        folder=folder,
    )


def _preset_folders(app: str) -> dict[str, Path]:
    return {p.parent.name: p.parent for p in sorted((SAVED_MODELS / app).glob(f"*/{CONFIG}"))}


def _bundle_folders(app: str) -> dict[str, Path]:
    """Bundles by preset name, from folders called ``<app>-<preset>``; all of them for ""."""
    prefix = f"{app}-" if app else ""
    found = sorted(BUNDLES.glob(f"{prefix}*/bundle.json"))
    return {path.parent.name.removeprefix(prefix): path.parent for path in found}


def _default(app: str, names: Iterable[str]) -> str | None:
    """The app's only preset, or the one that `DEFAULT` names."""
    known = list(names)
    chosen = known[0] if len(known) == 1 else DEFAULT.get(app)
    return chosen if chosen in known else None


def _pick(app: str, name: str | Path | None, folders: Mapping[str, Path], what: str) -> Path:
    wanted = _default(app, folders) if name is None else str(name)
    if wanted is not None and wanted in folders:
        return folders[wanted]
    if name is not None and Path(name).is_dir():
        return Path(name)
    if name is None and not folders:
        raise InputError(
            f"{app}: there is no {what} yet; train one (lstm-suite train {app}), or give the path "
            "of a folder"
        )
    known = ", ".join(folders) or "none"
    asked = f"which {what}?" if name is None else f"no {what} {wanted!r};"
    raise InputError(f"{app}: {asked} known names: {known}; or give the path of a folder")


def _check_app(app: str, found: str, folder: Path) -> None:
    if found != app:
        raise InputError(f"{folder}: made for {found}, not for {app}; name another preset")


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
