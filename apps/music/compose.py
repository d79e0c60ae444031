"""`Composer` composes, continues and harmonizes chorales. Needs neither Keras nor TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from apps.engine import Engine
from apps.music import sound
from apps.music.corpus import Rejected, piece_from_score, read_score
from apps.music.decoding import DECODING, Candidate, candidates
from apps.music.key import key_name, parse_key
from apps.music.piece import VOICES, Piece, in_a_row
from apps.music.planning import (
    MAX_BARS,
    METRES,
    PHRASES,
    UPBEATS,
    cut,
    plan,
    plan_harmony,
    prolong,
)
from apps.music.rules import RULES, choose_rules
from apps.music.score import TEMPO, midi, musicxml, render_png, render_svg, to_score
from apps.music.wishes import Chord, chords_of, kept_notes
from shared.decoding import DecodingOptions
from shared.errors import InputError, check_range
from shared.files import write_bytes

Render = Callable[[Piece, int | None], bytes]
RENDERERS: dict[str, Render] = {
    ".mid": midi,
    ".musicxml": lambda piece, tempo: musicxml(piece, tempo=tempo).encode(),
    ".svg": lambda piece, tempo: _engrave(piece, tempo).encode(),
    ".png": lambda piece, tempo: render_png(_engrave(piece, tempo)),
    ".wav": sound.wav,
}
"""By the ending of a file what it holds, of a piece and quarters a minute."""


def _engrave(piece: Piece, tempo: int | None) -> str:
    return render_svg(musicxml(piece, tempo=tempo))


def ending_of(path: str | Path) -> str:
    """The ending of a file that can be written, its own or that of a link's target.

    Raises:
        InputError: It is none of `RENDERERS`.
    """
    ending, target = (Path(name).suffix.lower() for name in (path, os.path.realpath(path)))
    for known in (ending, target):
        if known in RENDERERS:
            return known
    raise InputError(
        f"{path}: cannot write {ending or 'a file without an ending'}; use {', '.join(RENDERERS)}"
    )


@dataclass(frozen=True)
class Sampling:
    """How notes are drawn.

    Args:
        temperature: Below 1 likely notes become likelier, above 1 rare ones do.
        top_p: Draw from the likeliest notes that have this share of the probability only.
        rules: Names of the rules of `apps.music.rules.RULES` to keep; by default all.
        n_best: How many pieces to draw; the likeliest is the first.
        chords: Roman numerals, see `apps.music.wishes.chords_of`; by default none.

    Raises:
        InputError: A value is out of range, or there is no such rule.
    """

    temperature: float = DECODING["temperature"]
    top_p: float = DECODING["top_p"]
    rules: tuple[str, ...] = tuple(RULES)
    n_best: int = 1
    chords: str = ""

    def __post_init__(self) -> None:
        """Checks the values."""
        choose_rules(self.rules)
        check_range("n_best", self.n_best, 1, 100)
        self.options(0)

    def options(self, seed: int) -> DecodingOptions:
        """The same for `shared.decoding.decode`."""
        return DecodingOptions(
            strategy="sample",
            temperature=self.temperature,
            top_p=self.top_p,
            n_best=self.n_best,
            seed=seed,
        )


DEFAULT = Sampling()


@dataclass(frozen=True, eq=False)
class Composition:
    """A chorale by a model.

    Attributes:
        candidates: Pieces that were drawn, the likeliest first.
        seed: The seed that they were drawn with.
        primer_steps: How many 16ths at its beginning were given.
        octaves: How many octaves up a given melody was moved into the soprano's range.
    """

    candidates: tuple[Candidate, ...]
    seed: int
    primer_steps: int = 0
    octaves: int = 0

    @property
    def piece(self) -> Piece:
        """Its notes on a grid of 16ths; of several candidates those of the first."""
        return self.candidates[0].piece

    @property
    def sheet(self) -> Piece:
        """What is written: the piece, or all candidates one after the other, with their ranks."""
        return in_a_row([one.piece for one in self.candidates])

    @property
    def key(self) -> str | None:
        """Its key, such as ``"E minor"``; None if the model was not told one."""
        return key_name(self.piece.tonic, self.piece.mode) if self.piece.tonic >= 0 else None

    @property
    def tempo(self) -> int:
        """Quarters a minute: the source's, or 84."""
        return self.piece.facts.tempo or TEMPO

    @property
    def said(self) -> tuple[str, ...]:
        """What differs from the source or was chosen, in a line each."""
        return self.piece.facts.said

    @property
    def score(self) -> Any:
        """A music21 ``Score`` of two staves."""
        return to_score(self.sheet)

    def roll(self, title: str = "") -> bytes:
        """A piano roll as a PNG."""
        from shared.plots import piano_roll

        piece = self.piece
        bars = np.flatnonzero(piece.position == 0).tolist()
        return piano_roll(piece.pitches, piece.strikes, bars=bars, names=VOICES, title=title)

    def render(
        self, ending: str, *, tempo: int | None = None, soundfont: str | None = None
    ) -> bytes:
        """What a file of that ending holds.

        Args:
            ending: One of `RENDERERS`.
            tempo: Quarters a minute; by default the source's, or 84.
            soundfont: An ``.sf2`` file to play a ``.wav`` with, or ``"none"`` for a plain
                synthesizer; by default the system's, if it has fluidsynth.

        Raises:
            InputError: The SoundFont cannot be played.
        """
        if tempo is not None:
            check_range("tempo", tempo, 20, 300)
        if ending == ".wav":
            return sound.wav(self.sheet, tempo, soundfont)
        return RENDERERS[ending](self.sheet, tempo)

    def write(
        self, *paths: str | Path, tempo: int | None = None, soundfont: str | None = None
    ) -> None:
        """Writes files in the forms that their endings name; none if one cannot be made.

        Args:
            *paths: Files that end in ``.mid``, ``.musicxml``, ``.svg``, ``.png`` or ``.wav``.
            tempo: Quarters a minute.
            soundfont: As for `render`.

        Raises:
            InputError: A file has another ending, or the SoundFont cannot be played.
        """
        endings = {path: ending_of(path) for path in paths}
        files = {
            path: self.render(ending, tempo=tempo, soundfont=soundfont)
            for path, ending in endings.items()
        }
        for path, content in files.items():
            write_bytes(path, content)


class Composer(Engine):
    """A trained chorale model.

    Example:

    ```python
    composer = Composer.from_preset()
    composer.compose(key="E minor", bars=8, seed=1).write("chorale.mid", "chorale.png")
    composer.harmonize("melody.abc").score     # a music21 stream
    ```
    """

    app: ClassVar[str] = "music"

    def compose(
        self,
        *,
        key: str = "G major",
        bars: int = 8,
        metre: str = "4/4",
        upbeat: int | None = None,
        phrase: int | None = None,
        seed: int = 0,
        sampling: Sampling = DEFAULT,
    ) -> Composition:
        """Composes a chorale.

        Args:
            key: Such as ``"Bb major"`` or ``"F# minor"``.
            bars: Its length, at most 40.
            metre: ``"4/4"`` or ``"3/4"``.
            upbeat: Quarters before the first bar line, which the last bar then lacks; by default
                1 in 4/4 time, 0 in 3/4.
            phrase: Bars before a fermata; by default 2 in 4/4 time, 4 in 3/4.
            seed: The random choices depend on it.
            sampling: How notes are drawn.

        Raises:
            InputError: A value is out of range.
        """
        if metre not in METRES:
            raise InputError(f"metre must be {' or '.join(METRES)}, not {metre}")
        bar_length = METRES[metre]
        phrase = PHRASES[metre] if phrase is None else phrase
        upbeat = UPBEATS[metre] if upbeat is None else upbeat
        check_range("bars", bars, 1, MAX_BARS)
        check_range("phrase", phrase, 1, MAX_BARS)
        check_range("upbeat", upbeat, 0, bar_length // 4 - 1)
        outline = plan(bars, parse_key(key), bar_length, phrase, 4 * upbeat)
        return Composition(self._fill(outline, seed, sampling), seed)

    def prolong(
        self,
        primer: Any,
        bars: int = 8,
        *,
        primer_bars: int | None = None,
        key: str | None = None,
        phrase: int = 2,
        seed: int = 0,
        sampling: Sampling = DEFAULT,
    ) -> Composition:
        """Continues a piece in four parts.

        Args:
            primer: A MIDI, MusicXML or ABC file, a music21 score, or a `Piece`. If its last bar
                is incomplete, that bar is filled first.
            bars: How many bars to add, at most 40.
            primer_bars: Of the primer only that many bars count; by default all.
            key: Its key; by default estimated.
            phrase: Bars before a fermata, counted from the end.
            seed: The random choices depend on it.
            sampling: How notes are drawn.

        Raises:
            InputError: The primer cannot be read, or a value is out of range.
        """
        check_range("bars", bars, 1, MAX_BARS)
        check_range("phrase", phrase, 1, MAX_BARS)
        tonic = parse_key(key) if key else None
        piece = as_piece(primer)
        if primer_bars is not None:
            check_range("primer bars", primer_bars, 1, MAX_BARS)
            piece = cut(piece, primer_bars)
        if piece.tonic < 0 and not tonic:
            raise InputError(f"{piece.name}: its key cannot be told; name one")
        outline = prolong(piece, bars, phrase, tonic)
        kept = np.zeros(outline.pitches.shape, bool)
        kept[: len(piece)] = True
        made = self._fill(outline, seed, sampling, kept=kept)
        return Composition(made, seed, primer_steps=len(piece))

    def harmonize(
        self,
        melody: Any,
        *,
        part: str | None = None,
        keep: str | None = None,
        key: str | None = None,
        phrase: int | None = None,
        seed: int = 0,
        sampling: Sampling = DEFAULT,
    ) -> Composition:
        """Sets a melody in four parts, or a piece in four parts anew.

        Args:
            melody: A MIDI, MusicXML or ABC file or a music21 score, of which the highest notes of
                a part count; or a `Piece`, of which the soprano counts.
            part: Number from 1 or name of the part; by default one whose name says that it is the
                melody, else the first that is not low.
            keep: What stays of a file or piece in four parts beside its soprano, such as
                ``"bass"`` or ``"bars 1-4"``, see `apps.music.wishes.kept_notes`.
            key: Its key; by default the file's, or estimated.
            phrase: Bars before a fermata; by default the melody's own fermatas count, or else
                phrases are guessed.
            seed: The random choices depend on it.
            sampling: How notes are drawn.

        Raises:
            InputError: The melody cannot be read or is too long, a value is out of range, or the
                model does not harmonize.
        """
        if phrase is not None:
            check_range("phrase", phrase, 1, MAX_BARS)
        tonic = parse_key(key) if key else None
        if keep is not None and part is not None:
            raise InputError("a part is the melody alone; leave it out to keep others")
        source = as_piece(melody, keep is None, part)
        outline, octaves = plan_harmony(source, tonic, phrase)
        kept = None if keep is None else kept_notes(keep, outline)
        made = self._fill(outline, seed, sampling, melody=True, kept=kept)
        return Composition(made, seed, octaves=octaves)

    def _fill(
        self,
        outline: Piece,
        seed: int,
        sampling: Sampling,
        melody: bool = False,
        kept: np.ndarray | None = None,
    ) -> tuple[Candidate, ...]:
        chords: Mapping[int, Chord] = {}
        if sampling.chords:
            chords, said = chords_of(sampling.chords, outline, melody)
            facts = replace(outline.facts, said=(*outline.facts.said, *said))
            outline = replace(outline, facts=facts)
        return tuple(
            candidates(
                self.opened.generator,
                self.opened.config,
                outline,
                sampling.options(seed),
                melody,
                sampling.rules,
                kept,
                chords,
            )
        )


def as_piece(source: Any, melody: bool = False, part: str | None = None) -> Piece:
    """A piece from what a user has: a file, a music21 score or a `Piece`.

    Args:
        source: One of these.
        melody, part: Whether to read one voice only, and of which part, see `read_score`.

    Raises:
        InputError: It cannot be read; the message names the file.
    """
    if isinstance(source, Piece):
        return source
    if isinstance(source, str | Path):
        return replace(read_score(source, melody, part), name=str(source))
    try:
        return piece_from_score(source, "the score", melody=melody, part=part)
    except Rejected as error:
        raise InputError(f"the score: {error}") from error
