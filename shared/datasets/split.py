"""Parts of data: what is held out of one's own, and a few items for a quick look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from shared.errors import InputError

EVERY = 20  # of one's own data every twentieth item validates
Item = TypeVar("Item")


def hold_out(items: Sequence[Item], name: str) -> tuple[list[Item], list[Item]]:
    """Training and validation items: every twentieth validates, beginning with the first.

    Args:
        items: At least two.
        name: What they are read from, for the message.

    Raises:
        InputError: There are fewer than two.
    """
    if len(items) < 2:
        raise InputError(f"{name}: {len(items)} item; training and validation need one each")
    return [item for k, item in enumerate(items) if k % EVERY], list(items[::EVERY])


def part_of(items: Sequence[Item], split: str, name: str) -> list[Item]:
    """The items of a split of data that has no parts of its own.

    Args:
        items: All of them.
        split: ``"train"`` or ``"valid"``, see `hold_out`; "" for all.
        name: What they are read from, for messages.

    Raises:
        InputError: It is another split, or there are fewer than two items to part.
    """
    if not split:
        return list(items)
    if split not in ("train", "valid"):
        raise InputError(f"{name}: no split {split!r}; it has train and valid")
    return hold_out(items, name)[split == "valid"]


def spread(items: Sequence[Item], limit: int) -> list[Item]:
    """All items, or ``limit`` of them, spread evenly over all; 0 is no limit.

    Raises:
        InputError: The limit is negative.
    """
    if limit < 0:
        raise InputError(f"a limit of {limit}: give how many to use, or 0 for all")
    if not limit:
        return list(items)
    places = np.linspace(0, len(items) - 1, min(limit, len(items))).round().astype(int)
    return [items[k] for k in places]
