import json

import numpy as np
import pytest

from apps.captioning.data import (
    Captioned,
    Photo,
    encode_captions,
    load,
    pipeline,
    plan,
    read_captions,
    read_split,
    whole,
)
from apps.captioning.evaluate import load_folder
from apps.captioning.words import learn_tokenizer
from shared.errors import InputError
from shared.text import END, START
from tests.apps.captioning.toy import TINY, write_toy

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
        ("a.txt", b"1.jpg#0\tcaf\xe9\n", "not UTF-8 text, at byte 11"),
        ("a.json", b"{", "not valid JSON"),
        ("a.json", b'{"images": []}', "not COCO's captions"),
        ("a.json", b'[1]', "not COCO's captions"),
    ],
)  # fmt: skip
def test_captions_that_are_none(tmp_path, name, text, message):
    (tmp_path / name).write_bytes(text)
    with pytest.raises(InputError, match=message):
        read_captions(tmp_path / name)


def test_splits_and_photos_that_are_missing(tmp_path):
    (tmp_path / "captions.txt").write_text(FORMS["captions.txt"])
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.jpg").write_bytes(b"")
    (tmp_path / "all.txt").write_text("1.jpg\n2.jpg\n")
    (tmp_path / "one.txt").write_text("\n1.jpg\n1.jpg\n")
    (tmp_path / "other.txt").write_text("3.jpg\n")
    where = tmp_path / "images", tmp_path / "captions.txt"
    assert [photo.path.name for photo in load(*where)] == ["1.jpg"]
    assert len(load(*where, tmp_path / "one.txt")[0].captions) == 2
    with pytest.raises(InputError, match=r"2\.jpg: no such photo"):
        load(*where, tmp_path / "all.txt")
    with pytest.raises(InputError, match=r"no caption of 3\.jpg"):
        load(*where, tmp_path / "other.txt")
    with pytest.raises(InputError, match="no such folder"):
        load(tmp_path / "none", where[1])
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(InputError, match="no name in it"):
        read_split(tmp_path / "empty.txt")


def test_a_folder_of_data(tmp_path):
    folder = write_toy(tmp_path / "toy")
    assert len(load_folder(folder, "valid")) == 6 and len(load_folder(folder, "dev")) == 6
    with pytest.raises(InputError, match=r"no test\.txt"):
        load_folder(folder, "test")
    with pytest.raises(InputError, match="no file of captions"):
        load_folder(folder / "images", "test")


# --- batches ---


@pytest.fixture(scope="module")
def seen():
    rng = np.random.default_rng(0)
    return [
        Captioned(k, [rng.integers(4, 40, rng.integers(1, 15)).tolist() for _ in range(k % 4 + 1)],
                  k % 2 == 0)
        for k in range(50)
    ]  # fmt: skip


FEATURES = np.random.default_rng(0).random((50, 2, 3, 3, 8)).astype(np.float16)


def test_an_epoch_has_every_photo_with_its_own_captions(seen):
    batches = list(pipeline(seen, FEATURES, 8, 3, 0, 0).as_numpy_iterator())
    rows = np.concatenate([batch["row"] for batch in batches])
    assert set(rows) == set(range(50)) and len(batches) == 7
    for batch in batches:
        assert batch["features"].shape == (8, 3, 3, 8) and batch["inputs"].shape[0] == 24
        assert (batch["inputs"][:, 0] == START).all()
        for k, (inputs, targets, mask) in enumerate(
            zip(batch["inputs"], batch["targets"], batch["mask"], strict=True)
        ):
            assert targets[mask][-1] == END and (inputs[1:] == targets[:-1])[mask[1:]].all()
            assert targets[mask][:-1].tolist() in seen[batch["row"][k // 3]].captions
            assert not inputs[~mask].any() and not targets[~mask].any()


def test_only_photos_that_may_be_are_flipped(seen):
    flipped = np.zeros(50)
    for epoch in range(20):
        for batch in pipeline(seen, FEATURES, 10, 2, 0, epoch).as_numpy_iterator():
            for row, features in zip(batch["row"], batch["features"], strict=True):
                side = int((features == FEATURES[row, 1]).all())
                assert (features == FEATURES[row, side]).all()
                flipped[row] += side
    assert not flipped[1::2].any() and (flipped[::2] > 2).all() and (flipped[::2] < 18).all()
    for batch in pipeline(seen, FEATURES, 10, 2, 0, 0, flip=False).as_numpy_iterator():
        assert (batch["features"] == FEATURES[batch["row"], 0]).all()


def test_every_view_has_its_turn_and_odd_ones_only_where_a_photo_may_be_mirrored(seen):
    drawn = [entry for epoch in range(8) for b in plan(seen, 8, 1, 0, epoch, 6) for entry in b]
    for flips, expected in ((True, {0, 1, 2, 3, 4, 5}), (False, {0, 2, 4})):
        assert {view for index, _, view in drawn if seen[index].flips == flips} == expected


def test_epochs_differ_and_can_be_had_again(seen):
    assert plan(seen, 8, 3, 0, 1) == plan(seen, 8, 3, 0, 1) != plan(seen, 8, 3, 0, 2)
    drawn = {tuple(d) for batch in plan(seen, 8, 2, 0, 0) for i, d, _ in batch if i % 4 == 3}
    assert len(drawn) > 3 and all(len(set(d)) == 2 for d in drawn)


def test_batches_have_captions_of_about_one_length(seen):
    def padding(batches):
        return sum(
            max(max(len(seen[i].captions[k]) for k in d) for i, d, _ in b)
            - max(len(seen[i].captions[k]) for k in b[0][1] for i in [b[0][0]])
            for b in batches
        )

    assert padding(plan(seen, 5, 2, 0, 0)) < 15


def test_validation_counts_every_caption_once(seen):
    batches = list(whole(seen, FEATURES, 8, 3).as_numpy_iterator())
    texts = [
        targets[mask][:-1].tolist()
        for batch in batches
        for targets, mask in zip(batch["targets"], batch["mask"], strict=True)
        if mask.any()
    ]
    assert texts == [ids for photo in seen for ids in photo.captions[:3]]
    assert all(batch["inputs"].shape[0] == 24 for batch in batches)


def test_long_captions_are_left_out_and_sides_are_noticed(tmp_path):
    texts = ("a dog", "a dog on the left", "a cat", "a " * 20)
    tokenizer = learn_tokenizer(texts, tmp_path, TINY)
    photos = [Photo(tmp_path, texts[:2]), Photo(tmp_path, texts[2:]), Photo(tmp_path, texts[3:])]
    found = encode_captions(photos, [5, 6, 7], tokenizer, 16)
    assert [(photo.row, len(photo.captions), photo.flips) for photo in found] == [
        (5, 2, False),
        (6, 1, True),
    ]
