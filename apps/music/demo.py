"""The samples of ``lstm-suite demo``: composed, harmonized, continued."""

from __future__ import annotations

import argparse
import contextlib
import io
import shlex
from pathlib import Path
from types import ModuleType

from apps.music import continuation, generate, harmonize
from apps.music.continuation import cut
from apps.music.corpus import piece_from_score
from apps.music.score import musicxml
from apps.music.sound import PLAIN
from shared.application import Sample
from shared.files import write_text

ODE_TO_JOY = """X:1
T:Ode to Joy
C:Ludwig van Beethoven
L:1/4
M:4/4
K:G
BBcd | dcBA | GGAB | B3/2A/2A2 | BBcd | dcBA | GGAB | A3/2G/2G2 |
AABG | AB/2c/2BG | AB/2c/2BA | GAD2 | BBcd | dcBA | GGAB | A3/2G/2G2 |]
"""
OPENING = "bwv66.6"  # of music21's corpus
OPENING_BARS = 2


def samples(folder: Path, seed: int) -> list[Sample]:
    """Runs the three verbs on small inputs, which are written to the folder, too."""
    from music21 import corpus

    tune, opening = folder / "ode-to-joy.abc", folder / "opening.musicxml"
    write_text(tune, ODE_TO_JOY)
    bach = cut(piece_from_score(corpus.parse(OPENING), OPENING), OPENING_BARS)
    write_text(opening, musicxml(bach))
    return [
        _sample(generate, "compose", "A chorale in G major", folder, seed, ["--key", "G major"]),
        _sample(generate, "compose", "A chorale in E minor", folder, seed, ["--key", "E minor"]),
        _sample(harmonize, "harmonize", "Ode to Joy in four parts", folder, seed, [str(tune)]),
        _sample(
            continuation,
            "continue",
            "Two bars of Bach, and how they might go on",
            folder,
            seed,
            [str(opening), "--bars", "6"],
        ),
    ]


def _sample(
    module: ModuleType, verb: str, title: str, folder: Path, seed: int, words: list[str]
) -> Sample:
    name = title.lower().split(",")[0].replace(" ", "-")
    made = [
        (folder / f"{name}.png", "the score, engraved by verovio"),
        (folder / f"{name}.wav", "played by the built-in synthesizer"),
        (folder / f"{name}.mid", "MIDI, four tracks"),
        (folder / f"{name}.musicxml", "MusicXML, for a notation program"),
    ]
    roll = folder / f"{name}-roll.png"
    words = [*words, "--seed", str(seed)]
    outputs = ["-o", *(str(path) for path, _ in made), "--roll", str(roll), "--soundfont", PLAIN]
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        module.run(parser.parse_args([*words, *outputs]))
    return Sample(
        title=title,
        command=shlex.join(["lstm-suite", verb, *words, "-o", f"{name}.mid"]),
        given=said.getvalue().split(", seed")[0],
        made=(made[0], (roll, "the same as a piano roll"), *made[1:]),
    )
