"""What ``translate`` takes for text, for a file and for a language, with the shipped bundle."""

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.translation import verbs
from apps.translation.reading import read_lines, text_file
from apps.verbs.cli import main
from shared.errors import InputError

ROOT = Path(verbs.__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "word",
    ["missing.txt", "./missing", "a/b", "/nonexist/my brief.txt", "~/b.md", "*.srt", r"C:\a b",
     "notes.docx", "../x y", "part.html"],
)  # fmt: skip
def test_what_looks_like_a_file_and_is_none_is_refused(word):
    with pytest.raises(InputError, match="no such file.*--text"):
        text_file([word])


@pytest.mark.parametrize(
    "words",
    [["Hello."], ["3.14"], ["It", "is", "in", "notes.txt"], ["He or she/it is here."], ["U.S."],
     ["a@example.com"], ["Wait...what?"], ["~5 km"], ["x" * 5000], ["a\0b"], ["Tom: no.\nYes."]],
)  # fmt: skip
def test_words_are_text(words):
    assert text_file(words) is None
    assert read_lines(words, None) == " ".join(words).split("\n")


def test_a_path_that_exists_is_read_or_refused(tmp_path):
    for name in ("one", "two.txt"):
        (tmp_path / name).write_text("a")
    os.symlink("nowhere", tmp_path / "link")
    assert text_file(["one"]) == "one" and text_file([]) == text_file(["-"]) == "-"
    with pytest.raises(InputError, match="2 files"):
        text_file(["one", "two.txt"])
    with pytest.raises(InputError, match="two.txt: is a file, and more follows"):
        text_file(["two.txt", "three"])
    assert text_file(["See", "two.txt"]) is None
    with pytest.raises(InputError, match="is a folder"):
        text_file([str(tmp_path)])
    with pytest.raises(InputError, match="link: cannot be read"):
        read_lines(["link"], text_file(["link"]))


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\r\nb\n\nc", ["a", "b", "", "c"]),
        (b"a\rb\fc\vd\r", ["a", "b", "c", "d"]),
        ("\ufeffä\u2028b\n".encode(), ["ä\u2028b"]),
        ("ä\n".encode("utf-16"), "not UTF-8"),
        (b"caf\xe9\n", "not UTF-8"),
        (b"a\0b", "not text"),
        (b"", "empty"),
        (b"\n \n\f", "empty"),
    ],
)
def test_a_file_line_by_line(content, lines, tmp_path):
    (tmp_path / "in").write_bytes(content)
    if isinstance(lines, list):
        assert read_lines(["in"], "in") == lines
        return
    with pytest.raises(InputError, match=f"^in: .*{lines}"):
        read_lines(["in"], "in")


@given(
    lines=st.lists(st.text("abc ä.\u2028", max_size=9).map(lambda text: f"x{text}"), min_size=1),
    data=st.data(),
)
def test_whatever_ends_lines(lines, data, tmp_path_factory):
    ends = [data.draw(st.sampled_from(["\n", "\r\n", "\r", "\v", "\f"])) for _ in lines]
    path = tmp_path_factory.mktemp("lines") / "in"
    path.write_bytes("".join(map(str.__add__, lines, ends)).encode())
    assert read_lines([str(path)], str(path)) == lines


def run(capsys, *words):
    """The status, standard output and standard error of ``translate``."""
    status = main(["translate", *words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["Wo ist der Bahnhof?", "--to", "fr"], "German (de), which"),
        (["Ich bin müde.", "--to", "de"], "is German (de) already"),
        (["Това е много добро."], "Bulgarian (bg)"),
        (["今天天气很好", "--to", "en"], "Chinese (zh)"),
        (["A dog.", "--from", "de", "--to", "de"], "does not translate that way"),
        (["a", "--beam", "100000"], "1000 at most"),
        (["a", "--attention", "-"], "name a file"),
        (["a", "--attention", "a.png", "-o", "a.png"], "same file"),
    ],
)
def test_refused_in_one_line(words, error, capsys):
    status, out, err = run(capsys, *words)
    assert status == 2 and not out and error in err and err.count("\n") == 1


def test_inputs_are_not_written_over(tmp_path, capsys):
    (tmp_path / "a.png").write_text("I am tired.\n")
    for option in ("-o", "--attention"):
        status, _, err = run(capsys, "a.png", option, "a.png")
        assert status == 2 and "would be lost" in err
    assert (tmp_path / "a.png").read_text() == "I am tired.\n"


def test_the_data_of_a_folder_is_not_written_over(tmp_path, capsys):
    (tmp_path / "test_2016_flickr.en").write_text("I am tired.\n")
    words = ["--data", ".", "-o", "./test_2016_flickr.en", "--backend", "litert"]
    assert main(["evaluate", "translation", *words]) == 2
    assert "would be lost" in capsys.readouterr().err


def test_what_is_piped_in_is_not_written_over(tmp_path):
    (tmp_path / "in").write_text("I am tired.\n")
    code = "import sys; from apps.verbs.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "translate", "-", "-o", "in"]
    with open("in") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, check=False, text=True,
                              env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 2 and "would be lost" in done.stderr


def test_the_language_of_a_word_is_said(capsys):
    status, out, err = run(capsys, "Water", "--json")
    assert status == 0 and json.loads(out)["source_language"] == "en"
    assert err == "taken for English (en); --from names another language\n"
    assert json.loads(out)["source_language_guessed"] is True
    assert run(capsys, "Water", "--from", "EN", "--to", "De")[2] == ""
    assert run(capsys, "I am tired.", "-o", "-", "--to", "de") == (0, "Ich bin müde.\n", "")


def test_lines_in_other_languages_are_counted(tmp_path, capsys):
    (tmp_path / "in").write_text("I am so tired today.\nWhere is the station?\nThe house is big.\n"
                                 "Wo ist der Bahnhof?\nHello.\nTom\n")  # fmt: skip
    status, out, err = run(capsys, "in", "--to", "de")
    assert status == 0 and len(out.splitlines()) == 6
    assert "but 1 of 6 lines seem to be in other languages: German (de) 1" in err


def test_several_translations_as_one_types(monkeypatch, capsys):
    typed = io.StringIO("The man is tired.\nWo ist der Bahnhof?\n")
    monkeypatch.setattr(sys, "stdin", typed)
    status, out, err = run(capsys, "--interactive", "--n-best", "2", "--to", "de")
    assert status == 0 and len(out.splitlines()) == 2 and "German (de) already" in err


def test_evaluate_writes_a_line_for_each_line_and_measures_what_has_two_sides(tmp_path, capsys):
    (tmp_path / "a").write_text("en\nI am tired.\n\nThe house.\nThe man.\n")
    (tmp_path / "b").write_text("de\nIch bin müde.\nleer\n\nDer Mann.\n", encoding="utf-8")
    words = ["--source", "a", "--reference", "b", "--from", "en", "--to", "DE",
             "--backend", "litert", "--json"]  # fmt: skip
    assert main(["evaluate", "translation", *words, "-o", "o"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["n"] == 2
    assert captured.err == "left out: 1 header line, 2 empty on a side\n"
    lines = (tmp_path / "o").read_text(encoding="utf-8").split("\n")
    assert len(lines) == 6 and lines[1] == "Ich bin müde." and lines[0] == lines[2] == ""
    for output, error in (("b", "would be lost"), ("-", "name a file")):
        assert main(["evaluate", "translation", *words, "-o", output]) == 2
        assert error in capsys.readouterr().err


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A file of more lines than are translated at a time."""
    monkeypatch.setattr("apps.translation.verbs._CHUNK", 2)
    lines = ["I am tired.", "", "The house is big.", "The man is here.", "A dog.", "I see you."]
    (tmp_path / "in.txt").write_text("\n".join(lines) + "\n")
    return lines


def test_after_a_stop_what_is_done_is_there_and_resume_goes_on(book, tmp_path, capsys, monkeypatch):
    words = ["in.txt", "-o", "out.txt", "--to", "de"]
    status, out, _ = run(capsys, *words)
    assert status == 0 and out == "wrote out.txt: 6 lines, en-de\n"
    whole = (tmp_path / "out.txt").read_bytes()
    assert whole.decode().startswith("Ich bin müde.\n\n") and whole.count(b"\n") == 6

    translate = verbs.Translator.__call__
    calls = []

    def stopped(self, texts, **options):
        calls.append(texts)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return translate(self, texts, **options)

    monkeypatch.setattr(verbs.Translator, "__call__", stopped)
    assert run(capsys, *words)[0] == 130
    assert (tmp_path / "out.txt").read_bytes() == b"".join(whole.splitlines(keepends=True)[:2])
    with (tmp_path / "out.txt").open("ab") as file:
        file.write(b"half a li")
    assert run(capsys, *words, "--resume")[0] == 0
    assert (tmp_path / "out.txt").read_bytes() == whole
    assert calls[2:] == [book[2:4], book[4:]]
    assert run(capsys, *words, "--resume")[0] == 0
    (tmp_path / "in.txt").write_text("I am tired.\n")
    status, _, err = run(capsys, *words, "--resume")
    assert status == 2 and "has 6 lines, the text 1" in err


def test_json_and_standard_output_have_all_lines(book, capsys):
    status, out, err = run(capsys, "in.txt", "--to", "de", "--json", "-o", "out.txt")
    texts = [text["translation"] for text in json.loads(out)["texts"]]
    assert status == 0 and not err and len(texts) == 6
    assert run(capsys, "in.txt", "--to", "de")[1].splitlines() == texts
    assert run(capsys, "in.txt", "--to", "de", "--resume")[0] == 2


def test_a_refused_text_leaves_the_output_as_it_was(tmp_path, capsys):
    (tmp_path / "out.txt").write_text("mine")
    assert run(capsys, "Wo ist der Bahnhof?", "--to", "fr", "-o", "out.txt")[0] == 2
    assert (tmp_path / "out.txt").read_text() == "mine"


def test_a_pipe_is_written_to(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    assert run(capsys, "I am tired.", "--to", "de", "-o", "pipe")[0] == 0
    reader.join(5)
    assert read == ["Ich bin müde.\n".encode()] and (tmp_path / "pipe").is_fifo()
