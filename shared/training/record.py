"""Logs of a run: log.csv, TensorBoard events, curves.png and summary.json."""

from __future__ import annotations

import csv
import importlib.util
import io
import math
import os
import platform
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from shared.files import tensorflow_writes, write_bytes, write_text
from shared.training.checkpoint import RunState
from shared.training.options import FitOptions

Rows = list[dict[str, Any]]
LOG, CURVES, EVENTS = "log.csv", "curves.png", "tensorboard"
META = ("epoch", "step", "minutes")  # columns without a curve


class Record:
    """Writes the history of a run, one row per epoch, into its folder."""

    def __init__(self, folder: Path, monitor: str) -> None:
        self.folder, self.monitor = folder, monitor
        self.drawn = time.monotonic()
        self.writers: dict[str, Any] = {}

    def write(self, history: Rows) -> None:
        """Logs the last row of the history; ``history`` holds all rows of the run."""
        write_text(self.folder / LOG, to_csv(history))
        with tensorflow_writes(self.folder / EVENTS):
            self._write_events(history[-1])
        if time.monotonic() - self.drawn > 60.0:
            self._draw(history)

    def close(self, history: Rows) -> None:
        """Draws the curves a last time and closes all files."""
        if history:
            self._draw(history)
        with tensorflow_writes(self.folder / EVENTS):
            for writer in self.writers.values():
                writer.close()

    def _write_events(self, row: dict[str, Any]) -> None:
        if importlib.util.find_spec("tensorboard") is None:  # which implements tf.summary
            return
        for name, value in row.items():
            if name in META:
                continue
            kind = "validation" if name.startswith("val_") else "train"
            if kind not in self.writers:
                folder = self.folder / EVENTS / kind
                self.writers[kind] = tf.summary.create_file_writer(str(folder))
            with self.writers[kind].as_default():
                tf.summary.scalar(name.removeprefix("val_"), value, step=row["epoch"])
        for writer in self.writers.values():
            writer.flush()

    def _draw(self, history: Rows) -> None:
        self.drawn = time.monotonic()
        write_bytes(self.folder / CURVES, draw_curves(history, self.monitor))


def columns(history: Rows) -> list[str]:
    """Returns the names in all rows, in order of first appearance."""
    return list(dict.fromkeys(name for row in history for name in row))


def to_csv(history: Rows) -> str:
    """Formats the history as CSV, a line per epoch below a line of names."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns(history), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()


def draw_curves(history: Rows, monitor: str) -> bytes:
    """Draws a PNG with a panel per metric, training and validation together."""
    names = columns(history)
    panels = list(dict.fromkeys(n.removeprefix("val_") for n in names if n not in META))
    panels.sort(key=lambda name: (name != "loss", name == "learning_rate"))
    width = min(3, len(panels))
    height = -(-len(panels) // width)
    figure = Figure(figsize=(4.2 * width, 3.0 * height), layout="constrained", dpi=100)
    for i, panel in enumerate(panels):
        axes = figure.add_subplot(height, width, i + 1)
        for name, label in ((panel, "training"), (f"val_{panel}", "validation")):
            points = [(row["epoch"], row[name]) for row in history if name in row]
            if points:
                label = f"{label} (monitored)" if name == monitor else label
                axes.plot(*zip(*points, strict=True), marker=".", label=label)
        axes.set(title=panel.replace("_", " "), xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if f"val_{panel}" in names:
            axes.legend()
    image = io.BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()


def summarize(
    model: keras.Model, options: FitOptions, state: RunState, reason: str
) -> dict[str, Any]:
    """Summarizes a run as JSON values; ``finished`` is False if it can be resumed."""
    return {
        "finished": state.end(options) is not None,
        "reason": reason,
        "monitor": options.monitor,
        "best_value": state.best_value,
        "best_epoch": state.best_epoch or None,
        "epochs": state.epoch,
        "steps": int(keras.ops.convert_to_numpy(model.optimizer.iterations)),
        "minutes": round(state.seconds / 60.0, 3),
        "parameters": model.count_params(),
        "trainable_parameters": sum(math.prod(w.shape) for w in model.trainable_weights),
        "seed": options.seed,
        "last": _finite(state.history[-1]) if state.history else None,
        "versions": {
            "python": platform.python_version(),
            **{module.__name__: module.__version__ for module in (tf, keras, np)},
        },
        "hardware": {
            "platform": platform.platform(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "gpus": [device.name for device in tf.config.list_physical_devices("GPU")],
        },
    }


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """Replaces NaN and infinity, which JSON cannot express, by None."""
    return {name: value if math.isfinite(value) else None for name, value in row.items()}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(ln.split(":", 1)[1].strip() for ln in lines if ln.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
