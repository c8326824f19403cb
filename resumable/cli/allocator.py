"""What the C library's allocator is told before a run, so that memory that is free goes back to the system."""

import contextlib
import ctypes
import sys
from typing import Final

_SETTINGS: Final = (
    (-8, 4),  # M_ARENA_MAX: each thread would keep what it once needed; eight workers and their desks had 16 of them
    (-3, 2 * 2**20),  # M_MMAP_THRESHOLD: left alone it grows with what is freed, and bodies of 5 MB stay in the arenas
    (-1, 16 * 2**20),  # M_TRIM_THRESHOLD: setting the other fixes this at 128 KiB, and that takes 15 % more processor
)
"""Numbers of parameters as glibc has had them since 1995, and what they are set to."""


def settle() -> None:
    """Tell glibc what to keep for itself; where there is another C library, nothing is told."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in _SETTINGS:
            mallopt(parameter, value)
