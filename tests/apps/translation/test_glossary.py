import pytest

from apps.translation.glossary import Glossary, original, read_glossary, translated
from apps.translation.lifting import finished, form_of
from shared.errors import InputError

TERMS = {"station": "Bahnhof", "train station": "Hauptbahnhof", "IT": "EDV"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Where is the station?", ["Bahnhof"]),
        ("The train station has IT, but it is no Station.", ["Hauptbahnhof", "EDV", "Bahnhof"]),
        ("The stations, a substation and https://a.de/station stay.", []),
    ],
)
def test_terms_are_placeholders_of_the_model(text, expected):
    marked = Glossary(TERMS).marked(text)
    assert original(marked) == text
    form = form_of(marked)
    lifted = [translated(s.text, "") for s in form.slots if "http" not in s.text]
    assert lifted == expected and not any(term in form.text for term in ("train", "IT"))
    # What the model writes has them where it placed them.
    assert translated(finished(form, form.text), marked).count("Bahnhof") == expected.count(
        "Bahnhof"
    )


def test_a_sentence_that_began_with_a_term_begins_with_a_capital():
    marked = Glossary({"station": "Bahnhof"}).marked("Station closed.")
    form = form_of(marked)
    assert translated(finished(form, f"der {form.slots[0].symbol} ist zu."), marked) == (
        "Der Bahnhof ist zu."
    )


@pytest.mark.parametrize("text", ["station\n", "a\tb\tc\n", "\tb\n", "{a}\tb\n", "\n"])
def test_bad_glossaries_are_refused(tmp_path, text):
    (tmp_path / "terms.tsv").write_text(text)
    with pytest.raises(InputError, match="terms.tsv"):
        read_glossary(tmp_path / "terms.tsv")
    (tmp_path / "terms.tsv").write_text("station\tBahnhof\n\nIT\tEDV\n")
    assert read_glossary(tmp_path / "terms.tsv") == {"station": "Bahnhof", "IT": "EDV"}
