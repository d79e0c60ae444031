"""Seconds per training step of each application, with Keras' LSTM layers and with the suite's.

    python benchmarks/train_step.py --json train_step.json

It uses each application's model, optimizer and batch size on random symbols. Each variant runs in a
process of its own, and they are measured in turn.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # installed or not

from apps import application
from benchmarks.common import Worker, machine, peak_memory, serve, table, turn
from shared.files import write_json

LAYERS = {"keras": "Keras", "ours": "ours"}
APPS = {"music": "base", "translation": "pair"}
"""Those whose layers Keras has too, and the recipe that is measured."""


@contextmanager
def keras_layers():
    """While open, whatever of ours makes an LSTM layer gets `keras.layers.LSTM`.

    Raises:
        TypeError: A model wants an option that Keras' layer does not have.
    """
    import keras

    import shared.layers

    ours = shared.layers.LSTM
    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith(("apps.", "shared.")) and getattr(module, "LSTM", None) is ours:
                stack.enter_context(mock.patch.object(module, "LSTM", keras.layers.LSTM))
        yield


class Step:
    """A compiled training step, for `serve`."""

    def __init__(self, app: str, layers: str) -> None:
        import keras
        import tensorflow as tf

        from shared.training import FitOptions
        from shared.training.memory import keep_freed_memory
        from shared.training.optimizer import make_optimizer

        keep_freed_memory()  # as `fit` does
        keras.utils.set_random_seed(0)
        self.app, config = application(app), application(app).stage(APPS[app]).config
        self.app.build(config)  # imports what the patch has to see
        imported = peak_memory()
        with keras_layers() if layers == "keras" else ExitStack():
            model = self.app.build(config)
        options = FitOptions(epochs=1, clip_norm=1.0, weight_decay=0.05, ema_momentum=0.999)
        optimizer = make_optimizer(options, model.trainable_variables)
        model.compile(optimizer=optimizer, jit_compile=False)
        batch = self.app.random_batch(config, np.random.default_rng(0))
        data = iter(tf.data.Dataset.from_tensors((batch,)).repeat())
        model.make_train_function()
        self.run = lambda: {k: float(v) for k, v in model.train_function(data).items()}
        self.imported = imported
        self.size = " x ".join(map(str, batch["mask"].shape[:2]))

    def first(self) -> dict[str, Any]:
        """Loss of the first step, the memory that it took beyond the imports, rows x steps."""
        loss = self.run()["loss"]
        return {"loss": loss, "peak_mb": peak_memory() - self.imported, "size": self.size}

    def turn(self) -> list[float]:
        """Seconds of some steps."""
        return turn(self.run, 0.5)


def measure(name: str, rounds: int) -> dict[str, Any]:
    """One line of the table.

    Raises:
        SystemExit: From the same seed the two do not begin with the same loss.
    """
    with ExitStack() as stack:
        workers = {}
        for layers in LAYERS:
            workers[layers] = Worker("benchmarks.train_step", "--worker", name, layers)
            stack.callback(workers[layers].close)
            workers[layers].send("first")
        first = {layers: worker.receive() for layers, worker in workers.items()}
        losses = {layers: values["loss"] for layers, values in first.items()}
        if not np.isclose(*losses.values(), rtol=1e-4):
            raise SystemExit(f"{name}: the first losses differ: {losses}")
        seconds: dict[str, list[float]] = {layers: [] for layers in LAYERS}
        for _ in range(rounds):
            for layers, worker in workers.items():
                seconds[layers] += worker.ask("turn")
    medians = {layers: median(values) for layers, values in seconds.items()}
    return {
        "app": name,
        "size": first["ours"]["size"],
        "seconds": medians,
        "speedup": medians["keras"] / medians["ours"],
        "peak_mb": {layers: values["peak_mb"] for layers, values in first.items()},
        "first_loss": losses,
    }


def shown(results: Sequence[dict[str, Any]]) -> str:
    """The table of all applications."""
    return table(
        ["seconds per training step", *LAYERS.values(), "speed", "MB, Keras", "MB, ours"],
        [
            [
                f"{r['app']} ({r['size']})",
                *(r["seconds"][layers] for layers in LAYERS),
                r["speedup"],
                *(r["peak_mb"][layers] for layers in LAYERS),
            ]
            for r in results
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Training steps of the applications.")
    parser.add_argument("--app", nargs="+", choices=APPS, default=list(APPS))
    parser.add_argument("--json", metavar="FILE", help="write machine and rows")
    parser.add_argument("--rounds", type=int, default=11, help="how often each has its turn")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        serve(lambda: Step(*options.worker))
        return 0
    facts = machine()
    results = [measure(name, options.rounds) for name in options.app]
    print(shown(results))
    if options.json:
        write_json(options.json, {"machine": facts, "apps": results})
    return 0


if __name__ == "__main__":
    sys.exit(main())
