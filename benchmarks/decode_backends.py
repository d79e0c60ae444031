"""The workers of benchmarks/decode.py: one exports a model, the others run it."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from apps import application
from benchmarks.common import serve, turn
from shared.export.goldens import Example
from shared.files import write_json
from shared.generator import Signature
from shared.readers import read_json

CHECKED_STEPS = 8
PORTS = {"music": "benchmarks.decode_music_torch"}  # modules with the model in PyTorch


class Maker:
    """Writes what the other workers read: configuration, weights, exports, reference outputs."""

    def __init__(self, app: str, folder: str) -> None:
        self.app, self.folder = application(app), Path(folder)

    def make(self, preset: str | None) -> dict[str, Any]:
        """Write all files.

        Returns:
            Which weights they have, their number, and the files' megabytes.
        """
        from shared.backends import open_backend
        from shared.backends.saved_model import export_saved_model
        from shared.errors import InputError
        from shared.export.tflite import export_tflite
        from shared.presets.weights import model_weights

        try:
            found = self.app.find_preset(preset)
            config, weights = found.config, f"preset {found.name}"
            model = self.app.load_model(found)
            beam = self.app.bundle_facts(self.app.open_model(model, found)).beam
        except InputError:
            if preset:
                raise
            sizes = self.app.stage().config
            config, weights = dataclasses.asdict(sizes), "untrained"
            model, beam = self.app.build(sizes), 0
        write_json(self.folder / "config.json", config)
        write_json(self.folder / "signature.json", model.signature.to_json())
        arrays = model_weights(model)
        np.savez(self.folder / "weights.npz", **arrays)
        export_saved_model(model, self.folder / "saved_model")
        files = export_tflite(model, self.folder, ["float32", "int8"], beam)
        example = self.app.example(self.app.config_from(config, "config.json"))
        reference = outputs(open_backend("keras", model), example)
        np.save(self.folder / "reference.npy", reference)
        return {
            "weights": weights,
            "parameters": int(sum(array.size for array in arrays.values())),
            "megabytes": {name: path.stat().st_size / 1e6 for name, path in files.items()},
        }


def outputs(generator: Any, example: Example) -> np.ndarray:
    """The logits, or the mixture, of the first steps of an example."""
    state, found = generator.encode(example.condition), []
    name = next(iter(generator.signature.outputs))
    for symbol in example.symbols[:CHECKED_STEPS]:
        results, state = generator.step(symbol, state)
        found.append(np.copy(results[name]))
    return np.stack(found)


class Eager:
    """The Keras model in eager mode, without `tf.function`."""

    def __init__(self, model) -> None:
        self.model = model
        self.signature = model.signature

    def encode(self, condition):
        """As `shared.generator.Generator.encode`."""
        state = self.model.encode(self._tensors(condition))
        return {name: value.numpy() for name, value in state.items()}

    def step(self, symbol, state):
        """As `shared.generator.Generator.step`."""
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
        self.app, self.folder = application(app), Path(folder)
        self.values = read_json(self.folder / "config.json")
        self.config = self.app.config_from(self.values, "config.json")
        self.signature = Signature.from_json(read_json(self.folder / "signature.json"))
        self.generator = self._open(row, threads)
        self.example = self.app.example(self.config)

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
        port = importlib.import_module(PORTS[self.app.name])
        arguments = self._weights(), self.values, self.signature
        if row == "torch":
            return port.TorchGenerator(*arguments)
        return port.OnnxGenerator(*arguments, self.folder / "step.onnx", threads)

    def _weights(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / "weights.npz") as file:
            return dict(file)

    def difference(self) -> float:
        """The largest difference of an output from that of the compiled Keras model."""
        expected = np.load(self.folder / "reference.npy")
        found = outputs(self.generator, self.example)
        seen = expected > -1e6  # without masked symbols
        return float(np.abs(found - expected)[seen].max())

    def turn(self, what: str) -> list[float]:
        """Seconds of a ``step``, or of an ``output`` or a ``greedy`` one, some times."""
        if what != "step":
            greedy = what == "greedy"
            return turn(lambda: self.app.generate(self.generator, self.config, greedy))
        state = self.generator.encode(self.example.condition)

        def steps():
            nonlocal state
            for symbol in self.example.symbols:
                _, state = self.generator.step(symbol, state)

        return [seconds / len(self.example.symbols) for seconds in turn(steps)]


if __name__ == "__main__":
    if sys.argv[2] == "make":
        serve(lambda: Maker(sys.argv[1], sys.argv[3]))
    serve(lambda: Backend(*sys.argv[1:4], int(sys.argv[4])))
