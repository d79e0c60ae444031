import numpy as np
import pytest
from PIL import Image

from apps.captioning import photos
from apps.captioning.photos import (
    LEAST_PART,
    PIXELS,
    cropped,
    find_photos,
    load_photo,
    open_photo,
    resize,
)
from shared.errors import InputError
from tests.apps.captioning.toy import TINY


def picture(size=(60, 40)):
    """Red on the left, green on the right."""
    image = Image.new("RGB", size, (200, 30, 30))
    image.paste((30, 200, 30), (size[0] // 2, 0, *size))
    return image


def corners(image):
    """Colors of the top left and the bottom right, roughly."""
    array = np.asarray(image, int)
    return array[2, 2].tolist(), array[-3, -3].tolist()


def close(found, expected, tolerance=20):
    return np.abs(np.subtract(found, expected)).max() <= tolerance


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "tif", "bmp"])
def test_formats(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    picture().save(path)
    image = open_photo(path)
    assert image.mode == "RGB" and image.size == (60, 40)
    assert close(corners(image), [[200, 30, 30], [30, 200, 30]], 30)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright(tmp_path, orientation):
    undo = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
            4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
            6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270}  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = picture().transpose(undo[orientation]) if orientation > 1 else picture()
    stored.save(tmp_path / "a.jpg", exif=exif, quality=95)
    image = open_photo(tmp_path / "a.jpg")
    assert image.size == (60, 40)
    assert close(corners(image), [[200, 30, 30], [30, 200, 30]], 30)


def test_what_is_transparent_is_white(tmp_path):
    clear = picture().convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size).point(lambda v: 255 * (v < 128)))
    clear.save(tmp_path / "rgba.png")
    Image.new("LA", (9, 9), (0, 0)).save(tmp_path / "la.png")
    palette = picture().quantize(4)
    palette.info["transparency"] = palette.getpixel((59, 39))
    palette.save(tmp_path / "p.png")
    assert close(corners(open_photo(tmp_path / "rgba.png")), [[200, 30, 30], [255] * 3])
    assert corners(open_photo(tmp_path / "la.png"))[0] == [255, 255, 255]
    assert close(corners(open_photo(tmp_path / "p.png")), [[200, 30, 30], [255] * 3])


def test_grey_palette_one_bit_and_cmyk(tmp_path):
    picture().convert("L").save(tmp_path / "grey.png")
    picture().quantize(16).save(tmp_path / "palette.gif")
    Image.new("1", (20, 20), 1).save(tmp_path / "bit.png")
    picture().convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    picture().convert("CMYK").save(tmp_path / "cmyk.tif")
    grey = corners(open_photo(tmp_path / "grey.png"))
    assert all(len(set(color)) == 1 for color in grey)
    assert corners(open_photo(tmp_path / "bit.png"))[0] == [255, 255, 255]
    for name in ("palette.gif", "cmyk.jpg", "cmyk.tif"):
        found = corners(open_photo(tmp_path / name))
        assert close(found, [[200, 30, 30], [30, 200, 30]], 30), name


@pytest.mark.parametrize("kind", ["uint16", "int32", "float32"])
def test_more_than_8_bits_are_scaled_down(tmp_path, kind):
    ramp = np.tile(np.linspace(0, 65535 if kind != "float32" else 1, 64), (40, 1)).astype(kind)
    path = tmp_path / ("a.png" if kind == "uint16" else "a.tif")
    Image.fromarray(ramp).save(path)
    values = np.asarray(open_photo(path))
    assert values.shape == (40, 64, 3)
    assert values[0, 0, 0] < 5 and values[0, -1, 0] > 250 and 110 < values[0, 32, 0] < 146


def test_the_first_frame_of_several(tmp_path):
    frames = [picture(), Image.new("RGB", (60, 40), "blue")]
    for name in ("a.gif", "a.tif", "a.webp", "a.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        found = corners(open_photo(tmp_path / name))
        assert close(found, [[200, 30, 30], [30, 200, 30]], 40), name


def test_what_is_no_photo_is_named_in_one_line(tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("cut.jpg", "cut.png", "cut.webp", "cut.gif", "cut.tif"):
        noise = np.random.default_rng(0).integers(0, 255, (80, 80, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / name)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(InputError, match=path.name) as error:
            open_photo(path)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="cannot be read"):
        open_photo(tmp_path)


def test_a_decompression_bomb_is_not_unpacked(tmp_path):
    side = int(PIXELS**0.5) + 1000
    Image.new("1", (side, side)).save(tmp_path / "bomb.png")
    Image.new("1", (3 * side, side)).save(tmp_path / "larger.png")
    for name in ("bomb.png", "larger.png"):
        with pytest.raises(InputError, match="pixels.*scale it down"):
            open_photo(tmp_path / name)


def test_squash_and_pad():
    wide = picture((200, 100))
    squashed, padded = resize(wide, 96, "squash"), resize(wide, 96, "pad")
    assert squashed.shape == padded.shape == (96, 96, 3) and squashed.dtype == np.uint8
    assert close(corners(squashed), [[200, 30, 30], [30, 200, 30]])
    assert corners(padded) == ([128] * 3, [128] * 3)
    assert close(padded[48, 5].tolist(), [200, 30, 30])
    same = picture((96, 96))
    np.testing.assert_array_equal(resize(same, 96, "squash"), np.asarray(same))


def test_a_part_is_large_and_of_about_the_same_ratio():
    rows, columns = np.mgrid[:120, :200].astype(np.uint8)
    image = Image.fromarray(np.stack([rows, columns, 0 * rows], 2))
    corners = set()
    for seed in range(50):
        part = cropped(image, np.random.default_rng(seed))
        array = np.asarray(part, int)
        assert (np.diff(array[:, 0, 0]) == 1).all() and (np.diff(array[0, :, 1]) == 1).all()
        area = part.width * part.height / (200 * 120)
        assert LEAST_PART - 0.02 < area <= 1 and 1.2 < part.width / part.height < 2.3
        corners.add(tuple(array[0, 0]))
    assert len(corners) > 30


def test_a_large_photo_is_as_its_small_copy(tmp_path):
    gradient = Image.radial_gradient("L").resize((3000, 2400)).convert("RGB")
    gradient.save(tmp_path / "large.jpg", quality=95)
    small = resize(gradient, TINY.image_size, "squash").astype(int)
    assert np.abs(load_photo(tmp_path / "large.jpg", TINY) - small).mean() < 2


def test_files_and_folders_within_folders(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name in ("z.JPG", "b/y.png", "b/c/x.webp", "b/._y.png", "b/notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    found = find_photos([tmp_path, tmp_path / "z.JPG"])
    assert [str(p.relative_to(tmp_path)) for p in found] == ["b/c/x.webp", "b/y.png", "z.JPG"]
    assert find_photos([tmp_path / "b/notes.txt"]) == [tmp_path / "b/notes.txt"]
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="no photo in there"):
        find_photos([tmp_path / "none"])
    with pytest.raises(InputError, match="no such file"):
        find_photos([tmp_path / "missing.jpg"])


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_what_a_sensor_has_in_16_bits_is_as_bright_as_in_8(tmp_path, bits):
    values = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    wide = (values.astype(np.float64) / 255 * (2**bits - 1)).astype(np.uint16)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    found = np.asarray(open_photo(tmp_path / "wide.png"), int)[..., 0]
    assert np.abs(found - values).max() <= 1


def test_a_pixel_that_is_not_a_number_is_black_and_the_others_stay(tmp_path):
    values = np.linspace(0.2, 0.8, 64 * 64, dtype=np.float32).reshape(64, 64)
    Image.fromarray(values).save(tmp_path / "a.tif")
    values[3, 3], values[4, 4] = np.nan, np.inf
    Image.fromarray(values).save(tmp_path / "b.tif")
    a, b = (np.asarray(open_photo(tmp_path / f"{n}.tif"), int) for n in "ab")
    assert np.abs(a - b)[5:].max() <= 1 and b[3, 3].max() == b[4, 4].max() == 0


def test_a_folder_is_searched_for_whatever_a_single_file_may_be(tmp_path):
    picture = Image.new("RGB", (20, 20), "red")
    for ending in ("avif", "jp2", "ppm", "tga", "webp", "jpg"):
        picture.save(tmp_path / f"a.{ending}")
    (tmp_path / "b.heic").write_bytes(b"no photo that Pillow reads")
    (tmp_path / "notes.txt").write_text("no photo")
    assert {path.suffix[1:] for path in find_photos([tmp_path])} == {
        *("avif", "jp2", "ppm", "tga", "webp", "jpg", "heic")
    }


def test_a_page_description_is_never_given_to_ghostscript(tmp_path):
    (tmp_path / "a.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n")
    with pytest.raises(InputError, match=r"a\.png: not an image"):
        open_photo(tmp_path / "a.png")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16", "F"])
def test_what_is_very_large_is_thinned_before_it_is_converted(tmp_path, monkeypatch, mode):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = picture((160, 90)).convert("L" if mode in ("I;16", "F") else mode)
    image = (
        image.convert("I;16") if mode == "I;16" else image.convert("F") if mode == "F" else image
    )
    path = tmp_path / ("a.tif" if mode == "F" else "a.png")
    image.save(path, exif=exif)
    whole = open_photo(path)
    monkeypatch.setattr(photos, "_ENOUGH", 160 * 90 // 4)
    small = open_photo(path)
    assert whole.size == (90, 160) and small.size == (45, 80) and small.mode == "RGB"
    if mode != "1":  # of dots, thinning leaves black or white
        assert close(corners(small), corners(whole), 60)
    monkeypatch.setattr(photos, "OTHER_PIXELS", 160 * 90 - 1)
    with pytest.raises(InputError, match="(160 x 90|90 x 160) pixels are more than"):
        open_photo(path)
