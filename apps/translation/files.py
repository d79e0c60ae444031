"""Sentence pairs in text files: lines and columns, and what is left out of a user's own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from shared.datasets.split import hold_out
from shared.errors import InputError
from shared.readers import read_text
from shared.text.language import NAMES

Row = tuple[str, str]
"""Source and target."""
Item = TypeVar("Item")
_SOURCE, _TARGET = {"source", "src", "original"}, {"target", "tgt", "trg", "translation"}
_HEADER = _SOURCE | _TARGET | {name.lower() for name in NAMES.values()} | {
    "id", "text", "sentence", "reference", "lang", "language",
    "deutsch", "englisch", "français", "anglais", "español", "inglés",
}  # fmt: skip
_ID = re.compile(r"[\w.:/-]*\d[\w.:/-]*")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


def read_parallel(
    source: str | Path,
    target: str | Path,
    languages: tuple[str, str],
    left_out: Counter[str] | None = None,
) -> list[Row]:
    """Reads rows from two files, line by line; a header line becomes an empty row.

    Args:
        source: A file, plain, ``.gz`` or ``.xz``.
        target: Another.
        languages: Codes of source and target, which a header line may name.
        left_out: Counts the header line.

    Raises:
        InputError: A file is missing or no text, or they differ in their number of lines.
    """
    left, right = read_lines(source), read_lines(target)
    if len(left) != len(right):
        raise InputError(
            f"{source} has {len(left)} lines and {target} {len(right)}; a line of one "
            "translates the same line of the other; align them"
        )
    rows = [(one.strip(), other.strip()) for one, other in zip(left, right, strict=True)]
    if rows and _is_header(rows[0], languages):
        rows[0] = ("", "")
        _count(left_out, "header line")
    return rows


def read_tsv(
    path: str | Path, languages: tuple[str, str], left_out: Counter[str] | None = None
) -> list[Row]:
    """Reads rows from a file with tabs between columns, one for each line.

    Source and target are the columns that a header line names, otherwise the first two that hold
    more than ids, numbers or one and the same word. Quotation marks around columns, as
    spreadsheets write them, are taken off. A header line and blank lines become empty rows.

    Args:
        path: A file, plain, ``.gz`` or ``.xz``.
        languages: Codes of source and target, which a header line may name.
        left_out: Counts the header line, the other columns and the quotation marks.

    Raises:
        InputError: The file is missing or no text, or a line has too few columns.
    """
    lines = read_lines(path)
    table = [[cell.strip() for cell in cells] for cells in split_columns(lines, path)]
    quoted = [cell for cells in table for cell in cells if _QUOTED.fullmatch(cell)]
    if len(quoted) == sum(map(len, table)) or any('""' in cell[1:-1] for cell in quoted):
        table = [[_unquoted(cell) for cell in cells] for cells in table]
        _count(left_out, "pairs of quotation marks around columns", len(quoted))
    header = table.pop(0) if table and _is_header(table[0], languages) else []
    _count(left_out, "header line", bool(header))
    first, second = _named(header, languages) or _telling(table)
    width = max(map(len, table), default=2)
    others = "other column" if width == 3 else "other columns"
    _count(left_out, f"{others} (taken: {first + 1} and {second + 1})", width - 2)
    rows = iter(table)
    result = []
    for number, line in enumerate(lines, 1):
        cells = next(rows) if line.strip() and not header else []
        if line.strip():
            header = []
        if cells and len(cells) <= max(first, second):
            raise InputError(f"{path}, line {number}: {len(cells)} columns; source and target are "
                             f"{first + 1} and {second + 1}; add what is missing")  # fmt: skip
        result.append((cells[first], cells[second]) if cells else ("", ""))
    return result


def split_columns(lines: Sequence[str], path: str | Path) -> Iterator[list[str]]:
    """Yields the columns of each line that is not blank.

    Raises:
        InputError: A line has no tab; ``path`` is named.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        columns = line.split("\t")
        if len(columns) < 2:
            raise InputError(f"{path}, line {number}: no tab between source and target; add it")
        yield columns


def _is_header(cells: Sequence[str], languages: tuple[str, str]) -> bool:
    """Whether all columns have names such as ``id``, ``source`` and ``German sentence``."""
    words = [re.findall(r"[^\W_]+", cell.lower()) for cell in cells if cell]
    return bool(words) and all(some and _HEADER.union(languages).issuperset(some) for some in words)


def _named(header: Sequence[str], languages: tuple[str, str]) -> tuple[int, int] | None:
    """The columns that a header names by language, or as source and target."""
    words = [set(re.findall(r"[^\W_]+", cell.lower())) for cell in header]
    codes = [{code, NAMES.get(code, code).lower()} for code in languages]
    for wanted in (codes, (_SOURCE, _TARGET)):
        found = [[k for k, some in enumerate(words) if some & names] for names in wanted]
        if all(len(columns) == 1 for columns in found) and found[0] != found[1]:
            return found[0][0], found[1][0]
    return None


def _telling(table: Sequence[Sequence[str]]) -> tuple[int, int]:
    """The first two columns that are not of ids, numbers or one and the same word."""
    width = Counter(map(len, table)).most_common(1)[0][0] if table else 2
    columns = list(zip(*(cells for cells in table if len(cells) == width), strict=True))
    rest = [
        k
        for k, column in enumerate(columns)
        if not all(map(_ID.fullmatch, column)) and (len(column) < 2 or len(set(column)) > 1)
    ]
    return (rest[0], rest[1]) if len(rest) > 1 else (0, 1)


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"').strip() if _QUOTED.fullmatch(cell) else cell


def read_lines(path: str | Path) -> list[str]:
    """Reads the lines of a text file, plain, ``.gz`` or ``.xz``.

    Raises:
        InputError: It is missing, or no text.
    """
    text = read_text(path)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    # Not `splitlines`: a sentence may hold a Unicode line separator.
    return [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")] if text else []


# --- what is left out -------------------------------------------------------------------------


def filled(rows: Sequence[Item], left_out: Counter[str] | None = None) -> list[Item]:
    """The rows or pairs that have a source and a target; counts those that lack one of them."""
    kept = [row for row in rows if row[0] and row[1]]  # type: ignore[index]
    _count(left_out, "empty on a side", sum(bool(row[0] or row[1]) for row in rows) - len(kept))  # type: ignore[index]
    return kept


def hold_out_distinct(
    items: Sequence[Item], name: str, key: Callable[[Item], str], left_out: Counter[str] | None
) -> tuple[list[Item], list[Item]]:
    """Splits pairs into training and validation, so that none is in both.

    Args:
        items: Pairs; of equal ones only the first is kept.
        name: Of the data, for the message.
        key: Of a pair; none of training has the same as one of validation.
        left_out: Counts what comes again, and what validation has, too.

    Raises:
        InputError: There are fewer than two distinct pairs, or none is left to train on.
    """
    distinct = list(dict.fromkeys(items))
    _count(left_out, "more than once", len(items) - len(distinct))
    train, valid = hold_out(distinct, name) if len(distinct) > 1 else ([], distinct)
    held = {key(item) for item in valid}
    kept = [item for item in train if key(item) not in held]
    _count(left_out, "with a source that is also in validation", len(train) - len(kept))
    if not kept:
        told = f"; left out: {describe_counts(left_out)}" if left_out else ""
        count = "1 distinct pair" if len(distinct) == 1 else f"{len(distinct)} distinct pairs"
        raise InputError(f"{name}: {count}; training and validation need "
                         f"one each, with different sources{told}")  # fmt: skip
    return kept, valid


def describe_counts(counts: Counter[str]) -> str:
    """What was left out in words, such as ``3 empty on a side, 1 header line``."""
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def _count(left_out: Counter[str] | None, what: str, count: int = 1) -> None:
    if left_out is not None and count:
        left_out[what] += count
