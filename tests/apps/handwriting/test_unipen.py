"""Files written here in the UNIPEN format, with all that real ones do."""

import numpy as np
import pytest

from apps.handwriting.corpus import cut_at_gaps, detokenize, read_unipen, reasons, writer_name
from apps.handwriting.unipen import read_recording
from shared.errors import InputError
from tests.apps.handwriting.toy_ink import drawn, unipen_ink, write_unipen

FILE = """.VERSION 1.0
.COMMENT a comment that goes on
 for .PEN_DOWN lines
.INCLUDE who/data.doc
.SEGMENT TEXT 0-2 OK "two \\"words\\""
.SEGMENT WORD 1:1-2:0 ? "part"
.SEGMENT WORD 0,2 GOOD "a list"
.PEN_DOWN
1 10 0
2 20 0
.PEN_UP
.PEN_DOWN
.PEN_UP
9 90 0
.PEN_DOWN
3 30 1 4 40 1
5 50 1
"""


@pytest.fixture
def recording(tmp_path):
    (tmp_path / "who").mkdir()
    (tmp_path / "who" / "data.doc").write_text(".INCLUDE who/pad.doc\n.WRITER_ID Some One\n")
    (tmp_path / "who" / "pad.doc").write_text(".COORD X Y P\n.STYLE\t\tCURSIVE\n")
    (tmp_path / "a.dat").write_text(FILE)
    return read_recording(tmp_path / "a.dat", tmp_path)


def test_empty_blocks_are_no_components_and_pen_up_ones_are(recording):
    assert [len(c) for c in recording.components] == [2, 1, 3]
    assert recording.down == [True, False, True]
    np.testing.assert_array_equal(recording.components[2], [[3, 30], [4, 40], [5, 50]])


def test_includes_nest_and_tell_writer_style_and_columns(recording):
    assert recording.writers == ["Some One"] * 3
    assert recording.styles == ["CURSIVE"] * 3


def test_labels_may_hold_quotes(recording):
    assert recording.segments[0].label == 'two "words"'
    assert recording.segments[0].quality == "OK"


def test_delineations_start_inside_components_and_may_be_lists(recording):
    whole, part, listed = (recording.strokes(s.delineation) for s in recording.segments)
    assert [len(s) for s in whole] == [2, 3]
    assert [s.tolist() for s in part] == [[[3, 30]]]
    assert [len(s) for s in listed] == [2, 3]
    assert [s.tolist() for s in recording.strokes("0:1-1")] == [[[2, 20]]]


@pytest.mark.parametrize("delineation", ["7", "2-1", "0-9", "x", ""])
def test_what_is_not_there_cannot_be_had(recording, delineation):
    with pytest.raises(ValueError):
        recording.strokes(delineation)


@pytest.mark.parametrize(
    "content, message",
    [
        (".COORD X Y\n.PEN_DOWN\n1 2 3\n", "line 2"),
        (".COORD P Q\n", "line 1"),
        (".PEN_DOWN\n1 two\n", "line 1"),
        (".INCLUDE none.doc\n", "none.doc"),
        (".INCLUDE a.dat\n", "include"),
    ],
)
def test_bad_files_are_one_line(tmp_path, content, message):
    (tmp_path / "a.dat").write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        read_recording(tmp_path / "a.dat", tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_becomes_lines_and_words(tmp_path):
    items, rejects = read_unipen(write_unipen(tmp_path), 0.6, 60.0)
    assert not rejects
    assert sorted({item.text for item in items if item.word}) == ["alt", "ill", "nail", "to"]
    assert len({item.writer for item in items}) == 3
    assert all(item.kind == "printed" for item in items)
    assert not any("person" in item.writer for item in items)
    one = next(item for item in items if item.text == "into oil")
    points = np.cumsum(one.rows[:, :2], axis=0)
    assert points[:, 0].min() == pytest.approx(0, abs=0.1)
    assert 0.8 < np.median(points[:, 1]) * 2 < 1.4 and points[:, 1].min() > -0.3


def test_rejects_are_counted(tmp_path):
    write_unipen(tmp_path, writers=1)
    path = tmp_path / "data" / "8" / "aga" / "0.dat"
    more = '.SEGMENT TEXT 0-1 BAD "to"\n.SEGMENT TEXT 900 OK "to"\n.SEGMENT TEXT 0-1 OK "\xdf"\n'
    path.write_text(path.read_text() + more + '.SEGMENT TEXT 0 OK "far too long for its ink"\n',
                    encoding="latin-1")  # fmt: skip
    _, rejects = read_unipen(tmp_path, 0.6, 60.0)
    assert reasons(rejects) == {
        "marked as bad": 1,
        "no such ink": 1,
        "characters beyond ASCII": 1,
        "too narrow for its text": 1,
    }


def test_words_give_the_rows_of_a_text(tmp_path):
    above, below = drawn("not on", 40.0), drawn("tin oil", 40.0)
    strokes = above + [stroke - [0, 160] for stroke in below]
    words, first, lines = [("not", "not"), ("on", "on"), ("tin", "tin"), ("oil", "oil")], 0, []
    for text, letters in words:
        # Two components a stroke if there were pen-up points; there are none here.
        count = len(drawn(letters))
        lines.append(f'.SEGMENT WORD {first}-{first + count - 1} ? "{text}"')
        first += count
    for folder in ("data/8/apc", "data/7/apc", "include/apc"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "include/apc/x.dat").write_text(".COORD X Y P\n" + unipen_ink(strokes))
    head = ".INCLUDE apc/x.dat\n"
    (tmp_path / "data/8/apc/x.dat").write_text(
        head + f'.SEGMENT TEXT 0-{first - 1} ? "not on tin oil"\n'
    )
    (tmp_path / "data/7/apc/x.dat").write_text(head + "\n".join(lines))
    items, rejects = read_unipen(tmp_path, 0.6, 60.0)
    assert [item.text for item in items] == ["not on", "tin oil"], rejects
    (tmp_path / "data/7/apc/x.dat").unlink()
    items, rejects = read_unipen(tmp_path, 0.6, 60.0)
    assert not items and rejects[0].reason.startswith("on several rows")


def test_long_rows_are_cut_between_words():
    text = "not on tin in oil at a lot into ant nail alt ill lion to loan an oat"
    strokes = [s * [1.0, 1.0] for s in drawn(text)]
    pieces = cut_at_gaps(text, strokes)
    assert " ".join(part for part, _ in pieces) == text
    assert all(len(part) <= 60 for part, _ in pieces) and len(pieces) > 1
    for part, ink in pieces:
        assert len(ink) == len(drawn(part))


@pytest.mark.parametrize(
    "tokens, text",
    [
        ("What a dirty trick !", "What a dirty trick!"),
        ("she 'll smell .", "she'll smell."),
        ("# 100 , ( a ) and price - list", "#100, (a) and price-list"),
        ("it's at 3 : or not ?", "it's at 3: or not?"),
    ],
)
def test_tokens_stand_as_people_write_them(tokens, text):
    assert detokenize(tokens) == text


def test_a_family_of_contributors_shares_its_writers():
    assert writer_name("apa", "x") == writer_name("ape", "x") != writer_name("apa", "y")
    assert writer_name("aga", "x").startswith("aga-") and "x" not in writer_name("aga", "x")[4:]


@pytest.mark.parametrize(
    "content, message",
    [
        (".INCLUDE /dev/zero\n", "not in the folder"),
        (".INCLUDE ../secret\n", "not in the folder"),
        (".INCLUDE .\n", "no file"),
        (".INCLUDE fan1\n" * 20, "more than 1000 files"),
        (".PEN_DOWN\nnan 1\n", "not finite"),
        (".PEN_DOWN\n1e300 1\n", "not finite"),
        (".PEN_DOWN\n1 " + "9" * 100_000 + "x\n", "could not convert"),
    ],
)
def test_hostile_files_are_one_short_line(tmp_path, content, message):
    (tmp_path / "include").mkdir()
    for k in range(1, 4):
        (tmp_path / "include" / f"fan{k}").write_text(f".INCLUDE fan{k + 1}\n" * 20)
    (tmp_path / "include" / "fan4").write_text(".PEN_DOWN\n1 2\n")
    (tmp_path / "a.dat").write_text(content)
    with pytest.raises(InputError, match=message) as error:
        read_recording(tmp_path / "a.dat", tmp_path / "include")
    assert len(str(error.value)) < 300


def test_a_component_is_not_used_again_and_again(recording):
    with pytest.raises(ValueError, match="again and again"):
        recording.strokes(",".join(["0-2"] * 5_000))
