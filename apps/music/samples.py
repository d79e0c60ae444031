"""The samples of ``lstm-suite demo``: composed, harmonized, continued."""

from __future__ import annotations

import shlex
from pathlib import Path

from apps.music.compose import Composer, Composition
from apps.music.corpus import piece_from_score
from apps.music.notation import parse
from apps.music.planning import cut
from apps.music.score import musicxml
from apps.music.sound import PLAIN
from shared.application import Sample
from shared.files import write_bytes, write_text

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
    """Composes, harmonizes and continues; the tune and the opening are written to the folder."""
    from music21 import corpus

    tune, opening = folder / "ode-to-joy.abc", folder / "opening.musicxml"
    write_text(tune, ODE_TO_JOY)
    score = parse(Path(str(corpus.getWork(OPENING))))
    bach = cut(piece_from_score(score, OPENING, as_written=True), OPENING_BARS)
    write_text(opening, musicxml(bach))

    composer = Composer.from_preset()
    made = [
        _write(
            folder,
            f"A chorale in {key}",
            composer.compose(key=key, seed=seed),
            "8 bars",
            ["compose", "--key", key],
        )
        for key in ("G major", "E minor")
    ]
    joy = composer.harmonize(tune, seed=seed)
    longer = composer.prolong(opening, 6, seed=seed)
    return [
        *made,
        _write(
            folder,
            "Ode to Joy in four parts",
            joy,
            f"{tune} in {joy.key}",
            ["harmonize", str(tune)],
        ),
        _write(
            folder,
            "Two bars of Bach, and how they might go on",
            longer,
            f"6 bars after the {longer.primer_steps} 16ths of {opening}, in {longer.key}",
            ["continue", str(opening), "--bars", "6"],
        ),
    ]


def _write(folder: Path, title: str, made: Composition, given: str, words: list[str]) -> Sample:
    """Writes a composition in several forms."""
    name = title.lower().split(",")[0].replace(" ", "-")
    captions = {
        ".png": "the score, engraved by verovio",
        ".wav": "played by the built-in synthesizer",
        ".mid": "MIDI, four tracks",
        ".musicxml": "MusicXML, for a notation program",
    }
    first, *others = [(folder / f"{name}{ending}", told) for ending, told in captions.items()]
    made.write(first[0], *(path for path, _ in others), soundfont=PLAIN)
    roll = folder / f"{name}-roll.png"
    write_bytes(roll, made.roll())
    words = [*words, "--seed", str(made.seed), "-o", f"{name}.mid"]
    return Sample(
        title=title,
        command=shlex.join(["lstm-suite", *words]),
        given=given,
        made=(first, (roll, "the same as a piano roll"), *others),
    )
