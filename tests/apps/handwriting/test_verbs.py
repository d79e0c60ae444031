"""Verbs that judge: the recognizer that is trained, the hands that are told apart."""

import io
import json

import pytest

from apps.handwriting.app import HANDWRITING
from apps.handwriting.verbs import read_words
from apps.verbs.cli import main
from shared.errors import InputError
from tests.apps.handwriting.toy_ink import write_json, write_unipen


def test_a_recognizer_is_trained_and_judges(tmp_path, capsys):
    data = str(write_unipen(tmp_path / "unipen"))
    words = ["--data", data, "-o", str(tmp_path / "judge"), "--units", "8", "--points", "800"]
    assert main(["recognizer", *words, "--epochs", "1", "--json"]) == 0
    told = capsys.readouterr().out
    values = json.loads(told[told.index("{") :])
    assert values["n"] > 0 and values["cer_real"] > 0
    words = ["--data", data, "--judge", str(tmp_path / "judge"), "-n", "2", "--backend", "litert"]
    assert main(["evaluate", "handwriting", *words, "--limit", "4", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["n"] == 4 and values["written"] == 2 and "cer" in values


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hands", "--data", "DATA", "--backend", "litert"], "no ink for the split 'withheld'"),
        (["hands", "--data", "DATA", "--lines", "0"], "lines must be 1 or more"),
        (["hands", "--data", "DATA", "-o", "a.svg"], "use .png"),
        (["sheets", "DATA", "--items", "0"], "items must be 1 or more"),
        (["sheets", "DATA", "--split", "test"], "no split 'test'"),
        (["sheets", "none"], "none: no such file"),
        (["evaluate", "handwriting", "--judge", "none", "--backend", "litert"], "--data"),
        (["evaluate", "handwriting", "--data", "DATA", "--seeds", "0", "--backend", "litert"],
         "seeds must be 1 or more"),
        (["write", "a", "-o", "DATA", "--like", "DATA"], "use .svg"),
        (["write", "a", "-o", "a.json", "--like", "a.json"], "a.json"),
        (["write", "a" * 49, "--size", "50", "--dpi", "1200", "-o", "a.png"], "megapixels"),
        (["write", "a", "--page", "a4", "--margin", "100"], "make the margin smaller"),
        (["write", "a", "--ink", "blurple"], "no color"),
        (["write", "a", "-o", "a.svg", "--animate", "a.svg"], "is asked for twice"),
        (["sheets", "DATA", "-o", "DATA"], "is a file, not a folder"),
        (["write", "a", "-o", "-", "--preset", "none"], "-: name a file"),
    ],
)  # fmt: skip
def test_bad_options_are_one_line(tmp_path, capsys, words, message):
    data = write_json(tmp_path / "mine.txt", ("an ant", "to")).rename(tmp_path / "mine.strokes")
    assert main([str(data) if word == "DATA" else word for word in words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.parametrize("text", ["a" * 300, "\u00fc" * 200, "a\nb", "music.txt and more", "\0"])
def test_words_that_are_no_short_name_are_text(text):
    assert read_words([text]) == text


def test_standard_input_is_decoded_like_a_file(tmp_path, monkeypatch, capsys):
    for content, words in ((b"caf\xe9", ["-"]), (b"\xef\xbb\xbfan ant", [])):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), "ascii"))
        (tmp_path / "a").write_bytes(content)
        told = [try_read(words), try_read([str(tmp_path / "a")])]
        assert told[0] == told[1].replace(str(tmp_path / "a"), "standard input")
        assert told[0] == "an ant" or "not UTF-8" in told[0]


def try_read(words):
    try:
        return read_words(words)
    except InputError as error:
        return str(error)


def test_recipes_are_no_presets():
    assert "unipen" not in HANDWRITING.recipes
    tiny, base = HANDWRITING.stage("tiny"), HANDWRITING.stage()
    assert tiny.config.units == (40, 40) and base.config.units == (320, 320, 320)
