"""The workers of benchmarks/decode.py: a model's files, and whoever answers encode and step."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import serve, turn
from benchmarks.decode_apps import APPS
from shared.files import read_json, write_json
from shared.generator import Signature

CHECKED_STEPS = 8


class Maker:
    """Writes what the other workers read: configuration, weights, exports, reference logits."""

    def __init__(self, app: str, folder: str) -> None:
        self.app, self.name, self.folder = APPS[app], app, Path(folder)

    def make(self, preset: str | None) -> dict[str, Any]:
        """Write all files.

        Returns:
            Which weights they have, their number, and the files' megabytes.
        """
        from shared.backends import open_backend
        from shared.backends.saved_model import export_saved_model
        from shared.errors import InputError
        from shared.export.tflite import export_tflite
        from shared.presets.catalog import find_preset
        from shared.presets.open import load_model
        from shared.presets.weights import model_weights

        try:
            found = find_preset(self.name, preset or self.app.preset)
            config, weights = found.config, f"preset {found.name}"
            model = load_model(found, self.app.build)
        except InputError:
            if preset:
                raise
            config, weights = self.app.config(self.app.preset), "untrained"
            model = self.app.build(config)
        write_json(self.folder / "config.json", config)
        write_json(self.folder / "signature.json", model.signature.to_json())
        arrays = model_weights(model)
        np.savez(self.folder / "weights.npz", **arrays)
        export_saved_model(model, self.folder / "saved_model")
        files = export_tflite(model, self.folder, ["float32", "int8"])
        np.save(
            self.folder / "reference.npy", logits(open_backend("keras", model), self.app, config)
        )
        return {
            "weights": weights,
            "parameters": int(sum(array.size for array in arrays.values())),
            "megabytes": {name: path.stat().st_size / 1e6 for name, path in files.items()},
        }


def logits(generator, app, config) -> np.ndarray:
    """What is compared, of some steps, fed with what the app's decoding asks for first."""
    state, found = generator.encode(app.condition(config)), []
    for symbol in app.symbols(config)[:CHECKED_STEPS]:
        outputs, state = generator.step(symbol, state)
        found.append(np.copy(outputs[app.compared]))
    return np.stack(found)


class Eager:
    """The Keras model without `tf.function`: every operation is a call."""

    def __init__(self, model) -> None:
        self.model = model
        self.signature = model.signature

    def encode(self, condition):
        """See `shared.generator.Generator.encode`."""
        state = self.model.encode(self._tensors(condition))
        return {name: value.numpy() for name, value in state.items()}

    def step(self, symbol, state):
        """See `shared.generator.Generator.step`."""
        outputs, new = self.model.step(self._tensors(symbol), self._tensors(state))
        memory = {name: state[name] for name in self.signature.memory}
        return tuple(
            {n: np.asarray(v) for n, v in part.items()} for part in (outputs, new | memory)
        )

    def _tensors(self, arrays):
        import tensorflow as tf

        return {name: tf.constant(value) for name, value in arrays.items()}


class Backend:
    """One row: a generator that is timed.

    Args:
        app: Its name.
        row: Of `ROWS` in benchmarks/decode.py.
        folder: What `Maker` wrote.
        threads: For LiteRT, ONNX Runtime and PyTorch. TensorFlow takes what it likes.
    """

    def __init__(self, app: str, row: str, folder: str, threads: int) -> None:
        self.app, self.folder = APPS[app], Path(folder)
        self.config = read_json(self.folder / "config.json")
        self.signature = Signature.from_json(read_json(self.folder / "signature.json"))
        self.generator = self._open(row, threads)
        self.symbols = self.app.symbols(self.config)

    def _open(self, row: str, threads: int):
        from shared.backends import open_backend

        if row in ("keras_eager", "keras"):
            from shared.presets.weights import assign

            model = self.app.build(self.config)
            assign(model, self._weights(), self.folder)
            return Eager(model) if row == "keras_eager" else open_backend("keras", model)
        if row == "saved_model":
            return open_backend("saved_model", self.folder / "saved_model")
        if row.startswith("litert_"):
            path = self.folder / f"model_{row.removeprefix('litert_')}.tflite"
            return open_backend("litert", path, self.signature, num_threads=threads)
        import torch

        torch.set_num_threads(threads)
        port = importlib.import_module(self.app.port)
        arguments = self._weights(), self.config, self.signature
        if row == "torch":
            return port.TorchGenerator(*arguments)
        return port.OnnxGenerator(*arguments, self.folder / "step.onnx", threads)

    def _weights(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / "weights.npz") as file:
            return dict(file)

    def difference(self) -> float:
        """Of the logits from those of the compiled Keras model, the largest."""
        expected = np.load(self.folder / "reference.npy")
        found = logits(self.generator, self.app, self.config)
        seen = expected > -1e6  # forbidden symbols have what no rounding matters to
        return float(np.abs(found - expected)[seen].max())

    def turn(self, what: str) -> list[float]:
        """Seconds of a ``step``, or of an ``output``, some times."""
        if what == "output":
            return turn(lambda: self.app.finish(self.generator, self.config))
        state = self.generator.encode(self.app.condition(self.config))

        def steps():
            nonlocal state
            for symbol in self.symbols:
                _, state = self.generator.step(symbol, state)

        return [seconds / len(self.symbols) for seconds in turn(steps)]


if __name__ == "__main__":
    if sys.argv[2] == "make":
        serve(lambda: Maker(sys.argv[1], sys.argv[3]))
    serve(lambda: Backend(*sys.argv[1:4], int(sys.argv[4])))
