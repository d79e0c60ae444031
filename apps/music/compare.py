"""Comparison of generated and real chorales by measures of part writing.

``lstm-suite evaluate music --generate 24 --bars 16`` prints the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from apps.music.decoding import DECODING, fill
from apps.music.harmony import BEAT
from apps.music.key import estimate_key, parse_key
from apps.music.piece import Piece, changes
from apps.music.rules import RANGES, consecutive
from shared.decoding import DecodingOptions
from shared.presets.open import Opened

KEYS = [parse_key(k) for k in ("G", "Am", "F", "Em", "D", "Gm", "C", "Dm", "Bb", "Bm", "A", "Cm")]
"""The keys of composed pieces, in turn: those of most chorales."""

TRIADS = {"major": (0, 4, 7), "minor": (0, 3, 7), "diminished": (0, 3, 6), "augmented": (0, 4, 8)}
SEVENTHS = {
    "dominant": (0, 4, 7, 10),
    "major": (0, 4, 7, 11),
    "minor": (0, 3, 7, 10),
    "half-diminished": (0, 3, 6, 10),
    "diminished": (0, 3, 6, 9),
}
WITHOUT_FIFTH = ((0, 4), (0, 3), (0, 4, 10), (0, 4, 11), (0, 3, 10))
"""Triads and seventh chords that four voices may leave incomplete."""

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 9, 10, 11))  # minor: melodic, both ways

FIGURES = {
    "parallels": "parallel fifths and octaves per 100 chord changes",
    "beat_parallels": "the same from beat to beat, per 100 beats",
    "chord_validity": "triads and seventh chords among the chords on the beat",
    "out_of_range": "notes beyond the ranges of the voices",
    "crossing": "steps at which voices cross",
    "changes_per_beat": "changes of note in a beat, all voices",
    "copied_run": "longest run of chords copied from the training set",
    "copied_run_mean": "the same, mean over the pieces",
    "in_scale": "notes of the key's scale",
    "key_kept": "pieces whose notes are in their key, asked for or Bach's",
    "tonic_ending": "pieces that end with the bass on the tonic",
    "clashes": "chromatic clashes per 100 chord changes",
    "home_phrases": "inner phrases that end with the bass on the tonic or the dominant",
}


def generate(
    opened: Opened, outlines: Sequence[Piece], rules: Sequence[str], melody: bool = False
) -> list[Piece]:
    """What ``compose`` (with ``melody`` ``harmonize``) makes of plans by default, seeds from 0."""
    return [
        fill(
            opened.generator,
            opened.config,
            outline,
            DecodingOptions(**DECODING, seed=seed),
            melody,
            rules=rules,
        )
        for seed, outline in enumerate(outlines)
    ]


def measure(pieces: Sequence[Piece], copies: Copies | None = None) -> dict[str, float | None]:
    """The `FIGURES` of some pieces, taken together. Shares are from 0 to 1.

    * parallels: a chord change is a step at which a voice moves to another pitch; each pair of
      voices that then moves as `apps.music.rules.consecutive` says counts, per 100 changes.
    * beat_parallels: the same between the chords of consecutive beats, per 100 such pairs.
    * chord_validity: share of the beats (quarters, with all voices sounding) whose pitch classes
      are exactly those of a triad or a seventh chord on any root: `TRIADS`, `SEVENTHS`, or
      `WITHOUT_FIFTH`. Suspensions and accented passing notes count as none, in Bach's pieces too.
    * out_of_range: share of the sounding steps outside of `RANGES`.
    * crossing: share of the steps at which some voice is above a higher one.
    * changes_per_beat: moves to another pitch in a quarter, summed over the voices; repeated
      notes do not count.
    * copied_run: see `Copies`; the largest of all pieces, and their mean; None without them.
    * in_scale: share of the sounding steps in the scale of the piece's key (estimated if the
      piece has none), in minor with both sixths and sevenths.
    * key_kept: share of the pieces for which `estimate_key` finds their key, of those that have
      one; None if none has.
    * tonic_ending: share of the pieces that end with the bass on the tonic of their key.
    * clashes: see `clashes`, per 100 chord changes.
    * home_phrases: of the fermatas before the last, the share with the tonic or the dominant of the
      key in the bass.
    """
    totals = np.zeros((11, 2))  # of a ratio, above and below
    runs = []
    for piece in pieces:
        pitches = piece.pitches.astype(int)
        chords = on_beats(piece)
        heard = pitches >= 0
        moves = (pitches[1:] != pitches[:-1]).any(1)
        all_voices = chords[(chords >= 0).all(1)]
        key = (piece.tonic, piece.mode) if piece.tonic >= 0 else estimate_key(pitches)
        asked = piece.tonic >= 0
        degrees = (pitches[heard] - key[0]) % 12
        beyond = (pitches < RANGES[:, 0]) | (pitches > RANGES[:, 1])
        both = heard[:, :-1] & heard[:, 1:]
        totals += [
            (parallels(pitches), moves.sum() / 100),
            (parallels(chords), (len(chords) - 1) / 100),
            (is_chord(all_voices).sum(), len(all_voices)),
            ((beyond & heard).sum(), heard.sum()),
            (((np.diff(pitches) > 0) & both).any(1).sum(), len(pitches)),
            (changes(pitches)[1:].sum(), len(pitches) / BEAT),
            (np.isin(degrees, _SCALES[key[1]]).sum(), len(degrees)),
            (asked and estimate_key(pitches) == key, asked),
            ((pitches[-1, 3] - key[0]) % 12 == 0, 1),
            (clashes(piece, key), moves.sum() / 100),
            _home_phrases(piece, key[0]),
        ]
        runs += [copies.longest(piece)] if copies else []
    names = [name for name in FIGURES if not name.startswith("copied")]
    ratios = totals[:, 0] / np.maximum(totals[:, 1], 1e-9)
    figures: dict[str, float | None] = dict(zip(names, ratios.tolist(), strict=True))
    if all(piece.tonic < 0 for piece in pieces):
        figures["key_kept"] = None
    if runs:
        figures |= {"copied_run": float(max(runs)), "copied_run_mean": float(np.mean(runs))}
    return {name: figures.get(name) for name in FIGURES}


def on_beats(piece: Piece) -> np.ndarray:
    """Pitches on the quarters, int ``(beats, 4)``."""
    index = np.where(piece.position >= 0, piece.position, np.arange(len(piece)))
    return piece.pitches[index % BEAT == 0].astype(int)


def parallels(chords: np.ndarray) -> int:
    """Pairs of voices in parallel motion, over consecutive rows of pitches ``(n, 4)``."""
    before, after = chords[:-1], chords[1:]
    return sum(
        int(consecutive(before[:, i], before[:, j], after[:, i], after[:, j]).sum())
        for i in range(4)
        for j in range(i + 1, 4)
    )


def clashes(piece: Piece, key: tuple[int, int]) -> int:
    """Counts pairs of notes a semitone apart, in any octave, one of them foreign to the key.

    Such are A sharp under A, and B natural against C in E flat major. Each pair counts once, when
    the later of its notes begins. Bach has them too: in other keys than that of the piece, and as
    suspensions and passing notes.
    """
    pitches = piece.pitches.astype(int)
    foreign = ~np.isin((pitches - key[0]) % 12, _SCALES[key[1]])
    count = 0
    for i in range(4):
        for j in range(i + 1, 4):
            near = np.isin(abs(pitches[:, i] - pitches[:, j]) % 12, (1, 11))
            near &= (pitches[:, [i, j]] >= 0).all(1) & (foreign[:, i] | foreign[:, j])
            count += int((near & (piece.strikes[:, i] | piece.strikes[:, j])).sum())
    return count


def _home_phrases(piece: Piece, tonic: int) -> tuple[int, int]:
    """How many phrases before the last end on tonic or dominant, and how many there are."""
    starts = np.flatnonzero(np.diff(piece.fermata.astype(int), prepend=0) == 1)[:-1]
    bass = piece.pitches[starts, 3].astype(int)
    return int(np.isin((bass - tonic) % 12, (0, 7)).sum()), len(starts)


def is_chord(chords: np.ndarray) -> np.ndarray:
    """Which rows of pitches are triads or seventh chords, bool; see `measure`."""
    sets = np.bitwise_or.reduce(1 << (chords % 12), axis=1)
    return _KNOWN[sets]


def _known() -> np.ndarray:
    table = np.zeros(1 << 12, bool)
    for chord in (*TRIADS.values(), *SEVENTHS.values(), *WITHOUT_FIFTH):
        for root in range(12):
            table[sum(1 << (degree + root) % 12 for degree in chord)] = True
    return table


_KNOWN = _known()


class Copies:
    """Finds what pieces have in common with a training set, whatever the key.

    A run of n chords is copied if a training piece has, on n consecutive beats, the same n
    chords up to one transposition of all of them: the same distances between the voices, and
    the same motion of the bass. Chords that are repeated on the next beat count once.
    """

    def __init__(self, training: Sequence[Piece]):
        self.training = [self._shapes(piece) for piece in training]
        self.known: list[set[bytes]] = []

    def longest(self, piece: Piece) -> int:
        """Returns the number of chords in the longest copied run."""
        shapes = self._shapes(piece)
        length = 0
        while length < len(shapes) and self._runs(length + 1) & _passages(shapes, length + 1):
            length += 1
        return length

    def _runs(self, length: int) -> set[bytes]:
        while len(self.known) < length:
            size = len(self.known) + 1
            self.known.append(set().union(*(_passages(s, size) for s in self.training)))
        return self.known[length - 1]

    @staticmethod
    def _shapes(piece: Piece) -> np.ndarray:
        """For each chord the heights over the bass and the bass's motion to it, int8."""
        chords = on_beats(piece)
        new = np.append(True, (chords[1:] != chords[:-1]).any(1))
        chords = chords[new & (chords >= 0).all(1)]
        motion = np.diff(chords[:, 3], prepend=chords[:1, 3])
        return np.column_stack([chords[:, :3] - chords[:, 3:], motion]).astype(np.int8)


def _passages(shapes: np.ndarray, length: int) -> set[bytes]:
    """All runs of so many chords; how the bass came to the first is no part of it."""
    found = set()
    for start in range(len(shapes) - length + 1):
        run = shapes[start : start + length].copy()
        run[0, 3] = 0
        found.add(run.tobytes())
    return found


def table(
    columns: Mapping[str, Mapping[str, float | None]], meanings: Mapping[str, str] = FIGURES
) -> str:
    """Formats figures side by side, with their meaning, a column for each heading."""
    width = max(12, *(len(name) + 2 for name in columns))
    lines = ["".join(f"{name:>{width}}" for name in columns)]
    for name, meaning in meanings.items():
        values = [figures[name] for figures in columns.values()]
        cells = ["-" if value is None else f"{value:.3f}" for value in values]
        lines.append("".join(f"{cell:>{width}}" for cell in cells) + f"  {name}: {meaning}")
    return "\n".join(lines)
