"""Pairs of one's own, beside the data set that a model is trained on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from apps.translation.data import Directions, Pair
from apps.translation.files import read_lines
from shared.errors import InputError

_COVOST = ["path", "sentence", "translation", "client_id"]
_NAME = re.compile(r"covost_v2\.([a-z]{2})(?:-[A-Za-z]+)?_([a-z]{2})\b")


def read_extra(path: str | Path, direction: tuple[str, str], directions: Directions) -> list[Pair]:
    """Pairs of a file with ``source<TAB>target``, or ``source<TAB>target<TAB>from<TAB>to`` a line.

    Or of CoVoST 2 (Wang et al. 2020), told by its heading: ``covost_v2.en_de.train.tsv`` has its
    direction in its name.

    Args:
        path: The file.
        direction: Of the lines that do not name their languages.
        directions: Those of the model.

    Raises:
        InputError: The file is missing or no text, or a line has no tab or another direction.
    """
    pairs = []
    lines = read_lines(path)
    if lines and lines[0].split("\t") == _COVOST:
        named = _NAME.search(Path(path).name)
        direction = (named[1], named[2]) if named else direction
        columns_of = (line.split("\t") for line in lines[1:])
        lines = [
            "",
            *("\t".join(row[1:3]) for row in columns_of if len(row) >= 3 and row[2].strip()),
        ]
    for number, line in enumerate(lines, 1):
        columns: Sequence[str] = [column.strip() for column in line.split("\t")]
        if not any(columns):
            continue
        if len(columns) not in (2, 4) or not all(columns):
            raise InputError(f"{path}, line {number}: give source and target with a tab between, "
                             "and the two languages or nothing more")  # fmt: skip
        pair = Pair(*columns[:2], *(columns[2:] or direction))
        if (pair.source_language, pair.target_language) not in directions:
            raise InputError(f"{path}, line {number}: this model does not translate "
                             f"{pair.source_language}-{pair.target_language}")  # fmt: skip
        pairs.append(pair)
    return pairs
