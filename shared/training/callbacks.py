"""What happens between two steps and between two epochs of a run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
from keras import ops

from shared.training.checkpoint import Checkpoint, NonFiniteError, RunState
from shared.training.optimizer import Schedule, averaged, swap_average
from shared.training.options import FitOptions
from shared.training.record import Record


class LogFigures(keras.callbacks.Callback):
    """Logs figures of the task after each epoch, such as ``val_bleu``.

    Args:
        measure: Takes the model, which has the averaged weights then, and returns figures by name
            and a sample of what it made, to be printed.
    """

    def __init__(self, measure: Callable[[keras.Model], tuple[Mapping[str, float], str]]) -> None:
        super().__init__()
        self.measure = measure

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the figures to the logs, where ``FitOptions.monitor`` finds them."""
        figures, sample = self.measure(self.model)
        if logs is not None:
            logs |= {f"val_{name}": value for name, value in figures.items()}
        words = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        print(f"\nepoch {epoch + 1}: {words}  {sample}", flush=True)


class OutOfTime(Exception):
    """The wall-clock budget is spent; the checkpoint is written."""


class RunCallbacks(keras.callbacks.CallbackList):
    """All callbacks of a run, which to them is one training, though it is a fit per epoch.

    Epochs have different data, and numbers of steps, and ``Model.fit`` takes one dataset. So
    the loop calls it once per epoch with this list, which begins and ends once, and numbers
    the batches of a resumed epoch from where it goes on.
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
        """Keep what a run is made of; all times start now."""
        self.optimizer, self.options = optimizer, options
        self.state, self.checkpoint = state, checkpoint
        self.first_batch = 0  # of this call of Model.fit
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
        """Before each ``Model.fit``: the number of batches of the whole epoch."""
        self.first_batch = self.state.step
        self.set_params({**self.params, "steps": steps})

    def on_train_begin(self, logs: Any = None) -> None:
        """Only the first time."""
        if not self.begun:
            self.begun = True
            super().on_train_begin(logs)

    def on_train_end(self, logs: Any = None) -> None:
        """Not yet, see `finish`."""

    def finish(self, logs: Any = None) -> None:
        """The real end of the training."""
        if self.begun:
            super().on_train_end(logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Put back the metrics of a half-done epoch, which ``Model.fit`` has just reset."""
        if self.first_batch:
            self.checkpoint.load_metrics()
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Between two steps: the checkpoint and the budget."""
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
        """With the batch's number in the whole epoch."""
        super().on_train_batch_end(self.first_batch + batch, logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Validation sees the averaged weights."""
        swap_average(self.optimizer)
        super().on_test_begin(logs)

    def on_test_end(self, logs: Any = None) -> None:
        """Training goes on with its own weights."""
        super().on_test_end(logs)
        swap_average(self.optimizer)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Callbacks see the averaged weights; then the checkpoint of a completed epoch."""
        self.tick()
        with averaged(self.optimizer):
            super().on_epoch_end(epoch, logs)
        self.state.epoch, self.state.step = epoch + 1, 0
        self.save()

    def out_of_time(self) -> bool:
        """Whether this call's budget is spent."""
        limit = self.options.max_minutes * 60.0
        return limit > 0 and time.monotonic() - self.started >= limit

    def save(self) -> None:
        """Write the checkpoint."""
        self.tick()
        self.checkpoint.save(self.state)
        self.saved_at, self.saved_step = time.monotonic(), self.state.step

    def tick(self) -> None:
        """Add the time since the last call to the run's."""
        now = time.monotonic()
        self.state.seconds += now - self.clock
        self.clock = now


class NonFiniteGuard(keras.callbacks.Callback):
    """Stops at the first loss that is NaN or infinite. Keras runs it beside the next step."""

    async_safe = True

    def __init__(self, optimizer: keras.Optimizer) -> None:
        """The optimizer is for the learning rate in the message."""
        super().__init__()
        self.optimizer = optimizer
        self.epoch = 0
        self.last = "none"

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember the epoch for the message."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """``logs["loss"]`` is the mean of the epoch so far: once not finite, it stays so."""
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        if not math.isfinite(loss):
            rate = float(ops.convert_to_numpy(self.optimizer.learning_rate))
            raise NonFiniteError(
                f"training: the loss became {loss} in epoch {self.epoch + 1}, step {batch + 1} "
                f"(last finite mean {self.last}, learning rate {rate:.3g}); lower learning_rate "
                "or clip_norm, add warmup_steps, or look for bad input; the last checkpoint "
                "is intact"
            )
        self.last = f"{loss:.6g}"


class EpochEnd(keras.callbacks.Callback):
    """The books of a run: best weights, early stopping, plateaus, one row in the record."""

    def __init__(
        self, options: FitOptions, state: RunState, schedule: Schedule, record: Record, best: Path
    ) -> None:
        """Update ``state``, write to ``record`` and to the weights file ``best``."""
        super().__init__()
        self.options, self.state, self.schedule = options, state, schedule
        self.record, self.best = record, best

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Called with the averaged weights in the model, after the callbacks of the user.

        Raises:
            ValueError: Nobody logged the monitored value.
            NonFiniteError: It is NaN or infinite.
        """
        logs = dict(logs or {})
        options, state = self.options, self.state
        if options.monitor not in logs:
            raise ValueError(f"monitor {options.monitor!r} is not among the logs {sorted(logs)}")
        value = float(logs[options.monitor])
        if not math.isfinite(value):
            raise NonFiniteError(
                f"training: {options.monitor} became {value} in epoch {epoch + 1}; lower "
                "learning_rate or clip_norm; the last checkpoint is intact"
            )
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


def save_weights(model: keras.Model, path: Path) -> None:
    """``model.save_weights`` without the optimizer's, under a temporary name first."""
    temporary = path.with_name(f".{path.name}")
    optimizer, model.optimizer = model.optimizer, None
    try:
        model.save_weights(temporary)
    finally:
        model.optimizer = optimizer
    temporary.replace(path)
