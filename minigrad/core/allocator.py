"""A hint to the C library's allocator, given once when minigrad is imported.

glibc takes blocks of more than 128 KiB from the kernel, fresh, at each allocation, and gives them back when they are
freed; a training step on arrays of that size spends most of its time on page faults. It raises that limit by itself
as soon as a larger block is freed, up to 32 MiB (mallopt(3), M_MMAP_THRESHOLD), so we free one. Nothing of it is
ever touched, so it costs no memory; other C libraries take no notice. ``MINIGRAD_ALLOCATOR=default`` turns it off.
"""

import os

import numpy as np

BLOCK = (32 << 20) - (64 << 10)  # in bytes; glibc ignores blocks of which more than 32 MiB were mapped


def keep_large_blocks() -> None:
    """Let freed blocks of up to 32 MiB be used again, instead of giving them back to the kernel."""
    if os.environ.get("MINIGRAD_ALLOCATOR") != "default":
        np.empty(BLOCK, np.uint8)


keep_large_blocks()
