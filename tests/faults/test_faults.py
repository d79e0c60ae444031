import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import InputError
from tests.faults import cases
from tests.faults.readers import Reader

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("words", [["--kills", "0"], ["--cases", "0"]], ids=["files", "kills"])
def test_the_short_form_finds_no_fault(tmp_path, words):
    command = [sys.executable, "-m", "tests.faults", "--kept", str(tmp_path), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    said = "".join(path.read_text()[-1000:] for path in tmp_path.glob("*/said.txt"))
    assert not done.returncode, done.stdout + done.stderr[-1000:] + said


def refuse():
    raise InputError("no")


@pytest.mark.parametrize(
    "work, outcome",
    [
        (refuse, "refused"),
        (lambda: 1.0, "accepted"),
        (lambda: [float("nan")], "silent"),
        (lambda: {}[1], "traceback"),
        (lambda: bytearray(2 << 30), "memory"),
        (lambda: sum(iter(int, 1)), "hang"),
        (os.abort, "crash"),
    ],
)
def test_each_outcome_is_told_apart(tmp_path, monkeypatch, work, outcome):
    monkeypatch.setattr(cases, "SECONDS", 1)
    reader = Reader(lambda folder, path: work())
    assert cases._isolated(reader, tmp_path, tmp_path, None, tmp_path / "said.txt") == outcome
