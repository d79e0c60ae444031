"""Three voices beneath a given melody: ``lstm-suite harmonize``. Needs no TensorFlow."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from apps.music.corpus import read_score
from apps.music.generate import MAX_BARS, compose, open_music
from apps.music.key import key_name, parse_key
from apps.music.output import (
    add_decoding_arguments,
    add_output_arguments,
    check_common,
    check_range,
    finish,
)
from apps.music.piece import Piece, metre, notes
from apps.music.rules import RANGES
from shared.errors import InputError

SOPRANO_RANGE = RANGES[0]


def octaves_to_soprano(pitches: np.ndarray) -> int:
    """How many octaves up bring most of a melody into the soprano's range; the fewest that do."""
    heard = pitches[pitches >= 0]
    low, high = SOPRANO_RANGE

    def beyond(octaves: int) -> tuple[int, int]:
        moved = heard + 12 * octaves
        return int(((moved < low) | (moved > high)).sum()), abs(octaves)

    return min(range(-5, 6), key=beyond)


def phrase_ends(melody: Piece, phrase: int | None = None) -> np.ndarray:
    """Where the phrases of a melody probably end: bool ``(steps,)``, true for the whole last note.

    Args:
        melody: Its soprano counts.
        phrase: Bars in a phrase, an upbeat apart; by default a phrase ends on its last note, on
            a note before a rest, and on notes of a half or more that are at least twice as long
            as the median.
    """
    found = notes(melody, 0)
    sung = [k for k, (_, _, midi) in enumerate(found) if midi >= 0]
    if phrase:
        bar_length = max(int(melody.bar_length[0]), 0) or 16
        ends = range(phrase * bar_length, len(melody), phrase * bar_length)
        last = {max(k for k in sung if k == sung[0] or found[k][0] < end) for end in ends}
    else:
        long = max(8, 2 * np.median([found[k][1] - found[k][0] for k in sung]))
        last = {k for k in sung if found[k][1] - found[k][0] >= long}
        last |= {k for k in sung[:-1] if found[k + 1][2] < 0}
    fermata = np.zeros(len(melody), bool)
    for k in {*last, sung[-1]}:
        fermata[found[k][0] : found[k][1]] = True
    return fermata


def prepare(
    melody: Piece, key: tuple[int, int] | None = None, phrase: int | None = None
) -> tuple[Piece, int]:
    """A melody as a plan: in the soprano's range, with a metre, a key and fermatas.

    Args:
        melody: As `read_score` reads it.
        key: Tonic and mode, by default those estimated.
        phrase: See `phrase_ends`; only a melody without fermatas of its own is guessed at,
            unless this is given.

    Returns:
        The plan, and how many octaves up the melody went.
    """
    octaves = octaves_to_soprano(melody.pitches[:, 0])
    if key:
        melody = replace(melody, tonic=key[0], mode=key[1])
    plan = melody.transpose(12 * octaves)
    if plan.position[0] < 0:
        position, bar_length = metre(len(plan))
        plan = replace(plan, position=position, bar_length=bar_length)
    if phrase or not plan.fermata.any():
        plan = replace(plan, fermata=phrase_ends(plan, phrase))
    return plan, octaves


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``harmonize``."""
    parser.add_argument("melody", metavar="MELODY", help="MIDI, MusicXML or ABC; the highest "
                        "notes of its first part count")  # fmt: skip
    parser.add_argument("--key", help="such as 'Bb major'; default: estimated from the melody")
    parser.add_argument("--phrase", type=int, help="bars before a fermata; default: as the file "
                        "says, else long notes end a phrase")  # fmt: skip
    add_decoding_arguments(parser)
    add_output_arguments(parser, "harmonized.mid")


def run(args: argparse.Namespace) -> None:
    """``lstm-suite harmonize``."""
    options, rules = check_common(args)
    if args.phrase is not None:
        check_range("--phrase", args.phrase, 1, MAX_BARS)
    key = parse_key(args.key) if args.key else None
    melody = read_score(args.melody, melody=True)
    outline, octaves = prepare(melody, key, args.phrase)
    opened, config = open_music(args)
    if len(outline) > config.frames:
        raise InputError(
            f"{args.melody}: {len(outline)} 16ths are more than this model's {config.frames}; "
            "harmonize it in parts"
        )
    piece = compose(opened.generator, config, outline, options, melody=True, rules=rules)
    words = f"{args.melody} in {key_name(outline.tonic, outline.mode)}"
    if octaves:
        way = "up" if octaves > 0 else "down"
        words += f", moved {abs(octaves)} octave{'s' * (abs(octaves) > 1)} {way} for the soprano"
    finish(args, opened, piece, words, octaves=octaves)
