"""How the C library handles the memory of a training step."""

from __future__ import annotations

import ctypes

# Of glibc's malloc.h: what mallopt sets, and to what.
_MALLOPT = {
    "M_MMAP_MAX": (-4, 0),  # large blocks, too, come from the heap
    "M_TRIM_THRESHOLD": (-1, 2**31 - 1),  # which gives back nothing before this is free
    "M_ARENA_MAX": (-8, 1),  # and of which there is one: others hold no block above 64 MB
}


def keep_freed_memory() -> bool:
    """Has the process keep the memory that it frees, to use it again.

    glibc asks the kernel for every large tensor and gives it back soon after, and the kernel fills
    each of its pages with zeros, step after step: a good part of a training step's time. The
    process then holds the most that it ever needed, which is what the next step needs again.

    Returns:
        Whether the C library could be told; it is glibc's, so not on macOS or Alpine.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # no such function; no library by that name
        return False
    return all([mallopt(name, value) for name, value in _MALLOPT.values()])
