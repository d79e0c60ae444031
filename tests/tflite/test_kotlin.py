"""The suite in Kotlin: it compiles, and on the JVM it computes what Python does."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.presets.catalog import BUNDLES

FOLDER = Path(__file__).parents[2] / "tflite" / "android"
JNA = Path("/usr/share/java/jna.jar")
CHECKS = [
    "random", "texts", "lifting", "names", "sentences", "photos",
    "bundles", "translations", "captions", "music", "writing",
]  # fmt: skip


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    compiler = (FOLDER / "node_modules").is_dir()
    litert = importlib.util.find_spec("ai_edge_litert")
    if not (compiler and shutil.which("java") and JNA.exists() and litert):
        pytest.skip("needs ai-edge-litert, Java, JNA (libjna-java), npm ci in tflite/android")
    build = tmp_path_factory.mktemp("kotlin")
    make = ["make", "-C", FOLDER, f"BUILD={build}", f"PYTHON={sys.executable}"]
    subprocess.run([*make, f"{build}/check.jar"], check=True)
    library = Path(litert.submodule_search_locations[0]) / "libLiteRt.so"
    java = ["java", "-cp", f"{build}/check.jar:{JNA}", "lstm.jvm.CheckKt", library]

    def run(folder, name):
        return subprocess.run([*java, folder, name], capture_output=True, text=True)

    return run


@pytest.mark.parametrize("name", CHECKS)
def test_it_computes_what_python_does(check, name):
    done = check(BUNDLES, name)
    assert (done.returncode, done.stdout) == (0, f"{name}: as in Python\n"), done.stderr


def test_other_results_fail(check, tmp_path):
    table = json.loads((BUNDLES / "web" / "test" / "goldens.json").read_text())
    table["sentences"][0][1][0][1] += " "
    (tmp_path / "web" / "test").mkdir(parents=True)
    (tmp_path / "web" / "test" / "goldens.json").write_text(json.dumps(table))
    done = check(tmp_path, "sentences")
    assert done.returncode == 1
    assert "got [[Mr. Smith came.,  ], " in done.stdout


def test_a_missing_file_is_one_error(check, tmp_path):
    done = check(tmp_path, "sentences")
    missing = tmp_path / "web" / "test" / "goldens.json"
    assert (done.returncode, done.stdout) == (1, f"sentences: no file {missing}\n")
