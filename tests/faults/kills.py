"""Kills a training, and an export, again and again, and compares the result with a whole one."""

from __future__ import annotations

import csv
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from apps.verbs import cli
from shared.presets.bundle import load_bundle
from shared.presets.store import load_preset
from tests.conformance.app_rows import AppRow  # imports TensorFlow: children start quickly

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
KILLED = (-signal.SIGKILL, -signal.SIGPROF)
ENDS = ("resumed", "different", "stuck")


def run_kills(row: AppRow, kills: int, export: bool, kept: Path) -> Counter[str]:
    """Kills the tiny training of an application; counts kills and how the runs end.

    A killed run is started again until it ends, then another one begins. Every second kill comes
    right before a file is opened, renamed or removed, the others after a random time.

    Args:
        row: The application.
        kills: How many.
        export: Whether the trained model is exported in the same process.
        kept: Folder for runs that end differently.
    """
    counts: Counter[str] = Counter()
    rng = random.Random(row.app)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        words, count, said = (folder / name for name in ("words", "count", "said.txt"))
        _in_child(lambda: words.write_text("\n".join(row.write_data(folder))), said)
        options = [w.format(folder) for w in (*words.read_text().split("\n"), *row.places)]

        def run(place: Path, event: int = 0, seconds: float = 0.0) -> tuple[int, float]:
            def commands() -> None:
                changes = _count_changes(place, event)
                signal.setitimer(signal.ITIMER_PROF, seconds)  # ends the process if not 0
                train = [*options, *row.train, "--recipe", "tiny", "--checkpoint-steps", "1"]
                _call("train", row.app, *train, "--run", place)
                if export:
                    _call("export", row.app, "--preset", place / "preset", "-o", place / "bundle")
                count.write_text(str(len(changes)))

            return _in_child(commands, said)

        status, longest = run(folder / "whole")
        assert not status, said.read_text()
        events, expected = int(count.read_text()), fingerprint(folder / "whole")
        killed = folder / "killed"
        while counts["kills"] < kills:
            status = KILLED[0]
            while status in KILLED:
                left = kills - counts["kills"]
                event = rng.randint(1, events) if left % 2 else 0
                seconds = rng.uniform(0.1, longest) if left and not event else 0.0
                status, _ = run(killed, event, seconds)
                counts["kills"] += status in KILLED
            same = not status and fingerprint(killed) == expected
            end = "resumed" if same else "stuck" if status else "different"
            counts[end] += 1
            if end != "resumed":
                shutil.copytree(killed, kept / f"{row.app}-{end}-{counts[end]}")
                shutil.copy(said, kept / f"{row.app}-{end}-{counts[end]}")
            shutil.rmtree(killed)
    return counts


def _count_changes(place: Path, fatal: int) -> list[str]:
    """Lists what this process does to files in a folder, and kills it before the fatal one."""
    changes: list[str] = []

    def watch(name: str, args: tuple[Any, ...]) -> None:
        writes = name == "open" and isinstance(args[2], int) and args[2] & os.O_CREAT
        if (writes or name in CHANGES) and str(place) in str(args[0]):
            changes.append(name)
            if len(changes) == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    return changes


def _call(*words: Any) -> None:
    if status := cli.main([*map(str, words)]):
        sys.exit(status)


def _in_child(work: Callable[[], Any], said: Path) -> tuple[int, float]:
    """Does work in a child process; returns its status, negative for a signal, and its seconds."""
    sys.stdout.flush()
    if not (child := os.fork()):
        status = 1
        try:
            with open(said, "w") as file:
                for descriptor in (1, 2):
                    os.dup2(file.fileno(), descriptor)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def fingerprint(run: Path) -> Any:
    """What must be the same, bit for bit, in a run that was killed and in a whole one."""
    preset = load_preset(run / "preset")
    with np.load(run / "last.npz") as file:
        arrays = {name: file[name].tobytes() for name in file.files if name != "state"}
    with open(run / "log.csv", newline="") as file:
        log = [{k: v for k, v in row.items() if k != "minutes"} for row in csv.DictReader(file)]
    figures = {name: figure["value"] for name, figure in preset.figures.items()}
    weights = {name: array.tobytes() for name, array in preset.weights().items()}
    bundle = run / "bundle"
    model = load_bundle(bundle).model_path().read_bytes() if bundle.exists() else b""
    return arrays, log, figures, weights, model
