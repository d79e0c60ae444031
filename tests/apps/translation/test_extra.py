import pytest

from apps.translation.data import Pair
from apps.translation.extra import read_extra
from shared.errors import InputError

DIRECTIONS = [("en", "de"), ("de", "en")]


def test_lines_with_and_without_languages(tmp_path):
    path = tmp_path / "extra.tsv"
    path.write_text("a dog\tein Hund\n\neine Katze\ta cat\tde\ten\n", encoding="utf-8")
    assert read_extra(path, ("en", "de"), DIRECTIONS) == [
        Pair("a dog", "ein Hund", "en", "de"),
        Pair("eine Katze", "a cat", "de", "en"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a dog", "line 1: give source and target"),
        ("a dog\tein Hund\ten", "line 1: give source and target"),
        ("a dog\t", "line 1: give source and target"),
        ("a dog\tun chien\ten\tfr", "line 1: this model does not translate en-fr"),
    ],
)
def test_what_is_refused(tmp_path, line, message):
    path = tmp_path / "extra.tsv"
    path.write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_extra(path, ("en", "de"), DIRECTIONS)


def test_covost(tmp_path):
    path = tmp_path / "covost_v2.de_en.train.tsv"
    rows = [
        "path\tsentence\ttranslation\tclient_id",
        "a.mp3\tEin Hund.\tA dog.\t77",
        "b\tLeer\t\t77",
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    expected = [Pair("Ein Hund.", "A dog.", "de", "en")]
    assert read_extra(path, ("en", "de"), DIRECTIONS) == expected
    other = tmp_path / "mine.tsv"
    other.write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert read_extra(other, ("de", "en"), DIRECTIONS) == expected
    with pytest.raises(InputError, match="does not translate de-en"):
        read_extra(path, ("en", "de"), [("en", "de")])
