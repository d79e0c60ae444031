"""Dependencies point one way, and what generates loads neither Keras nor TensorFlow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUNTIME = [
    "apps.verbs.cli",
    "apps.demo",
    "apps.presets",
    "apps.captioning.generate",
    "apps.captioning.evaluate",
    "apps.captioning.demo",
    "apps.captioning.photos",
    "apps.handwriting.generate",
    "apps.handwriting.evaluate",
    "apps.handwriting.demo",
    "apps.handwriting.data",
    "apps.handwriting.corpus",
    "apps.handwriting.iam",
    "apps.handwriting.sheets",
    "apps.music.generate",
    "apps.music.evaluate",
    "apps.music.data",
    "apps.music.corpus",
    "apps.music.score",
    "apps.translation.generate",
    "apps.translation.evaluate",
    "apps.translation.demo",
    "shared.generator",
    "shared.decoding",
    "shared.decoding.mixture",
    "shared.presets.catalog",
    "shared.plots",
    "shared.backends.litert",
    "shared.presets.open",
    "shared.training",
]


def imports(path: Path) -> set[str]:
    """The modules that a file names, at its top or inside its functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return found


def test_shared_does_not_know_the_apps():
    offenders = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "shared").rglob("*.py")
        if any(name.split(".")[0] == "apps" for name in imports(path))
    }
    assert not offenders


def test_an_app_does_not_know_another():
    apps = [folder for folder in (ROOT / "apps").iterdir() if (folder / "config.py").exists()]
    assert apps
    for app in apps:
        others = tuple(f"apps.{other.name}" for other in apps if other != app)
        for path in app.glob("*.py"):
            assert not [name for name in imports(path) if name.startswith(others or ("?",))], path


@pytest.mark.parametrize("module", RUNTIME)
def test_the_runtime_loads_no_tensorflow(module):
    code = (
        f"import sys, {module}\n"
        "print(sorted({'tensorflow', 'keras', 'keras_hub', 'keras_nlp'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert run.stdout.strip() == "[]", run.stdout + run.stderr
