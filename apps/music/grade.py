"""A grade for chorales: how far what they are made of is from what Bach's are made of.

After Fang, Liu, Hadjeres, Seetharaman and Pardo (2020), "Bach or Mock? A Grading Function for
Chorales in the Style of J.S. Bach".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from apps.music.compare import SEVENTHS, TRIADS, WITHOUT_FIFTH, parallels
from apps.music.key import estimate_key
from apps.music.piece import VOICES, Piece, notes

Histogram = Counter[Hashable]

FEATURES = {
    "grade": "sum of the distances below, mean over the pieces; Bach's own is not 0",
    "grade_notes": "degrees of the scale, weighted by duration",
    "grade_rhythm": "durations",
    "grade_parallels": "parallel fifths and octaves, as a multiple of Bach's",
    "grade_chords": "kinds of chords",
    "grade_doubling": "notes of triads that are sung twice",
    "grade_spacing": "distances between neighboring voices",
    **{f"grade_{voice}": f"intervals of the {voice}" for voice in VOICES},
    "told_apart": "pairs of a real piece and one of these in which the real one has the better "
    "grade; 0.5 is chance",
}


_KINDS: dict[str, tuple[int, ...]] = {
    **TRIADS,
    **{f"{name} seventh": shape for name, shape in SEVENTHS.items()},
    **{f"without fifth {shape}": shape for shape in WITHOUT_FIFTH},
}


def histograms(piece: Piece) -> dict[str, Histogram]:
    """Counts what a piece is made of, by the features of `FEATURES`."""
    pitches = piece.pitches.astype(int)
    tonic, _ = _key(piece)
    chords = pitches[np.append(True, (pitches[1:] != pitches[:-1]).any(1))]
    chords = chords[(chords >= 0).all(1)]
    sung = [[n for n in notes(piece, voice) if n[2] >= 0] for voice in range(4)]
    degrees = (pitches[pitches >= 0] - tonic) % 12
    kinds = [_kind(chord) for chord in chords]
    found: dict[str, Histogram] = {
        "notes": Counter(degrees.tolist()),
        "rhythm": Counter(end - start for line in sung for start, end, _ in line),
        "chords": Counter(kind for kind, _ in kinds),
        "doubling": Counter(doubled for _, doubled in kinds if doubled is not None),
        "spacing": Counter(
            (upper, int(distance))
            for chord in chords
            for upper, distance in enumerate(chord[:-1] - chord[1:])
        ),
    }
    for voice, line in zip(VOICES, sung, strict=True):
        found[voice] = Counter(b[2] - a[2] for a, b in zip(line, line[1:], strict=False))
    return found


def _kind(chord: np.ndarray) -> tuple[str, int | None]:
    """The kind of a chord, and of a triad with one note doubled, what that is over its root."""
    classes = set((chord % 12).tolist())
    for name, shape in _KINDS.items():
        for root in sorted(classes):
            if {(root + degree) % 12 for degree in shape} == classes:
                counts = Counter(((chord - root) % 12).tolist())
                twice = [degree for degree, count in counts.items() if count == 2]
                return name, twice[0] if name in TRIADS and twice else None
    return "other", None


def _key(piece: Piece) -> tuple[int, int]:
    return (piece.tonic, piece.mode) if piece.tonic >= 0 else estimate_key(piece.pitches)


def _parallel_rate(piece: Piece) -> float:
    return parallels(piece.pitches.astype(int)) / max(1, int(piece.strikes.sum()))


class Grader:
    """Grades pieces by their distance from a corpus.

    For each feature the values are ordered by how common they are in the corpus's pieces of the
    same mode, those that it lacks at the end. The distance is Wasserstein's between the two
    distributions over ranks. Parallels count by their number for each note. Of the paper's
    features repeated sequences are left out; doubling and spacing are added.

    Args:
        corpus: Pieces, of both modes.
    """

    def __init__(self, corpus: Sequence[Piece]):
        self.totals: list[dict[str, Histogram]] = [{}, {}]
        for piece in corpus:
            totals = self.totals[_key(piece)[1]]
            for name, counts in histograms(piece).items():
                totals.setdefault(name, Counter()).update(counts)
        self.parallels = max(1e-9, float(np.mean([_parallel_rate(piece) for piece in corpus])))

    def distances(self, piece: Piece) -> dict[str, float]:
        """The distance of each feature."""
        totals = self.totals[_key(piece)[1]] or self.totals[1 - _key(piece)[1]]
        found = {name: distance(counts, totals[name]) for name, counts in histograms(piece).items()}
        return found | {"parallels": _parallel_rate(piece) / self.parallels}

    def measure(
        self, pieces: Sequence[Piece], real: Sequence[Piece] | None = None
    ) -> dict[str, float | None]:
        """The mean distances of some pieces, by `FEATURES`; compared with real ones if given."""
        rows = [self.distances(piece) for piece in pieces]
        means = {f"grade_{k}": float(np.mean([row[k] for row in rows])) for k in rows[0]}
        means["grade"] = sum(means.values())
        result: dict[str, float | None] = {name: means.get(name) for name in FEATURES}
        if real is not None:
            grades, others = (
                np.array([sum(self.distances(piece).values()) for piece in group])
                for group in (pieces, real)
            )
            result["told_apart"] = float((others[:, None] < grades).mean())
        return result


def distance(counts: Histogram, corpus: Histogram) -> float:
    """Computes Wasserstein's distance of two histograms, over the ranks of the corpus's values."""
    if not counts:
        return 0.0
    ranked = [value for value, _ in corpus.most_common()]
    extra = sorted((value for value in counts if value not in corpus), key=lambda v: counts[v])
    ranks = [*ranked, *extra]
    first, second = (np.array([h[value] for value in ranks]) / h.total() for h in (counts, corpus))
    return float(np.abs(np.cumsum(first - second)).sum())
