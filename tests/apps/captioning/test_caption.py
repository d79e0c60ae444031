"""`Captioner` with the bundle that ships."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from apps.captioning.caption import Captioner
from apps.captioning.photos import SAMPLES, as_photo, find_photos, load_photo
from shared.errors import InputError


@pytest.fixture(scope="module")
def captioner():
    return Captioner.from_preset()


def test_paths_images_and_arrays_are_captioned_alike(captioner):
    path = SAMPLES / "cat.jpg"
    image = Image.open(path)
    found = captioner([str(path), path, image, np.asarray(image)])
    assert len({one.text for one in found}) == 1
    assert captioner(image).text == found[0].text
    assert captioner([]) == []


def test_a_caption_has_words_attention_and_alternatives(captioner):
    found = captioner(SAMPLES / "cat.jpg", n_best=3, beam_size=3)
    assert found.text.startswith(found.words[0].capitalize()) and found.text.endswith(".")
    assert found.plain.split() == list(found.words)
    assert found.attention.shape == (len(found.words), 7, 7)
    np.testing.assert_allclose(found.attention.sum((1, 2)), 1, atol=1e-3)
    assert [one.text for one in found.n_best][0] == found.text
    scores = [one.score for one in found.n_best]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)
    assert found.to_json().keys() >= {"text", "score", "words"}
    picture = captioner.attention_picture(SAMPLES / "cat.jpg", found)
    assert picture.startswith(b"\x89PNG")


def test_photos_are_read_as_they_are_needed(captioner):
    captions = captioner.each(iter([SAMPLES / "cat.jpg", "missing.jpg"]))
    assert next(captions).text
    with pytest.raises(InputError, match=r"missing\.jpg"):
        next(captions)


@pytest.mark.parametrize("options", [{"beam_size": 0}, {"n_best": 9}, {"strategy": "guess"}])
def test_options_out_of_range_are_refused(captioner, options):
    with pytest.raises(InputError):
        captioner(SAMPLES / "cat.jpg", **options)


@pytest.mark.parametrize(
    "photo", [np.zeros((9, 9, 3)), np.zeros((9, 9, 2), np.uint8), np.zeros((0, 9), np.uint8)]
)
def test_arrays_that_are_no_photo_are_refused(photo):
    with pytest.raises(InputError, match="a photo as an array is uint8"):
        as_photo(photo)


def test_grey_and_transparent_arrays_become_rgb(captioner):
    config = dataclasses.replace(captioner.opened.config, image_size=32)
    grey = load_photo(np.full((9, 9), 7, np.uint8), config)
    assert grey.shape == (32, 32, 3) and (grey == 7).all()
    assert (load_photo(np.zeros((9, 9, 4), np.uint8), config) == 255).all()
    assert len(find_photos([SAMPLES])) == 4
