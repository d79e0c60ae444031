"""The shipped bundle: one folder with a ``.tflite`` file and all that it takes to run it.

    model_<precision>.tflite   the signatures: encode and step at batch 1, and a beam's step
    bundle.json                the sidecar: enough to run the model from any language
    goldens.json               inputs and outputs to check another runtime against
    parity.json                how far each precision is from the Keras model
    checksums.json             of bundle.json, which has those of all the others
    calibration.json           when it is sure, if the model was calibrated
    ...                        the tokenizer's files, if the app has one

`shared.export.pipeline` writes it. Reading needs neither Keras nor TensorFlow.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from shared.backends.arrays import BATCH, beam_rows
from shared.errors import InputError, check_name
from shared.files import File, checksums, new_folder, verify_checksums, write_json
from shared.generator import Signature
from shared.presets.card import Figure
from shared.presets.store import CHECKSUMS
from shared.readers import read_json
from shared.typed import from_json

if TYPE_CHECKING:
    from shared.backends.litert import LiteRTBackend

FORMAT_VERSION = 1
# int8: weights; inputs of matrix products are quantized as it runs, those of convolutions are not.
PRECISIONS = ("float32", "float16", "int8")
SIDECAR = "bundle.json"


@dataclass(frozen=True)
class BundleFacts:
    """What ``bundle.json`` tells a reader in another language, beside the signatures.

    Attributes:
        decoding: How the application decodes by default.
        special_ids: Symbols with a meaning of their own, such as start and end, by name.
        normalization: In words, how inputs become numbers.
    """

    decoding: Mapping[str, Any]
    special_ids: Mapping[str, int] = field(default_factory=dict)
    normalization: Mapping[str, str] = field(default_factory=dict)

    @property
    def beam(self) -> int:
        """How many hypotheses beam search has by default, 0 if another way of decoding is used."""
        return self.decoding["beam_size"] if self.decoding.get("strategy") == "beam" else 0


class Tensor(TypedDict):
    """A tensor of a graph: its name, role, shape with the batch, and dtype."""

    name: str
    role: Literal["batch", "condition", "symbol", "state", "memory", "outputs"]
    shape: list[int]
    dtype: Literal["float32", "int32", "uint8"]


class Graph(TypedDict):
    """The tensors of a graph."""

    inputs: list[Tensor]
    outputs: list[Tensor]


class _Graphs(TypedDict):
    encode: Graph
    step: Graph


class Graphs(_Graphs, total=False):
    """The signatures of a ``.tflite`` file; `beam_step` where beam search is the default."""

    beam_step: Graph


class Precision(TypedDict):
    """What export measured of one precision; ``max_rel`` is `shared.export.parity`'s."""

    shipped: bool
    bytes: int
    milliseconds: dict[str, float]
    max_rel: float
    metric: dict[str, float]


class Sidecar(TypedDict):
    """What ``bundle.json`` says."""

    format_version: int
    app: str
    preset: str
    license: str
    license_note: str
    commercial_use: bool
    data: list[str]
    figures: dict[str, Figure]
    precision: str
    model: str
    signatures: Graphs
    special_ids: dict[str, int]
    normalization: dict[str, str]
    decoding: dict[str, Any]
    config: dict[str, Any]
    precisions: dict[str, Precision]
    keras_metric: dict[str, float]
    measured: str
    ops: dict[str, dict[str, int]]
    machine: str
    versions: dict[str, str | None]
    files: dict[str, File]


@dataclass(frozen=True)
class Bundle:
    """A bundle's folder and what its sidecar says."""

    folder: Path
    sidecar: Sidecar

    @property
    def app(self) -> str:
        """Which application reads and writes for it."""
        return self.sidecar["app"]

    @property
    def preset(self) -> str:
        """The preset's name, without the app's."""
        return self.sidecar["preset"]

    @property
    def config(self) -> dict[str, Any]:
        """The app's own configuration, for its ``Config``."""
        return self.sidecar["config"]

    @property
    def signature(self) -> Signature:
        """What crosses ``encode`` and ``step``."""
        return signature_from_graphs(self.sidecar["signatures"])

    @property
    def precision(self) -> str:
        """The precision that runs by default."""
        return self.sidecar["precision"]

    def model_path(self, precision: str | None = None) -> Path:
        """The ``.tflite`` file.

        Raises:
            InputError: the bundle does not ship this precision.
        """
        name = f"model_{precision or self.precision}.tflite"
        if name not in self.sidecar["files"]:
            kept = [p for p, facts in self.sidecar["precisions"].items() if facts["shipped"]]
            raise InputError(f"{self.folder}: no {precision} model; it has {', '.join(kept)}")
        return self.folder / name

    def open(self, precision: str | None = None, num_threads: int = 1) -> LiteRTBackend:
        """The generator that runs it."""
        from shared.backends.litert import LiteRTBackend

        return LiteRTBackend(self.model_path(precision), self.signature, num_threads)


def load_bundle(folder: str | Path) -> Bundle:
    """Read a bundle, every file checked against its checksum.

    Checksums find damage. They do not tell who made a bundle: whoever changes a file can change
    them too, and a ``.tflite`` file of a stranger runs in LiteRT's interpreter, which is C++.

    Raises:
        InputError: no bundle, another format version, or a damaged file; in one line.
    """
    folder = Path(folder)
    if not (folder / SIDECAR).is_file():
        raise InputError(f"{folder}: not a bundle (no {SIDECAR}); name a folder that export wrote")
    sidecar = read_json(folder / SIDECAR)
    version = sidecar.get("format_version") if isinstance(sidecar, dict) else None
    if version != FORMAT_VERSION:
        raise InputError(
            f"{folder / SIDECAR}: format version {version}, this program reads {FORMAT_VERSION}; "
            "install the lstm-suite that wrote it"
        )
    if not (folder / CHECKSUMS).is_file():
        raise InputError(f"{folder}: no {CHECKSUMS}; export it again (or see tflite/README.md)")
    table = from_json(read_json(folder / CHECKSUMS), dict[str, File], folder / CHECKSUMS)
    if table.keys() != {SIDECAR}:
        raise InputError(f"{folder / CHECKSUMS}: not the checksum of {SIDECAR}; restore the file")
    verify_checksums(folder, table)
    bundle = Bundle(folder, from_json(sidecar, Sidecar, folder / SIDECAR))
    for name in (bundle.app, bundle.preset):
        check_name(name, folder / SIDECAR)
    verify_checksums(folder, bundle.sidecar["files"])
    if bundle.precision not in bundle.sidecar["precisions"]:
        raise InputError(f"{folder / SIDECAR}: has no {bundle.precision} model; export it again")
    bundle.model_path()
    return bundle


def seal(folder: str | Path) -> None:
    """Write the checksum of a bundle's ``bundle.json``, the last file that export writes.

    Also makes a bundle whole that an earlier version wrote, without ``checksums.json``.
    """
    write_json(Path(folder) / CHECKSUMS, checksums(folder, [SIDECAR]))


def add_bundle_file(folder: str | Path, name: str, value: Any) -> None:
    """Adds a JSON file to a bundle, or replaces it."""
    bundle = load_bundle(folder)
    with new_folder(folder, marker=SIDECAR) as temporary:
        shutil.copytree(bundle.folder, temporary, dirs_exist_ok=True)
        write_json(temporary / name, value)
        files = {**bundle.sidecar["files"], **checksums(temporary, [name])}
        write_json(temporary / SIDECAR, {**bundle.sidecar, "files": dict(sorted(files.items()))})
        seal(temporary)


def graphs_from_signature(signature: Signature, beam: int = 0) -> Graphs:
    """Describes the graphs for readers in other languages: their tensors, with their roles.

    Without a condition ``encode`` still has one input, of the role `BATCH`; any value will do.

    Args:
        signature: What crosses ``encode`` and ``step``.
        beam: Rows of `BEAM_STEP`, or 0 if there is none.
    """

    def tensors(*roles: Any, rows: int = 1) -> list[Tensor]:
        return [
            {
                "name": name,
                "role": role,
                "shape": [beam_rows(signature, name, rows), *spec.shape],
                "dtype": spec.dtype,
            }
            for role in roles
            for name, spec in getattr(signature, role).items()
        ]

    batch: Tensor = {"name": BATCH, "role": "batch", "shape": [1], "dtype": "int32"}
    graphs: Graphs = {
        "encode": {
            "inputs": tensors("condition") or [batch],
            "outputs": tensors("state", "memory"),
        },
        "step": {
            "inputs": tensors("symbol", "state", "memory"),
            "outputs": tensors("outputs", "state"),
        },
    }
    if beam:
        graphs["beam_step"] = {
            "inputs": tensors("symbol", "state", "memory", rows=beam),
            "outputs": tensors("outputs", "state", rows=beam),
        }
    return graphs


def signature_from_graphs(graphs: Graphs) -> Signature:
    """The inverse of `graphs_from_signature`."""
    roles = ("condition", "symbol", "state", "outputs", "memory")
    parts: dict[str, dict[str, Any]] = {role: {} for role in roles}
    for graph in (graphs["encode"], graphs["step"]):
        for tensor in graph["inputs"] + graph["outputs"]:
            if tensor["role"] != BATCH:
                spec = {"shape": tensor["shape"][1:], "dtype": tensor["dtype"]}
                parts[tensor["role"]][tensor["name"]] = spec
    return Signature.from_json(parts)
