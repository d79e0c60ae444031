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
from shared.readers import read_arrays
from shared.training.optimizer import Schedule
from shared.training.options import FitOptions

_REMEDY = "start over in another run folder"


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
        self._assign(tuple(self.variables))

    def load_metrics(self) -> None:
        """Restores the metrics alone; Keras resets them when an epoch begins."""
        self._assign(("metric",))

    def _assign(self, parts: tuple[str, ...]) -> None:
        arrays = read_arrays(self.path, remedy=_REMEDY)
        wanted = {f"{p}_{i}": v for p in parts for i, v in enumerate(self.variables[p])}
        shapes = {n: a.shape for n, a in arrays.items() if n.partition("_")[0] in parts}
        if shapes != {name: tuple(variable.shape) for name, variable in wanted.items()}:
            raise InputError(
                f"{self.path}: saved by another model; name another run folder, or start over"
            )
        for name, variable in wanted.items():
            variable.assign(arrays[name])


def load_state(path: Path) -> RunState | None:
    """Reads the state of a checkpoint, without its variables; None if there is no file."""
    if not path.exists():
        return None
    state = read_arrays(path, ("state",), _REMEDY)["state"]
    try:
        return RunState(**json.loads(str(state)))
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged, no state of a run; {_REMEDY}") from error


def _finite(array: np.ndarray) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
