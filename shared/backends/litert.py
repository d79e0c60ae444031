"""A ``.tflite`` file as a generator; needs NumPy and ai-edge-litert only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from shared.backends.arrays import checked, checked_step, split_step, step_inputs, step_outputs
from shared.errors import InputError
from shared.generator import Arrays, Signature, TensorSpec


class LiteRTBackend:
    """The file's two signatures at batch 1; a larger batch is a loop over its rows.

    Not for use from several threads at once: the interpreter has one set of buffers.
    """

    def __init__(self, path: str | Path, signature: Signature, num_threads: int = 1) -> None:
        """Load the file.

        Raises:
            InputError: the file is missing, or no LiteRT model with the signature's names.
        """
        if not Path(path).is_file():
            raise InputError(f"{path}: no such file; export the model first")
        self.signature = signature
        try:
            with silent_stderr():
                self._interpreter = Interpreter(model_path=str(path), num_threads=num_threads)
                self._interpreter.allocate_tensors()
            self._encode = self._interpreter.get_signature_runner("encode")
            self._step = self._interpreter.get_signature_runner("step")
        except (ValueError, RuntimeError) as error:
            raise InputError(
                f"{path}: not a LiteRT model with encode and step; export it again"
            ) from error
        for runner, inputs, outputs in (
            (self._encode, signature.condition, signature.state | signature.memory),
            (self._step, step_inputs(signature), step_outputs(signature)),
        ):
            got = runner.get_input_details().keys(), runner.get_output_details().keys()
            if got != (inputs.keys(), outputs.keys()):
                raise InputError(f"{path}: its tensors are not those of the signature given")

    def encode(self, condition: Mapping[str, np.ndarray]) -> Arrays:
        """See `shared.generator.Generator.encode`."""
        arrays = checked(condition, self.signature.condition, "encode")
        return _rows(self._encode, arrays, self.signature.state | self.signature.memory)

    def step(self, symbol: Mapping[str, np.ndarray], state: Arrays) -> tuple[Arrays, Arrays]:
        """See `shared.generator.Generator.step`."""
        arrays = checked_step(self.signature, symbol, state)
        results = _rows(self._step, arrays, step_outputs(self.signature))
        return split_step(self.signature, results, state)


def _rows(runner: Any, arrays: Arrays, specs: Mapping[str, TensorSpec]) -> Arrays:
    """Run every row by itself."""
    batch = len(next(iter(arrays.values())))
    if batch == 1:  # the runner's own arrays are copies of its buffers already
        return runner(**arrays)
    results = {n: np.empty((batch, *spec.shape), spec.dtype) for n, spec in specs.items()}
    for row in range(batch):
        for name, value in runner(**{n: a[row : row + 1] for n, a in arrays.items()}).items():
            results[name][row] = value[0]
    return results


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Drop what C++ code writes to stderr while the block runs; exceptions tell what went wrong."""
    try:
        saved = os.dup(2)
    except OSError:  # there is no stderr to protect
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)
