"""The one exception that the command turns into a line on stderr and exit status 2."""

from __future__ import annotations

import math


class InputError(ValueError):
    """Input from outside is bad; the message names what is wrong and the remedy, in one line."""


def check_range(name: str, value: float, low: float, high: float = math.inf) -> None:
    """Refuses a value outside of a range, its ends included.

    Args:
        name: What the value is, for the message.
        value: A number.
        low: The least that is allowed.
        high: The most that is allowed.

    Raises:
        InputError: The value is below ``low`` or above ``high``, or NaN.
    """
    if not low <= value <= high:
        allowed = f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
        raise InputError(f"{name} must be {allowed}, not {value:g}")
