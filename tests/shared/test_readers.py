import gzip
import io
import json
import lzma
import zipfile

import numpy as np
import pytest

from shared import readers
from shared.errors import InputError
from shared.files import write_text
from shared.readers import read_arrays, read_bytes, read_json, read_member, read_text


def test_json_that_cannot_be_read_is_named(tmp_path):
    write_text(tmp_path / "bad.json", "{")
    (tmp_path / "latin.json").write_bytes(b'"\xe4"')
    for name in ("bad.json", "latin.json", "none.json"):
        with pytest.raises(InputError, match=name):
            read_json(tmp_path / name)


def test_text_is_read_or_refused_for_what_is_wrong_with_it(tmp_path):
    (tmp_path / "bom").write_bytes(b"\xef\xbb\xbfwords")
    assert read_text(tmp_path / "bom") == "words"
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    (tmp_path / "wide").write_bytes("words".encode("utf-16-le"))
    for name, message in (("latin", "byte 3"), ("wide", "zero bytes"), ("none", "cannot be read")):
        with pytest.raises(InputError, match=f"{name}: .*{message}"):
            read_text(tmp_path / name)


def test_json_with_a_byte_order_mark_is_read_and_deep_json_is_refused(tmp_path):
    (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(tmp_path / "bom.json") == [1]
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"deep\.json"):
        read_json(tmp_path / "deep.json")


@pytest.mark.parametrize("text", ["[" + "9" * 5000 + "]", r'["\ud800"]', r'{"\uDC00": 1}'])
def test_absurd_numbers_and_halves_of_characters_are_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json: not valid JSON"):
        read_json(tmp_path / "a.json")


def test_a_whole_surrogate_pair_is_a_character(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps("\U0001f600"))
    assert read_json(tmp_path / "a.json") == "\U0001f600"


@pytest.mark.parametrize("pack", [gzip, lzma])
def test_packed_text_is_read_and_what_is_damaged_or_a_bomb_is_one_line(tmp_path, pack):
    path = tmp_path / ("a.gz" if pack is gzip else "a.xz")
    path.write_bytes(pack.compress("wörds".encode()) * 2)
    assert read_text(path) == "wördswörds"
    for bad, message in (
        (pack.compress(b"words")[:-3], "damaged"),
        (b"words", "damaged"),
        (pack.compress(bytes(2 * readers.FREE)), "more than 16 MB"),
    ):
        path.write_bytes(bad)
        with pytest.raises(InputError, match=rf"{path.name}.*{message}"):
            read_text(path)


def test_more_than_the_limits_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_text("[1,\n2,\n3]")
    for name, read, message in (
        ("VALUES", read_json, "2 values"),
        ("LINES", read_text, "1 lines"),
    ):
        with monkeypatch.context() as patch:
            read(path)
            patch.setattr(readers, name, int(message[0]))
            with pytest.raises(InputError, match=f"a.json: has more than {message}"):
                read(path)
    with pytest.raises(InputError, match="more than 1 MB"):
        read_bytes("/dev/zero", 1_000_000)


def test_a_member_of_a_zip_is_found_by_its_name(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "words", zipfile.ZIP_STORED)
        archive.writestr("c.txt", "")
        archive.writestr("bomb", bytes(2 * readers.FREE))
    assert read_member(path, "a.*") == b"words"
    for name, message in (("bomb", "16 MB"), ("b.txt", "0 files"), ("*.txt", "2 files")):
        with pytest.raises(InputError, match=rf"a\.zip.*{message}"):
            read_member(path, name)
    data = path.read_bytes()
    for bad in (data[:-30], b"", data.replace(b"words", b"wards")):
        path.write_bytes(bad)
        with pytest.raises(InputError, match=r"a\.zip: damaged"):
            read_member(path, "a.txt")


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def npy(header):
    """An ``.npz`` whose one array has a header of one's own and no data."""
    text = f"{header}".ljust(117).encode() + b"\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + bytes([len(text), 0]) + text)
    return buffer.getvalue()


def test_arrays_are_read(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(npz(one=np.arange(3), two=np.array("text")))
    assert {name: array.tolist() for name, array in read_arrays(path).items()} == {
        "one": [0, 1, 2],
        "two": "text",
    }
    assert list(read_arrays(path, ["two"])) == ["two"]
    with pytest.raises(InputError, match="no array 'three'; do it"):
        read_arrays(path, ["three"], "do it")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no zip",
        npz(a=np.arange(1000))[:-100],
        npz(a=np.array([{}], dtype=object)),
        npz(a=np.zeros(readers.FREE)),
        npz(a=np.array([0x110000], "<u4").view("<U1")),
        npy({"descr": "<f8", "fortran_order": False, "shape": (1 << 29,)}),
        npy({"descr": "<f8", "fortran_order": False, "shape": (1 << 60,)}),
        npy({"descr": "<U0", "fortran_order": False, "shape": (1 << 40,)}),
        npy("{'descr': ("),
        npy("(" * 100),
    ],
)
def test_damaged_arrays_and_bombs_are_one_line(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npz.*(damaged|MB)") as error:
        read_arrays(tmp_path / "a.npz")
    assert "\n" not in str(error.value) and len(str(error.value)) < 300
