from collections import Counter

import pytest

from apps.translation import held_out
from benchmarks.everyday.score import LANGUAGES, digits, figures, read

SENTENCES = read()


def test_there_are_enough_of_every_kind():
    kinds = Counter(sentence.kind for sentence in SENTENCES)
    assert len(SENTENCES) >= 200 and min(kinds.values()) >= 8 and len(kinds) >= 12
    assert len({sentence.texts[0] for sentence in SENTENCES}) == len(SENTENCES)


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.texts[0])
def test_references_keep_digits_names_and_marks(sentence):
    english = sentence.texts[0]
    for language, text in zip(LANGUAGES, sentence.texts, strict=True):
        assert text and text == text.strip()
        assert digits(text) == digits(english), text
        assert all(name in text for name in sentence.names), text
        assert (text[-1] in ".?!") == (english[-1] in ".?!"), text
        assert text.endswith("?") == english.endswith("?"), text
        assert text.isupper() == english.isupper(), text
        if language == "es":
            assert ("¿" in text) == ("?" in text) and ("¡" in text) == ("!" in text), text
        if language == "fr" and text[-1] in "?!":
            assert text[-2] == " ", text


def test_training_leaves_them_out():
    marks = {held_out.fingerprint(text) for sentence in SENTENCES for text in sentence.texts}
    assert marks == held_out._held_out()


def test_figures():
    found = {("en", "de"): [sentence.texts[1] for sentence in SENTENCES]}
    perfect = figures(SENTENCES, found)
    assert perfect["chrf"] == perfect["chrf_en_de"] == pytest.approx(100)
    assert perfect["digits_equal"] == perfect["names_kept"] == 100
    found["en", "de"][[s.kind for s in SENTENCES].index("numbers")] = "Die Karten kosten $24.5."
    worse = figures(SENTENCES, found)
    assert worse["digits_equal"] < 100 and worse["chrf_numbers"] < 100
    assert worse["names_kept"] == 100
