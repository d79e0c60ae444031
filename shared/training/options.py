"""How to train: one frozen dataclass that goes to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from shared.errors import InputError

OPTIMIZERS = ("adamw", "adam", "sgd")
SCHEDULES = ("constant", "cosine", "linear", "plateau")
MODES = ("auto", "min", "max")
_HIGHER_IS_BETTER = ("accuracy", "bleu", "bleu4", "cider")  # ends of monitored names

# What a resumed run may change and still equal an uninterrupted one up to there.
MAY_CHANGE = {"epochs", "patience", "checkpoint_seconds", "checkpoint_steps", "max_minutes"}


@dataclass(frozen=True)
class FitOptions:
    """Everything about a training but the model and its data.

    Args:
        epochs: Passes over the data, at most.
        optimizer: ``"adamw"``, ``"adam"`` or ``"sgd"`` (momentum 0.9).
        learning_rate: The peak, reached after the warm-up.
        schedule: Of the learning rate after the warm-up: "constant"; "cosine" or "linear", which
            fall to ``final_fraction`` of the peak at ``total_steps``; "plateau", which multiplies
            it by ``plateau_factor`` whenever the monitored value has not improved for
            ``plateau_patience`` epochs.
        warmup_steps: Optimizer steps of linear warm-up, with every schedule.
        total_steps: Optimizer steps of the whole schedule, warm-up included; 0 for those of all
            epochs, see `with_steps`.
        final_fraction: Of the peak, below which no schedule falls.
        plateau_factor: What the plateau schedule multiplies the learning rate by.
        plateau_patience: Epochs without improvement after which it does.
        weight_decay: Decoupled (Loshchilov & Hutter 2019); biases and gains are exempt.
        clip_norm: Limit of the global norm of the gradient (Pascanu et al. 2013); 0 is off.
        ema_momentum: Of an exponential moving average of the weights, which is then what is
            validated and kept as the best (Polyak & Juditsky 1992); 0 is off.
        patience: Epochs without improvement before training stops early; 0 is off.
        monitor: The logged value that tells the best epoch.
        mode: ``"min"`` or ``"max"``, which way ``monitor`` improves; ``"auto"`` tells it by the
            name: up for accuracy, BLEU and CIDEr, else down.
        checkpoint_seconds: Between checkpoints inside an epoch; 0 is off.
        checkpoint_steps: The same in steps; 0 is off. Each epoch ends with one in any case.
        max_minutes: Wall-clock budget of one call, after which it stops between two steps,
            to be resumed by calling again; 0 is no limit.
        seed: Of weights made by ``fit``, dropout and all else that draws through Keras.

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
        """Refuse what cannot work before an hour is spent on it."""
        _require(self.optimizer in OPTIMIZERS, f"optimizer must be one of {OPTIMIZERS}")
        _require(self.schedule in SCHEDULES, f"schedule must be one of {SCHEDULES}")
        _require(self.mode in MODES, f"mode must be one of {MODES}")
        _require(self.epochs >= 1, "epochs must be at least 1")
        _require(self.learning_rate > 0, "learning_rate must be above 0")
        _require(0 <= self.ema_momentum < 1, "ema_momentum must be in [0, 1)")
        _require(0 <= self.final_fraction <= 1, "final_fraction must be in [0, 1]")
        _require(0 < self.plateau_factor < 1, "plateau_factor must be in (0, 1)")
        _require(self.plateau_patience >= 1, "plateau_patience must be at least 1")
        for name in ("warmup_steps", "weight_decay", "clip_norm", "patience"):
            _require(getattr(self, name) >= 0, f"{name} must not be negative")
        for name in ("checkpoint_seconds", "checkpoint_steps", "max_minutes"):
            _require(getattr(self, name) >= 0, f"{name} must not be negative")
        if self.schedule in ("cosine", "linear") and self.total_steps:
            _require(
                self.total_steps > self.warmup_steps,
                f"schedule {self.schedule} needs total_steps above warmup_steps",
            )

    def to_json(self) -> dict[str, Any]:
        """The options as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> FitOptions:
        """The inverse of `to_json`; keys left out take their default, unknown ones are refused."""
        unknown = sorted(set(value) - {field.name for field in fields(cls)})
        _require(not unknown, f"unknown {', '.join(unknown)}; remove it")
        return cls(**value)

    def with_steps(self, steps: int) -> FitOptions:
        """The options for a run of so many steps, if ``total_steps`` is 0.

        The warm-up is a tenth of them at most.
        """
        if self.total_steps:
            return self
        warmup = min(self.warmup_steps, steps // 10)
        return replace(self, total_steps=max(steps, warmup + 1), warmup_steps=warmup)

    def better(self, value: float, than: float | None) -> bool:
        """Whether a monitored value improves on the best so far, ``None`` if there is none."""
        if than is None:
            return True
        higher = self.mode == "max" or (
            self.mode == "auto" and self.monitor.endswith(_HIGHER_IS_BETTER)
        )
        return value > than if higher else value < than


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(f"training options: {message}")
