"""The training loop: ``keras.Model.fit`` with a run folder from which it resumes.

A run folder contains ``options.json``, ``last.npz`` (the checkpoint), ``best.weights.h5``,
``log.csv``, ``tensorboard/``, ``curves.png`` and ``summary.json``. All except the events are
replaced atomically, so the files are intact whenever a run is killed.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from shared.errors import InputError
from shared.files import write_json
from shared.lock import locked
from shared.readers import read_json
from shared.training.callbacks import EpochEnd, OutOfTime, RunCallbacks
from shared.training.checkpoint import Checkpoint, NonFiniteError, RunState, load_state
from shared.training.memory import keep_freed_memory
from shared.training.optimizer import make_optimizer
from shared.training.options import MAY_CHANGE, FitOptions
from shared.training.record import CURVES, EVENTS, LOG, Record, summarize

OPTIONS, LAST, BEST, SUMMARY = "options.json", "last.npz", "best.weights.h5", "summary.json"
FILES = (OPTIONS, LAST, BEST, SUMMARY, LOG, CURVES)


@dataclass(frozen=True)
class FitResult:
    """The result of `fit`: the content of summary.json, and the file of the best weights."""

    summary: dict[str, Any]
    best_weights: Path | None  # None if no epoch was completed


def fit(
    model: keras.Model,
    train: Callable[[int], tf.data.Dataset],
    valid: tf.data.Dataset | None,
    options: FitOptions,
    run_dir: str | Path,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    resume: bool = True,
    verbose: int | None = None,
) -> FitResult:
    """Trains a model, or resumes a run that was stopped, killed or given more epochs.

    A resumed run is bit for bit the same as an uninterrupted one if the options and the data are
    the same and randomness comes from ``keras.random.SeedGenerator``, as in Keras' own layers.
    Initial weights are drawn when the model is built: call ``keras.utils.set_random_seed`` before.

    Args:
        model: A built model. `fit` compiles it with the optimizer of the options.
        train: Function that returns the batches of a 0-based epoch, the same ones at every call.
            Their number may differ between epochs. It should be known (``cardinality``);
            otherwise the data of each epoch is read twice, once to count.
        valid: Batches to validate on after each epoch, or None.
        options: How to train.
        run_dir: The run folder, created if needed.
        callbacks: Additional callbacks. In ``on_epoch_end`` the model has its averaged weights, and
            a callback may add values to ``logs``, the monitored one included.
        resume: Whether to resume the run in the folder. False deletes it and starts over.
        verbose: 1 for a progress bar, 2 for a line per epoch, 0 for nothing. Defaults to 1 on a
            terminal, otherwise 2.

    Returns:
        A `FitResult`. The model has its best weights, if an epoch was completed.

    Raises:
        InputError: The folder belongs to another run, or another process trains in it.
        NonFiniteError: The loss or a weight became NaN or infinite. ``result`` is what the run has
            come to, and the model has its best weights, if an epoch was completed.
    """
    if not model.built:
        raise ValueError("fit needs a built model: its checkpoint names every variable")
    if valid is None and options.monitor.startswith("val_") and not callbacks:
        raise ValueError(f"monitor {options.monitor!r} needs validation data; monitor 'loss'")
    folder = Path(run_dir)
    with locked(folder):
        if not resume:
            _clear(folder)
        return _fit(model, train, valid, options, folder, callbacks, verbose)


def _fit(
    model: keras.Model,
    train: Callable[[int], tf.data.Dataset],
    valid: tf.data.Dataset | None,
    options: FitOptions,
    folder: Path,
    callbacks: Sequence[keras.callbacks.Callback],
    verbose: int | None,
) -> FitResult:
    """Does the work of `fit`, in a locked folder."""
    for name in FILES:
        for leftover in folder.glob(f".{name}*"):  # temporary files of a killed run
            leftover.unlink()
    saved = load_state(folder / LAST)
    if saved:
        _check_same(options, folder)
    write_json(folder / OPTIONS, options.to_json())
    state = saved or RunState()
    summary = folder / SUMMARY  # exists only if the last call was not killed
    if state.end(options) and summary.exists() and read_json(summary)["finished"]:
        return _result(model, folder)
    summary.unlink(missing_ok=True)

    keep_freed_memory()
    keras.utils.set_random_seed(options.seed)
    optimizer = make_optimizer(options, model.trainable_variables)
    model.compile(optimizer=optimizer, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    checkpoint = Checkpoint(folder / LAST, model, optimizer._learning_rate)
    if saved:
        checkpoint.load()
    if verbose is None:
        verbose = 1 if sys.stdout.isatty() else 2
    record = Record(folder, options.monitor)
    run = RunCallbacks(
        [*callbacks, EpochEnd(options, state, optimizer._learning_rate, record, folder / BEST)],
        model=model,
        optimizer=optimizer,
        options=options,
        state=state,
        checkpoint=checkpoint,
        verbose=verbose,
    )
    try:
        reason = _run_epochs(model, train, valid, options, state, run)
        run.finish()
    except BaseException as error:
        if checkpoint.path.exists():
            error.add_note("the last checkpoint is intact")
        with suppress(OSError):  # what ended the run is told, not what comes of it
            record.close(state.history)
            if isinstance(error, NonFiniteError):
                write_json(summary, summarize(model, options, state, "diverged"))
                error.result = _result(model, folder)
        raise
    record.close(state.history)
    write_json(summary, summarize(model, options, state, reason))
    return _result(model, folder)


def load_best(model: keras.Model, run_dir: str | Path) -> None:
    """Loads the best weights of a run into a built model; averaged ones if the run has EMA.

    Raises:
        InputError: The folder has no best weights, or they do not fit the model.
    """
    path = Path(run_dir) / BEST
    if not path.exists():
        raise InputError(f"{path}: missing; train at least one epoch")
    try:
        model.load_weights(path, objects_to_skip=[getattr(model, "optimizer", None)])
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: does not fit this model ({reason})") from error


def _run_epochs(
    model: keras.Model,
    train: Callable[[int], tf.data.Dataset],
    valid: tf.data.Dataset | None,
    options: FitOptions,
    state: RunState,
    run: RunCallbacks,
) -> str:
    """Runs all epochs; returns why training ended."""
    valid = valid if valid is None else _count_batches(valid)
    while not (reason := state.end(options)):
        data = _count_batches(train(state.epoch))
        run.begin_fit(int(data.cardinality()))
        try:
            model.fit(
                data.skip(state.step) if state.step else data,
                validation_data=valid,
                initial_epoch=state.epoch,
                epochs=state.epoch + 1,
                callbacks=run,
                shuffle=False,
            )
        except OutOfTime:
            return "out of time"
        if model.stop_training:
            return state.end(options) or "stopped by a callback"
        if run.out_of_time():
            return state.end(options) or "out of time"
    return reason


def _count_batches(data: tf.data.Dataset) -> tf.data.Dataset:
    """Returns the dataset with a known cardinality; reads it once if that is unknown.

    With an unknown cardinality Keras runs a last step without data, in which the optimizer's step
    counter and the seeds may or may not advance. Such a run cannot be resumed exactly.
    """
    count = int(data.cardinality())
    if count == tf.data.INFINITE_CARDINALITY:
        raise ValueError("an epoch never ends: take a number of batches from the dataset")
    if count == tf.data.UNKNOWN_CARDINALITY:
        count = int(data.reduce(np.int64(0), lambda n, *batch: n + 1))
        data = data.apply(tf.data.experimental.assert_cardinality(count))
    if not count:
        raise ValueError("an epoch has no batches")
    return data


def _check_same(options: FitOptions, folder: Path) -> None:
    before, now = read_json(folder / OPTIONS), options.to_json()
    names = sorted(n for n in before.keys() | now.keys() if before.get(n) != now.get(n))
    if changed := [name for name in names if name not in MAY_CHANGE]:
        raise InputError(
            f"{folder}: contains a run with another {', '.join(changed)}; "
            "name another run folder, or start over"
        )


def _clear(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / EVENTS, ignore_errors=True)


def _result(model: keras.Model, folder: Path) -> FitResult:
    best = folder / BEST
    if best.exists():
        load_best(model, folder)
    return FitResult(read_json(folder / SUMMARY), best if best.exists() else None)
