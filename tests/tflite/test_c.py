"""The generator in C: it compiles, and what it computes is what the goldens say."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from apps import APPS, application
from shared.presets.catalog import BUNDLES

FOLDER = Path(__file__).parents[2] / "tflite" / "c"


@pytest.fixture(scope="module")
def goldens(tmp_path_factory):
    compiler = shutil.which("cc")
    header = compiler and subprocess.run(
        [compiler, "-E", "-include", "cjson/cJSON.h", "-x", "c", "/dev/null"], capture_output=True
    )
    if not header or header.returncode or not importlib.util.find_spec("ai_edge_litert"):
        pytest.skip("needs a C compiler, cJSON (Debian: libcjson-dev) and ai-edge-litert")
    build = tmp_path_factory.mktemp("c")
    command = ["make", "-C", FOLDER, f"BUILD={build}", f"PYTHON={sys.executable}"]
    subprocess.run([*command, f"{build}/goldens", "CFLAGS=-Wall -Wextra -Werror"], check=True)
    return build / "goldens"


@pytest.mark.parametrize("app", APPS)
def test_goldens(goldens, app):
    bundle = BUNDLES / f"{app}-{application(app).default_preset}"
    done = subprocess.run([goldens, bundle], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " of the tolerance; encode " in done.stdout


def test_other_outputs_fail(goldens, tmp_path):
    bundle = BUNDLES / f"handwriting-{application('handwriting').default_preset}"
    shutil.copytree(bundle, tmp_path / "b")
    file = tmp_path / "b" / "goldens.json"
    content = json.loads(file.read_text())
    content["cases"][0]["steps"].pop(0)
    file.write_text(json.dumps(content))
    assert subprocess.run([goldens, tmp_path / "b"], capture_output=True).returncode == 1


def test_what_is_no_bundle_is_one_error(goldens, tmp_path):
    done = subprocess.run([goldens, tmp_path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, f"goldens: {tmp_path}/bundle.json\n")
