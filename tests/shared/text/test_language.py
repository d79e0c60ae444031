import pytest

from shared.errors import InputError
from shared.text.language import guess_language, is_short, name_of

LANGUAGES = ["en", "de", "es", "fr"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "A man is riding a bike."),
        ("en", "Where have you been?"),
        ("de", "Ein Mann fährt Fahrrad."),
        ("de", "Wo bist du gewesen?"),
        ("es", "Un hombre monta en bicicleta."),
        ("es", "¿Dónde has estado?"),
        ("fr", "Un homme fait du vélo."),
        ("fr", "Où étais-tu passé ?"),
    ],
)
def test_short_sentences_are_recognized(language, text):
    assert guess_language(text, LANGUAGES) == language


def test_a_language_that_cannot_be_told_is_believed():
    assert guess_language("Ein Mann", ["xx"]) == "xx"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("it", "Il treno è in ritardo."),
        ("pl", "Gdzie jest dworzec?"),
        ("bg", "Това е много добро."),
        ("ar", "أين المحطة؟"),
        ("zh", "今天天气很好"),
    ],
)
def test_a_language_that_was_not_asked_for_is_answered_if_it_is_clearly_that(language, text):
    assert guess_language(text, LANGUAGES) == guess_language(text, ["en"], LANGUAGES) == language
    assert name_of(language).endswith(f" ({language})")


def test_a_language_that_is_known_but_not_asked_for():
    assert guess_language("Wo ist der Bahnhof?", ["en"], LANGUAGES) == "de"
    assert guess_language("The garden is beautiful", ["de", "fr"], LANGUAGES) == "en"


@pytest.mark.parametrize("text", ["Hello", "Hello.", "Help!", "Water", "No.", "Thank you"])
def test_a_word_or_two_are_of_the_first_language(text):
    assert is_short(text)
    assert guess_language(text, LANGUAGES) == "en"


def test_a_word_or_two_of_another_language_for_sure():
    assert guess_language("Entschuldigung!", LANGUAGES) == "de"
    assert guess_language("Buenos días", LANGUAGES) == "es"
    assert not is_short("Ich bin müde.") and not is_short("$48.87") and is_short("l'eau")


def test_capitals_do_not_matter():
    assert guess_language("WO IST DER BAHNHOF?", LANGUAGES) == "de"
    assert guess_language("WHERE IS THE STATION?", LANGUAGES) == "en"


def test_languages_that_cannot_be_guessed_are_named():
    with pytest.raises(InputError, match="xx; .*--from"):
        guess_language("Ein Mann", ["xx", "de"])
