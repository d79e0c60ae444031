"""Reads the UNIPEN collection as lines and words, with the conventions of its contributors.

The layout is that of ``train_r01_v07``: ``data/8`` (texts), ``data/7`` (words) and ``data/3``
(characters) contain segments, ``include`` the ink that they refer to.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from apps.handwriting.cleaning import clean, resample, why_rejected, x_height
from apps.handwriting.config import KINDS
from apps.handwriting.ink import Ink, Stroke, to_rows
from apps.handwriting.unipen import Recording, read_recording
from shared.errors import InputError

# Boxes, screen pixels, program code, lines cut off, German.
LEFT_OUT = {"ced", "hpb4", "att", "lou", "anj", "abm", "atu", "sie"}
FAMILIES = ("ap", "ce", "bb")  # of contributors that share their writers
TOKENIZED = ("cec", "cea", "sta", "hpp", "hpb", "dar")
SENTENCES = ("bb",)  # on one row, and too long for a line
LONGEST = 60  # characters of a line
_ROW = 1.3  # x-heights down and to the left: the next row of a text
_MOST_CHOICES = 100_000_000  # of places where the words of a row may end
_CLEAR = 1.25  # times as wide as a gap between letters: a gap between words


@dataclass(frozen=True)
class Reject:
    """A rejected item, and the reason."""

    source: str
    text: str
    reason: str


@dataclass(frozen=True, eq=False)
class _Raw:
    """A line or word with its strokes in units of the tablet."""

    text: str
    strokes: list[Stroke]
    writer: str
    style: str
    contributor: str
    source: str
    word: bool
    components: frozenset[int]


def read_unipen(
    folder: str | Path, arc: float, turning: float, progress: bool = False
) -> tuple[list[Ink], list[Reject]]:
    """Reads, cleans and resamples all lines and words of a folder in UNIPEN's layout.

    Args:
        folder: Folder that contains ``data`` and ``include``.
        arc: ``arc`` of `apps.handwriting.cleaning.resample`.
        turning: ``turning`` of `apps.handwriting.cleaning.resample`.
        progress: Whether to report progress on standard error.

    Raises:
        InputError: The folder has another layout, or a file is bad.
    """
    root = Path(folder)
    if not (root / "data").is_dir() or not (root / "include").is_dir():
        raise InputError(f"{root}: expected the folders data and include, as UNIPEN has them")
    raws: dict[str, list[_Raw]] = {}
    rejects: list[Reject] = []
    within: set[tuple[Path, int]] = set()
    for level in ("8", "7"):
        for path in sorted((root / "data" / level).rglob("*.dat")):
            contributor = path.relative_to(root / "data" / level).parts[0]
            if LEFT_OUT & {contributor, path.stem}:
                continue
            if progress:
                print(f"\r{path.relative_to(root)}   ", end="", file=sys.stderr)
            recording = read_recording(path, root / "include")
            for raw in _raws(root, path, contributor, recording, level == "7", rejects):
                own = {(path.relative_to(root / "data" / level), n) for n in raw.components}
                if level == "7" and own & within:
                    continue  # a word of a text that is there already
                within |= own
                raws.setdefault(raw.writer, []).append(raw)
    if not raws and not rejects:
        raise InputError(f"{root}: no .dat files with ink below data/7 and data/8")
    items: list[Ink] = []
    for members in raws.values():
        height = x_height([raw.strokes for raw in members])
        for raw in members:
            item, reason = _finished(raw, height, arc, turning)
            if item:
                items.append(item)
            else:
                rejects.append(Reject(raw.source, raw.text, reason))
    return items, rejects


def reasons(rejects: Sequence[Reject]) -> dict[str, int]:
    """Counts rejects by reason, the most frequent first."""
    return dict(Counter(reject.reason for reject in rejects).most_common())


def say_rejected(path: Path, items: list[Ink], rejects: Sequence[Reject]) -> list[Ink]:
    """Reports on standard error what was left out, and returns the ink."""
    if rejects:
        why = ", ".join(f"{reason} {count}" for reason, count in reasons(rejects).items())
        print(f"{path}: {len(items)} kept, {len(rejects)} left out: {why}", file=sys.stderr)
    return items


def _finished(raw: _Raw, height: float, arc: float, turning: float) -> tuple[Ink | None, str]:
    if not height:
        return None, "no x-height"
    cleaned = clean(raw.strokes, height)
    if reason := why_rejected(raw.text, cleaned):
        return None, reason
    kind = raw.style.lower()
    ink = Ink(
        raw.text,
        to_rows(resample(cleaned, arc, turning)),
        raw.writer,
        kind if kind in KINDS else "",
        raw.contributor,
        raw.source,
        raw.word,
    )
    return ink, ""


def writer_name(contributor: str, writer: str) -> str:
    """Returns an anonymous, unique name of a writer; contributors of a family share writers."""
    family = contributor[:2] if contributor.startswith(FAMILIES) else contributor
    digest = hashlib.sha256(f"{family}/{writer}".encode()).hexdigest()[:8]
    return f"{contributor}-{digest}" if family == contributor else f"{family}-{digest}"


def _raws(
    root: Path,
    path: Path,
    contributor: str,
    recording: Recording,
    words: bool,
    rejects: list[Reject],
) -> Iterator[_Raw]:
    """Yields the lines, or the words, of a file."""
    name = str(path.relative_to(root))
    inner = [] if words else _inner(root, path, contributor)
    for segment in recording.segments:
        if segment.kind != ("WORD" if words else "TEXT"):
            continue
        source = f"{name}#{segment.delineation}"
        text = label_text(segment.label, contributor)
        try:
            strokes = recording.strokes(segment.delineation)
            numbers = [part[0] for part in recording.parts(segment.delineation)]
            first = numbers[0]
        except ValueError:
            rejects.append(Reject(source, text, "no such ink"))
            continue
        if not strokes:
            rejects.append(Reject(source, text, "no ink"))
            continue
        if segment.quality == "BAD":
            rejects.append(Reject(source, text, "marked as bad"))
            continue
        if words:
            pieces = [(text, strokes)]
        else:
            own = set(numbers)
            inside = [part for part in inner if part.numbers <= own]
            pieces = _lines(text, strokes, inside)
        if not pieces:
            rejects.append(Reject(source, text, "on several rows, or too long to be cut"))
        for part, ink in pieces:
            yield _Raw(
                part,
                ink,
                writer_name(contributor, recording.writers[first]),
                recording.styles[first],
                contributor,
                source,
                " " not in part,
                frozenset(numbers),
            )


@dataclass(frozen=True, eq=False)
class _Part:
    """A word or character within a text: its label, components and ink."""

    label: str
    numbers: frozenset[int]
    strokes: list[Stroke]


def _inner(root: Path, path: Path, contributor: str) -> list[_Part]:
    """Returns the words or characters of a file's ink, if the collection has such segments."""
    for level in ("7", "3"):
        other = root / "data" / level / path.relative_to(root / "data" / "8")
        if not other.is_file():
            continue
        recording = read_recording(other, root / "include")
        parts = []
        for one in recording.segments:
            try:
                numbers = frozenset(part[0] for part in recording.parts(one.delineation))
            except ValueError:
                continue
            label = "".join(label_text(one.label, contributor).split())
            if strokes := recording.strokes(one.delineation):
                parts.append(_Part(label, numbers, strokes))
        return parts
    return []


def label_text(label: str, contributor: str) -> str:
    """Converts a label to the text as written: one line, detokenized where needed."""
    text = " ".join(label.split())
    if contributor == "kai":
        text = text.replace("@", "")
    return detokenize(text) if contributor in TOKENIZED else text


def detokenize(text: str) -> str:
    """Attaches punctuation to words: ``she 'll , or ( not )`` becomes ``she'll, or (not)``."""
    text = re.sub(r" (?=[.,;:!?)%](?: |$|[.,;:!?)]))", "", text)
    text = re.sub(r" (?=(?:'(?:s|ll|re|ve|d|m|t)|n't)\b)", "", text)
    text = re.sub(r"(?<=[(#$]) ", "", text)
    return re.sub(r"(?<=\w) - (?=\w)", "-", text)


# --- from a text to its lines ------------------------------------------------------------------


def _lines(
    text: str,
    strokes: list[Stroke],
    inside: Sequence[_Part],
) -> list[tuple[str, list[Stroke]]]:
    """Splits a text into rows and the ink of each; returns none if that is ambiguous."""
    height = x_height([strokes])
    if not height:
        return []
    if rows := _rows(text, inside, height):
        pieces = rows
    elif _several_rows(strokes, height):
        return []
    else:
        pieces = [(text, strokes)]
    short = []
    for part, ink in pieces:
        if len(part) <= LONGEST:
            short.append((part, ink))
        else:
            short += cut_at_gaps(part, ink)
    return short


def _several_rows(strokes: Sequence[Stroke], height: float) -> bool:
    return any(_new_row(a, b, height) for a, b in _pairs(strokes))


def _pairs(strokes: Sequence[Stroke]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields for each stroke the bounds ``(2, 2)`` of its row so far, and its own."""
    low, high = strokes[0].min(0), strokes[0].max(0)
    for stroke in strokes[1:]:
        yield np.stack([low, high]), np.stack([stroke.min(0), stroke.max(0)])
        low, high = np.minimum(low, stroke.min(0)), np.maximum(high, stroke.max(0))


def _new_row(before: np.ndarray, here: np.ndarray, height: float) -> bool:
    """Whether ink is below and far to the left of the ink before it."""
    lower = here[1, 1] < before[0, 1] + 0.5 * height and (
        here.mean(0)[1] < before.mean(0)[1] - _ROW * height
    )
    return bool(lower and here[0, 0] < before[1, 0] - 6 * height)


def _rows(text: str, inside: Sequence[_Part], height: float) -> list[tuple[str, list[Stroke]]]:
    """Splits a text into rows by its words or characters; [] if they do not match the text."""
    if not inside or "".join(part.label for part in inside) != "".join(text.split()):
        return []
    spelled = [(part.label, part.strokes) for part in inside]
    rows: list[list[tuple[str, list[Stroke]]]] = []
    bounds: np.ndarray | None = None
    for label, ink in spelled:
        points = np.concatenate(ink)
        here = np.stack([points.min(0), points.max(0)])
        if bounds is None or _apart(bounds, here, height):
            rows.append([])
            bounds = here
        rows[-1].append((label, ink))
        bounds = np.stack([np.minimum(bounds[0], here[0]), np.maximum(bounds[1], here[1])])
    result, at = [], 0
    for row in rows:
        count = sum(len(label) for label, _ in row)
        part, at = _take(text, at, count)
        result.append((part, [stroke for _, ink in row for stroke in ink]))
    return result


def _apart(bounds: np.ndarray, here: np.ndarray, height: float) -> bool:
    """Whether ink is not on the row of the ink before it: lower, higher, or in another column."""
    beside = here[0, 1] < bounds[1, 1] and here[1, 1] > bounds[0, 1]
    back = here[0, 0] < bounds[1, 0] - 4 * height
    return not beside or bool(back) or bool(here[0, 0] > bounds[1, 0] + 8 * height)


def _take(text: str, at: int, count: int) -> tuple[str, int]:
    """Takes ``count`` non-space characters of a text from ``at`` on; returns them and the end."""
    end = at
    while count and end < len(text):
        count -= text[end] != " "
        end += 1
    return text[at:end].strip(), end


def cut_at_gaps(text: str, strokes: Sequence[Stroke]) -> list[tuple[str, list[Stroke]]]:
    """Splits a long row into lines of at most `LONGEST` characters, at clear gaps between words.

    Words are aligned with the row so that their widths are about proportional to their numbers of
    letters, and the gaps between them are as wide as possible. A gap is clear if it is at least
    `_CLEAR` times as wide as any other nearby. Returns [] if there are too few.
    """
    words = text.split()
    order = sorted(strokes, key=lambda stroke: float(stroke[:, 0].min()))
    left = np.array([float(stroke[:, 0].min()) for stroke in order])
    reach = np.maximum.accumulate([float(stroke[:, 0].max()) for stroke in order])
    gaps = np.append(left[1:] - reach[:-1], np.inf)
    if len(words) > len(order) or len(words) * len(order) ** 2 > _MOST_CHOICES:
        return []
    ends = _word_ends(words, left, reach, gaps)
    pieces: list[tuple[str, list[Stroke]]] = []
    line: list[str] = []
    start, share = 0, len(text) / -(-len(text) // (LONGEST - 8))
    for word, end in zip(words, ends, strict=True):
        line.append(word)
        near = np.delete(gaps[max(0, end - 4) : end + 3], min(end - 1, 3))
        rest = near[np.isfinite(near)].max(initial=0.0)
        sure = gaps[end - 1] >= _CLEAR * rest or np.isinf(gaps[end - 1])
        if np.isinf(gaps[end - 1]) or (sure and len(" ".join(line)) >= share * 0.7):
            inside = {id(stroke) for stroke in order[start:end]}
            pieces.append((" ".join(line), [s for s in strokes if id(s) in inside]))
            line, start = [], end
    return pieces if all(len(part) <= LONGEST for part, _ in pieces) else []


def _word_ends(
    words: Sequence[str], left: np.ndarray, reach: np.ndarray, gaps: np.ndarray
) -> list[int]:
    """Returns the number of strokes up to the end of each word, by dynamic programming."""
    count = len(left)
    width = (reach[-1] - left[0]) / (len(" ".join(words)) + 1)  # of a character
    bonus = np.clip(np.where(np.isfinite(gaps), gaps, 0.0) / width, -1.0, 1.5)
    best = np.full(count + 1, np.inf)
    best[0] = 0.0
    back: list[np.ndarray] = []
    for word in words:
        # cost[a, b]: the word is strokes a to b - 1.
        wide = (reach[None, :] - left[:, None]) / (width * len(word))
        wide = np.maximum(wide, 0.05)
        cost = best[:-1, None] + len(word) * np.log(wide) ** 2 - bonus[None, :]
        cost[np.tril_indices(count, -1)] = np.inf
        back.append(cost.argmin(0))
        best = np.append(np.inf, cost.min(0))
    ends, end = [], count
    for choice in reversed(back):
        ends.append(end)
        end = int(choice[end - 1])
    return ends[::-1]
