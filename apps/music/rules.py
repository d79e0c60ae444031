"""Rules of four-part writing, enforced during decoding.

A model alone writes parallel fifths and octaves far more often than Bach. `Rules` is a constraint
of `shared.decoding.decode`: before each note it masks notes that break a rule, and notes that would
force a later voice of the same chord to break one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from apps.music.harmony import BEAT, Harmony, Moment
from apps.music.piece import (
    HIGHEST,
    HOLD,
    LOWEST,
    PITCH,
    VOCABULARY,
    VOICE_ORDER,
    Piece,
)
from apps.music.wishes import Chord
from shared.errors import InputError

RULES = {
    "silence": "no voice rests",
    "ranges": "each voice stays within its range",
    "crossing": "no voice is above a higher one",
    "cadence": "the end is a root-position triad on the tonic, after a beat on the dominant",
    "parallels": "no parallel fifths, octaves or unisons",
    "spacing": "neighbors are not too far apart",
    "opening": "the first chord is the tonic triad in root position",
    "phrases": "a fermata is reached on a triad in root position",
    "leaps": "no leap of a seventh or of more than an octave",
    "overlap": "no voice passes where its neighbor has just been",
    "beats": "no parallels from beat to beat, whatever is in between",
}
"""What each asks for by name, the most important first; `Rules` has the definitions."""

RANGES = np.array([(60, 81), (53, 74), (48, 69), (38, 64)])
"""Lowest and highest MIDI pitch of soprano, alto, tenor and bass."""

SPACING = (12, 12, 24)
"""Semitones at most between soprano and alto, alto and tenor, tenor and bass."""

LEAST = dict.fromkeys(["chords", *RULES], 1e-3) | {
    "opening": 0,
    "cadence": 0,
    "overlap": 0.2,
    "beats": 0.2,
}
"""Share of the probability left by the rules before it that each rule must leave; see `Rules`."""

_CANDIDATES = np.array([-1, *range(LOWEST, HIGHEST + 1)])  # silence, and all pitches


def choose_rules(without: str | Iterable[str] = (), none: bool = False) -> tuple[str, ...]:
    """Returns the names of the rules to enforce.

    Args:
        without: Names to leave out, or a string with commas between them.
        none: Whether to enforce none.

    Raises:
        InputError: A name is not in `RULES`.
    """
    names = without.split(",") if isinstance(without, str) else list(without)
    names = [name.strip() for name in names if name.strip()]
    for name in names:
        if name not in RULES:
            raise InputError(f"there is no rule {name!r}; the rules are: {', '.join(RULES)}")
    return () if none else tuple(name for name in RULES if name not in names)


def consecutive(
    upper: np.ndarray, lower: np.ndarray, next_upper: np.ndarray, next_lower: np.ndarray
) -> np.ndarray:
    """Whether two voices move in parallel fifths, octaves or unisons; the arrays broadcast.

    They do if both change their pitch, and form a perfect fifth, or a unison, before and after.
    Intervals are taken modulo octaves: from a fifth to a twelfth, or from a unison to an octave, is
    parallel too, in either direction. Silence (below 0) is never parallel.
    """
    before, after = abs(upper - lower) % 12, abs(next_upper - next_lower) % 12
    moved = (upper != next_upper) & (lower != next_lower)
    heard = (upper >= 0) & (lower >= 0) & (next_upper >= 0) & (next_lower >= 0)
    return moved & heard & (before == after) & ((after == 0) | (after == 7))


class Rules:
    """A constraint for `decode`, on symbols in `VOICE_ORDER`, with `HOLD` or without.

    The rules, each of which can be left out:

    * silence: a voice rests only where a given melody does.
    * ranges: `RANGES`, close to the extremes of Bach's chorales.
    * crossing: soprano >= alto >= tenor >= bass at every step.
    * opening, phrases, cadence: see `apps.music.harmony.Harmony`.
    * parallels: see `consecutive`; from each step to the next.
    * beats: the same from each beat to the next; Bach minds this less.
    * spacing: `SPACING`.
    * leaps: none of 10, 11 or more than 12 semitones.
    * overlap: no voice moves above what its upper neighbor sang one step before, nor below what
      its lower neighbor did.

    Rules are applied in the order of `RULES`. A rule is skipped for a note if it would leave less
    than its share, `LEAST`, of the probability that remains after the rules before it: the allowed
    note would then be worse than the fault, or the style itself breaks the rule there. At least one
    symbol therefore always remains.

    Args:
        outline: Its length, metre, fermatas and key; an unknown key is estimated from the notes.
        names: Of the rules to keep.
        melody: Whether the outline's soprano is given; the rules then are about the others.
        kept: Whether a note of the outline stays, bool ``(steps, 4)``; those chosen before it in
            its chord must go with it.
        chords: By step a chord that is wanted, a rule before all others.
    """

    def __init__(
        self,
        outline: Piece,
        names: Sequence[str] = tuple(RULES),
        melody: bool = False,
        kept: np.ndarray | None = None,
        chords: Mapping[int, Chord] | None = None,
    ):
        self.names = [name for name in RULES if name in names]
        self.chords = chords or {}
        self.names[:0] = ["chords"] * bool(self.chords)
        self.outline = outline.pitches.astype(int)
        self.kept = np.zeros(self.outline.shape, bool) if kept is None else kept
        self.melody = outline.pitches[:, 0].astype(int) if melody else None
        self.harmony = Harmony(outline, self.melody)
        index = np.where(outline.position >= 0, outline.position, np.arange(len(outline)))
        self.on_beat = index % BEAT == 0
        self.compound = (outline.beats % 3 == 0) & (index % outline.beats == 0)

    def __call__(self, prefixes: np.ndarray, log_probabilities: np.ndarray) -> np.ndarray:
        """Masks symbols that break the rules, in place."""
        frame, place = divmod(prefixes.shape[1], len(VOICE_ORDER))
        if not self.names or (self.melody is not None and place == 0):
            return log_probabilities
        moment = self._moment(prefixes, frame, place)
        probabilities = np.exp(log_probabilities)
        allowed = self._symbols(moment, self.names)
        left = (probabilities * allowed).sum(1) / probabilities.sum(1)
        for row in np.flatnonzero(left <= max(LEAST[name] for name in self.names)):
            allowed[row] = self._one_by_one(moment.row(int(row)), probabilities[row])
        log_probabilities[~allowed] = -np.inf
        if self.compound[frame] and 0 < frame < self.harmony.final:
            # In 6/8 and its like, what began between beats ends with them: no hemiolas.
            begun = prefixes[:, place : 4 * frame : len(VOICE_ORDER)] != HOLD
            onset = frame - 1 - np.argmax(begun[:, ::-1], axis=1)
            others = np.isfinite(np.delete(log_probabilities, HOLD, axis=1)).any(1)
            log_probabilities[others & ~self.compound[onset], HOLD] = -np.inf
        return log_probabilities

    def _one_by_one(self, moment: Moment, probabilities: np.ndarray) -> np.ndarray:
        """Returns the symbols that are allowed in a moment of one row, bool ``(VOCABULARY,)``."""
        allowed, kept = np.ones(VOCABULARY, bool), list[str]()
        for name in self.names:
            [trial] = self._symbols(moment, [*kept, name])
            if probabilities[trial].sum() > LEAST[name] * probabilities[allowed].sum():
                kept.append(name)
                allowed = trial
        return allowed

    def _moment(self, prefixes: np.ndarray, frame: int, place: int) -> Moment:
        rows = len(prefixes)
        before, last_beat, now = (np.full((rows, 4), -1) for _ in range(3))
        if frame:
            before[:, VOICE_ORDER] = _sounding(prefixes[:, : 4 * frame])
        if frame >= BEAT and self.on_beat[frame]:
            last_beat[:, VOICE_ORDER] = _sounding(prefixes[:, : 4 * (frame - BEAT + 1)])
        for voice, symbol in zip(VOICE_ORDER, prefixes[:, 4 * frame :].T, strict=False):
            pitch = np.where(symbol >= PITCH, symbol - PITCH + LOWEST, -1)
            now[:, voice] = np.where(symbol == HOLD, before[:, voice], pitch)
        later = tuple(v for v in VOICE_ORDER[place + 1 :] if self.kept[frame, v])
        now[:, later] = self.outline[frame, later]
        tonic = self.harmony.tonic(prefixes, frame)
        chosen = (*VOICE_ORDER[:place], *later)
        return Moment(frame, VOICE_ORDER[place], chosen, before, last_beat, now, tonic)

    def _symbols(self, moment: Moment, names: Sequence[str]) -> np.ndarray:
        """Returns the symbols that keep the rules, bool ``(rows, VOCABULARY)``."""
        allowed = self._candidates(moment, names)
        result = np.repeat(allowed[:, :1], VOCABULARY, axis=1)  # all but notes are silent
        result[:, PITCH:] = allowed[:, 1:]
        held = moment.before[:, moment.voice]
        place = np.where(held >= 0, held - LOWEST + 1, 0)
        result[:, HOLD] = allowed[np.arange(len(allowed)), place]
        return result

    def _candidates(self, moment: Moment, names: Sequence[str]) -> np.ndarray:
        """Returns which `_CANDIDATES` keep the rules, bool ``(rows, candidates)``."""
        result = self._beside_chosen(moment, moment.voice, names)
        for other in set(VOICE_ORDER) - {moment.voice, *moment.chosen}:
            theirs = self._beside_chosen(moment, other, names)
            pairs = _pair(moment, moment.voice, other, _CANDIDATES[None, None], names)
            result = result & (pairs & theirs[:, None]).any(2)  # the other finds some note
        return result

    def _beside_chosen(self, moment: Moment, voice: int, names: Sequence[str]) -> np.ndarray:
        result = self._alone(moment, voice, names)
        for other in moment.chosen:
            theirs = moment.now[:, other, None, None]
            result = result & _pair(moment, voice, other, theirs, names)[..., 0]
        return result

    def _alone(self, moment: Moment, voice: int, names: Sequence[str]) -> np.ndarray:
        """Applies the rules of a single voice; returns bool ``(rows, candidates)``."""
        pitch, before = _CANDIDATES[None], moment.before[:, voice, None]
        result = np.ones((len(before), len(_CANDIDATES)), bool)
        if "ranges" in names:
            result &= (pitch >= RANGES[voice, 0]) & (pitch <= RANGES[voice, 1])
        if "leaps" in names:
            leap = abs(pitch - before)
            result &= (before < 0) | ~((leap == 10) | (leap == 11) | (leap > 12))
        if "chords" in names and moment.frame in self.chords:
            result &= self.chords[moment.frame].admits(moment, voice, pitch)
        for name in ("opening", "phrases", "cadence"):
            if name in names:
                result &= getattr(self.harmony, name)(moment, voice, pitch)
        rest = self.melody is not None and self.melody[moment.frame] < 0
        return np.where(pitch < 0, rest or "silence" not in names, result)


def _pair(
    moment: Moment, voice: int, other: int, theirs: np.ndarray, names: Sequence[str]
) -> np.ndarray:
    """Applies the rules of two voices to all candidates, bool ``(rows, candidates, theirs)``."""
    mine = _CANDIDATES[None, :, None]
    upper, lower = (mine, theirs) if voice < other else (theirs, mine)
    high, low = sorted((voice, other))
    was_upper, was_lower = (moment.before[:, v, None, None] for v in (high, low))
    result = (upper < 200) & (lower < 200) & (was_upper < 200)  # true, in the full shape
    if "crossing" in names:
        result &= upper >= lower
    if "parallels" in names:
        result &= ~consecutive(was_upper, was_lower, upper, lower)
    if "beats" in names and (moment.last_beat >= 0).any():
        last_upper = moment.last_beat[:, high, None, None]
        last_lower = moment.last_beat[:, low, None, None]
        result &= ~consecutive(last_upper, last_lower, upper, lower)
    if "spacing" in names and low == high + 1:
        result &= upper - lower <= SPACING[high]
    if "overlap" in names and low == high + 1:
        result &= (was_upper < 0) | (lower <= was_upper)
        result &= (was_lower < 0) | (upper >= was_lower)
    return result | (upper < 0) | (lower < 0)


def _sounding(prefixes: np.ndarray) -> np.ndarray:
    """Returns the pitches after whole frames, ``(rows, 4)`` in `VOICE_ORDER`; -1 is silence."""
    frames = prefixes.reshape(len(prefixes), -1, len(VOICE_ORDER))
    last = frames.shape[1] - 1 - np.argmax(frames[:, ::-1] != HOLD, axis=1)
    symbol = np.take_along_axis(frames, last[:, None], 1)[:, 0]
    return np.where(symbol >= PITCH, symbol - PITCH + LOWEST, -1)
