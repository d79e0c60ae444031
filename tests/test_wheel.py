"""The wheel, in a clean environment without TensorFlow, from another directory."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUNDLES = [
    "captioning-flickr8k-scst",
    "handwriting-unipen",
    "music-chorales",
    "translation-tatoeba",
]


def run(*command, cwd, **options):
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of a clean environment's programs, and the wheel that is in it."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "-o", folder, ROOT, cwd=folder)
    [wheel] = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=True)
    programs = folder / "env" / "bin"
    run(programs / "python", "-m", "pip", "install", "-q", wheel, cwd=folder)
    return programs, wheel


def test_the_wheel_carries_the_default_models_and_stays_small(installed):
    assert installed[1].stat().st_size < 30e6


def test_presets_and_verbs_run_from_anywhere(installed, tmp_path):
    programs, _ = installed
    listed = json.loads(run(programs / "lstm-suite", "presets", "--json", cwd=tmp_path))
    assert [f"{p['app']}-{p['name']}" for p in listed["presets"]] == BUNDLES
    assert all(p["default"] for p in listed["presets"])
    run(programs / "lstm-suite", "compose", "--bars", "1", "-o", "a.mid", cwd=tmp_path)
    assert (tmp_path / "a.mid").read_bytes().startswith(b"MThd")
    said = run(programs / "lstm-suite", "translate", "A man is riding a bike.", cwd=tmp_path)
    assert said.startswith("Ein Mann ") and "Fahrrad" in said


def test_the_demo_makes_a_page_without_tensorflow(installed, tmp_path):
    programs, _ = installed
    run(programs / "lstm-suite", "demo", "-o", "samples", cwd=tmp_path)
    page = (tmp_path / "samples" / "index.html").read_text()
    assert page.count("data:image/png;base64,") >= 2 and "data:audio/" in page
    assert "http" not in page.split("<body>")[1]
    packages = run(programs / "python", "-m", "pip", "list", "--format=json", cwd=tmp_path)
    assert not {"tensorflow", "keras"} & {p["name"] for p in json.loads(packages)}


def test_training_without_tensorflow_is_one_line(installed, tmp_path):
    programs, _ = installed
    done = subprocess.run(
        [programs / "lstm-suite", "train", "music"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "lstm-suite[train]" in done.stderr
