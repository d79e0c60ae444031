"""The limits of what is read and made, as ``--help`` and docs/limits.md state them."""

from __future__ import annotations

from typing import NamedTuple


class Limit(NamedTuple):
    """The most that there may be of something.

    Attributes:
        app: The application that it is about, "" for all.
        what: In words.
        value: The limit.
        unit: What it counts.
        constant: Where it stands in the code, which a test compares.
    """

    app: str
    what: str
    value: int
    unit: str
    constant: str

    def __str__(self) -> str:
        return f"{self.what}: {self.value:,} {self.unit}"


LIMITS = tuple(
    Limit(*row)
    for row in (
        ("", "a file of text or JSON, unpacked", 250_000_000, "bytes", "shared.readers.BYTES"),
        ("", "a text", 2_000_000, "lines", "shared.readers.LINES"),
        ("", "a JSON file", 10_000_000, "values", "shared.readers.VALUES"),
        ("", "arrays in an .npz file, unpacked", 4_000_000_000, "bytes", "shared.readers.ARRAYS"),
        ("", "what an archive beyond 16 MB unpacks to", 100, "times its size",
         "shared.readers.RATIO"),
        ("captioning", "a JPEG", 100_000_000, "pixels", "apps.captioning.photos.PIXELS"),
        ("captioning", "another photo", 50_000_000, "pixels",
         "apps.captioning.photos.OTHER_PIXELS"),
        ("captioning", "a caption to train on", 30, "tokens",
         "apps.captioning.config.CaptioningConfig.length"),
        ("translation", "a sentence, longer ones go in parts", 64, "subwords",
         "apps.translation.config.TranslationConfig.length"),
        ("translation", "a line", 200_000, "characters", "apps.translation.reading.MOST_LINE"),
        ("music", "a piece that is made", 40, "bars", "apps.music.planning.MAX_BARS"),
        ("music", "a melody to harmonize", 640, "16ths", "apps.music.config.MusicConfig.frames"),
        ("music", "a piece that is read", 100_000, "16ths", "apps.music.sheet.LONGEST"),
        ("music", "a MIDI or ABC file", 1_000_000, "bytes", "apps.music.sheet.MOST_BYTES"),
        ("music", "a MusicXML file, unpacked", 5_000_000, "bytes",
         "apps.music.notation.MOST_XML"),
        ("music", "a MusicXML file", 6_000, "notes, rests and bars",
         "apps.music.notation.MOST_ELEMENTS"),
        ("handwriting", "a text to write", 20_000, "characters",
         "apps.handwriting.write.MOST_TEXT"),
        ("handwriting", "a line on a page", 48, "characters", "apps.handwriting.page.MOST"),
        ("handwriting", "a picture", 150_000_000, "pixels", "apps.handwriting.drawing.MOST_PIXELS"),
        ("handwriting", "a file of UNIPEN or IAM-OnDB", 30_000_000, "bytes",
         "apps.handwriting.ink.MOST_BYTES"),
        ("handwriting", "a sample of ink", 5_000, "strokes", "apps.handwriting.ink.MOST_STROKES"),
    )
)  # fmt: skip


def limits_of(app: str) -> str:
    """The limits of an application in a paragraph, for its help."""
    return "Limits: " + "; ".join(str(limit) for limit in LIMITS if limit.app in ("", app)) + "."
