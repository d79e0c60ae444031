"""Measures with repeat signs and endings, in the order in which they are played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice

from apps.music.sheet import LONGEST, TOO_LONG, Bar, Note, Rejected


@dataclass
class Measure:
    """What stands between two bar lines; times are in 16ths from its beginning."""

    notes: list[Note] = field(default_factory=list)
    length: Fraction = Fraction(0)
    full: int = 0
    unit: int = 4
    opens: bool = False  # a repeat sign at its beginning
    closes: int = 0  # times that the repeat sign at its end says it is played
    ending: tuple[int, ...] = ()


def play(measures: Sequence[Measure]) -> list[Measure]:
    """Returns the measures as they are played, repeats and endings in their turn.

    Raises:
        Rejected: They last too long.
    """
    played = [measures[k] for k in islice(_order(measures), LONGEST)]
    if len(played) == LONGEST or sum(measure.length for measure in played) > LONGEST:
        raise Rejected(TOO_LONG)
    return played


def _order(measures: Sequence[Measure]) -> Iterator[int]:
    """The indices of the measures in the order in which they are played."""
    k = start = 0
    turn = 1
    inside = False  # an ending has been passed since the beginning of the repeat
    while k < len(measures):
        measure = measures[k]
        if (measure.opens and k > start) or (inside and not measure.ending):
            start, turn, inside = k, 1, False
        if measure.ending:
            inside = True
            if turn not in measure.ending:
                k += 1
                continue
        yield k
        if measure.closes:
            endings = [n for m in _section(measures, start) for n in m.ending]
            if turn < (max(endings) if endings else measure.closes):
                turn, k, inside = turn + 1, start, False
                continue
            start, turn, inside = k + 1, 1, False
        k += 1


def _section(measures: Sequence[Measure], start: int) -> Iterator[Measure]:
    """The measures from the beginning of a repeat to the end of its last ending."""
    inside = False
    for k in range(start, len(measures)):
        if (measures[k].opens and k > start) or (inside and not measures[k].ending):
            return
        inside |= bool(measures[k].ending)
        yield measures[k]
        if measures[k].closes and not (k + 1 < len(measures) and measures[k + 1].ending):
            return


def notes_of(measures: Sequence[Measure]) -> Iterator[Note]:
    """Yields the notes, with times from the first measure on."""
    at = Fraction(0)
    for measure in measures:
        for note in sorted(measure.notes, key=lambda n: (n.start, -n.midi)):
            yield replace(note, start=float(at + note.start), end=float(at + note.end))
        at += measure.length


def bars_of(measures: Sequence[Measure]) -> Iterator[Bar]:
    """Yields the bars."""
    at = Fraction(0)
    for measure in measures:
        yield Bar(float(at), float(measure.length), measure.full, measure.unit)
        at += measure.length
