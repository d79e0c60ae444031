"""Splits ink into training and validation by writer, or by line where there is one writer."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from apps.handwriting.ink import Ink
from shared.datasets.split import hold_out

SPLITS = ("train", "valid", "withheld", "all")


def splits_of(items: Sequence[Ink], name: str) -> list[str]:
    """Assigns ``train`` or ``valid`` to each item, by its writer if there are several.

    Args:
        items: Ink, two items or more.
        name: Its file, for messages.
    """
    writers = sorted({item.writer for item in items})
    if len(writers) > 1:
        held = {writer for writer in writers if split_of(writer) == "valid"} or {writers[0]}
        return ["valid" if item.writer in held else "train" for item in items]
    _, validating = hold_out(range(len(items)), name)
    return ["valid" if k in validating else "train" for k in range(len(items))]


def withhold(items: Sequence[Ink], splits: Sequence[str]) -> list[str]:
    """Assigns ``withheld`` to every tenth line of training writers with 20 lines or more.

    On these lines `apps.handwriting.styles` measures whether a model imitates a writer it knows.
    """
    lines: dict[str, list[int]] = {}
    for k, (item, split) in enumerate(zip(items, splits, strict=True)):
        if split == "train" and not item.word:
            lines.setdefault(item.writer, []).append(k)
    result = list(splits)
    if len(lines) > 1:  # ink of a single writer is all trained on
        for members in lines.values():
            for k in members[9::10] if len(members) >= 20 else ():
                result[k] = "withheld"
    return result


def split_of(writer: str) -> str:
    """Assigns ``train`` or ``valid`` by a hash of the writer's name; one in twenty is ``valid``."""
    place = int.from_bytes(hashlib.sha256(writer.encode()).digest()[:6], "big") / 2**48
    return "valid" if place < 0.05 else "train"


def writer_kinds(items: Sequence[Ink]) -> dict[str, str]:
    """Finds the kind of most of the ink of each writer, those with most points first."""
    points: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    for item in items:
        points[item.writer] += len(item)
        kinds.setdefault(item.writer, Counter())[item.kind] += len(item)
    return {writer: kinds[writer].most_common(1)[0][0] for writer, _ in points.most_common()}
