"""Presets and bundles by name: those in the checkout, or in the installed package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.errors import InputError
from shared.presets.bundle import SIDECAR, Bundle, load_bundle
from shared.presets.card import Figure
from shared.presets.store import CONFIG, WEIGHTS, Preset, load_preset

_ROOT = Path(__file__).resolve().parents[2]
SAVED_MODELS = _ROOT / "saved_models"
# In the wheel the bundles are the package apps.bundles; in a checkout they stand in tflite/.
BUNDLES = _ROOT / "apps" / "bundles" if (_ROOT / "apps" / "bundles").is_dir() else _ROOT / "tflite"


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
    figures: dict[str, Figure]
    measured: dict[str, float]  # the same task's figures of the bundle's own precision
    measured_on: str  # what those were taken on, in words; empty if the bundle does not say
    folder: Path


def find_preset(app: str, name: str | Path | None = None, default: str = "") -> Preset:
    """A preset by name, or by its folder's path; if none is named, the only one or the default.

    Raises:
        InputError: There is none of that name; the message lists those that there are.
    """
    preset = load_preset(_pick(app, name, _preset_folders(app), default, "saved model"))
    _check_app(app, preset.app, preset.folder)
    return preset


def find_bundle(app: str, name: str | Path | None = None, default: str = "") -> Bundle:
    """A bundle by its preset's name, or by its folder's path; as `find_preset`.

    Raises:
        InputError: There is none of that name; the message lists those that there are.
    """
    bundle = load_bundle(_pick(app, name, _bundle_folders(app), default, "bundle"))
    _check_app(app, bundle.app, bundle.folder)
    return bundle


def list_presets(
    defaults: Mapping[str, str], skip: Callable[[InputError], None] = lambda error: None
) -> list[PresetInfo]:
    """All bundles and presets that are installed or in the checkout.

    Args:
        defaults: The default preset of each application.
        skip: Called with what is wrong with a folder that is left out.
    """
    infos = []
    for folder in _folders(BUNDLES, f"*/{SIDECAR}"):
        try:
            infos.append(_bundle_info(load_bundle(folder), defaults))
        except InputError as error:
            skip(error)
    for folder in _folders(SAVED_MODELS, "*/*/"):
        try:
            infos.append(_preset_info(load_preset(folder), defaults))
        except InputError as error:
            skip(error)
    return infos


def _bundle_info(bundle: Bundle, defaults: Mapping[str, str]) -> PresetInfo:
    side = bundle.sidecar
    return PresetInfo(
        app=bundle.app,
        name=bundle.preset,
        kind="bundle",
        default=bundle.preset == _default(_bundle_folders(bundle.app), defaults.get(bundle.app)),
        bytes=bundle.model_path().stat().st_size,
        license=side["license"],
        commercial_use=side["commercial_use"],
        figures=side["figures"],
        measured=side["precisions"][bundle.precision]["metric"],
        measured_on=side["measured"],
        folder=bundle.folder,
    )


def _preset_info(preset: Preset, defaults: Mapping[str, str]) -> PresetInfo:
    return PresetInfo(
        app=preset.app,
        name=preset.name,
        kind="weights",
        default=preset.name == _default(_preset_folders(preset.app), defaults.get(preset.app)),
        bytes=(preset.folder / WEIGHTS).stat().st_size,
        license=preset.card.license,
        commercial_use=preset.card.commercial_use,
        figures=preset.figures,
        measured={},
        measured_on="",
        folder=preset.folder,
    )


def _preset_folders(app: str) -> dict[str, Path]:
    return {folder.name: folder for folder in _folders(SAVED_MODELS / app, f"*/{CONFIG}")}


def _bundle_folders(app: str) -> dict[str, Path]:
    """Bundles by preset name, from folders called ``<app>-<preset>``."""
    found = _folders(BUNDLES, f"{app}-*/{SIDECAR}")
    return {folder.name.removeprefix(f"{app}-"): folder for folder in found}


def _folders(place: Path, pattern: str) -> list[Path]:
    """The folders that match, or have a file that does; those that are hidden are half written."""
    found = (path if pattern.endswith("/") else path.parent for path in place.glob(pattern))
    return sorted(folder for folder in found if folder.is_dir() and not folder.name.startswith("."))


def _default(names: Iterable[str], default: str | None) -> str | None:
    """The only name, or the default if it is among them."""
    known = list(names)
    chosen = known[0] if len(known) == 1 else default
    return chosen if chosen in known else None


def _pick(
    app: str, name: str | Path | None, folders: Mapping[str, Path], default: str, what: str
) -> Path:
    wanted = _default(folders, default) if name is None else str(name)
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
