"""The rules that know about keys and chords: how pieces begin, and how phrases and pieces end."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from apps.music.key import estimate_key
from apps.music.piece import VOICE_ORDER, Piece, decode_symbols

BEAT = 4
_SOPRANO, _BASS = 0, 3
_ROOTS = ((0, 2, 4, 5, 7, 9), (0, 3, 5, 7, 8, 10))  # of the chords under fermatas
_DOMINANT, _LEADING, _SEVENTH = 7, 11, 5  # semitones over the tonic


@dataclass(frozen=True)
class Moment:
    """What is known when a note is chosen, one row for each piece.

    Attributes:
        frame: The step.
        voice: Whose note is chosen, 0 to 3 from the top.
        chosen: The voices that have theirs already.
        before: Pitches of the frame before, int ``(rows, 4)`` from the top, -1 is silence.
        last_beat: Those of the beat before, if this frame is a beat; else -1.
        now: Those of this frame, -1 where none is chosen yet.
        tonic: Pitch classes ``(rows,)``; only looked at near the end.
    """

    frame: int
    voice: int
    chosen: tuple[int, ...]
    before: np.ndarray
    last_beat: np.ndarray
    now: np.ndarray
    tonic: np.ndarray

    def row(self, index: int) -> Moment:
        """One row of it."""
        here = slice(index, index + 1)
        names = ("before", "last_beat", "now", "tonic")
        return replace(self, **{name: getattr(self, name)[here] for name in names})

    def degrees(self, root: np.ndarray) -> np.ndarray:
        """Semitones of the chosen notes over a root ``(rows, 1)``, ``(rows, 4)``, else -1."""
        return np.where(self.now >= 0, (self.now - root) % 12, -1)


class Harmony:
    """Three rules, of which Bach's chorales follow each in nine cases of ten.

    * opening: the first chord is the tonic triad in root position, with its third; in minor that
      is a minor one.
    * phrases: where a fermata begins, the chord is a major or minor triad in root position, with
      its third, on a degree of the key's (natural) scale.
    * cadence: from the last fermata on (without one, on the last beat; beneath a melody, under
      its last note) no voice moves. There the bass is on the tonic, the soprano on the tonic or
      the third, and all together they are the tonic triad with its third, which in minor may be
      major. In the beat before, the bass is on the dominant, no voice has the seventh degree
      without raising it, and in the second half of that beat the chord is the dominant triad or
      seventh chord with one leading note.

    A given melody decides what is possible: one that begins on no note of the tonic triad is
    free there, one that ends on another degree is closed on the triad of the dominant or the
    subdominant, and one that does not go with the dominant before is left to the model.

    Args:
        outline: Its length, fermatas and key; where the key is unknown there is no opening, and
            the cadence is in the key of what was written.
        melody: Pitches of a given soprano, ``(steps,)``.
    """

    def __init__(self, outline: Piece, melody: np.ndarray | None = None):
        self.known, self.minor = outline.tonic, outline.mode != 0
        self.melody = melody
        starts = np.flatnonzero(np.diff(outline.fermata.astype(int), prepend=0) == 1)
        self.final = max(0, len(outline) - BEAT)
        if outline.fermata[-1]:
            self.final = int(starts[-1])
        if melody is not None:
            moves = np.flatnonzero(np.diff(melody)) + 1
            self.final = max(self.final, int(moves[-1]) if len(moves) else 0)
        self.phrase_ends = {int(start) for start in starts if start < self.final - BEAT}

    def tonic(self, prefixes: np.ndarray, frame: int) -> np.ndarray:
        """The tonics ``(rows,)``; where the key is unknown, near the end estimated."""
        if self.known >= 0 or frame < self.final - BEAT:
            return np.full(len(prefixes), self.known)
        written = prefixes[:, : frame * len(VOICE_ORDER)].reshape(len(prefixes), frame, -1)
        return np.array([estimate_key(decode_symbols(row, holds=True)[0])[0] for row in written])

    def opening(self, moment: Moment, voice: int, pitch: np.ndarray) -> np.ndarray:
        """Which pitches ``(1, n)`` of a voice the rule admits, bool, broadcasts with rows."""
        if moment.frame or self.known < 0 or voice == _SOPRANO and self.melody is not None:
            return np.ones((1, 1), bool)
        third = 3 if self.minor else 4
        if self.melody is not None:
            if (self.melody[0] - self.known) % 12 not in (0, third, 7) or self.melody[0] < 0:
                return np.ones((1, 1), bool)
        return _triad(moment, voice, pitch, moment.tonic[:, None], (third,))

    def phrases(self, moment: Moment, voice: int, pitch: np.ndarray) -> np.ndarray:
        """Which pitches ``(1, n)`` of a voice the rule admits, bool, broadcasts with rows."""
        if moment.frame not in self.phrase_ends or voice == _SOPRANO:
            return np.ones((1, 1), bool)
        if voice != _BASS:
            return _triad(moment, voice, pitch, moment.now[:, _BASS, None] % 12, (3, 4))
        above = moment.now[:, _SOPRANO, None]
        fits = np.isin((above - pitch) % 12, (0, 3, 4, 7)) | (above < 0)
        if self.known >= 0:
            fits &= np.isin((pitch - self.known) % 12, _ROOTS[int(self.minor)])
        return fits

    def cadence(self, moment: Moment, voice: int, pitch: np.ndarray) -> np.ndarray:
        """Which pitches ``(1, n)`` of a voice the rule admits, bool, broadcasts with rows."""
        if moment.frame < self.final - BEAT:
            return np.ones((1, 1), bool)
        if moment.frame > self.final:
            return pitch == moment.before[:, voice, None]
        tonic = moment.tonic[:, None]
        root = self._last_root(tonic)
        if moment.frame == self.final:
            if voice == _SOPRANO:
                return np.isin((pitch - tonic) % 12, (0, 3, 4) if self.minor else (0, 4))
            thirds = (3, 4) if self.minor else (4,)
            return _triad(moment, voice, pitch, (tonic + root) % 12, thirds) | (root < 0)
        late = moment.frame >= self.final - BEAT // 2
        return self._dominant(moment, voice, pitch, late) | ~self._prepared(tonic, root)

    def _last_root(self, tonic: np.ndarray) -> np.ndarray:
        """Semitones of the last chord's root over the tonic, ``(rows, 1)``; -1 is free."""
        root = np.zeros_like(tonic)
        if self.melody is not None:
            degree = (self.melody[self.final] - tonic) % 12
            root[np.isin(degree, (2, _LEADING))] = _DOMINANT
            root[np.isin(degree, (5, 9) if not self.minor else (5, 8))] = 5
            root[np.isin(degree, (1, 6, 8, 9, 10)) & (root == 0)] = -1
            root[self.melody[self.final] < 0] = -1
        return root

    def _prepared(self, tonic: np.ndarray, root: np.ndarray) -> np.ndarray:
        """Whether the dominant goes before the last chord, ``(rows, 1)``."""
        if self.melody is None:
            return root == 0
        sung = self.melody[max(0, self.final - BEAT) : self.final]
        degrees = (sung - tonic) % 12  # (rows, steps)
        chord = np.isin(degrees, (_DOMINANT, _LEADING, 2, _SEVENTH))
        suspended = chord | np.isin(degrees, (0, 3, 4))
        fits = (suspended & (sung >= 0)).all(axis=1, keepdims=True)
        return (root == 0) & fits & chord[:, -BEAT // 2 :].all(axis=1, keepdims=True)

    def _dominant(self, moment: Moment, voice: int, pitch: np.ndarray, late: bool) -> np.ndarray:
        tonic = moment.tonic[:, None]
        degree = (pitch - tonic) % 12
        if voice == _BASS:
            return degree == _DOMINANT
        if not late:
            return degree != _LEADING - 1
        heard = moment.degrees(tonic)
        leading, seventh = (np.any(heard == d, axis=1, keepdims=True) for d in (_LEADING, _SEVENTH))
        others = (degree == _DOMINANT) | (degree == 2) | (degree == _SEVENTH) & ~seventh
        if completes(moment, voice):
            others &= leading
        return others | (degree == _LEADING) & ~leading


def _triad(
    moment: Moment, voice: int, pitch: np.ndarray, root: np.ndarray, thirds: tuple[int, ...]
) -> np.ndarray:
    """Notes of a triad in root position; the voice that completes it sees to its third."""
    degree = (pitch - root) % 12
    if voice == _BASS:
        return degree == 0
    heard = moment.degrees(root)
    plain = (degree == 0) | (degree == 7)
    if completes(moment, voice):
        plain &= np.isin(heard, thirds).any(axis=1, keepdims=True)
    for size in thirds:
        others = [third for third in thirds if third != size]
        plain |= (degree == size) & ~np.isin(heard, others).any(axis=1, keepdims=True)
    return plain


def completes(moment: Moment, voice: int) -> bool:
    """Whether it is this voice's turn, and the last note of the chord."""
    return voice == moment.voice and len(moment.chosen) == len(VOICE_ORDER) - 1
