"""The samples of ``lstm-suite demo``: photos in the public domain, and where the model looked."""

from __future__ import annotations

import argparse
import contextlib
import io
import shlex
from pathlib import Path

from apps.captioning import generate
from apps.captioning.photos import find_photos
from shared.application import Sample
from shared.errors import InputError
from shared.files import write_text
from shared.presets.catalog import find_bundle

PHOTOS = Path(__file__).parent / "samples"
"""Their sources and licenses are in SOURCES.md beside them."""


def samples(folder: Path, seed: int) -> list[Sample]:
    """Captions the photos with the app's own bundle; none if there is no bundle yet."""
    try:
        find_bundle("captioning")
    except InputError:
        return []
    return [_sample(folder, path) for path in find_photos([PHOTOS])]


def _sample(folder: Path, photo: Path) -> Sample:
    picture = folder / f"captioning-{photo.stem}.png"
    written = folder / f"captioning-{photo.stem}.txt"
    parser = argparse.ArgumentParser()
    generate.add_arguments(parser)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        generate.run(parser.parse_args([str(photo), "--attention", str(picture)]))
    answer = said.getvalue().strip()
    write_text(written, f"{answer}\n")
    return Sample(
        title=answer,
        command=shlex.join(["lstm-suite", "caption", photo.name, "--attention", picture.name]),
        given=f"The photo {photo.name}.",
        made=((picture, "where the model looked at each word"), (written, "the caption")),
    )
