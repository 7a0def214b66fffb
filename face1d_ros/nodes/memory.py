"""Makes a process keep the memory that it frees: images come and go many times a second.

glibc gives every freed image back to the kernel, and the next one pays for each of its pages again: with a 1280×720
image, 4 ms of the 4.7 ms that taking it from DDS costs.
"""

from __future__ import annotations

import ctypes
import gc

MIB = 1 << 20
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # malloc.h


def keep_freed_memory() -> bool:
    """Blocks up to 32 MiB (the most that glibc accepts) come from the heap, which shrinks only by 64 MiB at once.

    False where the C library has no such setting (musl): everything works, at the kernel's price.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wanted = ((_MMAP_THRESHOLD, 32 * MIB), (_TRIM_THRESHOLD, 64 * MIB), (_TOP_PAD, 16 * MIB))
    return all([mallopt(option, value) for option, value in wanted])


def spare_garbage_collector() -> None:
    """Take all that is loaded by now out of every later collection, which would pause a frame to look through it."""
    gc.collect()
    gc.freeze()
