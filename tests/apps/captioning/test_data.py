import shutil

import numpy as np
import pytest

from apps.captioning.data import (
    Captioned,
    Photo,
    Source,
    encode_captions,
    load,
    load_folder,
    pipeline,
    plan,
    read_photos,
    whole,
)
from apps.captioning.formats import read_captions
from apps.captioning.words import learn_tokenizer
from shared.errors import InputError
from shared.text import END, START
from tests.apps.captioning.toy import TINY, write_toy


def test_splits_and_photos_that_are_missing(tmp_path):
    (tmp_path / "captions.txt").write_text(
        "image,caption\n1.jpg,A dog .\n1.jpg,A brown dog .\n2.jpg,Two boys .\n"
    )
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


def test_a_folder_of_data(tmp_path):
    folder = write_toy(tmp_path / "toy")
    assert len(load_folder(folder, "valid")) == 6 and len(load_folder(folder, "dev")) == 6
    with pytest.raises(InputError, match=r"no test\.txt"):
        load_folder(folder, "test")
    with pytest.raises(InputError, match="no file of captions"):
        load_folder(folder / "images", "test")


def names(source, split=""):
    return [photo.path.name for photo in read_photos(source, split)]


def test_a_split_file_names_the_photos_to_measure_and_to_train_on(tmp_path):
    folder = write_toy(tmp_path / "toy")
    files = {"images": str(folder / "images"), "captions": str(folder / "captions.txt")}
    own, splits = Source(**files), folder / "splits"
    assert len(names(own)) == 24
    assert names(own, "valid") == names(own)[::20]
    assert sorted(names(own, "train") + names(own, "valid")) == sorted(names(own))
    dev = Source(**files, split_file=str(splits / "dev.txt"))
    assert len(names(dev)) == 6 and len(names(dev, "train")) == 5
    both = Source(
        **files,
        split_file=str(splits / "train.txt"),
        valid_split_file=str(splits / "dev.txt"),
    )
    assert len(names(both, "train")) == 24 and names(both, "valid") == names(dev)
    with pytest.raises(InputError, match="no part 'test'"):
        names(own, "test")
    with pytest.raises(InputError, match="excludes --images"):
        names(Source(data=str(folder), images="x"))
    with pytest.raises(InputError, match="name the photos with --images"):
        names(Source(images="x"))


def test_without_a_split_the_test_part_is_read_or_everything(tmp_path):
    folder = write_toy(tmp_path / "toy")
    data = Source(data=str(folder))
    assert len(names(data)) == 24 and len(names(data, "valid")) == 6
    (folder / "splits" / "test.txt").write_text("red_circle_0.png\n")
    assert names(data) == names(data, "test") == ["red_circle_0.png"]
    shutil.rmtree(folder / "splits")
    assert len(names(data)) == 24 and len(names(data, "train")) == 22


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


def test_commas_and_numbers_in_names_are_part_of_what_they_are_in(tmp_path):
    (tmp_path / "a.csv").write_text(
        'image,caption\na.jpg,A dog, a cat and a man\nb.jpg,"One, two"\n'
    )
    found = read_captions(tmp_path / "a.csv")
    assert found == {"a.jpg": ["A dog, a cat and a man"], "b.jpg": ["One, two"]}
    (tmp_path / "b.txt").write_text("p#1.jpg#0\tA dog .\np#1.jpg#1\tA cat .\n")
    assert read_captions(tmp_path / "b.txt") == {"p#1.jpg": ["A dog .", "A cat ."]}


def test_photos_that_have_captions_and_are_not_there_are_counted(tmp_path):
    from apps.captioning.training import missing_photos

    folder = write_toy(tmp_path / "toy")
    for name in ("red_circle_0.png", "blue_square_1.png"):
        (folder / "images" / name).unlink()
    own = Source(images=str(folder / "images"), captions=str(folder / "captions.txt"))
    assert missing_photos(own) == 2
    assert missing_photos(Source(data=str(folder))) == 0  # its splits say which photos count
    shutil.rmtree(folder / "splits")
    assert missing_photos(Source(data=str(folder))) == 2


@pytest.mark.parametrize("name", ["../secret.png", "/etc/secret.png", "a/../../b.png", "..\\b.png"])
def test_captions_name_photos_in_their_folder_alone(tmp_path, name):
    folder = write_toy(tmp_path / "toy")
    (tmp_path / "a.csv").write_text(f"image,caption\n{name},A dog\n")
    with pytest.raises(InputError, match="a.csv: .* leads out of .*images"):
        load(folder / "images", tmp_path / "a.csv")


def test_a_single_quotation_mark_is_told(tmp_path):
    (tmp_path / "a.csv").write_text('image,caption\na.jpg,"A dog\n' + "b.jpg,A cat\n" * 20_000)
    with pytest.raises(InputError, match="a.csv: .*single quotation mark"):
        read_captions(tmp_path / "a.csv")
