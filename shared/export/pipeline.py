"""Export of a preset and its Keras model as a bundle."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from shared.backends.keras_model import KerasBackend
from shared.backends.litert import LiteRTBackend
from shared.calibration import CALIBRATION
from shared.errors import InputError
from shared.export.audit import audit
from shared.export.goldens import GOLDENS, Example, make_goldens
from shared.export.parity import PARITY, Metric, latency, machine, parity
from shared.export.tflite import export_tflite
from shared.files import checksums, new_folder, write_json
from shared.presets.bundle import (
    FORMAT_VERSION,
    PRECISIONS,
    SIDECAR,
    Bundle,
    BundleFacts,
    Sidecar,
    graphs_from_signature,
    load_bundle,
    seal,
)
from shared.presets.store import Preset

_VERSIONED = ("lstm-suite", "tensorflow", "keras", "ai-edge-litert", "numpy")


def export_bundle(
    model: Any,
    preset: Preset,
    folder: str | Path,
    examples: Sequence[Example],
    facts: BundleFacts,
    metric: Metric | None = None,
    measured: str = "",
    keep: Iterable[str] = ("int8",),
) -> Bundle:
    """Converts, audits and measures a model, and writes the bundle ``tflite/<app>-<preset>/``.

    All precisions are converted and measured. The folder contains only those in ``keep``.

    Args:
        model: A built model with the preset's weights.
        preset: Source of the app's name, the config, the card, the figures and the tokenizer.
        folder: Folder to write. An existing bundle is replaced.
        examples: At least three examples. The first three become the goldens.
        facts: Contents of the sidecar, besides the signatures.
        metric: Function that returns task metrics of a generator. It is called for the Keras model
            and every precision.
        measured: Description of the data of `metric`.
        keep: Precisions to ship. The last one is the default.

    Raises:
        InputError: There are fewer than three examples.
        ValueError: ``keep`` is empty, or a conversion failed.
    """
    keep = list(keep)
    if len(examples) < 3:
        raise InputError(
            f"a bundle needs three examples to compare on, not {len(examples)}: raise the limit, "
            "or add data"
        )
    if not keep:
        raise ValueError("no precision to keep")
    with (
        tempfile.TemporaryDirectory() as scratch,
        new_folder(folder, marker=SIDECAR) as bundle,
    ):
        beam = facts.beam
        paths = export_tflite(model, scratch, PRECISIONS, beam)
        candidates = {p: LiteRTBackend(path, model.signature) for p, path in paths.items()}
        report = parity(KerasBackend(model), candidates, examples, metric, beam)
        write_json(bundle / PARITY, report)
        goldens = make_goldens(candidates[keep[-1]], examples[:3], keep[-1], beam)
        write_json(bundle / GOLDENS, goldens)
        kept = [*preset.extra_files, *preset.folder.glob(CALIBRATION)]
        for source in (*(paths[p] for p in keep), *kept):
            shutil.copyfile(source, bundle / source.name)
        card = preset.card
        sidecar: Sidecar = {
            "format_version": FORMAT_VERSION,
            "app": preset.app,
            "preset": preset.name,
            "license": card.license,
            "license_note": card.license_note,
            "commercial_use": card.commercial_use,
            "data": list(card.data),
            "figures": preset.figures,
            "precision": keep[-1],
            "model": paths[keep[-1]].name,
            "signatures": graphs_from_signature(model.signature, beam),
            "special_ids": dict(facts.special_ids),
            "normalization": dict(facts.normalization),
            "decoding": dict(facts.decoding),
            "config": preset.config,
            "precisions": {
                precision: {
                    "shipped": precision in keep,
                    "bytes": path.stat().st_size,
                    "milliseconds": latency(candidates[precision], examples, beam=beam),
                    "max_rel": max(t["max_rel"] for t in report[precision]["tensors"].values()),
                    "metric": report[precision]["metric"],
                }
                for precision, path in paths.items()
            },
            "keras_metric": report["keras"]["metric"],
            "measured": measured,
            "ops": audit(paths[keep[-1]].read_bytes()).ops,
            "machine": machine(),
            "versions": {name: _version(name) for name in _VERSIONED}
            | {"python": platform.python_version()},
            "files": checksums(bundle, [path.name for path in bundle.iterdir()]),
        }
        write_json(bundle / SIDECAR, sidecar)
        seal(bundle)
    return load_bundle(folder)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:  # lstm-suite is not installed
        return None
