"""The same conditions for all, and ratios of medians of interleaved repeats."""

import importlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

THREADS = os.environ.get("MINIGRAD_BENCH_THREADS", "2")


def prepare() -> None:
    """Give all libraries the same number of threads, and NumPy its own choice of kernels; before NumPy is imported."""
    assert "numpy" not in sys.modules
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
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


def report(title: str, times: Mapping[str, float], reference: str, unit: float = 1e-6) -> None:
    """Print the times, and their ratios to the reference's."""
    print(f"\n{title}")
    for name, seconds in times.items():
        ratio = f"{seconds / times[reference]:8.2f} x" if name != reference else "       1  "
        print(f"  {name:<34}{seconds / unit:12.1f} us{ratio}")


def fresh_python(*args: str, env: Mapping[str, str] | None = None) -> str:
    """What a Python of its own prints, given these arguments; raises RuntimeError with its errors if it fails."""
    done = subprocess.run([sys.executable, *args], capture_output=True, text=True, env={**os.environ, **(env or {})})
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()
