import pytest

from shared.errors import InputError
from shared.text.language import guess_language

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


def test_only_the_languages_asked_for_are_answered():
    assert guess_language("A man is riding a bike.", ["de", "fr"]) in ("de", "fr")
    assert guess_language("Ein Mann", ["xx"]) == "xx"  # nothing to choose


def test_languages_that_cannot_be_guessed_are_named():
    with pytest.raises(InputError, match="xx, de.*--from"):
        guess_language("Ein Mann", ["xx", "de"])
