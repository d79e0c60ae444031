import pytest

from shared.errors import InputError
from shared.text.prepare import prepare_tokenizer

FACTS = {"pairs": 2, "symbols": ["<de>"]}


def learned(number):
    return lambda path: path.write_text(f"learned {number}")


def test_a_resumed_run_keeps_its_tokenizer(tmp_path):
    path = tmp_path / "run" / "words.json"
    prepare_tokenizer(path, ["a", "b"], FACTS, None, learned(1))
    prepare_tokenizer(path, ["a", "b"], FACTS, None, learned(2))
    assert path.read_text() == "learned 1"
    for lines, facts in ((["a"], FACTS), (["a", "b"], {**FACTS, "pairs": 3})):
        with pytest.raises(InputError, match="a run on other data"):
            prepare_tokenizer(path, lines, facts, None, learned(2))


def test_a_run_that_starts_from_a_model_has_its_tokenizer(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "words.json").write_text("a model's")
    path = tmp_path / "run" / "words.json"
    prepare_tokenizer(path, ["a"], {}, tmp_path / "model", learned(1))
    assert path.read_text() == "a model's"
    with pytest.raises(InputError, match="a run on other data"):
        prepare_tokenizer(path, ["a"], {}, None, learned(1))
