"""Subtitles, SubRip and WebVTT: a sentence of several cues is translated as one and cut again."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import srt
import webvtt

from apps.translation.html import escaped, inline
from apps.translation.markup import GLUE, Aligned, Marked, Span
from apps.translation.translate import Translation
from shared.errors import InputError

_LINE = 42  # characters, the usual limit
_PAUSE = 1.5  # seconds, after which no sentence goes on
_ENDS = tuple('.!?…:;"”»)]♪')
_SPEAKS = ("-", "–", "—", "[", "(", "♪", ">>")


class _Unit(NamedTuple):
    """Lines of a cue that belong together: all, or what one speaker says.

    Attributes:
        cue: The number of the cue.
        lines: Its lines, as they stand in the file.
        mark: What stands before it: a dash, or SubRip's position.
        marked: The text and its tags.
    """

    cue: int
    lines: list[str]
    mark: str
    marked: Marked


class Subtitles:
    """See `apps.translation.documents.Document`.

    Args:
        text: The file's content.
        kind: ``srt`` or ``vtt``.

    Raises:
        InputError: It is not of that format.
    """

    def __init__(self, text: str, kind: str):
        self.blocks: list[Marked] = []
        self._is_vtt = kind == "vtt"
        self._after = text[len(text.rstrip()) :]
        try:
            if self._is_vtt:
                self._file = webvtt.from_string(text)
                self._cues: list[Any] = list(self._file.captions)
            else:
                self._cues = list(srt.parse(text))
        except (srt.SRTParseError, webvtt.errors.MalformedFileError) as error:
            reason = str(error).splitlines()[0][:80]
            raise InputError(f"not a .{kind} file ({reason}); give --format text") from error
        self._groups: list[list[_Unit]] = []
        for number in range(len(self._cues)):
            for unit in self._units(number):
                if not unit.marked.has_words:
                    continue
                if self._goes_on(unit):
                    self._groups[-1].append(unit)
                else:
                    self._groups.append([unit])
        self.blocks = [_joined(group) for group in self._groups]

    def written(self, found: Sequence[Translation]) -> str:
        """The file with the translations of its blocks."""
        lines = [self._lines_of(number) for number in range(len(self._cues))]
        for group, block, one in zip(self._groups, self.blocks, found, strict=True):
            aligned = Aligned.of(block.text, one)
            cuts = _cuts(aligned, [len(unit.marked.text) for unit in group])
            start = 0
            for unit, words in zip(group, cuts, strict=True):
                end = start + len(unit.marked.text)
                spans = [span.moved(start) for span in unit.marked.spans]
                escape = escaped if self._is_vtt else str
                text = aligned.with_markup(spans, escape, (start, end), words)
                # Lines of one cue keep their order.
                own = lines[unit.cue]
                place = own.index(unit.lines[0])
                own[place : place + len(unit.lines)] = _wrapped(text, unit)
                start = end + 1
        for number, own in enumerate(lines):
            if self._is_vtt:
                self._cues[number].lines = own
            else:
                self._cues[number].content = "\n".join(own)
        if self._is_vtt:
            return self._file.content.rstrip() + self._after
        return srt.compose(self._cues, reindex=False).rstrip() + self._after

    def _lines_of(self, number: int) -> list[str]:
        cue = self._cues[number]
        return list(cue.lines) if self._is_vtt else cue.content.split("\n")

    def _units(self, number: int) -> list[_Unit]:
        lines = self._lines_of(number)
        several = sum(map(_is_speech, lines)) > 1
        parts: list[list[str]] = []
        for line in lines:
            if parts and not (several and _is_speech(line)):
                parts[-1].append(line)
            else:
                parts.append([line])
        return [self._unit(number, part) for part in parts]

    def _unit(self, number: int, lines: list[str]) -> _Unit:
        text = " ".join(lines)
        mark = ""
        if not self._is_vtt and text.startswith("{\\") and "}" in text:
            mark = text[: text.index("}") + 1]
        bare = text[len(mark) :].lstrip()
        if bare.startswith(_SPEAKS[:3]):
            dash = bare[0] + (" " if bare[1:2] == " " else "")
            mark, bare = mark + dash, bare[len(dash) :]
        return _Unit(number, lines, mark, inline(bare, entities=self._is_vtt))

    def _goes_on(self, unit: _Unit) -> bool:
        """Whether a cue goes on with the sentence of the one before it."""
        if not self._groups or self._groups[-1][-1].cue != unit.cue - 1:
            return False
        before = self._groups[-1][-1]
        speaks = unit.mark or unit.marked.text.startswith(_SPEAKS)
        if before.marked.text.endswith(_ENDS) or speaks:
            return False
        return self._begins(unit.cue) - self._ends(before.cue) <= _PAUSE

    def _begins(self, number: int) -> float:
        cue = self._cues[number]
        return cue.start_in_seconds if self._is_vtt else cue.start.total_seconds()

    def _ends(self, number: int) -> float:
        cue = self._cues[number]
        return cue.end_in_seconds if self._is_vtt else cue.end.total_seconds()


def _is_speech(line: str) -> bool:
    """Whether a line begins with a dash, behind SubRip's position."""
    bare = line.partition("}")[2] if line.startswith("{\\") else line
    return bare.lstrip().startswith(_SPEAKS[:3])


def _joined(group: Sequence[_Unit]) -> Marked:
    text, spans = "", list[Span]()
    for unit in group:
        text += " " if text else ""
        spans += [span.moved(len(text)) for span in unit.marked.spans]
        text += unit.marked.text
    return Marked(text, spans)


def _cuts(aligned: Aligned, lengths: Sequence[int]) -> list[tuple[int, int]]:
    """The words of each part: as long as it was, and cut at a space, if need be at a mark."""
    text, words = aligned.text, aligned.words
    # Words that a part may begin with: those behind a space.
    begins = [k for k, (start, _) in enumerate(words) if k and text[start - 1] == " "]
    cuts = [0]
    for number in range(1, len(lengths)):
        wanted = len(text) * sum(lengths[:number]) / sum(lengths)
        left = [k for k in begins if k > cuts[-1]]
        if not left:
            cuts.append(len(words))
            continue

        def distance(k: int, wanted: float = wanted) -> float:
            at_mark = text[words[k - 1][0]] in ",;:.!?–"
            return abs(words[k][0] - wanted) - (8 if at_mark else 0)

        cuts.append(min(left, key=distance))
    return list(zip(cuts, [*cuts[1:], len(words)], strict=True))


def _wrapped(text: str, unit: _Unit) -> list[str]:
    """A cue's lines: no more than there were, unless they would be too long."""
    count = max(len(unit.lines), -(-len(text.replace(GLUE, "")) // _LINE))
    width = max(1, len(text) // count)
    while len(lines := textwrap.wrap(text, width, break_long_words=False)) > count:
        width += 1
    lines = lines or [""]
    return [line.replace(GLUE, " ") for line in [unit.mark + lines[0], *lines[1:]]]
