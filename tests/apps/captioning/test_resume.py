"""``caption FOLDER`` with the shipped bundle: written as it goes, and resumed after a stop."""

import shutil

import pytest

from apps.captioning.photos import SAMPLES
from apps.verbs.cli import main


@pytest.fixture
def folder(tmp_path):
    """Photos, and a file that is none."""
    shutil.copytree(SAMPLES, tmp_path / "in")
    (tmp_path / "in" / "bad.png").write_text("no photo")
    return tmp_path / "in"


@pytest.mark.parametrize("words", [[], ["--csv", "--n-best", "2"]])
def test_what_was_stopped_goes_on_and_is_the_same(folder, tmp_path, words, capsys):
    whole, part = tmp_path / "whole.txt", tmp_path / "part.txt"
    assert main(["caption", str(folder), "-o", str(whole), *words]) == 2  # one file is no photo
    lines = whole.read_text().splitlines(keepends=True)
    part.write_text("".join(lines[:3]) + lines[3][:5])
    assert main(["caption", str(folder), "-o", str(part), "--resume", *words]) == 2
    assert part.read_text() == whole.read_text()
    assert "bad.png: not an image" in capsys.readouterr().err


def test_an_output_stays_if_no_photo_can_be_read(folder, tmp_path, capsys):
    (tmp_path / "out.txt").write_text("captions of yesterday\n")
    assert main(["caption", str(folder / "bad.png"), "-o", str(tmp_path / "out.txt")]) == 2
    assert (tmp_path / "out.txt").read_text() == "captions of yesterday\n"


def test_resume_needs_an_output_of_several_photos(folder, capsys):
    for words in ([str(folder)], [str(folder), "-o", "a", "--json"], [str(folder / "cat.jpg")]):
        assert main(["caption", *words, "--resume"]) == 2
        error = capsys.readouterr().err
        assert "--resume goes on with --sidecar, --write-metadata, or --output" in error
        assert error.count("\n") == 1
