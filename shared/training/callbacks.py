"""Callbacks of a run: checkpoints, time limit, early stopping, and the log."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
from keras import ops

from shared.files import reserve
from shared.training.checkpoint import Checkpoint, NonFiniteError, RunState
from shared.training.optimizer import Schedule, averaged, swap_average
from shared.training.options import FitOptions
from shared.training.record import Record


class LogFigures(keras.callbacks.Callback):
    """Logs task metrics after each epoch, such as ``val_bleu``.

    Args:
        measure: Function that takes the model, with averaged weights, and returns metrics by name
            and a sample of its output to print.
    """

    def __init__(self, measure: Callable[[keras.Model], tuple[Mapping[str, float], str]]) -> None:
        super().__init__()
        self.measure = measure

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the metrics to the logs, so that ``FitOptions.monitor`` can name one."""
        figures, sample = self.measure(self.model)
        if logs is not None:
            logs |= {f"val_{name}": value for name, value in figures.items()}
        words = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        print(f"\nepoch {epoch + 1}: {words}  {sample}", flush=True)


class OutOfTime(Exception):
    """Raised when the time limit is reached, after the checkpoint is saved."""


class RunCallbacks(keras.callbacks.CallbackList):
    """The callbacks of a run, over several calls of ``Model.fit``.

    ``Model.fit`` takes one dataset, and each epoch has data and a number of steps of its own.
    The loop therefore calls ``Model.fit`` once per epoch. This list makes the calls look like one
    training: it begins and ends once, and numbers the batches of a resumed epoch from where it
    continues.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        *,
        model: keras.Model,
        optimizer: keras.Optimizer,
        options: FitOptions,
        state: RunState,
        checkpoint: Checkpoint,
        verbose: int,
    ) -> None:
        """Stores the parts of the run and starts its clocks."""
        self.optimizer, self.options = optimizer, options
        self.state, self.checkpoint = state, checkpoint
        self.first_batch = 0  # index in the epoch of the first batch of this Model.fit call
        self.begun = False
        self.started = self.clock = time.monotonic()
        self.saved_at, self.saved_step = self.started, state.step
        super().__init__(
            [NonFiniteGuard(optimizer), *callbacks],
            add_history=True,
            add_progbar=verbose > 0,
            model=model,
            verbose=verbose,
            epochs=options.epochs,
            steps=None,
        )

    def begin_fit(self, steps: int) -> None:
        """Prepares for a call of ``Model.fit``; ``steps`` is the length of the whole epoch."""
        self.first_batch = self.state.step
        self.set_params({**self.params, "steps": steps})

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins the training, at the first call only."""
        if not self.begun:
            self.begun = True
            super().on_train_begin(logs)

    def on_train_end(self, logs: Any = None) -> None:
        """Does nothing; `finish` ends the training."""

    def finish(self, logs: Any = None) -> None:
        """Ends the training."""
        if self.begun:
            super().on_train_end(logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Restores the metrics of a resumed epoch, which ``Model.fit`` has just reset."""
        if self.first_batch:
            self.checkpoint.load_metrics()
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Checks the time limit and saves checkpoints between two steps."""
        self.state.step = self.first_batch + batch
        if self.out_of_time():
            self.save()
            raise OutOfTime
        seconds, steps = self.options.checkpoint_seconds, self.options.checkpoint_steps
        if (seconds and time.monotonic() - self.saved_at >= seconds) or (
            steps and self.state.step - self.saved_step >= steps
        ):
            self.save()
        super().on_train_batch_begin(self.state.step, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Passes on the index of the batch in the whole epoch."""
        super().on_train_batch_end(self.first_batch + batch, logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Switches to the averaged weights for validation."""
        swap_average(self.optimizer)
        super().on_test_begin(logs)

    def on_test_end(self, logs: Any = None) -> None:
        """Switches back to the training weights."""
        super().on_test_end(logs)
        swap_average(self.optimizer)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Runs the callbacks with the averaged weights, then saves a checkpoint.

        Raises:
            NonFiniteError: A loss or weight is NaN or infinite; no callback has seen it.
        """
        self.tick()
        for name in ("loss", "val_loss"):
            check_finite(name, (logs or {}).get(name, 0.0), epoch)
        self.checkpoint.arrays(f"after epoch {epoch + 1}")
        with averaged(self.optimizer):
            super().on_epoch_end(epoch, logs)
        self.state.epoch, self.state.step = epoch + 1, 0
        self.save()

    def out_of_time(self) -> bool:
        """Whether this call has reached its time limit."""
        limit = self.options.max_minutes * 60.0
        return limit > 0 and time.monotonic() - self.started >= limit

    def save(self) -> None:
        """Saves a checkpoint."""
        self.tick()
        self.checkpoint.save(self.state)
        self.saved_at, self.saved_step = time.monotonic(), self.state.step

    def tick(self) -> None:
        """Adds the time since the last call to that of the run."""
        now = time.monotonic()
        self.state.seconds += now - self.clock
        self.clock = now


class NonFiniteGuard(keras.callbacks.Callback):
    """Stops at the first loss that is NaN or infinite. Keras runs it parallel to the next step."""

    async_safe = True

    def __init__(self, optimizer: keras.Optimizer) -> None:
        super().__init__()
        self.optimizer = optimizer  # its learning rate is part of the message
        self.epoch = 0
        self.last = "none"

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Stores the epoch for the message."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Checks the loss, the mean of the epoch so far: once not finite, it stays so."""
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        if not math.isfinite(loss):
            rate = float(ops.convert_to_numpy(self.optimizer.learning_rate))
            raise NonFiniteError(
                f"the loss became {loss} in epoch {self.epoch + 1}, step {batch + 1} "
                f"(last finite mean {self.last}, learning rate {rate:.3g})"
            )
        self.last = f"{loss:.6g}"


class EpochEnd(keras.callbacks.Callback):
    """Keeps the best weights, stops early, reduces the learning rate, and logs the epoch."""

    def __init__(
        self, options: FitOptions, state: RunState, schedule: Schedule, record: Record, best: Path
    ) -> None:
        """Stores what it updates: ``state``, ``schedule``, ``record`` and the file ``best``."""
        super().__init__()
        self.options, self.state, self.schedule = options, state, schedule
        self.record, self.best = record, best

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Ends an epoch. The model has its averaged weights; other callbacks have run.

        Raises:
            ValueError: The monitored value is not in the logs.
            NonFiniteError: The monitored value is NaN or infinite.
        """
        logs = dict(logs or {})
        options, state = self.options, self.state
        if options.monitor not in logs:
            raise ValueError(f"monitor {options.monitor!r} is not among the logs {sorted(logs)}")
        value = float(logs[options.monitor])
        check_finite(options.monitor, value, epoch)
        rate = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if options.better(value, state.best_value):
            state.best_value, state.best_epoch = value, epoch + 1
            state.wait = state.plateau_wait = 0
            save_weights(self.model, self.best)
        else:
            state.wait += 1
            state.plateau_wait += 1
        if options.schedule == "plateau" and state.plateau_wait >= options.plateau_patience:
            state.plateau_wait = 0
            self.schedule.reduce()
        state.history.append(
            {
                "epoch": epoch + 1,
                "step": int(ops.convert_to_numpy(self.model.optimizer.iterations)),
                "minutes": round(state.seconds / 60.0, 3),
                "learning_rate": rate,
                **logs,
            }
        )
        self.record.write(state.history)
        if state.end(options) == "early stopping":
            self.model.stop_training = True


def check_finite(name: str, value: float, epoch: int) -> None:
    """Checks a logged value.

    Raises:
        NonFiniteError: It is NaN or infinite.
    """
    if not math.isfinite(value):
        raise NonFiniteError(f"{name} became {value} in epoch {epoch + 1}")


def save_weights(model: keras.Model, path: Path) -> None:
    """Saves a model's weights atomically, without those of the optimizer.

    Raises:
        OSError: The file cannot be written.
    """
    temporary = path.with_name(f".{path.name}")
    optimizer, model.optimizer = model.optimizer, None
    most = sum(4 * math.prod(variable.shape) + 16384 for variable in model.weights)  # bytes
    try:
        with open(temporary, "wb") as file:
            reserve(file, most, path)  # HDF5 crashes the process where it finds no room
        model.save_weights(temporary)
        temporary.replace(path)
    finally:
        model.optimizer = optimizer
        temporary.unlink(missing_ok=True)
