"""Long chains of one small operation, forward and backward."""

import gc
import time
import tracemalloc

import numpy as np

import minigrad as mg

from .timing import medians, peer, report

START = np.ones(4)


def bare(n):
    z, g = START, np.ones(4)
    for _ in range(n):
        z = z * 1.0001
    for _ in range(n):
        g = g * 1.0001
    return g


def in_minigrad(n):
    x = z = mg.tensor(START, requires_grad=True)
    for _ in range(n):
        z = z * 1.0001
    z.sum().backward()
    return x.grad


def in_torch(torch, n):
    x = z = torch.tensor(START, requires_grad=True)
    for _ in range(n):
        z = z * 1.0001
    z.sum().backward()
    return x.grad


def in_autograd(autograd, n):
    def f(z):
        for _ in range(n):
            z = z * 1.0001
        return z.sum()

    return autograd.grad(f)(START)


def in_mygrad(mygrad, n):
    x = z = mygrad.tensor(START)
    for _ in range(n):
        z = z * 1.0001
    z.sum().backward()
    return x.grad


def main():
    n = 1000
    contenders = {"NumPy, bare": lambda: bare(n), "minigrad": lambda: in_minigrad(n)}
    if (torch := peer("torch")) is not None:
        contenders["torch"] = lambda: in_torch(torch, n)
    if (autograd := peer("autograd")) is not None:
        contenders["autograd"] = lambda: in_autograd(autograd, n)
    if (mygrad := peer("mygrad")) is not None:
        contenders["mygrad"] = lambda: in_mygrad(mygrad, n)
    report("chain of 1,000 operations on 4 numbers", medians(contenders), "NumPy, bare")
    long_chain()


def long_chain():
    """Time and memory of a million operations, without the garbage collector."""
    gc.disable()
    try:
        seconds = {}
        for n in (500_000, 1_000_000):
            start = time.perf_counter()
            in_minigrad(n)
            seconds[n] = time.perf_counter() - start
        tracemalloc.start()
        z = mg.tensor(START, requires_grad=True)
        for _ in range(100_000):
            z = z * 1.0001
        held = tracemalloc.get_traced_memory()[0] / 100_000
        z.sum().backward()
        peak = tracemalloc.get_traced_memory()[1] / 100_000
        del z
        left = tracemalloc.get_traced_memory()[0] / 100_000
        tracemalloc.stop()
    finally:
        gc.enable()
    print("\nchain of 1,000,000 operations, garbage collector off")
    ratio = seconds[1_000_000] / seconds[500_000]
    print(f"  forward and backward {seconds[1_000_000]:.2f} s, {ratio:.2f} x those of 500,000")
    print(f"  {held:.0f} bytes an operation, {peak:.0f} at the peak of backward, {left:.0f} left")
