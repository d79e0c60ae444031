import json

import pytest

from apps.captioning.formats import read_captions, read_split
from shared.errors import InputError

EXPECTED = {"1.jpg": ["A dog, running .", 'A "brown" dog .'], "2.jpg": ["Two boys ."]}
FORMS = {
    "captions.txt": 'image,caption\n1.jpg,"A dog, running ."\r\n1.jpg,"A ""brown"" dog ."\n'
    "2.jpg,Two boys .\n",
    "Flickr8k.token.txt": '1.jpg#0\tA dog, running .\n1.jpg#1\tA "brown" dog .\n\n'
    "2.jpg#0\tTwo  boys .\n",
    "results.csv": "image_name| comment_number| comment\n1.jpg| 0| A dog, running .\n"
    '1.jpg| 1| A "brown" dog .\n2.jpg| 0| Two boys .\n',
    "captions_val.json": json.dumps(
        {
            "images": [{"id": 7, "file_name": "1.jpg"}, {"id": 9, "file_name": "2.jpg"}],
            "annotations": [
                {"image_id": 7, "id": 1, "caption": "A dog, running ."},
                {"image_id": 9, "id": 2, "caption": "Two boys .\n"},
                {"image_id": 7, "id": 3, "caption": 'A "brown" dog .'},
            ],
        }
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_captions(tmp_path, name):
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" * name.endswith("txt") + FORMS[name].encode())
    assert read_captions(tmp_path / name) == EXPECTED


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", b"1.jpg A dog\n", "line 1: no tab"),
        ("a.txt", b"", "no caption in it"),
        ("a.txt", b"image,caption\n1.jpg\n", "line 2: no caption"),
        ("a.txt", b"1.jpg#0\tcaf\xe9\n", "not UTF-8 text \\(byte 11\\)"),
        ("a.json", b"{", "not valid JSON"),
        ("a.json", b'{"images": []}', "not COCO's captions"),
        ("a.json", b'[1]', "not COCO's captions"),
    ],
)  # fmt: skip
def test_captions_that_are_none(tmp_path, name, text, message):
    (tmp_path / name).write_bytes(text)
    with pytest.raises(InputError, match=message):
        read_captions(tmp_path / name)


def test_a_split_without_a_name(tmp_path):
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(InputError, match="no name in it"):
        read_split(tmp_path / "empty.txt")
