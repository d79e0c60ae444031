"""Pages as programs for plotters: G-code and HPGL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apps.handwriting.drawing import smooth
from apps.handwriting.ink import Stroke
from apps.handwriting.page import Page
from shared.errors import InputError, check_range

_UNITS = 40  # of HPGL in a millimeter


@dataclass(frozen=True)
class Plotter:
    """How a plotter is told to move, in G-code.

    Args:
        feed: Speed with the pen down, in millimeters a minute.
        pen_up: Command that lifts the pen.
        pen_down: Command that lowers the pen.

    Raises:
        InputError: The speed is out of range, or a command is not one line.
    """

    feed: float = 2000.0
    pen_up: str = "G0 Z5"
    pen_down: str = "G1 Z0 F500"

    def __post_init__(self) -> None:
        """Validates the values."""
        check_range("feed in mm a minute", self.feed, 1, 100_000)
        for name in ("pen_up", "pen_down"):
            if len(getattr(self, name).splitlines()) != 1:
                raise InputError(f"{name} is {getattr(self, name)!r}: give a command of one line")


def gcode(page: Page, plotter: Plotter | None = None) -> str:
    """Formats a page as G-code, in millimeters from its lower left corner, without ruled lines."""
    plotter = plotter or Plotter()
    lines = ["G21", "G90", plotter.pen_up]
    for (x, y), *rest in _paths(page):
        lines += [f"G0 X{x:.2f} Y{y:.2f}", plotter.pen_down]
        lines += [f"G1 X{x:.2f} Y{y:.2f} F{plotter.feed:g}" for x, y in rest[:1]]
        lines += [f"G1 X{x:.2f} Y{y:.2f}" for x, y in rest[1:]]
        lines.append(plotter.pen_up)
    return "\n".join([*lines, "G0 X0 Y0", "M2", ""])


def hpgl(page: Page) -> str:
    """Formats a page as HPGL, in steps of 1/40 mm from its lower left corner, with pen 1."""
    lines = ["IN;", "SP1;"]
    for path in _paths(page):
        points = [f"{x},{y}" for x, y in np.rint(np.array(path) * _UNITS).astype(int)]
        lines.append(f"PU{points[0]};PD{','.join(points[1:] or points)};PU;")
    return "\n".join([*lines, "SP0;", ""])


def _paths(page: Page) -> list[list[list[float]]]:
    """The points of all strokes, y up, in the order in which a plotter draws them."""
    strokes = in_short_order([smooth(stroke) for stroke in page.strokes])
    return [(stroke * [1.0, -1.0] + [0.0, page.height]).tolist() for stroke in strokes]


def in_short_order(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Orders strokes so that a lifted pen travels little, each in either direction.

    The next stroke is the one that begins or ends nearest to the pen.
    """
    if not strokes:
        return []
    ends = np.array([[stroke[0], stroke[-1]] for stroke in strokes])
    left = np.ones(len(strokes), bool)
    pen, ordered = np.zeros(2), []
    for _ in strokes:
        away = np.where(left[:, None], ((ends - pen) ** 2).sum(-1), np.inf)
        chosen, side = divmod(int(away.argmin()), 2)
        left[chosen] = False
        ordered.append(strokes[chosen][::-1] if side else strokes[chosen])
        pen = ordered[-1][-1]
    return ordered
