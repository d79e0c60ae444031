"""The public names: what they are, what they load, and what hides them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import lstm_suite
import shared.layers

ROOT = Path(__file__).parents[2]


def python(code, *, cwd=ROOT, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": "", **environment},
    )


def test_every_public_name_is_there_and_documented():
    documented = set(re.findall(r"^\| `(\w+)", (ROOT / "docs" / "python.md").read_text(), re.M))
    assert documented == set(lstm_suite.__all__)
    for name in lstm_suite.__all__:
        assert getattr(lstm_suite, name) is not None
    assert set(shared.layers.__all__) - {"portable"} <= set(lstm_suite.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="GRU"):
        lstm_suite.GRU  # noqa: B018


def test_the_classes_load_no_tensorflow_and_the_package_nothing():
    done = python(
        "import sys, lstm_suite\n"
        "assert 'numpy' not in sys.modules\n"
        "from lstm_suite import Captioner, Composer, InputError, Translator, Writer, __version__\n"
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("package", ["apps", "shared"])
@pytest.mark.parametrize("regular", [True, False])
def test_what_hides_the_suite_is_named_in_one_line(package, regular, tmp_path):
    (tmp_path / package).mkdir()
    if regular:
        (tmp_path / package / "__init__.py").write_text("")
    code = (
        "import sys, importlib.util\n"
        f"path = {str(ROOT / 'lstm_suite' / '__init__.py')!r}\n"
        "spec = importlib.util.spec_from_file_location('lstm_suite', path)\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "try:\n"
        f"    module.{'Composer' if package == 'apps' else 'InputError'}\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = python(code, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.stdout.count("\n") == 1 and f"called {package!r}" in done.stdout, done.stderr
