"""The wheel, in clean environments without TensorFlow, from another directory."""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
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


def oldest() -> str:
    """The oldest versions that setup.cfg allows, as pip's constraints."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return re.sub(r">=([\d.]+).*", r"==\1", setup["options"]["install_requires"])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "-o", folder, ROOT, cwd=folder)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module", params=["3.11, oldest", "3.11", "3.12", "3.13"])
def programs(request, wheel, tmp_path_factory):
    """The programs of a clean environment with the wheel, for each Python that this machine has."""
    version, _, old = request.param.partition(", ")
    python = shutil.which(f"python{version}")
    if not python or subprocess.run([python, "--version"], capture_output=True).returncode:
        pytest.skip(f"no Python {version} here")
    folder = tmp_path_factory.mktemp("environment")
    run(python, "-m", "venv", folder, cwd=folder)
    (folder / "constraints.txt").write_text(oldest() if old else "")
    pip = folder / "bin" / "python", "-m", "pip", "install", "-q"
    run(*pip, "-c", "constraints.txt", wheel, cwd=folder)
    yield folder / "bin"
    shutil.rmtree(folder)


def test_the_wheel_carries_the_default_models_and_stays_small(wheel):
    assert wheel.stat().st_size < 30e6


def test_presets_and_verbs_run_from_anywhere(programs, tmp_path):
    listed = json.loads(run(programs / "lstm-suite", "presets", "--json", cwd=tmp_path))
    assert [f"{p['app']}-{p['name']}" for p in listed["presets"]] == BUNDLES
    assert all(p["default"] for p in listed["presets"])
    scores = "a.mid", "a.musicxml", "a.png", "a.wav"
    run(programs / "lstm-suite", "compose", "--bars", "1", "-o", *scores, cwd=tmp_path)
    assert (tmp_path / "a.mid").read_bytes().startswith(b"MThd")
    for score in scores[:2]:
        run(programs / "lstm-suite", "harmonize", score, "-o", "b.mid", cwd=tmp_path)
    said = run(programs / "lstm-suite", "translate", "A man is riding a bike.", cwd=tmp_path)
    assert said.startswith("Ein Mann ") and "Fahrrad" in said


def test_the_demo_makes_a_page_without_tensorflow(programs, tmp_path):
    run(programs / "lstm-suite", "demo", "-o", "samples", cwd=tmp_path)
    page = (tmp_path / "samples" / "index.html").read_text()
    assert page.count("data:image/png;base64,") >= 2 and "data:audio/" in page
    assert "http" not in page.split("<body>")[1]
    packages = run(programs / "python", "-m", "pip", "list", "--format=json", cwd=tmp_path)
    assert not {"tensorflow", "keras"} & {p["name"] for p in json.loads(packages)}


def test_training_without_tensorflow_is_one_line(programs, tmp_path):
    done = subprocess.run(
        [programs / "lstm-suite", "train", "music"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "lstm-suite[train]" in done.stderr
