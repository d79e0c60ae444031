import re

import numpy as np
import pytest

from apps.translation.app import RECIPES
from apps.translation.held_out import fingerprint, is_held_out, without_held_out
from apps.translation.lifting import lift_pairs
from apps.translation.scenes import scene_pairs, scenes
from apps.translation.scenes.drawing import Draw, table
from apps.translation.scenes.templates import TEMPLATES

COUNT = 300


@pytest.mark.parametrize("template", [function for function, _ in TEMPLATES])
def test_each_template_is_well_formed_in_all_languages(template):
    draw = Draw(np.random.default_rng(0))
    for _ in range(COUNT):
        words = template(draw)
        assert len(words) == 4
        for text in words:
            assert text == text.strip() and text and "  " not in text and "*" not in text, words
            assert not re.search(r" [.,]|None|\bde el\b|\ba el\b|\bà le\b|\bde le\b", text), words
            # No elision left out, as in "le arbre"; German words do not begin so.
            assert not re.search(r"\b(le|la|de|ne|que) [aeiouéèêâ]", words[2]), words
        if template.__name__ != "said":
            marks = {text[-1] for text in words}
            assert len(marks) == 1 or not marks & set(".?!"), words
            assert (words[3].startswith("¿")) == ("?" in words[0]) or "¿" in words[3], words
        numbers = [re.findall(r"\d+", text) for text in words]
        assert all(sorted(found) == sorted(numbers[0]) for found in numbers), words


def test_the_same_seed_gives_the_same_scenes():
    first, second = (scenes(50, np.random.default_rng(3)) for _ in range(2))
    assert first == second != scenes(50, np.random.default_rng(4))


def test_pairs_are_of_the_directions_and_can_be_lifted():
    directions = RECIPES["everyday"].config.directions
    pairs = scene_pairs(directions, COUNT, np.random.default_rng(0))
    assert {(p.source_language, p.target_language) for p in pairs} == set(directions)
    assert len(lift_pairs(pairs, {})) >= 0.99 * COUNT
    assert scene_pairs([("en", "it")], 5, np.random.default_rng(0)) == []


def test_no_scene_is_one_of_the_sentences_that_test():
    assert is_held_out(["which bus goes to the AIRPORT?"])
    assert not any(is_held_out(words) for words in scenes(COUNT, np.random.default_rng(0)))


def test_phrases_are_whole_and_not_those_that_test():
    for words in table("phrases.tsv"):
        assert all(words)
        assert not is_held_out(words), words


def test_fingerprints_see_letters_and_digits_alone():
    assert fingerprint("Hello, Tom!") == fingerprint("hello tom") != fingerprint("hello tim")


def test_pairs_with_such_a_sentence_are_left_out():
    pairs = [("Tell me the truth!", "x"), ("a", "sag mir die wahrheit"), ("a", "b")]
    assert without_held_out(pairs) == [("a", "b")]
