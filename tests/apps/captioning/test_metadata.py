"""Captions in photo files: written through exiv2, read back with Pillow and exiv2."""

import io

import exiv2
import numpy as np
import pytest
from PIL import Image

from apps.captioning.metadata import WRITER, has_caption, write_caption
from shared.errors import InputError

TEXT = "Ein Mädchen läuft."


def photo(path, **options):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return path


def metadata(path):
    image = exiv2.ImageFactory.open(path.read_bytes())
    image.readMetadata()
    groups = (image.exifData(), image.iptcData(), image.xmpData())
    return {datum.key(): datum.toString() for group in groups for datum in group}


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_a_caption_is_written_beside_what_is_there(tmp_path, ending):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "A maker", 6  # Make, Orientation
    path = photo(tmp_path / f"a.{ending}", exif=exif, xmp=b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
                 b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
                 b'<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/>'
                 b"</rdf:RDF></x:xmpmeta>")  # fmt: skip
    path.chmod(0o640)
    before, pixels = metadata(path), np.asarray(Image.open(path))
    assert not has_caption(path)
    write_caption(path, TEXT)
    assert has_caption(path)
    after = metadata(path)
    assert {key: after.get(key) for key in before if "Strip" not in key} == {
        key: value for key, value in before.items() if "Strip" not in key
    }
    assert after["Exif.Image.ImageDescription"] == TEXT
    assert TEXT in after["Xmp.dc.description"]
    if ending != "webp":  # which has no IPTC
        assert after["Iptc.Application2.Caption"] == TEXT
        assert after["Iptc.Application2.Writer"] == WRITER
    np.testing.assert_array_equal(np.asarray(Image.open(path)), pixels)
    assert path.stat().st_mode & 0o777 == 0o640
    write_caption(path, "A girl runs.")  # its own is replaced
    assert metadata(path)["Exif.Image.ImageDescription"] == "A girl runs."


def test_what_someone_else_wrote_is_kept(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "Our wedding"
    path = photo(tmp_path / "a.jpg", exif=exif)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"a\.jpg: is described as 'Our wedding', which is kept"):
        write_caption(path, TEXT)
    assert path.read_bytes() == before and not has_caption(path)
    exif[0x010E] = "      "  # as cameras leave it
    write_caption(photo(path, exif=exif), TEXT)
    assert has_caption(path)


def test_iptc_in_an_unknown_encoding_stays_as_it_is(tmp_path):
    path = photo(tmp_path / "a.jpg")
    image = exiv2.ImageFactory.open(str(path))
    image.readMetadata()
    image.iptcData()["Iptc.Application2.City"] = "Kaln"
    image.writeMetadata()
    path.write_bytes(path.read_bytes().replace(b"Kaln", b"K\xf6ln"))  # Latin-1, not marked as such
    write_caption(path, TEXT)
    assert b"K\xf6ln" in path.read_bytes()
    assert "Iptc.Application2.Caption" not in metadata(path)
    assert has_caption(path)


def test_formats_that_hold_none_are_left_alone(tmp_path):
    path = photo(tmp_path / "a.bmp")
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"a\.bmp: .*use --sidecar"):
        write_caption(path, TEXT)
    assert path.read_bytes() == before
    stream = io.BytesIO()
    Image.new("RGB", (9, 9)).save(stream, "JPEG")
    (tmp_path / "b.jpg").write_bytes(stream.getvalue()[:40])
    with pytest.raises(InputError, match=r"b\.jpg"):
        write_caption(tmp_path / "b.jpg", TEXT)
