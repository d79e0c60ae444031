"""Errors in the user's input, which the command reports in one line, with exit status 2."""

from __future__ import annotations

import errno
import math
import re
from pathlib import Path

_REMEDIES = {
    errno.ENOSPC: "free some room",
    errno.EDQUOT: "free some room, or ask for a larger quota",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EROFS: "name a place that can be written",
    errno.EACCES: "allow access, or name another place",
    errno.EPERM: "allow access, or name another place",
}
_LONGEST = 600  # characters


class InputError(ValueError):
    """Raised on bad input. The message names what is wrong and the remedy, in one line.

    A long message, which quotes a damaged file, loses its middle.
    """

    def __init__(self, message: str) -> None:
        if len(message) > _LONGEST:
            message = f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 3 :]}"
        super().__init__(message)


def describe(error: Exception) -> str:
    """Describes an error in one line, with its notes; one of the system with file and remedy."""
    line = str(error)
    if isinstance(error, OSError):
        remedy = _REMEDIES.get(error.errno or 0, "check the path")
        line = f"{error.filename or 'a file'}: {error.strerror or error}; {remedy}"
    return "; ".join([line, *getattr(error, "__notes__", ())])


def check_name(name: str, source: str | Path) -> None:
    """Checks that a name is safe as a part of a path: no separator, no dot in front.

    Args:
        name: Name of a model or of a training step.
        source: The file that has it, for the message.

    Raises:
        InputError: The name has other characters than A-Z, a-z, 0-9, ``.``, ``_`` and ``-``.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise InputError(
            f"{source}: {name[:80]!r} is no name; use letters, digits, '.', '_' and '-', a letter "
            "or digit first"
        )


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
