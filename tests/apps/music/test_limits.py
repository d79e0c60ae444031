"""Files that are small and say absurd things."""

import io
import time
import zipfile

import pytest

from apps.music.corpus import read_folder, read_score
from shared.errors import InputError

TUNE = "X:1\nM:4/4\nL:1/4\nK:C\n"
NOTE = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration></note>"
SCORE = (
    '<score-partwise><part-list><score-part id="P1"><part-name/></score-part></part-list>'
    '<part id="P1"><measure><attributes><divisions>4</divisions></attributes>{}</measure></part>'
    "</score-partwise>"
)


def midi(track):
    head = b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk"
    return head + len(track).to_bytes(4, "big") + track


def mxl(text):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", '<rootfile full-path="a.xml"/>')
        archive.writestr("a.xml", text)
    return buffer.getvalue()


HOSTILE = {
    "long notes.abc": TUNE + "B9999 " * 20_000,
    "a long number.abc": TUNE + "B" + "9" * 5_000,
    "slashes.abc": TUNE + "B" + "/" * 100_000,
    "rests.abc": TUNE + "C|" + "Z9999 " * 40_000,
    "bars.abc": TUNE + "C|" * 120_000,
    "repeats.abc": TUNE + "C|" * 3_000 + ":" * 100_000 + "|",
    "endings.abc": TUNE + "|:C|1-99 D:|" * 5_000,
    "braces.abc": TUNE + "{" * 200_000,
    "fields.abc": TUNE + "[K:" * 80_000,
    "octaves.abc": TUNE + "c" + "'" * 100_000,
    "empty lines.abc": TUNE + "z|" * 50_000 + "\n" * 100_000,
    "a name.abc": TUNE + "V:1 name=" + " " * 240_000 + "x",
    "too large.abc": TUNE + "C" * 1_000_000,
    "a far note.mid": midi(b"\0\x90\x3c\x40\xff\xff\xff\x7f\x3c\0"),
    "a far metre.mid": midi(b"\0\x90\x3c\x40\x60\x3c\0\xff\xff\xff\x7f\xff\x58\4\4\2\0\0"),
    "a long time.mid": midi(b"\xff" * 250_000),
    "never ended.mid": midi(b"\0\x90\x3c\x40" + b"\1\x3c\x40" * 80_000),
    "one key.mid": midi(b"\0\x90\x3c\x40" + b"\0\x3c\x40" * 80_000 + b"\0\x3c\0" * 80_000),
    "a bomb.mxl": mxl("<score-partwise>" + " " * 100_000_000),
    "notes.xml": SCORE.format(NOTE * 20_000),
    "a long note.xml": SCORE.format(NOTE.replace("<duration>4", "<duration>" + "9" * 300)),
    "a far note.xml": SCORE.format(NOTE + NOTE.replace("<duration>4", "<duration>9999999")),
    "staves.xml": SCORE.format("<attributes><staves>99999</staves></attributes>" + NOTE),
    "many times.xml": SCORE.format(NOTE + '<barline><repeat direction="backward" times="9999"/>'),
    "infinite.xml": SCORE.format('<direction><sound tempo="1e400"/></direction>' + NOTE),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_small_file_takes_long(tmp_path, name):
    content = HOSTILE[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    begin = time.process_time()
    try:
        assert len(read_score(tmp_path / name, melody=True)) < 100_001
    except InputError as error:
        assert "\n" not in str(error) and len(str(error)) < 400
    assert time.process_time() - begin < 5


def test_a_file_that_is_too_large_is_one_of_those_left_out(tmp_path):
    (tmp_path / "a.mid").write_bytes(bytes(1_000_001))
    with pytest.raises(InputError, match="no four-part piece .*a.mid: has more than 1 MB"):
        read_folder(tmp_path)
