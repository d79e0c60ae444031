"""The samples of ``lstm-suite demo``: sentences, and what the model looked at."""

from __future__ import annotations

import argparse
import contextlib
import io
import shlex
from pathlib import Path

from apps.translation import generate
from shared.application import Sample
from shared.errors import InputError
from shared.files import write_text
from shared.presets.catalog import find_bundle

SENTENCES = (
    ("I don't understand what you are saying.", "de"),
    ("Where is the station?", "fr"),
    ("Mañana voy a trabajar.", "en"),
)


def samples(folder: Path, seed: int) -> list[Sample]:
    """Translates sentences with the app's own bundle; none if there is no bundle yet."""
    try:
        find_bundle("translation")
    except InputError:
        return []
    return [_sample(folder, f"translation-{k}", *pair) for k, pair in enumerate(SENTENCES, 1)]


def _sample(folder: Path, name: str, text: str, to: str) -> Sample:
    picture, written = folder / f"{name}.png", folder / f"{name}.txt"
    parser = argparse.ArgumentParser()
    generate.add_arguments(parser)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        generate.run(parser.parse_args([text, "--to", to, "--attention", str(picture)]))
    answer = said.getvalue().strip()
    write_text(written, f"{answer}\n")
    return Sample(
        title=text,
        command=shlex.join(
            ["lstm-suite", "translate", text, "--to", to, "--attention", picture.name]
        ),
        given=answer,
        made=((picture, "what each subword attended to"), (written, "the translation")),
    )
