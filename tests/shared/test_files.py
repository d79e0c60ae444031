import errno
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shared.errors import InputError
from shared.files import (
    check_outputs,
    checksums,
    new_folder,
    verify_checksums,
    write_bytes,
    write_json,
    write_text,
)
from shared.readers import read_json

ROOT = Path(__file__).parents[2]


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "new" / "file.json"
    write_json(path, {"a": [1, "ü"]})
    assert read_json(path) == {"a": [1, "ü"]} and "ü" in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    with pytest.raises(ValueError):
        write_json(path, float("nan"))
    with pytest.raises(TypeError):
        write_bytes(path, "no bytes")
    assert read_json(path) == {"a": [1, "ü"]}
    assert [p.name for p in path.parent.iterdir()] == ["file.json"]


def test_checksums_find_any_change(tmp_path):
    write_text(tmp_path / "a", "content")
    table = json.loads(json.dumps(checksums(tmp_path, ["a"])))
    assert table["a"]["bytes"] == 7
    verify_checksums(tmp_path, table)
    for change in ("Content", "conten", ""):
        write_text(tmp_path / "a", change)
        with pytest.raises(InputError, match="checksum differs"):
            verify_checksums(tmp_path, table)


def test_a_folder_is_whole_or_as_it_was(tmp_path):
    folder = tmp_path / "a" / "folder"
    with new_folder(folder, "mark") as temporary:
        assert not folder.exists()
        write_text(temporary / "mark", "1")
        write_text(temporary / "old", "1")
    with pytest.raises(KeyError), new_folder(folder, "mark") as temporary:
        write_text(temporary / "mark", "2")
        raise KeyError
    assert (folder / "mark").read_text() == "1"
    with new_folder(folder, "mark") as temporary:
        write_text(temporary / "mark", "3")
    assert [p.name for p in folder.iterdir()] == ["mark"]
    assert [p.name for p in folder.parent.iterdir()] == ["folder"]


KILLED = """
import os, sys
from shared.files import new_folder, write_text

folder, left, real = sys.argv[1], int(sys.argv[2]), os.replace

def replace(*paths):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    real(*paths)

os.replace = replace
with new_folder(folder, "mark") as temporary:
    write_text(temporary / "mark", "new")
"""


@pytest.mark.parametrize("renames", range(3))  # of the file, the old folder, the new folder
def test_a_kill_before_any_rename_loses_no_folder(tmp_path, renames):
    folder = tmp_path / "folder"
    with new_folder(folder, "mark") as temporary:
        write_text(temporary / "mark", "old")
    command = [sys.executable, "-c", KILLED, str(folder), str(renames)]
    assert subprocess.run(command, cwd=ROOT).returncode == 9
    assert len([*tmp_path.iterdir()]) == 2
    with pytest.raises(KeyError), new_folder(folder, "mark"):
        raise KeyError  # any call puts the old folder back
    assert (folder / "mark").read_text() == "old"
    [stray] = tmp_path.glob(".folder.*")
    (tmp_path / ".folder.mine").mkdir()
    for old in tmp_path.glob(".folder.*"):
        os.utime(old, (0, 0))
    with new_folder(folder, "mark") as temporary:
        write_text(temporary / "mark", "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".folder.mine", "folder"]
    assert (folder / "mark").read_text() == "new"


def test_an_error_in_a_new_folder_names_it_and_not_the_temporary_one(tmp_path):
    for error, named in ((OSError(errno.ENOSPC, "full"), "folder"), (OSError(2, "no", "x"), "x")):
        with pytest.raises(OSError) as caught, new_folder(tmp_path / "folder", "mark"):
            raise error
        assert str(caught.value.filename).endswith(named) and not [*tmp_path.iterdir()]


def test_somebody_s_own_folder_is_left_alone(tmp_path):
    write_text(tmp_path / "thesis", "years of work")
    for target in (tmp_path, tmp_path / "thesis"):
        with pytest.raises(InputError, match="holds other files"):
            with new_folder(target, "mark"):
                pass
    assert (tmp_path / "thesis").read_text() == "years of work"


def test_a_link_stays_and_its_target_is_written(tmp_path):
    write_text(tmp_path / "target", "old")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "dangling").symlink_to("later")
    write_text(tmp_path / "link", "new")
    write_text(tmp_path / "dangling", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "dangling").is_symlink()
    assert (tmp_path / "target").read_text() == (tmp_path / "later").read_text() == "new"


def test_a_mode_stays_and_a_new_file_obeys_the_umask(tmp_path):
    write_text(tmp_path / "private", "old")
    (tmp_path / "private").chmod(0o600)
    write_text(tmp_path / "private", "new")
    before = os.umask(0o077)
    try:
        write_text(tmp_path / "new", "new")
    finally:
        os.umask(before)
    for name in ("private", "new"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    (tmp_path / "private").chmod(0o444)
    with pytest.raises(PermissionError) as caught:
        write_text(tmp_path / "private", "lost")
    assert caught.value.filename == str(tmp_path / "private")
    assert (tmp_path / "private").read_text() == "new"


def test_a_fifo_is_written_to_and_stays(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "fifo").read_text()))
    reader.start()
    write_text(tmp_path / "fifo", "words")
    reader.join(10)
    assert read == ["words"] and stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)


def test_errors_name_the_path_that_the_user_gave(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    for name in ("folder", "file/below"):
        with pytest.raises(OSError) as caught:
            write_text(tmp_path / name, "words")
        assert caught.value.filename == str(tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_standard_output_is_a_dash(capfdbinary):
    write_text("-", "wörds")
    assert capfdbinary.readouterr().out == "wörds".encode()


@pytest.mark.parametrize(
    ("output", "endings", "message"),
    [
        ("song.doc", (".mid", ".wav"), "cannot write .doc; use .mid, .wav"),
        ("song", (".mid",), "a file without an ending"),
        ("folder", (), "is a folder"),
        ("tune.abc", (), "would be lost"),
        ("link.abc", (), "would be lost"),
        ("tune.abc/song.mid", (), "is a file, not a folder"),
    ],
)
def test_outputs_are_refused_before_work(output, endings, message, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "tune.abc").write_text("X:1")
    (tmp_path / "link.abc").symlink_to("tune.abc")
    inputs = [tmp_path / "tune.abc", "no such file"]
    with pytest.raises(InputError, match=message) as caught:
        check_outputs({str(tmp_path / output): endings}, inputs)
    assert str(tmp_path / output) in str(caught.value)


def test_outputs_that_can_be_written_are_not_refused(tmp_path):
    (tmp_path / "tune.abc").write_text("X:1")
    good = {str(tmp_path / "new" / "a.mid"): (".mid",), "-": (".mid",), "/dev/null": ()}
    check_outputs(good, [tmp_path / "tune.abc"])
