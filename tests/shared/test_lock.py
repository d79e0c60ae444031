import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import InputError
from shared.lock import locked

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys, time
from shared.lock import locked

with locked(sys.argv[1]):
    print("locked", flush=True)
    time.sleep(600)
"""


def test_a_folder_is_one_process_s_until_it_ends_or_is_killed(tmp_path):
    folder = tmp_path / "new"
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout.readline() == b"locked\n"
            with pytest.raises(InputError, match=f"new: process {other.pid} is at work here"):
                with locked(folder):
                    pass
        finally:
            other.kill()
    with locked(folder), locked(folder):  # a lock in a lock
        refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 1 and "is at work here" in refused.stderr
    with locked(folder):
        pass
