"""Long chains of one small operation, forward and backward."""

import gc
import operator
import sys
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
    memory()


def long_chain():
    """Time of a million operations, and what is left of them, without the garbage collector."""
    in_minigrad(1000)
    gc.collect()
    gc.disable()
    try:
        before, seconds = sys.getallocatedblocks(), {}
        for n in (500_000, 1_000_000):
            start = time.perf_counter()
            in_minigrad(n)
            seconds[n] = time.perf_counter() - start
        left = sys.getallocatedblocks() - before
    finally:
        gc.enable()
    print("\nchain of 1,000,000 operations, garbage collector off")
    ratio = seconds[1_000_000] / seconds[500_000]
    print(f"  forward and backward {seconds[1_000_000]:.2f} s, {ratio:.2f} x those of 500,000")
    print(f"  {left} blocks of memory left")


STEPS = {
    "z * 1.0001": lambda z, x: z * 1.0001,
    "z * a, an ndarray": lambda z, x: z * START,
    "z * x, a leaf": operator.mul,
    "mg.negative(z)": lambda z, x: mg.negative(z),
    "z[...]": lambda z, x: z[...],
}


def memory(n=100_000):
    """Bytes an operation: when the graph is there, at the peak of backward, and left."""
    print("\nbytes an operation on 4 numbers, of which their array takes 144, garbage collector off")
    gc.disable()
    try:
        for name, step in STEPS.items():
            x = z = mg.tensor(START, requires_grad=True)
            tracemalloc.start()
            for _ in range(n):
                z = step(z, x)
            held = tracemalloc.get_traced_memory()[0]
            z.sum().backward()
            peak = tracemalloc.get_traced_memory()[1]
            del z
            left = tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
            print(f"  {name:<34}{held / n:7.0f} held{peak / n:7.0f} at the peak of backward{left / n:7.1f} left")
    finally:
        gc.enable()
