"""Threads that share the turns of a loop of native code.

They wait in native code, without the GIL, for Python's own locks, which every system has: a kernel writes down which
function there is to call, and opens a lock for each thread; it does its own part, and waits for theirs. Where another
kernel has the threads already, a kernel does all of it alone.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from .assembly import DATA

SETTINGS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
COUNT, FUNCTION, FRAME, TURNS, BUSY, FIRST = range(6)  # what is known of threads: how many, what to do, and locks
LOCKS = {  # functions of Python's
    "PyThread_acquire_lock": "declare i32 @PyThread_acquire_lock(ptr, i32)",
    "PyThread_release_lock": "declare void @PyThread_release_lock(ptr)",
}

# minigrad_share lets threads call function(frame, start, stop) for all of n turns; thread 0 is the caller. The others
# are in work_of_arrays, a METH_FASTCALL of Python's of what is known of threads, and of an array with their number;
# they stay there until the process ends.
ASSEMBLY = f"""
declare ptr @PyEval_SaveThread()
{LOCKS["PyThread_acquire_lock"]}
{LOCKS["PyThread_release_lock"]}

define internal void @open(ptr %known, i64 %i) {{
  %at = getelementptr ptr, ptr %known, i64 %i
  %lock = load ptr, ptr %at
  call void @PyThread_release_lock(ptr %lock)
  ret void
}}

define internal void @await(ptr %known, i64 %i) {{
  %at = getelementptr ptr, ptr %known, i64 %i
  %lock = load ptr, ptr %at
  call i32 @PyThread_acquire_lock(ptr %lock, i32 1)
  ret void
}}

define internal void @part(ptr %known, i64 %k) {{
  %at_function = getelementptr ptr, ptr %known, i64 {FUNCTION}
  %function = load ptr, ptr %at_function
  %at_frame = getelementptr ptr, ptr %known, i64 {FRAME}
  %frame = load ptr, ptr %at_frame
  %at_turns = getelementptr i64, ptr %known, i64 {TURNS}
  %turns = load i64, ptr %at_turns
  %count = load i64, ptr %known
  %before = mul i64 %turns, %k
  %start = sdiv i64 %before, %count
  %up_to = add i64 %before, %turns
  %stop = sdiv i64 %up_to, %count
  call void %function(ptr %frame, i64 %start, i64 %stop)
  ret void
}}

define void @minigrad_share(ptr %known, ptr %function, ptr %frame, i64 %n) {{
  %count = load i64, ptr %known
  %many = icmp sgt i64 %count, 1
  br i1 %many, label %ask, label %alone
ask:
  %at_busy = getelementptr ptr, ptr %known, i64 {BUSY}
  %busy = load ptr, ptr %at_busy
  %got = call i32 @PyThread_acquire_lock(ptr %busy, i32 0)
  %free = icmp eq i32 %got, 1
  br i1 %free, label %share, label %alone
alone:
  call void %function(ptr %frame, i64 0, i64 %n)
  ret void
share:
  %at_function = getelementptr ptr, ptr %known, i64 {FUNCTION}
  store ptr %function, ptr %at_function
  %at_frame = getelementptr ptr, ptr %known, i64 {FRAME}
  store ptr %frame, ptr %at_frame
  %at_turns = getelementptr i64, ptr %known, i64 {TURNS}
  store i64 %n, ptr %at_turns
  br label %wake
wake:
  %k = phi i64 [1, %share], [%k_next, %wake]
  %twice = shl i64 %k, 1
  %start_lock = add i64 %twice, {FIRST - 2}
  call void @open(ptr %known, i64 %start_lock)
  %k_next = add i64 %k, 1
  %all_awake = icmp eq i64 %k_next, %count
  br i1 %all_awake, label %own, label %wake
own:
  call void @part(ptr %known, i64 0)
  br label %wait
wait:
  %j = phi i64 [1, %own], [%j_next, %wait]
  %j_twice = shl i64 %j, 1
  %done_lock = add i64 %j_twice, {FIRST - 1}
  call void @await(ptr %known, i64 %done_lock)
  %j_next = add i64 %j, 1
  %all_done = icmp eq i64 %j_next, %count
  br i1 %all_done, label %over, label %wait
over:
  call void @PyThread_release_lock(ptr %busy)
  ret void
}}

define ptr @work_of_arrays(ptr %self, ptr %args, i64 %n) {{
  %array = load ptr, ptr %args
  %at_known = getelementptr i8, ptr %array, i64 {DATA}
  %known = load ptr, ptr %at_known
  %second = getelementptr ptr, ptr %args, i64 1
  %number = load ptr, ptr %second
  %at_k = getelementptr i8, ptr %number, i64 {DATA}
  %k_in = load ptr, ptr %at_k
  %k = load i64, ptr %k_in
  %twice = shl i64 %k, 1
  %start_lock = add i64 %twice, {FIRST - 2}
  %done_lock = add i64 %twice, {FIRST - 1}
  call ptr @PyEval_SaveThread()
  br label %wait
wait:
  call void @await(ptr %known, i64 %start_lock)
  call void @part(ptr %known, i64 %k)
  call void @open(ptr %known, i64 %done_lock)
  br label %wait
}}
"""


def number_of_threads(environment: Mapping[str, str] = os.environ) -> int:
    """How many threads there are by default: as many as BLAS has, the least number that a variable sets."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    named = [environment.get(name, "").split(",")[0] for name in SETTINGS]  # one for each level, as OpenMP has them
    return max(1, min([here, *(int(n) for n in named if n.strip().isdigit())]))


class Threads:
    """Some threads, of which the caller of a kernel is one; `known` is what native code knows of them."""

    def __init__(self, count: int) -> None:
        self.known = np.zeros(FIRST + 2 * (count - 1), np.int64)
        self.known[COUNT] = 1
        self._count = count
        self._lock = threading.Lock()

    def start(self, work: Callable[..., Any]) -> None:
        """Let the threads wait for something to do, if they do not yet."""
        with self._lock:
            if self.known[COUNT] == self._count:
                return
            self.known[BUSY:] = [lock() for _ in self.known[BUSY:]]
            for address in self.known[FIRST:].tolist():
                ctypes.pythonapi.PyThread_acquire_lock(ctypes.c_void_p(address), 1)
            for k in range(1, self._count):
                number = np.array([k], np.int64)
                threading.Thread(target=work, args=(self.known, number), name=f"minigrad {k}", daemon=True).start()
            self.known[COUNT] = self._count

    def forget(self) -> None:
        """Work alone in a process that was forked, in which the others are not."""
        self._lock = threading.Lock()
        self.known[COUNT] = 1


def lock() -> int:
    """The address of a lock of Python's, which is open."""
    allocate = ctypes.pythonapi.PyThread_allocate_lock
    allocate.restype = ctypes.c_void_p
    return allocate()


@cache
def threads(count: int) -> Threads:
    """The threads that all kernels of so many share."""
    made = Threads(count)
    if hasattr(os, "register_at_fork"):  # pragma: no branch: only Windows has none
        os.register_at_fork(after_in_child=made.forget)
    return made
