import json
import stat

import pytest

from shared.errors import InputError
from shared.files import (
    checksums,
    new_folder,
    read_json,
    verify_checksums,
    write_bytes,
    write_json,
    write_text,
)


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


def test_json_that_cannot_be_read_is_named(tmp_path):
    write_text(tmp_path / "bad.json", "{")
    (tmp_path / "latin.json").write_bytes(b'"\xe4"')
    for name in ("bad.json", "latin.json", "none.json"):
        with pytest.raises(InputError, match=name):
            read_json(tmp_path / name)


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


def test_somebody_s_own_folder_is_left_alone(tmp_path):
    write_text(tmp_path / "thesis", "years of work")
    for target in (tmp_path, tmp_path / "thesis"):
        with pytest.raises(InputError, match="holds other files"):
            with new_folder(target, "mark"):
                pass
    assert (tmp_path / "thesis").read_text() == "years of work"
