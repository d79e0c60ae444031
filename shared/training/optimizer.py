"""The optimizer, its learning-rate schedule and averaged weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from shared.training.options import FitOptions


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate with warm-up, decay, and a factor ``scale`` that plateaus reduce.

    Only ``scale`` is a variable; everything else is a function of the optimizer's step.
    """

    def __init__(self, options: FitOptions) -> None:
        self.options = options
        self.scale = keras.Variable(1.0, trainable=False, dtype="float32", name="plateau_scale")

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate at a 0-based optimizer step, a float32 scalar."""
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
        """Reduces the learning rate at a plateau."""
        options = self.options
        scale = float(ops.convert_to_numpy(self.scale)) * options.plateau_factor
        self.scale.assign(max(scale, options.final_fraction))

    def get_config(self) -> dict[str, Any]:
        """Returns the config of the schedule, for ``model.save``."""
        return {"options": self.options.to_json()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Schedule:
        """Creates a schedule from its config."""
        return cls(FitOptions.from_json(config["options"]))


def make_optimizer(options: FitOptions, variables: list[keras.Variable]) -> keras.Optimizer:
    """Creates the optimizer of the options, with a `Schedule`.

    Args:
        options: The options of the run.
        variables: Trainable variables of the model. Vectors and scalars are exempt from weight
            decay.

    Returns:
        An optimizer that is not yet built.
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
        # In Keras, Adam and AdamW differ only in the default weight decay.
        optimizer = keras.optimizers.Adam(**common)
    if options.weight_decay:
        exempt = [variable for variable in variables if len(variable.shape) < 2]
        optimizer.exclude_from_weight_decay(var_list=exempt)
    # Model.fit is called once per epoch, and would overwrite the weights with their average at
    # the end of each call. `averaged` swaps them in for a while instead.
    optimizer.finalize_variable_values = lambda variables: None
    return optimizer


@contextmanager
def averaged(optimizer: keras.Optimizer) -> Iterator[None]:
    """Swaps in the averaged weights during a ``with`` block. No-op without EMA."""
    swap_average(optimizer)
    try:
        yield
    finally:
        swap_average(optimizer)


def swap_average(optimizer: keras.Optimizer) -> None:
    """Swaps weights and averages exactly; Keras' SwapEMAWeights does so by sums, with rounding."""
    if optimizer.use_ema:
        averages = optimizer._model_variables_moving_average
        for variable, average in zip(optimizer._trainable_variables, averages, strict=True):
            value = ops.copy(variable)
            variable.assign(average)
            average.assign(value)
