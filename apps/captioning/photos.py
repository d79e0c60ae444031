"""Photo files as people have them, and the one way they are resized, in training and at runtime.

A file becomes upright RGB in 8 bits first: EXIF rotation applied, what is transparent on white,
16 bit scaled down, the first frame of several. Then `resize` makes it square:

    squash   both sides are scaled, bilinear with antialiasing; the ratio of the sides is lost
    pad      the longer side is, and the photo is centered on mid-grey (128)
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps, UnidentifiedImageError

from apps.captioning.config import CaptioningConfig
from shared.errors import InputError

SAMPLES = Path(__file__).parent / "samples"  # in the public domain, see SOURCES.md in there
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
PIXELS = 100_000_000  # a larger photo is refused; decoded it would need 300 MB
LEAST_PART, LEAST_TONE, MOST_TONE = 0.5, 0.7, 1.3
_GREY = (128, 128, 128)


def open_photo(path: str | Path) -> Image.Image:
    """The photo, upright, RGB.

    Raises:
        InputError: The file cannot be read, is no image, is truncated, or is a bomb.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata, and of sizes below our own limit
            with Image.open(path) as image:
                if image.width * image.height > PIXELS:
                    raise InputError(
                        f"{path}: {image.width} x {image.height} pixels are more than "
                        f"{PIXELS // 1_000_000} million; scale it down"
                    )
                # Of a camera's large JPEG an eighth to a half of the pixels is decoded.
                image.draft("RGB", (1024, 1024))
                image.load()
                return _rgb(ImageOps.exif_transpose(image))
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: far too many pixels; scale it down") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: not an image that can be read; convert it to JPEG") from error
    except OSError as error:
        if error.errno is not None:
            raise InputError(
                f"{path}: cannot be read ({error.strerror}); check the path"
            ) from error
        raise InputError(f"{path}: truncated or damaged ({error}); copy it again") from error
    except (SyntaxError, ValueError, EOFError, MemoryError, IndexError, OverflowError) as error:
        raise InputError(f"{path}: damaged ({error}); copy it again") from error


PhotoLike = str | Path | Image.Image | np.ndarray
"""A file, an image, or its pixels: uint8 ``(height, width, 3)``, or 4 with alpha, or grey."""


def as_photo(photo: PhotoLike) -> Image.Image:
    """`open_photo` of a file, and an image or an array in the same way upright and RGB.

    Raises:
        InputError: The file cannot be read, or the array holds no pixels.
    """
    if isinstance(photo, str | Path):
        return open_photo(photo)
    if isinstance(photo, np.ndarray):
        shape = photo.shape
        if photo.dtype != np.uint8 or 0 in shape or shape[2:] not in ((), (3,), (4,)):
            raise InputError(
                f"a photo as an array is uint8 (height, width, 3), not {photo.dtype} {shape}"
            )
        photo = Image.fromarray(photo)
    return _rgb(ImageOps.exif_transpose(photo))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _scaled_down(image)
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _scaled_down(image: Image.Image) -> Image.Image:
    """Of 16 bits the upper 8; of 32 and of floats the range from least to most."""
    values = np.asarray(image, np.float64)
    high = 65535.0
    low = 0.0
    if image.mode == "F" or values.max(initial=0) > high or values.min(initial=0) < 0:
        low, high = float(values.min()), float(values.max())
    scaled = (values - low) * (255.0 / max(high - low, 1e-9))
    return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8)).convert("RGB")


def resize(image: Image.Image, size: int, fit: str) -> np.ndarray:
    """What the model sees of a photo: uint8 ``(size, size, 3)``; see the module."""
    if fit == "pad":
        square = ImageOps.pad(image, (size, size), Image.Resampling.BILINEAR, color=_GREY)
    else:
        square = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(square, np.uint8)


def load_photo(photo: PhotoLike, config: CaptioningConfig) -> np.ndarray:
    """`as_photo`, then `resize` as the model was trained.

    Raises:
        InputError: The file cannot be read, or the array holds no pixels.
    """
    return resize(as_photo(photo), config.image_size, config.fit)


def cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A random part of a photo: `LEAST_PART` of its area or more."""
    area, ratio = rng.uniform(LEAST_PART, 1), rng.uniform(3 / 4, 4 / 3)
    width, height = (min(1.0, (area * r) ** 0.5) for r in (ratio, 1 / ratio))
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    box = np.array([left, top, left + width, top + height]) * (image.size * 2)
    return image.crop(tuple(np.rint(box).astype(int).tolist()))


def varied(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """For training: `cropped`, and brightness, contrast and saturation changed a little.

    Each is multiplied by `LEAST_TONE` to `MOST_TONE`.
    """
    part = cropped(image, rng)
    for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        part = kind(part).enhance(rng.uniform(LEAST_TONE, MOST_TONE))
    return part


def find_photos(names: Sequence[str | Path]) -> list[Path]:
    """The files named, and in folders all with the suffix of an image, sorted, recursively.

    Raises:
        InputError: A name is neither, or a folder holds no photo.
    """
    found: list[Path] = []
    for name in map(Path, names):
        if name.is_dir():
            inside = sorted(_inside(name.rglob("*")))
            if not inside:
                raise InputError(f"{name}: no photo in there ({', '.join(SUFFIXES)})")
            found += inside
        elif name.exists():
            found.append(name)
        else:
            raise InputError(f"{name}: no such file; check the path")
    return list(dict.fromkeys(found))


def _inside(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file():
            yield path
