"""The same conditions for all, and ratios of medians of interleaved repeats."""

import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping

THREADS = os.environ.get("MINIGRAD_BENCH_THREADS", "2")


def prepare() -> None:
    """Give all libraries the same number of threads, and NumPy its own choice of kernels; before NumPy is imported."""
    assert "numpy" not in sys.modules
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PJRT_NPROC"):  # the last is XLA's
        os.environ[name] = THREADS


def peer(name: str):
    """A library to compare with, or None if it is not installed; torch gets the same threads as the others."""
    try:
        module = importlib.import_module(name)
    except ImportError:
        return None
    if name == "torch":
        module.set_num_threads(int(THREADS))
    return module


def medians(contenders: Mapping[str, Callable[[], object]], repeats: int = 15, seconds: float = 0.05):
    """Median seconds a call of each contender, measured in turn: first, second, ..., first, second, ...

    Each turn makes as many calls as fill about `seconds`.
    """
    calls = {}
    for name, run in contenders.items():
        run()
        start = time.perf_counter()
        run()
        calls[name] = max(1, round(seconds / max(time.perf_counter() - start, 1e-7)))
    turns: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, run in contenders.items():
            start = time.perf_counter()
            for _ in range(calls[name]):
                run()
            turns[name].append((time.perf_counter() - start) / calls[name])
    return {name: statistics.median(times) for name, times in turns.items()}


LEFT_OUT = ("No module named", "needs llvmlite", "C++ compiler")  # what is said where something is not installed


def take_turns(module: str, names: Iterable[str], *args: str, rounds: int = 5, processes: int = 3) -> dict[str, float]:
    """Median seconds a step of contenders that have a Python each, measured in turn: first, second, ..., first, ...

    What one does to the allocator the next does not feel; and as a process may be lucky with where its memory lies
    and its threads run, each contender has several, one after the other. ``python -m module name *args`` has to call
    `await_turns`.
    """
    turns: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(processes):
        pythons = {name: start([sys.executable, "-m", module, name, *args]) for name in turns}
        turns = {name: turns[name] for name, python in pythons.items() if python is not None}
        for _ in range(rounds):
            for name, times in turns.items():
                print(file=pythons[name].stdin, flush=True)
                times.append(float(pythons[name].stdout.readline()))
        for name in turns:
            pythons[name].communicate()
    return {name: statistics.median(times) for name, times in turns.items()}


def start(command: list[str]) -> subprocess.Popen | None:
    """A process that awaits its turns, None if what it needs is not installed."""
    with tempfile.TemporaryFile("w+") as errors:
        python = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        if python.stdout.readline():
            return python
        errors.seek(0)
        text = errors.read()
    if python.wait() and not any(reason in text for reason in LEFT_OUT):
        raise RuntimeError(text)
    print(f"left out: {' '.join(command[3:])}: {text.strip().splitlines()[-1]}")
    return None


def await_turns(step: Callable[[], object], seconds: float = 0.2) -> None:
    """Print the median time of a step, in seconds, for each line that comes in."""
    for _ in range(20):
        step()
    print("ready", flush=True)
    for _ in sys.stdin:
        step()
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end:
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        print(statistics.median(times), flush=True)


def report(title: str, times: Mapping[str, float], reference: str, unit: float = 1e-6) -> None:
    """Print the times, and their ratios to the reference's."""
    print(f"\n{title}")
    for name, seconds in times.items():
        ratio = f"{seconds / times[reference]:9.3g} x" if reference in times and name != reference else ""
        print(f"  {name:<34}{seconds / unit:12.2f} us{ratio}")


def fresh_python(*args: str, env: Mapping[str, str] | None = None) -> str:
    """What a Python of its own prints, given these arguments; raises RuntimeError with its errors if it fails."""
    done = subprocess.run([sys.executable, *args], capture_output=True, text=True, env={**os.environ, **(env or {})})
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()
