"""A reader of IAM-OnDB (Liwicki and Bunke 2005): ``lineStrokes/*.xml`` with ``ascii/*.txt``.

The data set is for registered, non-commercial users and not in this repository. The reader is
tested on a handmade file in that format, not on the real data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from apps.handwriting.cleaning import clean, resample, why_rejected, x_height
from apps.handwriting.corpus import Reject
from apps.handwriting.ink import MOST_BYTES, Ink, Stroke, checked_points, to_rows
from shared.errors import InputError
from shared.readers import read_bytes


def read_iam(folder: str | Path, arc: float, turning: float) -> tuple[list[Ink], list[Reject]]:
    """Reads, cleans and resamples all lines of a folder in IAM-OnDB's layout.

    The text of a form is the part of its ``ascii`` file after ``CSR:``, line by line;
    ``a01-001z-03.xml`` is the third line of ``a01-001z.txt``. Neither folder lists the writers, so
    each form counts as a writer.

    Raises:
        InputError: A folder or file is missing, or is not in the format.
    """
    root = Path(folder)
    paths = sorted((root / "lineStrokes").rglob("*.xml"))
    if not paths or not (root / "ascii").is_dir():
        raise InputError(f"{root}: expected lineStrokes with .xml files, and ascii")
    texts = {path.stem: path for path in (root / "ascii").rglob("*.txt")}
    forms: dict[str, list[tuple[Path, str, list[Stroke]]]] = {}
    rejects = []
    for path in paths:
        form, _, number = path.stem.rpartition("-")
        if form not in texts:
            rejects.append(Reject(path.name, "", "no text"))
            continue
        lines = form_lines(texts[form])
        if not number.isdecimal() or not 1 <= int(number) <= len(lines):
            rejects.append(Reject(path.name, "", "no such line in its text"))
            continue
        forms.setdefault(form, []).append((path, lines[int(number) - 1], read_line(path)))
    items = []
    for form, members in forms.items():
        height = x_height([strokes for _, _, strokes in members])
        for path, text, strokes in members:
            cleaned = clean(strokes, height) if height else []
            if reason := why_rejected(text, cleaned):
                rejects.append(Reject(path.name, text, reason))
            else:
                rows = to_rows(resample(cleaned, arc, turning))
                items.append(Ink(text, rows, writer=form, contributor="iam", source=path.name))
    return items, rejects


def form_lines(path: str | Path) -> list[str]:
    """Reads the lines of a form, those after ``CSR:`` in its file; skips empty lines.

    Raises:
        InputError: The file has no ``CSR:``.
    """
    content = read_bytes(path).decode(errors="replace")
    found = re.split(r"^CSR:\s*$", content, maxsplit=1, flags=re.MULTILINE)
    if len(found) < 2:
        raise InputError(f"{path}: no line 'CSR:'; it is no text of IAM-OnDB")
    return [" ".join(line.split()) for line in found[1].splitlines() if line.strip()]


def read_line(path: str | Path) -> list[Stroke]:
    """Reads the strokes of a line, with y up.

    Raises:
        InputError: The file is not XML, or has no points.
    """
    try:
        root = ElementTree.fromstring(read_bytes(path, MOST_BYTES))
        strokes = [_points(stroke) for stroke in root.iter("Stroke")]
    except InputError:
        raise
    except (ElementTree.ParseError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{path}: no line of IAM-OnDB ({error}); restore the file") from error
    strokes = [stroke for stroke in strokes if len(stroke)]
    if not strokes:
        raise InputError(f"{path}: no strokes with points")
    return strokes


def _points(stroke: ElementTree.Element) -> Stroke:
    points: Sequence[tuple[float, float]] = [
        (float(point.attrib["x"]), -float(point.attrib["y"])) for point in stroke.iter("Point")
    ]
    return checked_points(np.array(points, np.float64).reshape(-1, 2))
