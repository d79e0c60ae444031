"""The engine, on a model of four directions that was never trained."""

import dataclasses

import numpy as np
import pytest

from apps.translation.app import TRANSLATION
from apps.translation.translate import Translation, Translator
from shared.backends.keras_model import KerasBackend
from shared.errors import InputError
from shared.presets.open import Opened
from shared.text import Tokenizer
from tests.apps.translation.toy import TINY, random_model, toy_tokenizer

DIRECTIONS = (("en", "de"), ("en", "fr"), ("de", "en"), ("fr", "en"))


@pytest.fixture(scope="module")
def translator(tmp_path_factory):
    folder = tmp_path_factory.mktemp("translate")
    config = dataclasses.replace(TINY, directions=DIRECTIONS, multilingual=True)
    tokenizer = toy_tokenizer(folder, config.symbols)
    config = dataclasses.replace(config, vocabulary=tokenizer.vocabulary)
    model = random_model(directions=DIRECTIONS, multilingual=True, vocabulary=tokenizer.vocabulary)
    tokenizer = Tokenizer(folder / "tokenizer.model")
    return Translator(
        Opened(KerasBackend(model), "four", config, "keras", "float32", folder, tokenizer)
    )


def test_a_string_gives_one_and_a_list_gives_a_list(translator):
    one = translator("the dog sees the cat", to="fr")
    assert isinstance(one, Translation) and one.text == one.n_best[0].text
    assert (one.source_language, one.target_language) == ("en", "fr")
    several = translator(["the dog", "", "the cat. The man."], source_language="en")
    assert [found.target_language for found in several] == ["de"] * 3
    assert (
        several[1].text == "" and several[1].score == 0.0 and several[1].alignment.shape == (0, 0)
    )
    assert [sentence.source for sentence in several[2].sentences] == ["the cat.", "The man."]
    assert translator([], to="de") == []


def test_sentences_are_translated_by_themselves_and_joined_as_they_were(translator):
    text = "the old dog hears.  The cat sees the man.\nthe dog"
    whole = translator(text, to="de", source_language="en")
    assert [s.gap for s in whole.sentences] == ["  ", "\n", ""]
    alone = [sentence.found[0] for sentence in whole.sentences]
    texts = [found.text for found in alone]
    assert whole.text == f"{texts[0]}  {texts[1]}\n{texts[2]}".strip()
    assert whole.score == pytest.approx(np.mean([found.score for found in alone]))
    assert whole.alignment.shape == (len(whole.pieces), len(whole.source_pieces))
    np.testing.assert_allclose(whole.alignment.sum(1), 1, atol=1e-3)
    rows, columns = alone[0].attention.shape
    np.testing.assert_array_equal(whole.alignment[:rows, :columns], alone[0].attention)
    assert not whole.alignment[:rows, columns:].any()


def test_several_translations_come_best_first(translator):
    found = translator("the dog sees. The cat hears.", to="de", n_best=3, beam_size=4)
    assert len(found.n_best) == 3 and found.n_best[0].text == found.text
    scores = [each.score for each in found.n_best]
    assert scores == sorted(scores, reverse=True)
    assert all(isinstance(each, Translation) for each in found.n_best)


def test_options_are_those_of_the_command(translator):
    assert translator("the dog", to="de").text == translator("the dog", to="de", beam_size=5).text
    told = []
    translator(["the dog", "the cat"], to="de", beam_size=1, progress=told.append)
    assert sum(told) == 2
    for options in ({"beam_size": 0}, {"n_best": 9}, {"length_penalty": -1.0}):
        with pytest.raises(InputError):
            translator("the dog", to="de", **options)
    with pytest.raises(InputError, match="it translates en-de"):
        translator("the dog", to="es")
    with pytest.raises(TypeError, match="beam"):
        translator("the dog", beam=3)


def test_the_default_model_says_where_the_station_is():
    found = Translator.from_preset()("Where is the station?", to="fr")
    assert found.text == "Où est la gare ?"
    assert found.attention_map().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="by Keras alone"):
        Translator(TRANSLATION.open()).trace("A man.")
