"""The class that a Python user calls, with the shipped bundle."""

import dataclasses
import io
import json

import numpy as np
import pytest
from PIL import Image

from apps.handwriting.app import HANDWRITING
from apps.handwriting.ink import Ink, read_strokes
from apps.handwriting.page import Layout
from apps.handwriting.write import Writer
from shared.errors import InputError
from tests.apps.handwriting.toy_ink import write_json


@pytest.fixture(scope="module")
def writer():
    return Writer.from_preset()


@pytest.fixture(scope="module")
def note(writer):
    text = "Dear reader,\n\ngood night."
    return writer.write(text, style="cursive", seed=3, layout=Layout(paper="ruled", pen=0.5))


def test_a_note_is_svg_png_and_strokes(note):
    assert note.svg.startswith("<svg") and 'stroke-width="0.5"' in note.svg
    assert note._repr_svg_() == note.svg
    small, large = (Image.open(io.BytesIO(note.png(dpi))).width for dpi in (50, 100))
    assert large == pytest.approx(2 * small, abs=2)
    assert [line["text"] for line in note.strokes] == ["Dear reader,", "good night."]
    assert sum(len(line["strokes"]) for line in note.strokes) == len(note.pages[0].strokes)
    assert [line.text for line in note.lines] == ["Dear reader,", "good night."]
    assert note.summary.startswith("2 lines, seed 3") and note.summary in repr(note)
    assert note.numbers == (1, 3)


def test_a_note_is_saved_by_the_ending(note, tmp_path):
    for ending in ("svg", "png", "json"):
        assert note.save(tmp_path / f"note.{ending}") == [str(tmp_path / f"note.{ending}")]
    assert (tmp_path / "note.svg").read_text() == note.svg
    assert (tmp_path / "note.png").read_bytes() == note.png()
    assert json.loads((tmp_path / "note.json").read_text()) == note.strokes
    assert len(read_strokes(tmp_path / "note.json")) == 2
    for name in ("note.txt", "note", "-"):
        with pytest.raises(InputError):
            note.save(tmp_path / name if name != "-" else name)
    with pytest.raises(InputError, match=".svg"):
        note.animate(tmp_path / "moving.gif")
    with pytest.raises(InputError, match="dpi must be 20 to 1200"):
        note.png(5)


def test_several_pages_are_several_files(writer, tmp_path):
    layout = Layout(page="letter", margin=100, spacing=9, size=1)
    note = writer.write("an ant\n" * 12, draws=1, layout=layout)
    assert len(note.pages) == 2
    files = [str(tmp_path / name) for name in ("a.svg", "a-2.svg")]
    assert note.save(tmp_path / "a.svg") == note.animate(tmp_path / "a.svg") == files
    assert [len(note.save(tmp_path / f"a{end}")) for end in (".pdf", ".gcode", ".hpgl")] == [
        1,
        2,
        2,
    ]


def test_it_goes_on_in_the_manner_of_ink_or_a_file(writer, tmp_path):
    path = write_json(tmp_path / "mine.json", ("an ant", "to"))
    first = writer.write("a tin", like=path, draws=1)
    assert first.primer.text == "an ant" and first.style in writer.styles
    again = writer.write("a tin", like=first.primer, draws=1)
    np.testing.assert_array_equal(first.lines[0].rows, again.lines[0].rows)
    with pytest.raises(InputError, match="at most 60 characters"):
        writer.write("a tin", like=Ink("a" * 61, first.primer.rows))


def test_what_follows_joined_ink_has_its_first_letter(writer, tmp_path):
    writer.write("Dear reader, hello", style="mixed").save(tmp_path / "own.json")
    note = writer.write("several lines\nin every", like=tmp_path / "own.json")
    assert not note.problems


def test_problems_say_which_line(note):
    lines = [note.lines[0], dataclasses.replace(note.lines[1], problems=("skipped",))]
    bad = dataclasses.replace(note, lines=tuple(lines))
    assert bad.problems == [{"line": 3, "text": "good night.", "problems": ["skipped"]}]
    assert "1 still not good (line 3, 'good night.': skipped)" in bad.summary


def test_styles_go_by_name_or_number(writer):
    assert writer.styles[:5] == ["any", "printed", "cursive", "mixed", "cursive-1"]
    by_name, by_number = (writer.write("to", style=s, draws=1) for s in ("cursive-1", 4))
    assert by_name.svg == by_number.svg and by_name.style == "cursive-1"
    assert writer.write("to", draws=1).style == "printed"


@pytest.mark.parametrize(
    "options", [{"style": "gothic"}, {"bias": -1.0}, {"draws": 0}, {"seed": -1}, {"like": "none"}]
)
def test_what_cannot_be_written_with_is_refused(writer, options):
    with pytest.raises(InputError):
        writer.write("to", **options)


def test_latin_letters_are_written_and_other_signs_need_the_fallback(writer):
    plain, accented = (writer.write(text, draws=1, seed=1) for text in ("ete", "\xe9t\xe9"))
    assert len(accented.pages[0].strokes) == len(plain.pages[0].strokes) + 2
    assert accented.strokes[0]["text"] == "\xe9t\xe9" and accented.window
    with pytest.raises(InputError, match=r"U\+00B2.*--fallback"):
        writer.write("m\xb2")
    assert writer.write("m\xb2 \xe9", fallback=True, draws=1).lines[0].text == "m2 \xe9"
    with pytest.raises(InputError, match="U\\+4F60.*leave it out"):
        writer.write("\u4f60", fallback=True)


def test_long_lines_are_written_in_pieces_and_end_at_the_margin(writer):
    layout = Layout(page="a4", size=1.3, margin=25)
    text = "   into oil   " + "an ant or ten, " * 12
    note = writer.write(text, style="printed", seed=1, draws=2, layout=layout)
    [page] = note.pages
    ends = [max(s[:, 0].max() for s in page.strokes[a:b])
            for a, b in zip([0, *page.lines], page.lines, strict=False)]  # fmt: skip
    assert max(ends) <= 185 + 1e-6 and all(end > 170 for end in ends[:-1])
    assert max(note.numbers) == len(ends) < len(note.lines) and note.lines[0].text == "into oil"
    assert " ".join(line["text"] for line in note.strokes) == " ".join(text.split())
    assert min(s[:, 0].min() for s in page.strokes[: page.lines[0]]) > 27


def test_the_demo_writes_a_note_in_three_styles(tmp_path, monkeypatch):
    samples = HANDWRITING.samples(tmp_path, 0)
    assert [sample.title for sample in samples] == [
        f"A note, {s}" for s in ("printed", "cursive", "mixed")
    ]
    assert all(path.is_file() for sample in samples for path, _ in sample.made)
    monkeypatch.setattr("shared.presets.catalog.BUNDLES", tmp_path / "none")
    assert HANDWRITING.samples(tmp_path, 0) == []
