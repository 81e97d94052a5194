"""What a checkpoint costs: save and load of a network's arrays against NumPy's own, in the same folder."""

import os
import pathlib
import tempfile

import numpy as np

import minigrad as mg

from .timing import medians, report


def main():
    rng = np.random.default_rng(0)
    shapes = [(784, 512), (512,), (512, 512), (512,), (512, 10), (10,)] * 6
    tree = {f"{i}": rng.normal(size=shape).astype(np.float32) for i, shape in enumerate(shapes)}
    megabytes = sum(x.nbytes for x in tree.values()) / 1e6
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)

        def numpy_save():
            """As users do; then to the disk, as mg.save does."""
            with open(folder / "numpy.npz", "wb") as file:
                np.savez(file, **tree)
                file.flush()
                os.fsync(file.fileno())

        def numpy_load():
            with np.load(folder / "numpy.npz") as file:
                return {name: file[name] for name in file.files}

        saves, loads = {"np.savez and fsync": numpy_save}, {"np.load": numpy_load}
        for ending in ("npz", "safetensors"):
            path = folder / f"minigrad.{ending}"
            saves[f"mg.save, .{ending}"] = lambda path=path: mg.save(path, tree)
            loads[f"mg.load, .{ending}"] = lambda path=path: mg.load(path)
        report(f"save {megabytes:.0f} MB in {len(tree)} arrays", medians(saves), "np.savez and fsync")
        report(f"load {megabytes:.0f} MB in {len(tree)} arrays", medians(loads), "np.load")
