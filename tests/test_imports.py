"""Dependencies point one way, and what generates loads neither Keras nor TensorFlow."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

from apps import APPS

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path for top in ("lstm_suite", "apps", "shared") for path in (ROOT / top).rglob("*.py")
)
RUNTIME = [
    "apps.verbs.cli",
    *(module.partition(":")[0] for module in APPS.values()),
    *(f"apps.{app}.{name}" for app in APPS for name in ("verbs", "evaluate", "data")),
    "shared.application",
    "shared.decoding.mixture",
    "shared.export.goldens",
    "shared.plots",
    "shared.presets.open",
    "shared.training",
]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def imports(path: Path) -> set[str]:
    """Our modules that a file names, at its top or inside its functions, for types too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (below & MODULES.keys()) or {node.module}
    return found & MODULES.keys() - {module_of(path)}


GRAPH = {name: imports(path) for name, path in MODULES.items()}


def room(module: str) -> str:
    """What stands side by side: an app, the verbs, a folder or a file of shared."""
    return ".".join(module.split(".")[:2])


def check_no_circle(graph: dict[str, set[str]]) -> None:
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_there_is_no_circle_of_modules():
    check_no_circle(GRAPH)


@pytest.mark.parametrize("top", ["apps", "shared"])
def test_there_is_no_circle_of_rooms(top):
    rooms: dict[str, set[str]] = {}
    for module, names in GRAPH.items():
        if module.split(".")[0] == top and module != top:
            here = rooms.setdefault(room(module), set())
            here |= {room(name) for name in names if name.startswith(f"{top}.")}
    # An app's verbs.py takes options that mean the same everywhere from apps/verbs.
    check_no_circle({name: names - {name} for name, names in rooms.items()})


def test_shared_does_not_know_the_apps():
    assert not {m for m, names in GRAPH.items() if m.startswith("shared") and any(
        name.split(".")[0] != "shared" for name in names)}  # fmt: skip
    words = [str(p) for p in FILES if "shared" in p.relative_to(ROOT).parts[:1] and any(
        f'"{app}"' in p.read_text() for app in APPS)]  # fmt: skip
    assert not words


def test_an_app_does_not_know_another():
    for module, names in GRAPH.items():
        app = module.split(".")[1] if module.count(".") else ""
        if app in APPS:
            others = {f"apps.{other}" for other in APPS if other != app}
            assert not {name for name in names if room(name) in others}, module


def test_options_are_parsed_in_the_verbs_alone():
    allowed = {MODULES[m] for m in MODULES if m.startswith("apps.verbs") or m.endswith(".verbs")}
    allowed.add(ROOT / "shared" / "application.py")  # the type of a verb's parser
    assert not [str(p) for p in FILES if p not in allowed and "argparse" in p.read_text()]


def test_the_runtime_loads_no_tensorflow():
    code = (
        f"import sys, {', '.join(RUNTIME)}\n"
        "print(sorted({'tensorflow', 'keras', 'keras_hub', 'keras_nlp'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert run.stdout.strip() == "[]", run.stdout + run.stderr
