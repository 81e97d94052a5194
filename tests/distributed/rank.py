"""One rank of a program of tests: ``python -m tests.distributed.rank module *args`` calls ``main`` of the module."""

import contextlib
import importlib
import os
import sys


@contextlib.contextmanager
def covered():
    """Measure what is covered in this block, if the test that has started it does."""
    path = os.environ.get("MINIGRAD_COVERAGE")
    if path is None:
        yield
        return
    from coverage import Coverage

    measuring = Coverage(data_file=path, data_suffix=f"rank.{os.getpid()}")
    measuring.start()
    try:
        yield
    finally:
        measuring.stop()
        measuring.save()


if __name__ == "__main__":
    with covered():
        importlib.import_module(f"tests.distributed.{sys.argv[1]}").main(*sys.argv[2:])
