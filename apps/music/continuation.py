"""Continue a piece that somebody began: ``lstm-suite continue``. Needs no TensorFlow."""

from __future__ import annotations

import argparse

import numpy as np

from apps.music.corpus import read_score
from apps.music.generate import MAX_BARS, compose, fermatas, open_music
from apps.music.key import key_name, parse_key
from apps.music.output import (
    add_decoding_arguments,
    add_output_arguments,
    bars_in_words,
    check_common,
    check_range,
    finish,
)
from apps.music.piece import Piece, metre, piece_from_pitches
from shared.errors import InputError


def prolong(primer: Piece, bars: int, phrase: int = 2, key: tuple[int, int] | None = None) -> Piece:
    """A plan that begins with a primer's notes.

    Args:
        primer: What is there; if its last bar is incomplete, that bar is filled first.
        bars: How many more.
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
    fermata = fermatas(position, bar_length, ends)
    fermata[:there] = primer.fermata
    lengths = primer.bar_length if primer.position[0] >= 0 else np.full(there, bar_length)
    rest = np.full((more, 4), -1, np.int16)
    return piece_from_pitches(
        primer.name,
        np.vstack([primer.pitches, rest]),
        np.vstack([primer.strikes, rest > 0]),
        position=position,
        bar_length=np.append(lengths, np.full(more, bar_length)),
        fermata=fermata,
        tonic=key[0] if key else primer.tonic,
        mode=key[1] if key else primer.mode,
    )


def cut(piece: Piece, bars: int) -> Piece:
    """The first bars of a piece, an upbeat apart; all of it if it has no more."""
    lines = np.flatnonzero(piece.position == 0)
    steps = int(lines[bars]) if len(lines) > bars else len(piece)
    return piece_from_pitches(
        piece.name,
        piece.pitches[:steps],
        piece.strikes[:steps],
        position=piece.position[:steps],
        bar_length=piece.bar_length[:steps],
        fermata=piece.fermata[:steps],
        tonic=piece.tonic,
        mode=piece.mode,
        source=piece.source,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``continue``."""
    parser.add_argument("primer", metavar="PRIMER", help="four parts: MIDI, MusicXML or ABC")
    parser.add_argument("--bars", type=int, default=8, help="how many more; %(default)s")
    parser.add_argument("--primer-bars", type=int, metavar="N", help="begin with the first N only")
    parser.add_argument("--key", help="such as 'Bb major'; default: estimated from the primer")
    parser.add_argument("--phrase", type=int, default=2, help="bars before a fermata; %(default)s")
    add_decoding_arguments(parser)
    add_output_arguments(parser, "continued.mid")


def run(args: argparse.Namespace) -> None:
    """``lstm-suite continue``."""
    options, rules = check_common(args)
    check_range("--bars", args.bars, 1, MAX_BARS)
    check_range("--phrase", args.phrase, 1, MAX_BARS)
    key = parse_key(args.key) if args.key else None
    primer = read_score(args.primer)
    if args.primer_bars is not None:
        check_range("--primer-bars", args.primer_bars, 1, MAX_BARS)
        primer = cut(primer, args.primer_bars)
    outline = prolong(primer, args.bars, args.phrase, key)
    if primer.tonic < 0 and not key:
        raise InputError(f"{args.primer}: its key cannot be told; give it with --key")
    opened, config = open_music(args)
    piece = compose(opened.generator, config, outline, options, rules=rules, given=len(primer))
    told = f", in {key_name(outline.tonic, outline.mode)}" if config.placed else ""
    words = f"{bars_in_words(args.bars)} after the {len(primer)} 16ths of {args.primer}{told}"
    finish(args, opened, piece, words, bars=args.bars, primer_steps=len(primer))
