"""Training options, a frozen dataclass that can be saved as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from shared.errors import InputError

OPTIMIZERS = ("adamw", "adam", "sgd")
SCHEDULES = ("constant", "cosine", "linear", "plateau")
MODES = ("auto", "min", "max")
_HIGHER_IS_BETTER = ("accuracy", "bleu", "bleu4", "cider")  # ends of monitored names

# Options that a resumed run may change: the epochs before are the same with either value.
MAY_CHANGE = {"epochs", "patience", "checkpoint_seconds", "checkpoint_steps", "max_minutes"}


@dataclass(frozen=True)
class FitOptions:
    """All options of a training run, except those of the model and its data.

    Args:
        epochs: Maximum number of passes over the data.
        optimizer: ``"adamw"``, ``"adam"`` or ``"sgd"`` (momentum 0.9).
        learning_rate: Peak learning rate, reached after the warm-up.
        schedule: Learning-rate schedule after the warm-up: "constant"; "cosine" or "linear", which
            decay to ``final_fraction`` of the peak at ``total_steps``; "plateau", which multiplies
            the rate by ``plateau_factor`` when the monitored value has not improved for
            ``plateau_patience`` epochs.
        warmup_steps: Optimizer steps of linear warm-up, with every schedule.
        total_steps: Optimizer steps of the whole schedule, warm-up included. 0 is the number of
            steps of all epochs.
        final_fraction: Lowest learning rate of all schedules, as a fraction of the peak.
        plateau_factor: Factor by which the plateau schedule multiplies the learning rate.
        plateau_patience: Epochs without improvement before the plateau schedule reduces the rate.
        weight_decay: Decoupled weight decay (Loshchilov & Hutter 2019); biases and gains are
            exempt.
        clip_norm: Maximum global norm of the gradient (Pascanu et al. 2013). 0 is off.
        ema_momentum: Momentum of an exponential moving average of the weights (Polyak & Juditsky
            1992). The averaged weights are validated and saved. 0 is off.
        patience: Epochs without improvement before training stops early. 0 is off.
        monitor: Logged value that selects the best epoch.
        mode: Whether ``monitor`` improves downwards, ``"min"``, or upwards, ``"max"``. ``"auto"``
            is upwards for accuracy, BLEU and CIDEr, and downwards otherwise.
        checkpoint_seconds: Seconds between checkpoints within an epoch. 0 is off.
        checkpoint_steps: Steps between checkpoints within an epoch. 0 is off. Every epoch ends with
            a checkpoint in any case.
        max_minutes: Time limit of one call. Training stops between two steps, and the next call
            resumes it. 0 is no limit.
        seed: Seed of dropout and all other randomness that comes from Keras.

    Raises:
        InputError: A value is out of range.
    """

    epochs: int = 10
    optimizer: str = field(default="adamw", metadata={"choices": OPTIMIZERS})
    learning_rate: float = 1e-3
    schedule: str = field(default="constant", metadata={"choices": SCHEDULES})
    warmup_steps: int = 0
    total_steps: int = 0
    final_fraction: float = 0.0
    plateau_factor: float = 0.5
    plateau_patience: int = 2
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    ema_momentum: float = 0.0
    patience: int = 0
    monitor: str = "val_loss"
    mode: str = field(default="auto", metadata={"choices": MODES})
    checkpoint_seconds: float = 600.0
    checkpoint_steps: int = 0
    max_minutes: float = field(default=0.0, metadata={"option": False})
    seed: int = field(default=0, metadata={"option": False})

    def __post_init__(self) -> None:
        """Validates the options."""
        _require(self.optimizer in OPTIMIZERS, f"optimizer must be one of {OPTIMIZERS}")
        _require(self.schedule in SCHEDULES, f"schedule must be one of {SCHEDULES}")
        _require(self.mode in MODES, f"mode must be one of {MODES}")
        _require(self.epochs >= 1, "epochs must be at least 1")
        _require(0 < self.learning_rate < math.inf, "learning_rate must be above 0")
        _require(self.seed >= 0, "seed must not be negative")
        _require(0 <= self.ema_momentum < 1, "ema_momentum must be in [0, 1)")
        _require(0 <= self.final_fraction <= 1, "final_fraction must be in [0, 1]")
        _require(0 < self.plateau_factor < 1, "plateau_factor must be in (0, 1)")
        _require(self.plateau_patience >= 1, "plateau_patience must be at least 1")
        for name in ("warmup_steps", "weight_decay", "clip_norm", "patience"):
            _require(0 <= getattr(self, name) < math.inf, f"{name} must not be negative")
        for name in ("checkpoint_seconds", "checkpoint_steps", "max_minutes"):
            _require(0 <= getattr(self, name) < math.inf, f"{name} must not be negative")
        if self.schedule in ("cosine", "linear") and self.total_steps:
            _require(
                self.total_steps > self.warmup_steps,
                f"schedule {self.schedule} needs total_steps above warmup_steps",
            )

    def to_json(self) -> dict[str, Any]:
        """Returns the options as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> FitOptions:
        """Creates options from JSON values; missing keys take their default.

        Raises:
            InputError: A key is unknown, or a value is out of range.
        """
        unknown = sorted(set(value) - {field.name for field in fields(cls)})
        _require(not unknown, f"unknown {', '.join(unknown)}; remove it")
        return cls(**value)

    def with_steps(self, steps: int) -> FitOptions:
        """Returns the options of a run of ``steps`` steps, if ``total_steps`` is 0.

        The warm-up is limited to a tenth of the steps.
        """
        if self.total_steps:
            return self
        warmup = min(self.warmup_steps, steps // 10)
        return replace(self, total_steps=max(steps, warmup + 1), warmup_steps=warmup)

    def better(self, value: float, than: float | None) -> bool:
        """Whether a monitored value improves on the best so far, None if there is none."""
        if than is None:
            return True
        higher = self.mode == "max" or (
            self.mode == "auto" and self.monitor.endswith(_HIGHER_IS_BETTER)
        )
        return value > than if higher else value < than


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(f"training options: {message}")
