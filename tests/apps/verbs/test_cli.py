import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from apps import APPS, application
from apps.verbs import presets
from apps.verbs.cli import GENERAL, PER_APP, main
from apps.verbs.visible import visible
from shared.errors import InputError

ROOT = Path(__file__).parents[3]
OWN = [verb for name in APPS for verb in application(name).verbs]


@pytest.mark.parametrize(
    "words", [[v] for v in (*GENERAL, *OWN)] + [[v, name] for v in PER_APP for name in APPS]
)
def test_every_verb_has_help(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*words, "--help"])
    assert stop.value.code == 0
    assert "usage: lstm-suite" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [[], ["sing"], ["train"], ["train", "cooking"], ["compose", "--x"]]
)
def test_what_is_no_verb_exits_with_2(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("lstm-suite") and error.count("\n") == 1


def test_presets_tell_license_and_figures(capsys):
    assert main(["presets", "--json"]) == 0
    presets = json.loads(capsys.readouterr().out)["presets"]
    assert {"music"} <= {p["app"] for p in presets}
    for preset in presets:
        assert preset["license"] and preset["figures"] and preset["bytes"] > 1e5
    assert main(["presets"]) == 0
    told = capsys.readouterr().out
    assert len(told.splitlines()) == len(presets) + 1
    assert all(p["measured_on"] in told for p in presets) and " photos, valid)" in told


def test_each_verb_of_its_own_belongs_to_one_application():
    assert len(OWN) == len(set(OWN)) and not set(OWN) & {*GENERAL, *PER_APP}


def test_a_missing_package_is_named_with_what_needs_it(tmp_path, capsys, monkeypatch):
    for name in ("verovio", "music21"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it raises ModuleNotFoundError
    assert main(["compose", "--bars", "1", "-o", str(tmp_path / "a.svg")]) == 2
    error = capsys.readouterr().err
    assert "pip install" in error and "compose, continue" in error and error.count("\n") == 1
    assert main(["translate", "A man is riding a bike.", "--to", "de"]) == 0
    assert main(["caption", str(ROOT / "apps/captioning/samples/cat.jpg")]) == 0


def test_tensorflow_starts_in_silence():
    command = [sys.executable, "-m", "lstm_suite", "export", "music", "--preset", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr.startswith("lstm-suite export: ") and done.stderr.count("\n") == 1


def test_an_output_that_cannot_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    words = ["compose", "--bars", "1", "-o", str(tmp_path / "file" / "a.mid")]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "Traceback" not in error


@pytest.mark.parametrize(
    "error, status, words",
    [
        (MemoryError(), 2, "not enough memory"),
        (RecursionError("deep"), 2, "nested too deeply"),
        (ZeroDivisionError("division by zero"), 70, "ZeroDivisionError: division by zero; this is"),
        (ModuleNotFoundError("no", name="apps.nothing"), 70, "this is a bug"),
        (InputError("a\nb" * 10_000), 2, "a ba ba"),
    ],
)
def test_whatever_fails_is_one_line(error, status, words, capsys, monkeypatch):
    def fail(args):
        raise error

    monkeypatch.setattr(presets, "run", fail)
    assert main(["presets"]) == status
    line = capsys.readouterr().err
    assert line.startswith("lstm-suite presets: ") and words in line and line.count("\n") == 1
    assert len(line) < 700
    monkeypatch.setenv("LSTM_SUITE_DEBUG", "1")
    if status == 70:
        with pytest.raises(type(error)):
            main(["presets"])


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_shows_escapes_and_gets_none(tmp_path):
    import pty

    ours, theirs = pty.openpty()
    name = "a\x1b]0;title\x07\x1b[31m\u202e\x9bred.jpg"
    command = [sys.executable, "-m", "lstm_suite", "caption", str(tmp_path / name)]
    done = subprocess.run(command, stdout=theirs, stderr=theirs, cwd=ROOT, timeout=300)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    assert done.returncode == 2
    assert r"a\x1b]0;title\x07\x1b[31m\u202e\x9bred.jpg: no such file" in shown
    assert not set(shown) & set("\x1b\x07\u202e\x9b")


def test_what_is_no_control_character_is_shown_as_it_is():
    assert visible("\r[==] 1/2\n\té 北") == "\r[==] 1/2\n\té 北"
    assert visible("a\rb\x7f") == r"a\rb\x7f"
