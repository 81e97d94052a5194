"""What `import minigrad` takes more than `import numpy`, from compiled packages in fresh processes."""

import pathlib
import statistics
import tempfile

import minigrad

from .timing import fresh_python, peer

CODE = "import numpy, time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def main():
    package = pathlib.Path(minigrad.__file__).parent
    with tempfile.TemporaryDirectory() as cache:
        env = {"PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(package.parent)}
        names = ["minigrad", *(name for name in ("autograd", "mygrad", "torch") if peer(name) is not None)]
        print("\nimport, beyond that of NumPy")
        for name in names:
            fresh_python("-c", CODE.format(name), env=env)
            times = [float(fresh_python("-c", CODE.format(name), env=env)) for _ in range(11 if name != "torch" else 3)]
            print(f"  {name:<34}{1e3 * statistics.median(times):12.1f} ms")
