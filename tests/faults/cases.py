"""Gives damaged files to readers, each in a process of its own with limits on time and memory."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.errors import InputError
from tests.faults.mutations import damaged
from tests.faults.readers import READERS, SEEDS, Reader, sound

SECONDS, BYTES, LONGEST_LINE = 5, 1 << 30, 600
OUTCOMES = ("refused", "accepted", "silent", "traceback", "memory", "hang", "crash")
FAULTS = OUTCOMES[2:]


def run_cases(name: str, cases: int, kept: Path) -> Counter[str]:
    """Damages a reader's files; counts outcomes.

    Args:
        name: A row of `READERS`.
        cases: Damaged files to try, the same ones each time.
        kept: Folder for the files that a reader does not bear, each with its traceback.
    """
    reader = READERS[name]
    seeds = SEEDS / (reader.seeds or name)
    files = sorted(str(path.relative_to(seeds)) for path in seeds.rglob("*") if path.is_file())
    if reader.mend:
        files.remove("checksums.json")
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(shutil.copytree(seeds, Path(place) / seeds.name))
        said = Path(place) / "said.txt"
        whole = {file: reader.read(folder, folder / file) for file in files}
        assert all(map(sound, whole.values())), name  # undamaged files are fine

        @settings(max_examples=cases, derandomize=True, database=None, deadline=None,
                  phases=[Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(st.data())
        def one_case(data: Any) -> None:
            file = data.draw(st.sampled_from(files))
            content = (seeds / file).read_bytes()
            changed = data.draw(damaged(content))
            (folder / file).write_bytes(changed)
            outcome = _isolated(reader, folder, folder / file, whole[file], said)
            counts.update(["cases", outcome])
            if outcome in FAULTS:
                case = kept / f"{name}-{outcome}-{counts[outcome]}"
                case.mkdir(parents=True)
                (case / Path(file).name).write_bytes(changed)
                shutil.copy(said, case / "said.txt")
            (folder / file).write_bytes(content)
            if reader.mend:
                shutil.copy(seeds / "checksums.json", folder)

        one_case()
    return counts


def _isolated(reader: Reader, folder: Path, path: Path, whole: Any, said: Path) -> str:
    """The outcome of one case, in a child process."""
    sys.stdout.flush()
    if not (child := os.fork()):
        with open(said, "w") as file:
            for descriptor in (1, 2):
                os.dup2(file.fileno(), descriptor)
            _limit()
            os._exit(OUTCOMES.index(_outcome(reader, folder, path, whole)))
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return "hang" if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM) else "crash"
    return OUTCOMES[os.WEXITSTATUS(status)]


def _limit() -> None:
    """Limits processor time, which other work does not stretch, waiting, and memory beyond now."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    signal.alarm(40 * SECONDS)
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    most = pages * resource.getpagesize() + BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _outcome(reader: Reader, folder: Path, path: Path, whole: Any) -> str:
    try:
        if reader.mend:
            reader.mend(folder)
        result = reader.read(folder, path)
        if reader.sealed:
            np.testing.assert_equal(result, whole)
        return "accepted" if sound(result) else "silent"
    except InputError as error:
        if len(str(error)) <= LONGEST_LINE:
            return "refused"
        traceback.print_exc()
        return "traceback"
    except MemoryError:
        traceback.print_exc()
        return "memory"
    except BaseException as error:
        traceback.print_exc()
        return "silent" if isinstance(error, AssertionError) else "traceback"
    finally:
        sys.stderr.flush()
