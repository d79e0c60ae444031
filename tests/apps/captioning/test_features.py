import dataclasses
import errno
import os
import resource

import numpy as np
import pytest
import tensorflow as tf

from apps.captioning import features as module
from apps.captioning.backbone import Backbone
from apps.captioning.features import _writable, cached_features
from apps.captioning.photos import load_photo, open_photo, resize, varied
from shared.errors import InputError
from tests.apps.captioning.toy import TINY, random_network, toy_names, write_toy


@pytest.fixture(scope="module")
def backbone():
    made = Backbone(TINY)
    made.network.set_weights(random_network().get_weights())
    return made


@pytest.fixture
def paths(tmp_path):
    folder = write_toy(tmp_path / "toy") / "images"
    return [folder / f"{name.replace(' ', '_')}_0.png" for name in toy_names()]


def test_features_are_those_of_the_photo_and_of_its_mirror_image(tmp_path, backbone, paths):
    found = cached_features(tmp_path / "cache", paths, backbone, TINY)
    assert found.shape == (6, 2, 3, 3, 1280) and found.dtype == np.float16
    photos = np.stack([load_photo(path, TINY) for path in paths]).astype(np.float32)
    for side, seen in enumerate((photos, photos[:, :, ::-1])):
        expected = backbone.first(tf.constant(seen)).numpy()
        np.testing.assert_allclose(found[:, side], expected, atol=0.02)


def test_further_views_are_parts_of_the_photo_every_other_mirrored(tmp_path, backbone, paths):
    found = cached_features(tmp_path / "cache", paths, backbone, TINY, 4)
    assert found.shape == (6, 6, 3, 3, 1280)
    plain = cached_features(tmp_path / "cache", paths, backbone, TINY)
    np.testing.assert_array_equal(found[:, :2], plain)
    for row, path in enumerate(paths):
        for view in range(2, 6):
            part = varied(open_photo(path), np.random.default_rng([row, view]))
            square = resize(part, TINY.image_size, TINY.fit).astype(np.float32)
            seen = square[:, ::-1] if view % 2 else square
            expected = backbone.first(tf.constant(seen[None])).numpy()[0]
            np.testing.assert_allclose(found[row, view], expected, atol=0.02)


def test_what_was_computed_is_kept_and_what_is_damaged_is_computed_again(
    tmp_path, backbone, paths, monkeypatch
):
    first = np.array(cached_features(tmp_path / "cache", paths, backbone, TINY))
    loaded = []

    def counted(path):
        loaded.append(path)
        return open_photo(path)

    monkeypatch.setattr(module, "open_photo", counted)
    np.testing.assert_array_equal(cached_features(tmp_path / "cache", paths, backbone, TINY), first)
    assert not loaded
    [file] = (tmp_path / "cache").glob("*/features.npy")
    data = bytearray(file.read_bytes())
    data[-10] ^= 255
    file.write_bytes(data)
    again = cached_features(tmp_path / "cache", paths, backbone, TINY)
    assert loaded == paths[-1:]
    np.testing.assert_allclose(again, first, atol=0.02)


def test_a_stopped_computation_goes_on(tmp_path, backbone, paths, monkeypatch):
    monkeypatch.setattr(module, "_BATCH", 2)
    loaded = []

    def counted(path):
        if len(loaded) == 4:
            raise KeyboardInterrupt
        loaded.append(path)
        return open_photo(path)

    monkeypatch.setattr(module, "open_photo", counted)
    with pytest.raises(KeyboardInterrupt):
        cached_features(tmp_path / "cache", paths, backbone, TINY)
    monkeypatch.setattr(module, "open_photo", lambda *a: loaded.append(a) or open_photo(*a))
    found = cached_features(tmp_path / "cache", paths, backbone, TINY)
    assert len(loaded) == 6 and np.abs(found).reshape(6, -1).max(1).all()


def test_a_file_that_a_kill_left_empty_is_made_anew(tmp_path, backbone, paths):
    expected = np.array(cached_features(tmp_path / "cache", paths, backbone, TINY))
    [file] = (tmp_path / "cache").glob("*/rows.npy")
    os.truncate(file, 0)
    found = cached_features(tmp_path / "cache", paths, backbone, TINY)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["posix_fallocate", "replace"])
def test_a_kill_while_a_file_is_made_leaves_none(tmp_path, monkeypatch, name):
    def killed(*words):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, name, killed)
        _writable(tmp_path / "f.npy", (3, 2), np.float16)
    assert not (tmp_path / "f.npy").exists()
    made = _writable(tmp_path / "f.npy", (3, 2), np.float16)
    assert made.shape == (3, 2) and not made.any() and len([*tmp_path.iterdir()]) == 1
    for size in (0, 100, 139):  # half a header, a header, half the array
        made[:] = 1
        os.truncate(tmp_path / "f.npy", size)
        made = _writable(tmp_path / "f.npy", (3, 2), np.float16)
        assert not made.any()


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9999, most[1]))
    try:
        with pytest.raises(OSError) as caught:
            _writable(tmp_path / "f.npy", (99999,), np.float16)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert caught.value.errno == errno.EFBIG and caught.value.filename == str(tmp_path / "f.npy")
    assert not [*tmp_path.iterdir()]


def test_one_process_computes_and_any_may_read(tmp_path, backbone, paths, monkeypatch):
    cached_features(tmp_path / "cache", paths, backbone, TINY)

    def locked(place):
        raise InputError(f"{place}: process 1 is at work here")

    monkeypatch.setattr(module, "locked", locked)
    cached_features(tmp_path / "cache", paths, backbone, TINY)
    with pytest.raises(InputError, match="is at work here"):
        cached_features(tmp_path / "cache", paths[:3], backbone, TINY)


def test_anything_else_is_another_cache(tmp_path, backbone, paths):
    other = Backbone(TINY)
    cut = dataclasses.replace(TINY, cut="block_15_add")
    runs = [
        (paths, backbone, TINY),
        (paths[:-1], backbone, TINY),
        (paths, other, TINY),
        (paths, backbone, dataclasses.replace(TINY, fit="pad")),
        (paths, Backbone(cut), cut),
    ]
    for number, arguments in enumerate(runs, 1):
        found = cached_features(tmp_path / "cache", *arguments)
        assert len(list((tmp_path / "cache").iterdir())) == number
    assert found.shape == (6, 2, 3, 3, 56)
