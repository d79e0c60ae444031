"""Plotters: coordinates, pen lifts, and the way of a lifted pen."""

import re

import numpy as np
import pytest

from apps.handwriting import drawing
from apps.handwriting.page import Layout, Page, place
from apps.handwriting.plotter import Plotter, gcode, hpgl, in_short_order
from shared.errors import InputError

CORNER = np.array([(10.0, 20.0), (10.0, 30.0), (20.0, 30.0)])
DOT = np.array([(40.0, 10.0)])
PAGE = Page(100.0, 50.0, [CORNER, DOT], [2], [30.0], 2.5, "none", 10.0)


def test_gcode_draws_each_stroke_with_the_pen_down():
    lines = gcode(PAGE, Plotter(900, "M5", "M3 S90")).splitlines()
    assert lines[:4] == ["G21", "G90", "M5", "G0 X10.00 Y30.00"] and lines[-1] == "M2"
    assert lines.count("M3 S90") == 2 and lines.count("M5") == 3
    assert lines[4] == "M3 S90" and lines[5].endswith("F900")
    assert "G1 X20.00 Y20.00" in lines and lines[-4:-2] == ["M3 S90", "M5"]
    for words in ({"feed": 0.0}, {"pen_up": ""}, {"pen_down": "M3\nM5"}):
        with pytest.raises(InputError):
            Plotter(**words)


def test_hpgl_has_forty_steps_in_a_millimeter():
    text = hpgl(PAGE)
    assert text.startswith("IN;\nSP1;\nPU400,1200;PD") and text.endswith("PU;\nSP0;\n")
    assert ",800,800;PU;" in text and "PU1600,1600;PD1600,1600;PU;" in text


def test_a_lifted_pen_travels_less_and_no_stroke_is_lost():
    rng = np.random.default_rng(0)
    strokes = [rng.uniform(0, 100, (5, 2)) for _ in range(60)]
    ordered = in_short_order(strokes)

    def travel(strokes):
        return sum(np.hypot(*(b[0] - a[-1])) for a, b in zip(strokes, strokes[1:], strict=False))

    assert travel(ordered) < travel(strokes) / 2 and in_short_order([]) == []
    assert sorted(np.sort(s, 0).tolist() for s in ordered) == sorted(
        np.sort(s, 0).tolist() for s in strokes
    )


@pytest.mark.parametrize("width", ["constant", "speed"])
def test_a_pdf_has_all_pages_in_their_size(width):
    rows = np.array([(0, 1, 0), (0.5, -1, 0), (0.5, 0.5, 1), (0.2, 0.8, 1)], np.float32)
    layout = Layout(page="letter", margin=90, paper="grid", width=width, spacing=20)
    pages = place([rows] * 5, layout)
    content = drawing.pdf(pages, layout)
    assert content.startswith(b"%PDF") and len(pages) > 1
    sizes = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", content)
    assert len(sizes) == len(pages)
    assert [float(v) for v in sizes[0]] == pytest.approx([612, 792], abs=0.1)
    assert content == drawing.pdf(pages, layout)
