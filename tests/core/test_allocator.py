"""The hint to the allocator: given at import, harmless, and off on request."""

import platform
import subprocess
import sys

import pytest

from minigrad.core import allocator

# Prints how many page faults three fresh arrays of 4 MiB take, after the allocator has seen one.
FAULTS = """
import resource, {module}, numpy as np
def use():
    np.ones(1 << 22, np.uint8)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(module, **env):
    command = [sys.executable, "-c", FAULTS.format(module=module)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True, env={**env}).stdout)


def test_the_hint_can_be_turned_off(monkeypatch):
    """With MINIGRAD_ALLOCATOR=default no block is taken, without it one of nearly 32 MiB is."""
    taken = []
    monkeypatch.setattr(allocator.np, "empty", lambda size, dtype: taken.append(size))
    monkeypatch.setenv("MINIGRAD_ALLOCATOR", "default")
    allocator.keep_large_blocks()
    assert taken == []
    monkeypatch.delenv("MINIGRAD_ALLOCATOR")
    allocator.keep_large_blocks()
    assert taken == [allocator.BLOCK]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the hint is for glibc's allocator")
def test_large_arrays_are_used_again():
    """With minigrad imported, a freed block of 4 MiB serves the next array; turned off, the kernel clears a new one."""
    assert faults("minigrad") < 100
    assert faults("minigrad", MINIGRAD_ALLOCATOR="default") > 300
