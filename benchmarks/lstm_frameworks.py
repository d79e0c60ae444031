"""The workers of benchmarks/lstm.py: an LSTM layer of one framework, forward and training step.

A training step computes the gradient of a loss on the whole sequence (the sum of the squared
outputs) with respect to the inputs and all weights. The roofline consists of the matmuls alone.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from benchmarks.common import peak_memory, serve, turn

OURS = {  # rows of our LSTM and the options of each
    "plain": {},
    "peephole": {"peephole": True},
    "layer_norm": {"layer_norm": True},
    "peephole_bfloat16": {"peephole": True, "dtype": "mixed_bfloat16"},
}
MASKED = 0.3  # share of the steps that the check's mask hides at the end of rows
# With layer normalization and initial weights, the state is chaotic: after 100 steps any two
# float32 computations differ by 1e-4, and so does each from float64.
CHECKED_STEPS = {"layer_norm": 20}


def inputs(batch: int, steps: int, features: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(batch, steps, features)).astype(np.float32)


class Framework:
    """Holds what is compiled, by mode and shape; subclasses say how it is built.

    Args:
        row: Which of `ROWS` this process measures.
        threads: How many the framework may use.
    """

    def __init__(self, row: str, threads: int) -> None:
        self.row = row
        self.threads = threads
        self.runs: dict[str, Any] = {}
        self.imported_mb = 0.0

    def versions(self) -> dict[str, str]:
        """Of what is measured."""
        raise NotImplementedError

    def build(self, mode: str, shape: list[int]):
        """A function without arguments that runs once and waits for the result."""
        raise NotImplementedError

    def ready(self) -> dict[str, str]:
        """Versions, when all is imported."""
        versions = self.versions()
        self.imported_mb = peak_memory()
        return versions

    def prepare(self, mode: str, shape: list[int]) -> dict[str, float]:
        """Build and run once.

        Returns:
            Seconds that this took, and the megabytes that the process has needed so far, beyond
            what it held after the imports.
        """
        start = time.perf_counter()
        run = self.runs[f"{mode} {shape}"] = self.build(mode, shape)
        run()
        seconds = time.perf_counter() - start
        return {"compile_s": seconds, "peak_mb": peak_memory() - self.imported_mb}

    def turn(self, mode: str, shape: list[int], least: float) -> list[float]:
        """Seconds of some runs."""
        return turn(self.runs[f"{mode} {shape}"], least)


class TensorFlow(Framework):
    """What the three kinds of TensorFlow worker share."""

    def __init__(self, row: str, threads: int) -> None:
        super().__init__(row, threads)
        import tensorflow as tf

        self.tf = tf
        if threads:  # 0 leaves TensorFlow as it is, which may have begun to work already
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)

    def versions(self) -> dict[str, str]:
        """See the base class."""
        import keras

        return {"tensorflow": self.tf.__version__, "keras": keras.__version__}

    def function(self, layer, mode: str, jit_compile: bool = False, mask=None):
        """``f(x)``: the outputs; in mode ``train`` the list of gradients; ``check`` has both."""
        tf = self.tf
        variables = [v.value for v in layer.trainable_variables]
        options = {} if mask is None else {"mask": mask}

        def train(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, training=True, **options)
                loss = tf.reduce_sum(tf.square(tf.cast(y, tf.float32)))
            return y, tape.gradient(loss, [x, *variables])

        bodies = {"forward": layer, "train": lambda x: train(x)[1], "check": train}
        return tf.function(bodies[mode], jit_compile=jit_compile)

    def runner(self, function, x):
        """`function` on ``x``; on a CPU the call returns when its work is done.

        Nothing is read of the results: that is five calls more, up to a tenth of a thin layer.
        """
        assert self.tf.config.experimental.get_synchronous_execution()
        return lambda: function(x)


class Ours(TensorFlow):
    """The LSTM of shared.layers."""

    def layer(self, row: str, shape: list[int]):
        """The built layer of a row."""
        from shared.layers import LSTM

        layer = LSTM(shape[3], return_sequences=True, **OURS[row])
        layer.build((None, *shape[1:3]))
        return layer

    def build(self, mode, shape):
        """See the base class."""
        function = self.function(self.layer(self.row, shape), mode)
        return self.runner(function, self.tf.constant(inputs(*shape[:3])))

    def check(self, shape: list[int], cases: list[tuple[str, bool]]) -> dict[str, float]:
        """How far outputs and gradients are from those of Keras on the same weights.

        Args:
            shape: Batch, steps, features, units.
            cases: Rows, each with whether there is a mask. With options on, Keras' is its own loop
                around our cell.

        Returns:
            See `_differences`.
        """
        import keras

        from shared.layers import portable

        found = {}
        for row, masked in cases:
            steps = min(shape[1], CHECKED_STEPS.get(row, shape[1]))
            x = self.tf.constant(inputs(shape[0], steps, shape[2]))
            lengths = np.linspace(steps * (1 - MASKED), steps, shape[0]).astype(int)
            mask = self.tf.constant(np.arange(steps) < lengths[:, None])
            seen = mask if masked else None
            ours, theirs = self.layer(row, shape), self.layer(row, shape)
            if row == "plain":
                theirs = keras.layers.LSTM(shape[3], return_sequences=True)
                theirs.build((None, *shape[1:3]))
            theirs.set_weights(ours.get_weights())
            a = self.function(ours, "check", mask=seen)(x)
            with portable():
                b = self.function(theirs, "check", mask=seen)(x)
            suffix = "_masked" if masked else ""
            for what, value in self._differences(a, b).items():
                found[f"{row}{suffix}_{what}"] = value
        return found

    def bfloat16(self, shape: list[int]) -> dict[str, float]:
        """How far outputs and gradients with bfloat16 matmuls are from those in float32."""
        exact, fast = (self.layer(row, shape) for row in ("peephole", "peephole_bfloat16"))
        fast.set_weights(exact.get_weights())
        x = self.tf.constant(inputs(*shape[:3]))
        return self._differences(*(self.function(f, "check")(x) for f in (fast, exact)))

    def _differences(self, ours, theirs) -> dict[str, float]:
        """Largest difference in a tensor, as a part of its largest value."""

        def gap(a, b):
            a, b = np.float64(a), np.float64(b)
            return float(np.abs(a - b).max() / np.abs(b).max())

        gradients = zip(ours[1], theirs[1], strict=True)
        return {
            "outputs": gap(ours[0], theirs[0]),
            "gradients": max(gap(a, b) for a, b in gradients),
        }


class Keras(TensorFlow):
    """keras.layers.LSTM, in a graph that is compiled by XLA or not."""

    def build(self, mode, shape):
        """See the base class."""
        import keras

        layer = keras.layers.LSTM(shape[3], return_sequences=True)
        layer.build((None, *shape[1:3]))
        function = self.function(layer, mode, jit_compile=self.row == "xla")
        return self.runner(function, self.tf.constant(inputs(*shape[:3])))


class Roofline(TensorFlow):
    """The LSTM's matmuls, all steps at once: a bound that no recurrence can reach."""

    def build(self, mode, shape):
        """See the base class."""
        tf = self.tf
        batch, steps, features, units = shape
        random = np.random.default_rng(0)

        def normal(*sizes):
            return tf.constant(random.normal(size=sizes).astype(np.float32))

        x, weights = normal(batch * steps, features + units), normal(features + units, 4 * units)
        dz = normal(batch * steps, 4 * units)

        @tf.function
        def forward(x):
            return x @ weights

        @tf.function
        def train(x):
            return (
                x @ weights,
                tf.matmul(dz, weights, transpose_b=True),
                tf.matmul(x, dz, transpose_a=True),
            )

        return self.runner(train if mode == "train" else forward, x)


class Torch(Framework):
    """torch.nn.LSTM."""

    def __init__(self, row: str, threads: int) -> None:
        super().__init__(row, threads)
        import torch

        self.torch = torch
        torch.set_num_threads(threads)

    def versions(self) -> dict[str, str]:
        """See the base class."""
        return {"torch": self.torch.__version__}

    def build(self, mode, shape):
        """See the base class."""
        torch = self.torch
        layer = torch.nn.LSTM(shape[2], shape[3], batch_first=True)
        x = torch.from_numpy(inputs(*shape[:3]))
        wanted = [x.requires_grad_(mode == "train"), *layer.parameters()]

        def train():
            outputs, _ = layer(x)
            return torch.autograd.grad(outputs.square().sum(), wanted)

        def forward():
            with torch.inference_mode():
                return layer(x)

        return train if mode == "train" else forward


FRAMEWORKS = {"keras": Keras, "xla": Keras, "torch": Torch, "roofline": Roofline}


if __name__ == "__main__":
    serve(lambda: FRAMEWORKS.get(sys.argv[1], Ours)(sys.argv[1], int(sys.argv[2])))
