import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.sentences import fit_sentence, split_clauses, split_sentences


@given(text=st.text(alphabet="aB1 .!?\n\r\f\"'ä", max_size=60))
def test_nothing_is_lost(text):
    found = split_sentences(text)
    assert "".join(s.text + s.after for s in found) == text
    assert all(not s.after.strip() for s in found)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A dog runs. It barks!  Why?", ["A dog runs.", "It barks!", "Why?"]),
        ("He said: “Go.” Then he left.", ["He said: “Go.”", "Then he left."]),
        ("Dr. Smith met J. S. Bach at 3.5 km.", ["Dr. Smith met J. S. Bach at 3.5 km."]),
        ("Am 3. Mai kam Herr Braun, z.B. Ärzte. Über alles.",
         ["Am 3. Mai kam Herr Braun, z.B. Ärzte.", "Über alles."]),
        ("¿Qué? ¡No! Sí.", ["¿Qué?", "¡No!", "Sí."]),
        ("a title\nA line. and on", ["a title", "A line. and on"]),
        ("a\rB.\fc\x0bd\u2028e\r\nf", ["a", "B.", "c", "d", "e", "f"]),
        ("Wait... what? Yes", ["Wait... what?", "Yes"]),
    ],
)  # fmt: skip
def test_where_sentences_end(text, sentences):
    assert [s.text for s in split_sentences(text)] == sentences


def test_separators_are_kept():
    assert [s.after for s in split_sentences("One.  Two.\n\n Three.\n")] == ["  ", "\n\n ", "\n"]


def words(text):
    return len(text.split())


def test_long_sentences_are_cut_at_clauses_first():
    text = "one two three, four five; six seven eight nine ten eleven"
    assert fit_sentence(text, 20, words) == [text]
    assert fit_sentence(text, 6, words) == [
        "one two three, four five;",
        "six seven eight nine ten eleven",
    ]
    assert fit_sentence(text, 4, words)[2:] == ["six seven eight nine", "ten eleven"]


@given(text=st.text(alphabet="ab, ;", max_size=60), room=st.integers(1, 8))
def test_parts_fit_and_hold_everything(text, room):
    parts = fit_sentence(text, room, len)
    assert all(len(part) <= room for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.mark.parametrize("text", [".", " ", "!", "A. ", "A.\t", '."', "\n ", ". (((", "… «", "a-"])
def test_time_is_linear_in_the_length(text):
    begin = time.process_time()
    long = text * (200_000 // len(text))
    assert "".join(s.text + s.after for s in split_sentences(long)) == long
    assert time.process_time() - begin < 5


def test_long_sentences_are_split_between_clauses():
    long = (
        "We walked along the river for an hour, and when it began to rain we went into a small "
        "restaurant, where we had soup, bread, cheese and wine because we were so hungry."
    )
    parts = split_clauses(long, 20)
    assert " ".join(parts) == long
    assert parts == [
        "We walked along the river for an hour, and when it began to rain we went into a small "
        "restaurant,",
        "where we had soup, bread, cheese and wine because we were so hungry.",
    ]
    assert split_clauses("A short one, and that is all.", 20) == ["A short one, and that is all."]
    assert len(split_clauses("word " * 29 + "word", 20)) == 1  # no place to split it at
