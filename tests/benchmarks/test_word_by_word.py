from apps.translation.data import Pair
from benchmarks.word_by_word import dictionary, main, translate
from tests.apps.translation.toy import WORDS, toy_pairs


def test_the_dictionary_of_a_language_that_is_one():
    pairs = [Pair(source, target, "en", "de") for source, target in toy_pairs()]
    assert dictionary(pairs) == WORDS


def test_marks_and_unknown_words_are_copied():
    assert translate("the Zork, the dog.", {"the": "der", "dog": "Hund"}) == "der Zork, der Hund."


def test_the_command_scores_a_folder(tmp_path, capsys):
    for split, pairs in (("train", toy_pairs()[:80]), ("test_2016_flickr", toy_pairs()[80:])):
        for side, language in enumerate(("en", "de")):
            lines = "".join(f"{pair[side]}\n" for pair in pairs)
            (tmp_path / f"{split}.{language}").write_text(lines, encoding="utf-8")
    assert main(["--data", str(tmp_path), "--recipe", "pair"]) == 0
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.startswith("| en-de ") and "100" in row
