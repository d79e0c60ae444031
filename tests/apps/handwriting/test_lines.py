"""Lines that went wrong, pages, drawings and the judge: all that needs no model."""

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor

from apps.handwriting import drawing
from apps.handwriting.cleaning import resample
from apps.handwriting.ink import to_rows, to_strokes
from apps.handwriting.judge import compared, edits, error_rate
from apps.handwriting.lines import Line, end_of_text, problems_of
from apps.handwriting.page import PAPERS, WIDTHS, Layout, break_text, ems, join, place, space_of
from apps.handwriting.phrases import PHRASES
from apps.handwriting.pictures import window
from apps.handwriting.spelling import transliterate
from shared.decoding.mixture import PointResult
from shared.errors import InputError
from tests.apps.handwriting.toy_ink import drawn


def line_of(text, finished=True, attention=None):
    """A line as if written."""
    rows = to_rows(resample(drawn(text)))
    if attention is None:
        place_ = np.linspace(0, len(text) - 1, len(rows))
        attention = np.exp(-((place_[:, None] - np.arange(len(text))) ** 2))
    mixtures = np.zeros((len(rows), 8), np.float32)
    result = PointResult(rows, finished, attention, mixtures)
    return Line(text, rows, (), 1, 0, result)


def test_a_good_line_has_no_problems():
    line = line_of("a tin lot")
    assert problems_of(line.text, line.rows, line.result) == ()


def test_bad_lines_are_told_by_what_is_wrong():
    line = line_of("a tin lot", finished=False)
    assert problems_of(line.text, line.rows, line.result) == ("unfinished",)
    line = line_of("a tin lot")
    runaway = line.rows.copy()
    runaway[5] = [0, 9, 0]
    assert problems_of(line.text, runaway, line.result) == ("runaway",)
    far = line.rows.copy()
    far[1] = [8, 0, 0]  # with the pen down
    assert problems_of(line.text, far, line.result) == ("runaway",)
    skipped = line.result.attention.copy()
    skipped[:, 4] = 0
    bad = line_of("a tin lot", attention=skipped)
    assert problems_of(bad.text, bad.rows, bad.result) == ("skipped",)
    half = line.result.attention.copy()
    half[:, 5:] *= 0.0
    bad = line_of("a tin lot", attention=half)
    assert "lost" in problems_of(bad.text, bad.rows, bad.result)


@pytest.mark.parametrize(
    ("text", "stroke", "surplus"),
    [
        ("a tin lot", [(0.6, 0.0), (0.3, 0.5)], True),  # to the right, on the line
        ("a tin lot", [(-0.6, 0.8), (0.6, 0.0)], False),  # the bar of the t
        ("a tin lot", [(0.3, 1.6), (0.1, 0.0)], False),  # a dot, high up
        ("a tin lo.", [(-0.6, 0.8), (0.6, 0.0)], True),  # a full stop has no bar
    ],
)
def test_what_comes_when_the_window_has_left_is_no_part_of_the_text(text, stroke, surplus):
    line = line_of("a tin lot")
    points, before = line.rows.copy(), len(line.rows)
    at = points[:, :2].sum(0)
    (x, y), (dx, dy) = stroke
    right = np.cumsum(points[:, 0]).max()
    more = np.array([[right + x - at[0], y - at[1], 0], [dx, dy, 1]], np.float32)
    attention = np.concatenate([3 * line.result.attention, np.full((2, len(text)), 0.1)])
    result = PointResult(np.concatenate([points, more]), True, attention, np.zeros((before + 2, 8)))
    assert end_of_text(text, result) == (before if surplus else before + 2)
    attention[-2:, -1] = 3  # the window is still there
    assert end_of_text(text, result) == before + 2


def test_a_space_may_be_passed_over():
    line = line_of("a tin lot")
    attention = line.result.attention.copy()
    attention[:, 1] = 0
    line = line_of("a tin lot", attention=attention)
    assert problems_of(line.text, line.rows, line.result) == ()


def test_other_alphabets_have_a_likeness_or_stay():
    assert (
        transliterate("\u201cna\u00efve\u201d \u2013 Stra\u00dfe\u2026") == '"naive" - Strasse...'
    )
    assert transliterate("\u4f60") == "\u4f60"
    assert transliterate("\u00bfQu\u00e9? \u00a1S\u00ed!") == "?Que? !Si!"
    assert transliterate("so\u00adft non\u2011breaking \u2116 20\u00b0") == (
        "soft non-breaking No 20deg"
    )


def test_numbers_keep_their_value():
    assert (
        transliterate("1\u00bd \u00bd 10\u00b2 10\u207b\u00b3 m\u00b2") == "1 1/2 1/2 10^2 10^-3 m2"
    )
    assert transliterate("a \u2260 b") == "a != b"
    assert not transliterate("a \u226e b").isascii()  # refused, for "<" would be wrong


@pytest.mark.parametrize(
    "block", [(0xA0, 0x180), (0x2010, 0x2028), (0x2030, 0x2031), (0x2032, 0x2035), (0x2039, 0x203B)]
)
def test_western_letters_and_typographic_marks_have_a_likeness(block):
    for character in map(chr, range(*block)):
        assert transliterate(character).isascii(), character


def test_a_line_after_a_primer_begins_with_its_first_letter():
    line = line_of("nail to it")  # of which "nail " is the primer
    assert problems_of("to it", line.rows, line.result, 5) == ()
    late = line.result.attention.copy()
    late[:, 5] = np.linspace(1, 0, len(late))
    bad = line_of("nail to it", attention=late)
    assert problems_of("to it", bad.rows, bad.result, 5) == ("late",)


@pytest.mark.parametrize(
    "text, lines",
    [
        ("one two three", ["one two", "three"]),
        ("one\n\ntwo\n", ["one", "", "two"]),
        ("unbreakable", ["unbrea-", "kable"]),
        ("a unbreakable b", ["a unbr-", "eakable", "b"]),
        ("", []),
    ],
)
def test_texts_are_broken_and_nothing_is_cut(text, lines):
    assert [line.text for line in break_text(text, 7)] == lines
    whole = "".join(text.split())
    assert "".join("".join(lines).split()).replace("-", "") == whole


def test_indentation_and_runs_of_spaces_stay():
    lines = break_text("  one two\n\tthree   four five\n" + " " * 90 + "12 May", 20)
    assert [line.pieces for line in lines] == [
        ((2, "one two"),),
        ((4, "three"), (3, "four")),
        ((0, "five"),),
        ((14, "12 May"),),  # as far to the right as there is room
    ]
    assert [line.full for line in lines] == [False, True, False, False]


def test_hyphens_of_a_word_are_not_doubled():
    assert [line.text for line in break_text("well-known", 6)] == ["well-", "known"]


TEXT = st.text("abi W-. \n", max_size=200)


@given(TEXT, st.integers(8, 60), st.integers(6, 48))
def test_lines_fit_and_pieces_are_short(text, room, most):
    lines = break_text(text, room, most, ems)
    for line in lines:
        assert all(len(piece) <= most and piece == piece.strip() for _, piece in line.pieces)
        assert sum(gap + ems(piece) for gap, piece in line.pieces) <= room + 1e-6
    kept = "".join("".join(piece for _, piece in line.pieces) for line in lines)
    assert kept.replace("-", "").replace(" ", "") == "".join(text.split()).replace("-", "")


def test_pieces_of_a_line_stand_side_by_side():
    [a, b] = [line_of(text).rows for text in ("an ant", "to")]
    assert join([(0, a)], 1.0) is a
    strokes = to_strokes(join([(0, a), (3, b)], 2.0))
    count = len(to_strokes(a))
    right = max(stroke[:, 0].max() for stroke in strokes[:count])
    assert min(stroke[:, 0].min() for stroke in strokes[count:]) == pytest.approx(
        right + 6, abs=0.01
    )
    assert space_of(["nnn"], [line_of("nnn").rows]) == pytest.approx(3.7 / 3, abs=0.1)


def test_lines_stand_on_their_rulings_and_pages_follow():
    layout = Layout(size=5, page="a4", paper="ruled")
    count = layout.lines + 2
    rows = [line_of("an ant").rows, None] * count
    pages = place(rows[:count], layout)
    assert len(pages) == 2 and pages[0].width == 210
    first = pages[0]
    bottom = max(s[:, 1].max() for s in first.strokes[: first.lines[0]])
    assert bottom == pytest.approx(first.baselines[0], abs=1)
    assert first.lines[0] == first.lines[1] < first.lines[2]  # an empty line is in between
    points = np.concatenate([s for page in pages for s in page.strokes])
    assert points.min() >= 0 and (points.max(0) <= [210, 297]).all()


@pytest.mark.parametrize("paper", ["none", "ruled"])
def test_lines_end_at_the_margin(paper):
    layout = Layout(size=8, page="letter", paper=paper)
    texts = ["an ant not on tin into oil", "into oil into", "into oil into", "a"]
    rows = [line_of(text).rows for text in texts]
    [page] = place(rows, layout, [0.0, 3.0, 0.0, 4.0], {0, 1})
    ends = [0, *page.lines]
    lines = [page.strokes[a:b] for a, b in zip(ends, page.lines, strict=False)]
    rights = [max(s[:, 0].max() for s in line) for line in lines]
    lefts = [min(s[:, 0].min() for s in line) for line in lines]
    assert rights[0] == pytest.approx(195.9) and max(rights) <= 195.9 + 1e-6
    assert rights[1] == pytest.approx(195.9) and rights[2] < 170  # not full: as it was drawn
    assert lefts[1] - lefts[2] == pytest.approx(24, abs=2)
    assert lefts[3] - lefts[0] == pytest.approx(32, abs=2)


def test_without_a_page_it_is_as_large_as_the_ink():
    small, large = (place([line_of(t).rows], Layout())[0] for t in ("a", "an ant"))
    assert small.width < large.width and small.height == pytest.approx(large.height, abs=3)


@pytest.mark.parametrize(
    "options",
    [
        {"size": 0.1},
        {"spacing": 1},
        {"margin": -1},
        {"size": 50, "page": "a4"},
        {"pen": 0},
        {"page": "a4", "margin": 100},
        {"page": "a9"},
    ],
)
def test_layouts_without_room_or_out_of_range_are_refused(options):
    with pytest.raises(InputError):
        Layout(**options)


def test_what_is_too_large_for_a_page_is_named():
    with pytest.raises(InputError, match="make the margin smaller"):
        Layout(page="a4", margin=100)
    with pytest.raises(InputError, match="make the size smaller"):
        Layout(page="a4", size=40)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("paper", PAPERS)
def test_an_svg_has_a_path_for_each_stroke(width, paper):
    layout = Layout(paper=paper, ink="#123456", pen=0.4, width=width)
    [page] = place([line_of("tin").rows, line_of("a lot").rows], layout)
    root = ElementTree.fromstring(drawing.svg(page, layout))
    *ruling, group = root.findall("{*}g")
    assert len(group.findall("{*}path")) == len(page.strokes)
    assert [one.attrib["id"] for one in ruling] == ["ruling"] * (paper != "none")
    assert group.attrib["id"] == "ink" and "#123456" in group.attrib.values()


def test_a_png_shows_the_ink_on_white():
    [page] = place([line_of("tin").rows], Layout())
    image = np.asarray(Image.open(io.BytesIO(drawing.png(drawing.svg(page)))).convert("L"))
    assert image[0, 0] == 255 and image.min() < 60
    assert image.shape[1] == pytest.approx(page.width / 25.4 * 150, abs=3)


def test_an_animated_svg_writes_one_stroke_after_the_other():
    [page] = place([line_of("tin").rows], Layout(paper="ruled"))
    root = ElementTree.fromstring(drawing.animated_svg(page))
    [_, group] = root.findall("{*}g")
    delays = [float(p.attrib["style"].split("delay:")[1][:-1]) for p in group]
    assert len(delays) == len(page.strokes) and delays == sorted(delays)


def test_curves_go_through_their_points():
    stroke = np.array([[0, 0], [1, 2], [3, 1], [4, 4]], float)
    fine = drawing.smooth(stroke, 8)
    np.testing.assert_allclose(fine[::8], stroke, atol=1e-9)
    dot = drawing.curve(stroke[:1])
    assert dot.startswith("M0.00 0.00") and drawing.outline(stroke[:1], 1).endswith("Z")


def test_pictures_have_a_limit():
    drawing.check_pixels(210, 297, 1200)
    with pytest.raises(InputError, match="megapixels"):
        drawing.check_pixels(3000, 300, 1200)


@pytest.mark.parametrize("color", ["navy", "TOMATO", "#fa0"])
def test_colors_that_are_accepted_are_drawn(color):
    layout = Layout(ink=color, pen=3)
    [page] = place([line_of("l").rows], layout)
    image = Image.open(io.BytesIO(drawing.png(drawing.svg(page, layout)))).convert("RGB")
    assert ImageColor.getrgb(color) in {pixel for _, pixel in image.getcolors(1 << 20)}


@pytest.mark.parametrize("color", ["#12", "rgb(1)", '"/><script>', "", "blurple", "rebeccapurple"])
def test_what_is_no_color_is_refused(color):
    with pytest.raises(InputError, match="no color"):
        Layout(ink=color)


def test_the_picture_of_a_window_is_a_png():
    assert window(line_of("a tin lot")).startswith(b"\x89PNG")


def test_a_recognizer_sees_lines_of_its_height():
    image = drawing.bitmap(to_strokes(line_of("into oil").rows))
    assert image.shape[0] == 64 and image.shape[1] > 200
    assert image.min() < 40 and image[0].min() > 200


def test_character_errors_are_edits_of_letters_and_digits():
    assert compared("Don't, 7!") == "dont7"
    assert [edits("kitten", "sitting"), edits("", "ab"), edits("ab", "")] == [3, 2, 2]
    assert error_rate(["Abc d", "x"], ["abd", "x"]) == pytest.approx(1 / 5)


def test_phrases_are_what_they_should_be():
    assert len(PHRASES) == len(set(PHRASES)) == 96
    joined = "".join(PHRASES)
    assert all(letter in joined for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?'\";:&-")
    assert max(map(len, PHRASES)) <= 45


def test_on_ruled_paper_ink_stands_on_its_line():
    rows = to_rows(resample([s + [0, 0.7] for s in drawn("a tin lot on an ill ant")]))
    for paper, off in (("ruled", 0.0), ("none", 0.7)):
        [page] = place([rows], Layout(size=2.0, paper=paper))
        lowest = max(stroke[:, 1].max() for stroke in page.strokes)
        assert page.baselines[0] - lowest == pytest.approx(2.0 * off, abs=0.1)
