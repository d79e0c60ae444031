"""Pictures of kinds that caption data sets do not show: to calibrate when to say *not sure*.

They are drawn, the same ones for a seed: blank ones, noise, gradients, pages of text, charts,
diagrams. Photos of single animals and things come from packages that are installed, such as
scikit-image, scikit-learn and gradio.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE = (400, 300)
COUNTS = {"blank": 20, "noise": 20, "gradient": 20, "text": 40, "chart": 40, "diagram": 33}
# Files of packages, by folder: animals, things and what a microscope or a telescope sees.
_PHOTOS = {
    "skimage": ("data", "brick cell chelsea clock_motion coffee coins color grass gravel horse "
                "hubble_deep_field ihc microaneurysms moon page phantom retina rocket text"),
    "sklearn": ("datasets/images", "flower"),
    "gradio": ("media_assets/images", "bus cheetah cheetah1 groot lion screenshot tower"),
}  # fmt: skip
_WORDS = (
    "the of and to in a is that for it as was with be by on not he his but at are this have "
    "from or had an they which one you were all her she there would their we him been has "
    "when who will no more if out so up said what its about than into them can only other "
    "time new some could these two may first then do any like my now over such our man me "
    "even most made after also did many section figure table report number total price "
    "invoice account address value date page result"
).split()


def pictures(seed: int = 0) -> Iterator[tuple[str, Image.Image]]:
    """Yields all pictures, each with its kind: one of `COUNTS`, or ``photo``."""
    for number, (kind, count) in enumerate(COUNTS.items()):
        rng = np.random.default_rng([seed, number])
        for _ in range(count):
            yield kind, _DRAW[kind](rng)
    for path in photos():
        with Image.open(path) as image:
            yield "photo", image.convert("RGBA").convert("RGB")


def photos() -> list[Path]:
    """The photos in packages that are installed."""
    found: list[Path] = []
    for package, (folder, names) in _PHOTOS.items():
        spec = importlib.util.find_spec(package)
        for place in spec.submodule_search_locations or [] if spec else []:
            inside = Path(place, folder)
            found += [path for name in names.split() for path in sorted(inside.glob(f"{name}.*"))]
    return found


def _color(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return red, green, blue


def _blank(rng: np.random.Generator) -> Image.Image:
    gray = int(rng.integers(0, 5)) * 255 // 4
    return Image.new("RGB", SIZE, (gray,) * 3 if rng.random() < 0.5 else _color(rng))


def _noise(rng: np.random.Generator) -> Image.Image:
    """From single pixels to blotches, in gray or in color."""
    coarse = int(rng.choice([1, 1, 4, 16]))
    shape = (SIZE[1] // coarse, SIZE[0] // coarse, int(rng.choice([1, 3])))
    values = np.clip(rng.normal(128, rng.choice([20, 60, 120]), shape), 0, 255).astype(np.uint8)
    return Image.fromarray(np.repeat(values, 4 - shape[2], 2)[..., :3]).resize(SIZE)


def _gradient(rng: np.random.Generator) -> Image.Image:
    """From one color to another, along a line or from a point."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]] / SIZE[0]
    angle, at = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1, 2)
    line = x * np.cos(angle) + y * np.sin(angle)
    share = line if rng.random() < 0.6 else np.hypot(x - at[0], y - at[1])
    share = ((share - share.min()) / np.ptp(share))[..., None]
    ends = np.array([_color(rng), _color(rng)], np.float64)
    return Image.fromarray((ends[0] * (1 - share) + ends[1] * share).astype(np.uint8))


def _font(rng: np.random.Generator, size: int) -> Any:
    import matplotlib

    name = rng.choice(["DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "DejaVuSans-Bold"])
    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/{name}.ttf", size)


def _lines(rng: np.random.Generator, count: int, width: int) -> str:
    return "\n".join(" ".join(rng.choice(_WORDS, width)) for _ in range(count))


def _text(rng: np.random.Generator) -> Image.Image:
    """A page, a receipt or a screen; some are scans, turned and blurred."""
    size = (600, 800) if rng.random() < 0.5 else (800, 600)
    dark = rng.random() < 0.2
    paper, ink = ("#101418", "#d8e0d8") if dark else (rng.choice(["white", "#f4efe2"]), "#202020")
    page = Image.new("RGB", size, str(paper))
    pen = ImageDraw.Draw(page)
    height = int(rng.integers(10, 30))
    columns = int(rng.choice([1, 1, 2, 3]))
    font = _font(rng, height)
    for column in range(columns):
        across = size[0] // columns
        block = Image.new("RGB", (across - 40, size[1] - 80), str(paper))
        text = _lines(rng, size[1] // height, max(2, across // (4 * height)))
        ImageDraw.Draw(block).multiline_text((0, 0), text, ink, font, spacing=height // 3)
        page.paste(block, (column * across + 20, 70))
    if rng.random() < 0.6:
        pen.text((20, 15), _lines(rng, 1, 3).title(), ink, _font(rng, 34))
    if rng.random() < 0.3:
        page = page.rotate(rng.uniform(-4, 4), Image.Resampling.BICUBIC, fillcolor="#b0b0b0")
        page = page.filter(ImageFilter.GaussianBlur(1))
    return page


def _chart(rng: np.random.Generator) -> Image.Image:
    """One of eight kinds of charts, by matplotlib."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.5), dpi=80)
    axes = figure.add_subplot()
    x = np.arange(int(rng.integers(4, 40)))
    y = np.cumsum(rng.normal(size=(3, len(x))), 1)
    few = np.abs(y[0, :6])
    grid = np.add.outer(np.sin(x / rng.uniform(1, 9)), np.cos(x / rng.uniform(1, 9)))
    kinds: list[Callable[[], Any]] = [
        lambda: axes.plot(x, y.T),
        lambda: axes.bar(x, np.abs(y[0]), color=rng.random(3)),
        lambda: axes.barh(x, np.abs(y[1])),
        lambda: axes.scatter(rng.normal(size=300), rng.normal(size=300), c=rng.random(300)),
        lambda: axes.pie(few + 0.1, labels=rng.choice(_WORDS, len(few)).tolist()),
        lambda: axes.hist(rng.normal(size=500), 30),
        lambda: axes.imshow(rng.random((len(x), len(x)))),
        lambda: axes.contourf(grid),
    ]
    kinds[int(rng.integers(len(kinds)))]()
    axes.set(title=_lines(rng, 1, 3), xlabel=rng.choice(_WORDS), ylabel=rng.choice(_WORDS))
    if rng.random() < 0.5:
        axes.grid(True)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return Image.open(stream).convert("RGB")


def _diagram(rng: np.random.Generator) -> Image.Image:
    """Boxes with arrows, a table, a checkerboard, or shapes."""
    paper = Image.new("RGB", (640, 480), "white")
    pen = ImageDraw.Draw(paper)
    kind = rng.choice(["boxes", "boxes", "table", "board", "shapes"])
    step = int(rng.integers(40, 120))
    cells = [(x, y) for y in range(20, 440, step) for x in range(20, 600, step)]
    if kind == "boxes":
        spots = rng.choice(cells, min(len(cells), 9), replace=False).tolist()
        for (x, y), (to_x, to_y) in zip(spots, spots[1:], strict=False):
            pen.line((x + 30, y + 15, to_x + 30, to_y + 15), "black", 2)
        for x, y in spots:
            fill = _color(rng) if rng.random() < 0.5 else "white"
            pen.rounded_rectangle((x, y, x + 80, y + 34), 6, fill, "black", 2)
            pen.text((x + 6, y + 8), str(rng.choice(_WORDS)), "black", _font(rng, 13))
    elif kind == "table":
        for x, y in cells:
            pen.rectangle((x, y, x + step, y + step // 2), None, "#606060")
            pen.text((x + 4, y + 4), str(rng.integers(0, 10_000)), "black", _font(rng, 14))
    elif kind == "board":
        colors = "white", _color(rng)
        for x, y in cells:
            pen.rectangle((x, y, x + step, y + step), colors[(x // step + y // step) % 2])
    else:
        for x, y in cells[:: int(rng.integers(1, 4))]:
            shape = pen.ellipse if rng.random() < 0.5 else pen.rectangle
            shape((x, y, x + step * 0.8, y + step * 0.8), _color(rng))
    return paper


_DRAW = {
    "blank": _blank,
    "noise": _noise,
    "gradient": _gradient,
    "text": _text,
    "chart": _chart,
    "diagram": _diagram,
}
