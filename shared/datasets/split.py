"""Held-out items of a user's own data, and subsets for quick runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from shared.errors import InputError

EVERY = 20  # every twentieth item of a user's own data is held out
Item = TypeVar("Item")


def hold_out(items: Sequence[Item], name: str) -> tuple[list[Item], list[Item]]:
    """Splits items into training and validation; every twentieth is held out, from the first.

    Args:
        items: At least two items.
        name: Name of the data, for the message.

    Raises:
        InputError: There are fewer than two items.
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
    """Selects ``limit`` items, evenly spaced; 0 selects all.

    Raises:
        InputError: The limit is negative.
    """
    if limit < 0:
        raise InputError(f"limit is {limit}: use 0 or more; 0 is no limit")
    if not limit:
        return list(items)
    indices = np.linspace(0, len(items) - 1, min(limit, len(items))).round().astype(int)
    return [items[k] for k in indices]
