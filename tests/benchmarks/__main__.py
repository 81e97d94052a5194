"""Run the benchmarks named on the command line, or all of them."""

import importlib
import platform
import sys

from .timing import THREADS, peer, prepare

ALL = (
    *("tutorial", "operands", "transformations", "chain", "network", "compiled", "layers", "sequences", "losses"),
    *(
        "convolution",
        "normalisation",
        "optimizers",
        "science",
        "solvers",
        "batches",
        "costs",
        "calls",
        "loading",
        "saving",
        "distributed",
        "import_time",
    ),
)


def main() -> None:
    prepare()
    import numpy as np

    missing = [name for name in ("torch", "jax", "autograd", "mygrad", "safetensors") if peer(name) is None]
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {THREADS} threads, {platform.machine()}")
    print("OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE unset")
    print(f"not installed, so not compared: {', '.join(missing) or 'none'}")
    for name in sys.argv[1:] or ALL:
        importlib.import_module(f".{name}", __package__).main()


main()
