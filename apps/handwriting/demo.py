"""The samples of ``lstm-suite demo``: a few lines in several hands."""

from __future__ import annotations

import argparse
import contextlib
import io
import shlex
from pathlib import Path

from apps.handwriting import generate
from shared.application import Sample
from shared.errors import InputError
from shared.presets.catalog import find_bundle

TEXT = (
    "Dear reader, nobody wrote this by hand. A network read the text, letter by letter, "
    "and moved a pen: about ten points for each of them."
)
STYLES = ("printed", "cursive", "mixed")


def samples(folder: Path, seed: int) -> list[Sample]:
    """Writes with the app's own bundle; no samples if there is no bundle yet."""
    try:
        find_bundle("handwriting")
    except InputError:
        return []
    return [_sample(folder, style, seed) for style in STYLES]


def _sample(folder: Path, style: str, seed: int) -> Sample:
    name = f"handwriting-{style}"
    picture, ink, moving = (folder / f"{name}{end}" for end in (".svg", ".json", "-moving.svg"))
    words = [TEXT, "--style", style, "--paper", "ruled", "--seed", str(seed)]
    parser = argparse.ArgumentParser()
    generate.add_arguments(parser)
    said = io.StringIO()
    outputs = ["-o", str(picture), str(ink), "--animate", str(moving)]
    with contextlib.redirect_stdout(said):
        generate.run(parser.parse_args([*words, *outputs]))
    return Sample(
        title=f"A note, {style}",
        command=shlex.join(["lstm-suite", "write", *words, "-o", picture.name]),
        given=said.getvalue().split(": ")[0],
        made=(
            (picture, "one path for each stroke"),
            (moving, "the same as it is written"),
            (ink, "the strokes as JSON"),
        ),
    )
