"""Helpers of the benchmarks: worker processes, facts about the machine, tables.

Each framework runs in a process of its own, so that frameworks do not affect each other, and the
driver measures them in turn, so that drift of the machine affects them alike. This module imports
only the standard library, because a worker may run in another environment.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class Worker:
    """A process that runs ``python -m module argument...``, which must call `serve`.

    Args:
        module: Module to run.
        *arguments: Command-line arguments.
        python: Python interpreter, for another environment.
    """

    def __init__(self, module: str, *arguments: str, python: str = sys.executable) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # the framework's log, shown if it fails
        self.process = subprocess.Popen(
            [python, "-m", module, *arguments],
            cwd=ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def send(self, method: str, *arguments: Any) -> None:
        """Requests a call without waiting for its result."""
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps([method, arguments]) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # `receive` reports the reason

    def receive(self) -> Any:
        """Returns the result of the oldest pending call; raises `RuntimeError` if it failed."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            status = self.process.returncode
            raise RuntimeError(f"the worker died ({status}):\n{_tail(self.errors.read())}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(_tail(answer["error"]))
        return answer["result"]

    def ask(self, method: str, *arguments: Any) -> Any:
        """Calls a method of the served object and waits for its result."""
        self.send(method, *arguments)
        return self.receive()

    def close(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.communicate()
        self.errors.close()


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-20:])


def serve(make: Callable[[], Any]) -> None:
    """Serves calls of a `Worker` on the object ``make()``, until the pipe closes."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a framework's output must not mix with the results
    target = None
    for line in sys.stdin:
        method, arguments = json.loads(line)
        try:
            target = target or make()
            answer = {"result": getattr(target, method)(*arguments)}
        except Exception:  # the driver reports it
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def available(python: str, *modules: str) -> bool:
    """Whether a Python interpreter can import the modules."""
    find = f"import importlib.util as u; assert all(u.find_spec(m) for m in {modules!r})"
    try:
        return not subprocess.run([python, "-c", find], capture_output=True).returncode
    except OSError:
        return False


def turn(run: Callable[[], Any], least: float = 0.05) -> list[float]:
    """Times runs until ``least`` seconds have passed; the first one is a warm-up.

    If the warm-up takes that long itself, it is the result: cold caches no longer matter then.
    """
    times: list[float] = []
    while sum(times) < least:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return times[1:] or times


def peak_memory() -> float:
    """Returns the peak memory of this process in megabytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def machine() -> dict[str, Any]:
    """Returns facts about the machine and the software versions."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(": ", 1)[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": name,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": load,
    }


def ratio(numerator: Sequence[float], denominator: Sequence[float]) -> float:
    """Returns the ratio of the medians."""
    return median(numerator) / median(denominator)


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Formats a Markdown table; floats have three significant digits, None is a dash."""

    def text(value: Any) -> str:
        if value is None:
            return "-"
        return _three_digits(value) if isinstance(value, float) else str(value)

    lines = [[text(value) for value in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(v.ljust(w) for v, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"
