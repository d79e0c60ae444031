import dataclasses
from pathlib import Path

import numpy as np
import pytest

from apps.captioning.app import CAPTIONING
from apps.captioning.data import Data, Photo, Source
from shared.errors import InputError


def test_recipes_read_as_they_should():
    base, scst = CAPTIONING.stage(), CAPTIONING.stage("scst")
    assert scst.data.scst and not base.data.scst
    assert base.config == scst.config and base.fit.better(0.5, 0.4)  # CIDEr, higher is better
    assert scst.fit.learning_rate < base.fit.learning_rate
    assert CAPTIONING.layers(CAPTIONING.stage("up-down").config) == 2


@pytest.mark.parametrize(
    "options",
    [{"batch": 0}, {"crops": -1}, {"baseline": "none"}, {"scst": True, "captions_per_photo": 1}],
)
def test_data_options_out_of_range_are_refused(options):
    with pytest.raises(InputError):
        Data(**options)


def test_data_that_is_not_named_is_refused():
    with pytest.raises(InputError, match="name the photos with --images"):
        CAPTIONING.read(Source(), "valid", CAPTIONING.stage().config)


def test_the_card_knows_flickr8k_by_the_folder():
    config = CAPTIONING.stage().config
    for data in (Data(data="/data/flickr8k"), Data(captions="/data/flickr8k/captions.txt")):
        card = CAPTIONING.card(config, data, False)
        assert card.data[0].startswith("Flickr8k") and "research" in card.license_note
    own = CAPTIONING.card(dataclasses.replace(config, tune=True), Data(data="/data/own"), False)
    assert own.data[0] == "own" and "fine-tuned" in own.summary
    assert "self-critical" in CAPTIONING.card(config, Data(data="x", scst=True), True).title


def test_the_card_and_the_notes_name_every_language():
    config = dataclasses.replace(CAPTIONING.stage("en-de").config, languages=("en", "de"))
    card = CAPTIONING.card(config, Data(data="own", also=("de=/x/de.csv",), text="/x/t.tsv"), False)
    assert card.languages == ("en", "de") and "in en and de" in card.summary
    assert card.data[1:3] == ("Captions in de: de.csv", "Captions without photos: t.tsv")
    assert card.data[3].startswith("EfficientNet-Lite2")
    photos = [Photo(Path("a"), ("x",)), Photo(Path("b"), ("x",)), Photo(Path("b"), ("y",), "de")]
    notes = CAPTIONING.notes(photos, {"rouge_l": 1.0, "rouge_l_de": 1.0})
    assert notes["rouge_l"].startswith("2 {} photos; beam")
    assert notes["rouge_l_de"].startswith("1 {} photos, --to de; beam")


def test_a_random_batch_is_a_training_batch():
    config = dataclasses.replace(CAPTIONING.stage("tiny").config, vocabulary=40)
    batch = CAPTIONING.random_batch(config, np.random.default_rng(0))
    assert batch["features"].shape == (24, 3, 3, 1280)
    assert batch["inputs"].shape == batch["mask"].shape == (120, 13)
    assert not batch["targets"][~batch["mask"]].any()
    model = CAPTIONING.build(config)
    assert np.isfinite(float(model.compute_loss(batch, None, model(batch))))
