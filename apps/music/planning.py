"""Plans: pieces whose metre, key and phrases are set, and whose notes are still to be found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from apps.music.piece import Piece, metre, notes, piece_from_pitches
from apps.music.rules import RANGES

MAX_BARS = 40
_PHRASE = 44  # 16ths: between two bars of 4/4 and four of 3/4
METRES = {"4/4": 16, "3/4": 12}  # 16ths in a bar
PHRASES = {"4/4": 2, "3/4": 4}  # bars
UPBEATS = {"4/4": 1, "3/4": 0}  # quarters; of Bach's chorales, two in three have one in 4/4


def plan(
    bars: int, key: tuple[int, int], bar_length: int = 16, phrase: int = 2, upbeat: int = 0
) -> Piece:
    """An empty piece: metre, key, and a fermata at the end of every phrase.

    Args:
        bars: Length in bars.
        key: Tonic and mode.
        bar_length: Length of a bar in 16ths.
        phrase: Bars in a phrase; the last bar ends one in any case.
        upbeat: 16ths before the first bar line, which the last bar then lacks.
    """
    steps = bars * bar_length
    position, lengths = metre(steps, bar_length, upbeat)
    ends = [*range(phrase * bar_length, steps, phrase * bar_length), steps]
    return piece_from_pitches(
        "plan",
        np.full((steps, 4), -1),
        position=position,
        bar_length=lengths,
        fermata=fermatas(position, bar_length, ends),
        tonic=key[0],
        mode=key[1],
    )


def fermatas(
    position: np.ndarray, bar_length: int, ends: Sequence[int], beat: int = 4
) -> np.ndarray:
    """Where a phrase rests, bool ``(steps,)``: from the last accent before each of its ends.

    Accents are the first beat and, in bars of an even number of beats, the last two of four, or
    the last of two dotted ones.
    """
    last = 2 * beat if beat % 3 or bar_length > 2 * beat else beat
    accents = {0, bar_length - last if bar_length % (2 * beat) == 0 else 0}
    rest = np.zeros(len(position), bool)
    for end in ends:
        start = next((k for k in range(end - 1, -1, -1) if position[k] in accents), 0)
        rest[start:end] = True
    return rest


# --- continue -------------------------------------------------------------------------------


def prolong(primer: Piece, bars: int, phrase: int = 2, key: tuple[int, int] | None = None) -> Piece:
    """A plan that begins with a primer's notes.

    Args:
        primer: The beginning; if its last bar is incomplete, that bar is filled first.
        bars: How many bars to add.
        phrase: Bars in a phrase, counted from the end.
        key: Tonic and mode; by default the primer's own, as it was estimated.

    Returns:
        The primer and the empty bars. If it began with an upbeat, the last bar lacks as much.
    """
    bar_length = max(int(primer.bar_length[-1]), 0) or 16
    first = max(int(primer.position[0]), 0)
    there = len(primer)
    known = primer.position if primer.position[0] >= 0 else metre(there, bar_length)[0]
    position_next = (int(known[-1]) + 1) % bar_length
    more = (-position_next) % bar_length + bars * bar_length - (bar_length - first) * (first > 0)
    position = np.append(known, (position_next + np.arange(more)) % bar_length)
    steps = there + more
    ends = [e for e in range(steps, 0, -phrase * bar_length) if e - there >= bar_length]
    beat = int(primer.beats[-1])
    fermata = fermatas(position, bar_length, ends, 4 if beat % 3 else beat)
    fermata[:there] = primer.fermata
    lengths = primer.bar_length if primer.position[0] >= 0 else np.full(there, bar_length)
    rest = np.full((more, 4), -1, np.int16)
    made = piece_from_pitches(
        primer.name,
        np.vstack([primer.pitches, rest]),
        np.vstack([primer.strikes, rest > 0]),
        position=position,
        bar_length=np.append(lengths, np.full(more, bar_length)),
        fermata=fermata,
        tonic=key[0] if key else primer.tonic,
        mode=key[1] if key else primer.mode,
    )
    units = np.append(primer.units, np.full(more, primer.units[-1]))
    return replace(
        made,
        unit=units if primer.position[0] >= 0 else None,
        facts=replace(primer.facts, signature=None) if key else primer.facts,
    )


def cut(piece: Piece, bars: int) -> Piece:
    """The first bars of a piece, an upbeat apart; all of it if it has no more."""
    lines = np.flatnonzero(piece.position == 0)
    steps = int(lines[bars]) if len(lines) > bars else len(piece)
    return replace(
        piece,
        pitches=piece.pitches[:steps],
        strikes=piece.strikes[:steps],
        position=piece.position[:steps],
        bar_length=piece.bar_length[:steps],
        fermata=piece.fermata[:steps],
        unit=piece.units[:steps],
    )


# --- harmonize ------------------------------------------------------------------------------


def octaves_to_soprano(pitches: np.ndarray) -> int:
    """How many octaves up bring most of a melody into the soprano's range; the fewest that do."""
    heard = pitches[pitches >= 0]
    low, high = RANGES[0]

    def beyond(octaves: int) -> tuple[int, int]:
        moved = heard + 12 * octaves
        return int(((moved < low) | (moved > high)).sum()), abs(octaves)

    return min(range(-5, 6), key=beyond)


def phrase_ends(melody: Piece, phrase: int | None = None) -> np.ndarray:
    """Where the phrases of a melody probably end: bool ``(steps,)``, true for the whole last note.

    Long notes, rests, breath marks, the punctuation of lyrics and
    bar lines speak for an end; phrases much shorter or longer than `_PHRASE` speak against it.

    Args:
        melody: A piece of which only the soprano counts.
        phrase: Bars in a phrase, an upbeat apart; by default the likeliest ends are found.
    """
    found = notes(melody, 0)
    sung = [k for k, (_, _, midi) in enumerate(found) if midi >= 0]
    bar_length = max(int(melody.bar_length[0]), 0) or 16
    if phrase:
        ends = range(phrase * bar_length, len(melody), phrase * bar_length)
        last = {max(k for k in sung if k == sung[0] or found[k][0] < end) for end in ends}
    else:
        last = _likely_ends(melody, [found[k] for k in sung], bar_length)
        last = {sung[k] for k in last}
    fermata = np.zeros(len(melody), bool)
    for k in {*last, sung[-1]}:
        fermata[found[k][0] : found[k][1]] = True
    return fermata


def _likely_ends(melody: Piece, sung: list[tuple[int, int, int]], bar_length: int) -> set[int]:
    """Indices of the notes that end phrases, the best sequence by dynamic programming."""
    usual = float(np.quantile([end - start for start, end, _ in sung], 0.75))
    best = [(0.0, -1)]  # by the note that ends a phrase: score, index of the end before; -1 is none
    for k, (start, end, _) in enumerate(sung):
        rest = sung[k + 1][0] - end if k + 1 < len(sung) else 0
        gain = min(2.0, max(-1.0, float(np.log2((end - start) / usual))))
        gain += melody.facts.pauses.get(end, 0.0) + min(rest, 4) * 0.75
        options = []
        for before in range(-1, k):
            begin = sung[before + 1][0]
            length = end + min(rest, 4) * (rest < 4) - begin
            cost = min(2.0, abs(float(np.log2(length / _PHRASE))))
            # A phrase of whole bars ends where the next begins at the same place of the bar.
            cost += min(length % bar_length, -length % bar_length) / bar_length
            options.append((best[before + 1][0] + gain - cost, before))
        best.append(max(options))
    ends, k = set(), len(sung) - 1
    while k >= 0:
        ends.add(k)
        k = best[k + 1][1]
    return ends


def plan_harmony(
    melody: Piece, key: tuple[int, int] | None = None, phrase: int | None = None
) -> tuple[Piece, int]:
    """A melody as a plan: in the soprano's range, with a metre, a key and fermatas.

    Args:
        melody: A piece whose soprano is the melody.
        key: Tonic and mode, by default those estimated.
        phrase: Bars in a phrase. By default the melody's own fermatas count; where it has none,
            `phrase_ends` guesses, and they are not printed.

    Returns:
        The plan, and how many octaves up the melody was moved.
    """
    octaves = octaves_to_soprano(melody.pitches[:, 0])
    if key:
        facts = replace(melody.facts, signature=None)
        melody = replace(melody, tonic=key[0], mode=key[1], facts=facts)
    outline = melody.transpose(12 * octaves)
    if outline.position[0] < 0:
        position, bar_length = metre(len(outline))
        outline = replace(outline, position=position, bar_length=bar_length)
    if phrase or not outline.fermata.any():
        ends = phrase_ends(outline, phrase)
        outline = replace(outline, fermata=ends, guessed=phrase is None)
    return outline, octaves
