"""Reading and resizing of photos, the same in training and at runtime.

A file is first converted to upright 8-bit RGB: EXIF rotation is applied, transparency is rendered
on white, 16 bit is scaled down, and of several frames the first is used. Then `resize` makes it
square:

    squash   scales both sides, bilinear with antialiasing; the aspect ratio is lost
    pad      scales the longer side, and centers the photo on mid-gray (128)
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps, UnidentifiedImageError

from apps.captioning.config import CaptioningConfig
from shared.errors import InputError

SAMPLES = Path(__file__).parent / "samples"  # in the public domain, see SOURCES.md in there
# Pillow hands EPS to Ghostscript, which runs programs; the others are no photos, or only written.
_NO_PHOTOS = {"EPS", "PDF", "MPEG", "WMF", "BUFR", "GRIB", "HDF5", "FITS"}
# What Pillow cannot read is named where a folder holds it, not passed over.
_UNREADABLE = {".heic", ".heif", ".jxl", ".svg", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf"}
PIXELS = 100_000_000  # larger photos are refused: decoded, this size takes 400 MB
OTHER_PIXELS = 50_000_000  # of a file that is no JPEG; some take three times the memory
_ENOUGH = 16_000_000  # pixels; of more some are left out before any arithmetic
LEAST_PART, LEAST_TONE, MOST_TONE = 0.5, 0.7, 1.3
_ORIENTATION = 0x0112  # of EXIF
_GREY = (128, 128, 128)


@functools.cache
def formats() -> tuple[str, ...]:
    """The image formats that are read, by Pillow's names."""
    Image.init()
    return tuple(sorted(Image.OPEN.keys() - _NO_PHOTOS))


@functools.cache
def suffixes() -> frozenset[str]:
    """The endings of files that a folder is searched for, in lower case."""
    known = {ending for ending, kind in Image.registered_extensions().items() if kind in formats()}
    return frozenset(known | _UNREADABLE)


def open_photo(path: str | Path) -> Image.Image:
    """Opens a photo as upright RGB.

    Raises:
        InputError: The file cannot be read, is not an image, is truncated, or is too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd metadata, and sizes below our own limit
            with Image.open(path, formats=formats()) as image:
                most = PIXELS if image.format in ("JPEG", "MPO") else OTHER_PIXELS
                if image.width * image.height > most:
                    raise InputError(
                        f"{path}: {image.width} x {image.height} pixels are more than "
                        f"{most // 1_000_000} million; scale it down"
                    )
                # A large JPEG can be decoded at an eighth to a half of its resolution.
                image.draft("RGB", (1024, 1024))
                image.load()
                return _upright(image)
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
"""A file, an image, or pixels: uint8 ``(height, width, 3)``, 4 channels with alpha, or gray."""


def as_photo(photo: PhotoLike) -> Image.Image:
    """Converts a file, an image or an array to upright RGB, as `open_photo` does.

    Raises:
        InputError: The file cannot be read, or the array does not hold pixels.
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
    return _upright(photo)


def _upright(image: Image.Image) -> Image.Image:
    """Converts to upright RGB, without copies of what is very large."""
    if (share := image.width * image.height / _ENOUGH) > 1:
        exif = image.getexif()
        size = [max(1, round(side / share**0.5)) for side in image.size]
        info, image = image.info, image.resize((size[0], size[1]), Image.Resampling.NEAREST)
        image.info = info
        image.getexif()[_ORIENTATION] = exif.get(_ORIENTATION, 1)
    return _rgb(ImageOps.exif_transpose(image))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _scaled_down(image)
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _scaled_down(image: Image.Image) -> Image.Image:
    """Converts to 8 bits: from the bits that a sensor has, or from the range of the values.

    Cameras write 10, 12 or 14 bits into 16. What is not a number is black.
    """
    values = np.array(image, np.float64)
    finite = np.isfinite(values)
    known = values[finite]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    values[~finite] = low
    if image.mode != "F" and low >= 0 and high <= 65535:
        low, high = 0.0, next(float(top) for top in (255, 1023, 4095, 16383, 65535) if high <= top)
    values -= low  # in place, for the photo may be large
    values *= 255.0 / max(high - low, 1e-9)
    return Image.fromarray(np.clip(values, 0, 255, out=values).astype(np.uint8)).convert("RGB")


def resize(image: Image.Image, size: int, fit: str) -> np.ndarray:
    """Resizes a photo to the model's input, uint8 ``(size, size, 3)``, by ``squash`` or ``pad``."""
    if fit == "pad":
        square = ImageOps.pad(image, (size, size), Image.Resampling.BILINEAR, color=_GREY)
    else:
        square = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(square, np.uint8)


def load_photo(photo: PhotoLike, config: CaptioningConfig) -> np.ndarray:
    """Loads a photo with `as_photo` and resizes it as the model expects.

    Raises:
        InputError: The file cannot be read, or the array does not hold pixels.
    """
    return resize(as_photo(photo), config.image_size, config.fit)


def cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Crops a random part of a photo, at least `LEAST_PART` of its area."""
    area, ratio = rng.uniform(LEAST_PART, 1), rng.uniform(3 / 4, 4 / 3)
    width, height = (min(1.0, (area * r) ** 0.5) for r in (ratio, 1 / ratio))
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    box = np.array([left, top, left + width, top + height]) * (image.size * 2)
    return image.crop(tuple(np.rint(box).astype(int).tolist()))


def varied(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Augments a photo for training: a random crop, brightness, contrast and saturation.

    Each of the last three is multiplied by `LEAST_TONE` to `MOST_TONE`.
    """
    part = cropped(image, rng)
    for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        part = kind(part).enhance(rng.uniform(LEAST_TONE, MOST_TONE))
    return part


def find_photos(names: Sequence[str | Path]) -> list[Path]:
    """Finds photos: the files themselves, and all images in folders, recursively and sorted.

    Raises:
        InputError: A file or folder does not exist, or a folder contains no photo.
    """
    found: list[Path] = []
    for name in map(Path, names):
        if name.is_dir():
            inside = sorted(_inside(name.rglob("*")))
            if not inside:
                raise InputError(f"{name}: no photo in there (JPEG, PNG, WebP, TIFF, ...)")
            found += inside
        elif name.exists():
            found.append(name)
        else:
            raise InputError(f"{name}: no such file; check the path")
    return list(dict.fromkeys(found))


def _inside(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.suffix.lower() in suffixes() and not path.name.startswith(".") and path.is_file():
            yield path
