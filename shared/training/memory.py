"""Settings of the C library's memory allocator."""

from __future__ import annotations

import ctypes

# Parameters of mallopt from glibc's malloc.h, and their values.
_MALLOPT = {
    "M_MMAP_MAX": (-4, 0),  # allocate large blocks on the heap too
    "M_TRIM_THRESHOLD": (-1, 2**31 - 1),  # return no memory below this size to the kernel
    "M_ARENA_MAX": (-8, 1),  # use one arena: others cannot hold a block above 64 MB
}


def keep_freed_memory() -> bool:
    """Makes the process keep freed memory for reuse.

    By default glibc requests memory for every large tensor from the kernel and returns it soon
    after, and the kernel zeroes each page, at every step. That is a good part of the time of a
    training step. With these settings the process keeps its peak memory, which the next step needs
    again.

    Returns:
        Whether the settings took effect. They need glibc: not on macOS or Alpine.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # no such function; no library by that name
        return False
    return all([mallopt(name, value) for name, value in _MALLOPT.values()])
