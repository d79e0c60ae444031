"""Checkpoints that hold all that a run needs to resume exactly."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from shared.errors import InputError
from shared.files import write_bytes
from shared.training.optimizer import Schedule
from shared.training.options import FitOptions


class NonFiniteError(InputError):
    """Raised when loss or weights are NaN or infinite: training diverges with these options.

    Attributes:
        result: What the run has come to, a `shared.training.fit.FitResult`.
    """

    result: Any = None

    def __init__(self, what: str) -> None:
        super().__init__(
            f"training: {what}; lower learning_rate or clip_norm, add warmup_steps, or check the "
            "data"
        )


@dataclass
class RunState:
    """The progress of a run, besides its variables. Logs and files number epochs from 1."""

    epoch: int = 0  # completed epochs
    step: int = 0  # completed batches of the current epoch
    best_value: float | None = None
    best_epoch: int = 0
    wait: int = 0  # epochs since the best one
    plateau_wait: int = 0  # epochs since the best one or the last reduction
    seconds: float = 0.0  # training time of all calls
    history: list[dict[str, Any]] = field(default_factory=list)  # one row per epoch

    def end(self, options: FitOptions) -> str | None:
        """Returns why the run is over, ``"epochs"`` or ``"early stopping"``; None if it is not."""
        if self.epoch >= options.epochs:
            return "epochs"
        if options.patience and self.wait >= options.patience:
            return "early stopping"
        return None


class Checkpoint:
    """A file with all variables (model, optimizer, averages, seeds, metrics) and the `RunState`.

    It is replaced atomically.

    Args:
        path: The ``.npz`` file.
        model: A compiled model, built with its optimizer, so that every variable exists.
        schedule: The optimizer's schedule, whose plateau scale is saved too.
    """

    def __init__(self, path: Path, model: keras.Model, schedule: Schedule) -> None:
        self.path = path
        metrics = [variable for metric in model.metrics for variable in metric.variables]
        counted = {id(variable) for variable in metrics}
        learned = [variable for variable in model.variables if id(variable) not in counted]
        self.variables = {
            "model": learned,
            "optimizer": [*model.optimizer.variables, schedule.scale],
            "metric": metrics,
        }

    def save(self, state: RunState) -> None:
        """Saves all variables and the state.

        Raises:
            NonFiniteError: A weight is NaN or infinite; the file is not changed.
        """
        arrays = self.arrays(f"before step {state.step + 1} of epoch {state.epoch + 1}")
        buffer = io.BytesIO()
        np.savez(buffer, state=np.array(json.dumps(asdict(state))), **arrays)
        write_bytes(self.path, buffer.getvalue())

    def arrays(self, when: str) -> dict[str, Any]:
        """The values of all variables.

        Args:
            when: For the message.

        Raises:
            NonFiniteError: A weight is NaN or infinite.
        """
        arrays = {
            f"{part}_{i}": ops.convert_to_numpy(variable)
            for part, variables in self.variables.items()
            for i, variable in enumerate(variables)
        }
        for name, array in arrays.items():
            if not name.startswith("metric") and not _finite(array):
                raise NonFiniteError(f"the weights are no longer finite {when}")
        return arrays

    def load(self) -> None:
        """Restores all variables.

        Raises:
            InputError: The file is damaged, or of another model.
        """
        for part in self.variables:
            self._load_part(part)

    def load_metrics(self) -> None:
        """Restores the metrics alone; Keras resets them when an epoch begins."""
        self._load_part("metric")

    def _load_part(self, part: str) -> None:
        with _open(self.path) as file:
            names = [name for name in file.files if name.startswith(f"{part}_")]
            variables = self.variables[part]
            arrays = [file[f"{part}_{i}"] for i in range(len(names))]
        shapes = [array.shape for array in arrays]
        if shapes != [tuple(variable.shape) for variable in variables]:
            raise InputError(
                f"{self.path}: saved by another model; name another run folder, or start over"
            )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)


def load_state(path: Path) -> RunState | None:
    """Reads the state of a checkpoint, without its variables; None if there is no file."""
    if not path.exists():
        return None
    with _open(path) as file:
        return RunState(**json.loads(str(file["state"])))


def _open(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: damaged; start over in another run folder") from error


def _finite(array: np.ndarray) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
