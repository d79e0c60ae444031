"""Errors in the user's input, which the command reports in one line, with exit status 2."""

from __future__ import annotations

import math


class InputError(ValueError):
    """Raised on bad input. The message names what is wrong and the remedy, in one line."""


def check_range(name: str, value: float, low: float, high: float = math.inf) -> None:
    """Checks that a value lies in a closed range.

    Args:
        name: Name of the value, for the message.
        value: A number.
        low: Smallest valid value.
        high: Largest valid value.

    Raises:
        InputError: The value is below ``low`` or above ``high``, or NaN.
    """
    if not low <= value <= high:
        allowed = f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
        raise InputError(f"{name} must be {allowed}, not {value:g}")
