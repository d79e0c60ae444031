"""The optimizer of a run, its learning-rate schedule and its averaged weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from shared.training.options import FitOptions


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Warm-up times decay times ``scale``, the variable that a plateau turns down.

    All but ``scale`` is a function of the optimizer's step, so there is nothing else to save.
    """

    def __init__(self, options: FitOptions) -> None:
        """Make ``scale``, 1 until a plateau."""
        self.options = options
        self.scale = keras.Variable(1.0, trainable=False, dtype="float32", name="plateau_scale")

    def __call__(self, step: Any) -> Any:
        """The learning rate, a float32 scalar, of the 0-based optimizer step."""
        options = self.options
        step = ops.cast(step, "float32")
        rate = options.learning_rate * self.scale
        if options.warmup_steps:
            rate = rate * ops.minimum(1.0, (step + 1.0) / options.warmup_steps)
        if options.schedule in ("cosine", "linear"):
            steps = options.total_steps - options.warmup_steps
            left = 1.0 - ops.clip((step - options.warmup_steps) / steps, 0.0, 1.0)
            if options.schedule == "cosine":
                left = 0.5 * (1.0 - ops.cos(math.pi * left))
            rate = rate * (options.final_fraction + (1.0 - options.final_fraction) * left)
        return rate

    def reduce(self) -> None:
        """One step down a plateau."""
        options = self.options
        scale = float(ops.convert_to_numpy(self.scale)) * options.plateau_factor
        self.scale.assign(max(scale, options.final_fraction))

    def get_config(self) -> dict[str, Any]:
        """For ``model.save``; ``from_config`` is its inverse."""
        return {"options": self.options.to_json()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Schedule:
        """The inverse of `get_config`."""
        return cls(FitOptions.from_json(config["options"]))


def make_optimizer(options: FitOptions, variables: list[keras.Variable]) -> keras.Optimizer:
    """The optimizer that the options describe, its learning rate a `Schedule`, not yet built.

    Args:
        options: Of the run.
        variables: The model's trainable ones, some of which are exempt from weight decay.
    """
    common: dict[str, Any] = {
        "learning_rate": Schedule(options),
        "weight_decay": options.weight_decay or None,
        "global_clipnorm": options.clip_norm or None,
        "use_ema": options.ema_momentum > 0,
        "ema_momentum": options.ema_momentum,
    }
    if options.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(momentum=0.9, **common)
    else:
        # Keras' Adam and AdamW differ in the default weight decay alone.
        optimizer = keras.optimizers.Adam(**common)
    if options.weight_decay:
        exempt = [variable for variable in variables if len(variable.shape) < 2]
        optimizer.exclude_from_weight_decay(var_list=exempt)
    # Model.fit, called once per epoch here, would end each epoch by overwriting the weights
    # with their average. `averaged` lends the average to the model instead.
    optimizer.finalize_variable_values = lambda variables: None
    return optimizer


@contextmanager
def averaged(optimizer: keras.Optimizer) -> Iterator[None]:
    """The model has its averaged weights inside, its own ones again after; no-op without EMA."""
    swap_average(optimizer)
    try:
        yield
    finally:
        swap_average(optimizer)


def swap_average(optimizer: keras.Optimizer) -> None:
    """Exchange weights and averages, bit by bit, which Keras' SwapEMAWeights (a sum) does not."""
    if optimizer.use_ema:
        averages = optimizer._model_variables_moving_average
        for variable, average in zip(optimizer._trainable_variables, averages, strict=True):
            value = ops.copy(variable)
            variable.assign(average)
            average.assign(value)
