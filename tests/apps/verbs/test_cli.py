import json
import subprocess
import sys
from pathlib import Path

import pytest

from apps import APPS, application
from apps.verbs.cli import GENERAL, PER_APP, main

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
