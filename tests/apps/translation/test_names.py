"""Unknown names come back as they were; what the tokenizer knows is translated."""

import pytest

from apps.translation.glossary import original, translated
from apps.translation.names import mark_names
from apps.translation.translate import Translator


@pytest.fixture(scope="module")
def translator():
    return Translator.from_preset()


@pytest.mark.parametrize(
    "text, language, names",
    [
        ("Mr. Okafor met Oliver Novak in Boston.", "en", ["Okafor", "Oliver Novak"]),
        ("Priya's brother is here.", "en", ["Priya"]),
        ("Unripe apples are sour.", "en", []),
        ("I fly to Russia at Easter.", "en", []),
        ("Ich heiße Tanaka und kaufe eine Schreibtischlampe.", "de", ["Tanaka"]),
        ("J'ai vu Kenji à la gare.", "fr", ["Kenji"]),
        ("WHERE IS OKAFOR?", "en", []),
        ("Write to okafor@example.org or see www.Okafor.com.", "en", []),
    ],
)
def test_marked(translator, text, language, names):
    marked = mark_names(text, translator.opened.tokenizer, language)
    assert original(marked) == text
    for name in names:
        assert f"{{\u2061{name}\u2062{name}\u2061}}" in marked
    assert marked.count("{") == len(names)
    assert translated(marked, marked) == text


def test_more_names_than_placeholders_are_left(translator):
    many = f"We met {', '.join(['Okafor'] * 9)} here."
    assert mark_names(many, translator.opened.tokenizer, "en") == many


def test_a_name_that_no_subword_knows_is_kept(translator):
    assert "Okafor" in translator("Nobody knows where Okafor lives.", to="de").text
