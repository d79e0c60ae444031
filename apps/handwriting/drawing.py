"""Rendering of pages as SVG, static or animated, as PNG and as PDF."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from apps.handwriting.ink import Stroke
from apps.handwriting.page import Layout, Page
from shared.errors import InputError, check_range

_SPEED = 90.0  # millimeters a second of the animation, at an x-height of 2.5 mm
_RULING, _RULED = "#c9d6e8", 0.15  # color and width of printed lines
_INCH = 25.4  # in millimeters
_POINT = 72 / _INCH  # points of a PDF in a millimeter
MOST_PIXELS = 150e6  # A4 at 1200 dpi, which takes a gigabyte


def svg(page: Page, layout: Layout | None = None) -> str:
    """Renders a page as SVG, a path for each stroke.

    Args:
        page: The page.
        layout: Color of the ink, and the pen. If the width of the line depends on the speed of the
            pen, each path is the outline of its stroke.
    """
    layout = layout or Layout()
    if layout.width == "constant":
        paths = [f'<path d="{curve(stroke)}"/>' for stroke in page.strokes]
        style = f'fill="none" stroke="{layout.ink}" stroke-width="{layout.pen:g}"'
    else:
        paths = [f'<path d="{outline(stroke, layout.pen)}"/>' for stroke in page.strokes]
        style = f'fill="{layout.ink}" stroke="none"'
    group = f'<g id="ink" class="ink" {style} stroke-linecap="round" stroke-linejoin="round">'
    return "\n".join([*_head(page), group, *paths, "</g>", "</svg>", ""])


def animated_svg(page: Page, layout: Layout | None = None) -> str:
    """Renders an animation of the writing, stroke by stroke, as SVG with CSS and no script."""
    layout = layout or Layout()
    speed = _SPEED * page.size / 2.5
    paths, time, before = [], 0.2, None
    for stroke in page.strokes:
        if before is not None:
            time += float(np.hypot(*(stroke[0] - before))) / (2 * speed)
        length = float(np.hypot(*np.diff(stroke, axis=0).T).sum())
        lasts = max(length / speed, 0.03)
        paths.append(
            f'<path pathLength="1" d="{curve(stroke)}" '
            f'style="animation-duration:{lasts:.2f}s;animation-delay:{time:.2f}s"/>'
        )
        time, before = time + lasts, stroke[-1]
    rules = (
        "<style>.ink path{stroke-dasharray:1 2;stroke-dashoffset:1.01;opacity:0;"
        "animation:write linear both}@keyframes write{0%{opacity:1}"
        "100%{opacity:1;stroke-dashoffset:0}}</style>"
    )
    group = (
        f'<g id="ink" class="ink" fill="none" stroke="{layout.ink}" stroke-width="{layout.pen:g}" '
        'stroke-linecap="round" stroke-linejoin="round">'
    )
    return "\n".join([*_head(page), rules, group, *paths, "</g>", "</svg>", ""])


def png(drawing: str, dpi: float = 150.0) -> bytes:
    """Rasterizes an SVG of `svg` as a PNG on white."""
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=drawing, dpi=round(dpi), background="white"))


def pdf(pages: Sequence[Page], layout: Layout | None = None) -> bytes:
    """Renders pages as one PDF of their true size, as `svg` does."""
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    layout = layout or Layout()
    file = io.BytesIO()
    with PdfPages(file, metadata={"CreationDate": None}) as book:
        for page in pages:
            figure = Figure((page.width / _INCH, page.height / _INCH))
            axes = figure.add_axes((0, 0, 1, 1), xlim=(0, page.width), ylim=(page.height, 0))
            axes.axis("off")
            levels, columns = ruling(page)
            lines: dict[str, Any] = {"color": _RULING, "linewidth": _RULED * _POINT}
            axes.hlines(levels, 0, page.width, **lines)
            axes.vlines(columns, 0, page.height, **lines)
            for stroke in page.strokes:
                if layout.width == "constant":
                    path = Path(smooth(stroke) if len(stroke) > 1 else np.repeat(stroke, 2, 0))
                    axes.add_patch(
                        PathPatch(
                            path,
                            fill=False,
                            edgecolor=layout.ink,
                            capstyle="round",
                            joinstyle="round",
                            linewidth=layout.pen * _POINT,
                        )
                    )
                else:
                    path = Path(around(stroke, layout.pen))
                    axes.add_patch(PathPatch(path, facecolor=layout.ink, linewidth=0))
            book.savefig(figure)
    return file.getvalue()


def check_pixels(width: float, height: float, dpi: float) -> None:
    """Checks the size of a picture, given in millimeters.

    Raises:
        InputError: Its resolution is out of range, or it has more than `MOST_PIXELS` pixels.
    """
    check_range("dpi", dpi, 20, 1200)
    pixels = width * height * (dpi / 25.4) ** 2
    if pixels > MOST_PIXELS:
        raise InputError(
            f"{width:.0f} x {height:.0f} mm at {dpi:g} dpi are {pixels / 1e6:.0f} megapixels, of "
            f"{MOST_PIXELS / 1e6:.0f} at most; lower the dpi or the size, or write an .svg"
        )


def _head(page: Page) -> list[str]:
    w, h = page.width, page.height
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w:.2f}mm" height="{h:.2f}mm" '
        f'viewBox="0 0 {w:.2f} {h:.2f}">'
    ]
    if page.paper == "none":
        return lines
    levels, columns = ruling(page)
    path = "".join(f"M0 {y:.2f}H{w:.2f}" for y in levels)
    path += "".join(f"M{x:.2f} 0V{h:.2f}" for x in columns)
    style = f'fill="none" stroke="{_RULING}" stroke-width="{_RULED}"'
    return [*lines, f'<g id="ruling" class="ruling" {style}><path d="{path}"/></g>']


def ruling(page: Page) -> tuple[np.ndarray, np.ndarray]:
    """The heights of the printed lines of a page that run across, and the places of the others."""
    if page.paper == "none":
        return np.zeros(0), np.zeros(0)
    step = page.baselines[1] - page.baselines[0] if len(page.baselines) > 1 else 4 * page.size
    if page.paper == "grid":
        step /= 2
        first = page.baselines[0] % step
        return np.arange(first, page.height, step), np.arange(page.margin % step, page.width, step)
    return np.array(page.baselines), np.zeros(0)


def curve(stroke: Stroke) -> str:
    """Computes a smooth path through the points of a stroke, a centripetal Catmull-Rom spline."""
    points = np.asarray(stroke)
    if len(points) < 2:
        (x, y) = points[0]
        return f"M{x:.2f} {y:.2f}h0.01"
    parts = [f"M{points[0, 0]:.2f} {points[0, 1]:.2f}"]
    for one, two, end in _beziers(points):
        parts.append("C" + " ".join(f"{v:.2f}" for v in (*one, *two, *end)))
    return "".join(parts)


def _beziers(points: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Computes the two handles and the end of a cubic Bezier curve for every step."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    gaps = np.maximum(np.hypot(*np.diff(padded, axis=0).T), 1e-6) ** 0.5
    result = []
    for k in range(1, len(points)):
        p0, p1, p2, p3 = padded[k - 1 : k + 3]
        d1, d2, d3 = gaps[k - 1 : k + 2]
        one = (d1**2 * p2 - d2**2 * p0 + (2 * d1**2 + 3 * d1 * d2 + d2**2) * p1) / (
            3 * d1 * (d1 + d2)
        )
        two = (d3**2 * p1 - d2**2 * p3 + (2 * d3**2 + 3 * d3 * d2 + d2**2) * p2) / (
            3 * d3 * (d3 + d2)
        )
        result.append((one, two, p2))
    return result


def smooth(stroke: Stroke, pieces: int = 6) -> Stroke:
    """Computes points ``(n, 2)`` on `curve`, ``pieces`` for each step."""
    points = np.asarray(stroke)
    if len(points) < 2:
        return points
    t = (np.arange(1, pieces + 1) / pieces)[:, None]
    parts, start = [points[:1]], points[0]
    for one, two, end in _beziers(points):
        a, b = (1 - t) ** 3 * start, 3 * (1 - t) ** 2 * t * one
        parts.append(a + b + 3 * (1 - t) * t**2 * two + t**3 * end)
        start = end
    return np.concatenate(parts)


def outline(stroke: Stroke, pen: float) -> str:
    """Formats `around` as a path of SVG."""
    if len(stroke) < 2:
        x, y = stroke[0]
        r = 0.6 * pen
        half_turns = "".join(f"a{r:.2f} {r:.2f} 0 1 0 {way:.2f} 0" for way in (2 * r, -2 * r))
        return f"M{x - r:.2f} {y:.2f}{half_turns}Z"
    corners = " ".join(f"{x:.2f} {y:.2f}" for x, y in around(stroke, pen))
    return f"M{corners}Z"


def around(stroke: Stroke, pen: float) -> np.ndarray:
    """Computes the outline ``(n, 2)`` of a stroke, thinner where the pen is faster.

    Ink has no time stamps. A pen slows down in bends, where points are close, so the distance
    between points is used as the speed.
    """
    points = smooth(stroke)
    if len(points) < 2:
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        return points + 0.6 * pen * np.stack([np.cos(angles), np.sin(angles)], 1)
    steps = np.diff(points, axis=0)
    speed = np.hypot(*steps.T)
    speed = np.concatenate([speed[:1], speed])
    kernel = np.ones(9) / 9
    even = np.convolve(np.pad(speed, 4, mode="edge"), kernel, mode="valid")
    typical = float(np.median(even)) or 1.0
    half = 0.5 * pen * np.clip(1.25 - 0.35 * even / typical, 0.55, 1.3)
    ahead = np.gradient(points, axis=0)
    length = np.maximum(np.hypot(*ahead.T), 1e-9)
    side = np.stack([-ahead[:, 1], ahead[:, 0]], 1) / length[:, None] * half[:, None]
    return np.concatenate([points + side, (points - side)[::-1]])


def bitmap(strokes: Sequence[Stroke], height: int = 64, pen: float = 3.0) -> np.ndarray:
    """Renders strokes for a recognizer, uint8 ``(height, width)``, black on white.

    Args:
        strokes: Strokes of a line, y up.
        height: Height in pixels, including a margin of a sixth on all sides.
        pen: Width of the pen in pixels.
    """
    from PIL import Image, ImageDraw

    points = np.concatenate(list(strokes))
    low, high = points.min(0), points.max(0)
    margin = height / 6
    scale = (height - 2 * margin) / max(float(high[1] - low[1]), 1e-6)
    width = int(np.ceil((high[0] - low[0]) * scale + 2 * margin))
    fine = 3  # drawn larger, then scaled down for smooth edges
    image = Image.new("L", (max(width, height) * fine, height * fine), 255)
    draw = ImageDraw.Draw(image)
    for stroke in strokes:
        xy = (smooth(stroke) - [low[0], high[1]]) * [scale, -scale] + margin
        flat = [tuple(v) for v in (xy * fine).tolist()]
        r = pen * fine / 2
        if len(flat) > 1:
            draw.line(flat, fill=0, width=round(pen * fine), joint="curve")
        for x, y in (flat[0], flat[-1]):
            draw.ellipse([x - r, y - r, x + r, y + r], fill=0)
    return np.asarray(image.resize((image.width // fine, height), Image.Resampling.LANCZOS))
