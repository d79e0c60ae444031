"""A ``.tflite`` file as a generator; needs NumPy and ai-edge-litert only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from shared.backends.arrays import (
    BEAM_STEP,
    checked_condition,
    checked_step,
    encode_inputs,
    encode_outputs,
    split_step,
    step_inputs,
    step_outputs,
)
from shared.errors import InputError
from shared.generator import Arrays, Signature, TensorSpec
from shared.stderr import silent_stderr


class LiteRTBackend:
    """Runs the file's signatures at batch 1, in a loop over the rows of a larger batch.

    The hypotheses of a beam, rows that share one memory (`with_one_memory`), are stepped at once
    if the file has `BEAM_STEP`. A backend is not thread-safe: the interpreter has one set of
    buffers.

    Attributes:
        beam: How many hypotheses are stepped at once; 0 without `BEAM_STEP`.
    """

    def __init__(self, path: str | Path, signature: Signature, num_threads: int = 1) -> None:
        """Loads the file.

        Raises:
            InputError: The file is missing, or is no LiteRT model with the signature's names.
        """
        if not Path(path).is_file():
            raise InputError(f"{path}: no such file; export the model first")
        self.signature = signature
        try:
            with silent_stderr():
                self._interpreter = Interpreter(model_path=str(path), num_threads=num_threads)
                self._interpreter.allocate_tensors()
            found = self._interpreter.get_signature_list()
            names = {"encode", "step", *(found.keys() & {BEAM_STEP})}
            runners = {n: self._interpreter.get_signature_runner(n) for n in names}
        except (ValueError, RuntimeError) as error:
            raise InputError(
                f"{path}: not a LiteRT model with encode and step; export it again"
            ) from error
        tensors = {n: (r.get_input_details(), r.get_output_details()) for n, r in runners.items()}
        for name, sides in tensors.items():
            if name == "encode":
                expected = encode_inputs(signature), encode_outputs(signature)
            else:
                expected = step_inputs(signature), step_outputs(signature)
            if [side.keys() for side in sides] != [specs.keys() for specs in expected]:
                raise InputError(f"{path}: its tensors are not those of the signature given")
        step = tensors["step"]
        symbol = next(iter(signature.symbol), "")
        self.beam = int(tensors[BEAM_STEP][0][symbol]["shape"][0]) if BEAM_STEP in tensors else 0
        names = {tensor["name"] for tensor in self._interpreter.get_input_details()}
        if names != {tensor["name"] for tensor in step[0].values()}:
            raise InputError(f"{path}: step is not its first graph; export it again")
        self._inputs, self._outputs = (
            {name: tensor["index"] for name, tensor in side.items()} for side in step
        )
        self._held: Arrays = {}  # the memory that the interpreter holds

    def encode(self, condition: Mapping[str, np.ndarray], batch: int = 1) -> Arrays:
        """Implements `shared.generator.Generator.encode`; the memory's arrays are read-only."""
        arrays = checked_condition(self.signature, condition, batch)
        runner = self._interpreter.get_signature_runner("encode")  # kept, it would forbid `invoke`
        # The runner's own arrays are copies of its buffers already.
        result = _rows(lambda row: runner(**row), arrays, encode_outputs(self.signature))
        for name in self.signature.memory:
            result[name].flags.writeable = False
        return result

    def step(self, symbol: Mapping[str, np.ndarray], state: Arrays) -> tuple[Arrays, Arrays]:
        """Implements `shared.generator.Generator.step`."""
        arrays = checked_step(self.signature, symbol, state)
        if self.beam and self._share_memory(arrays):
            results = self._step_beam(arrays)
        else:
            results = _rows(self._invoke, arrays, step_outputs(self.signature))
        return split_step(self.signature, results, state)

    def _share_memory(self, arrays: Arrays) -> bool:
        """Whether there are several rows, and the memory is one row that repeats."""
        several = len(next(iter(arrays.values()))) > 1
        return several and all(arrays[name].strides[0] == 0 for name in self.signature.memory)

    def _step_beam(self, arrays: Arrays) -> Arrays:
        """Runs as many rows at once as the graph has; the last ones are padded."""
        runner = self._interpreter.get_signature_runner(BEAM_STEP)
        batch = len(next(iter(arrays.values())))
        parts = []
        for first in range(0, batch, self.beam):
            rows = np.minimum(np.arange(first, first + self.beam), batch - 1)
            read = self.signature.memory
            given = {n: a[:1] if n in read else a[rows] for n, a in arrays.items()}
            parts.append({n: a[: batch - first] for n, a in runner(**given).items()})
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _invoke(self, row: Arrays) -> Arrays:
        for name, array in row.items():
            if name in self.signature.memory:
                # LiteRT does not write to its inputs: an array that is read-only is still there.
                if self._held.get(name) is array and not array.flags.writeable:
                    continue
                self._held[name] = array
            self._interpreter.set_tensor(self._inputs[name], array)
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(i) for name, i in self._outputs.items()}


def _rows(
    run: Callable[[Arrays], Arrays], arrays: Arrays, specs: Mapping[str, TensorSpec]
) -> Arrays:
    """Runs every row by itself."""
    batch = len(next(iter(arrays.values())))
    if batch == 1:
        return run(arrays)
    results = {n: np.empty((batch, *spec.shape), spec.dtype) for n, spec in specs.items()}
    for row in range(batch):
        for name, value in run({n: a[row : row + 1] for n, a in arrays.items()}).items():
            results[name][row] = value[0]
    return results
