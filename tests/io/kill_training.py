"""Kill a training run that checkpoints after every step, and see that every resume goes on as if nothing had happened.

    python -m tests.io.kill_training [kills] [seed]

The run is a process of its own, killed (SIGKILL) at a random moment and started again, until it was killed that often.
After each kill the checkpoint has to load, or not be there yet. After each step the run notes a digest of all that it
is: parameters, optimizer, loader and rng. Each digest has to be that of the same step of a run that nobody has killed.
"""

import hashlib
import os
import pathlib
import signal
import sys
import tempfile
import time
import traceback

import numpy as np

import minigrad as mg
from minigrad.core.tree import leaves
from minigrad.data import DataLoader
from minigrad.io import load, save
from minigrad.optim import SGD

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # a process that forks has no others
EPOCHS, SECONDS = 3, 0.06


class Run:
    """A network that learns a noisy function, with all that a checkpoint has to hold."""

    def __init__(self):
        self.rng = np.random.default_rng(1)
        x = self.rng.normal(size=(250, 16))
        self.loader = DataLoader((x, np.sin(x.sum(1, keepdims=True))), 8, shuffle=True, rng=self.rng, prefetch=2)
        sizes = {"first": (16, 128), "bias": (128,), "second": (128, 1)}
        self.params = {k: mg.tensor(self.rng.normal(size=s) / 4, requires_grad=True) for k, s in sizes.items()}
        self.optimizer = SGD(self.params.values(), lr=0.01, momentum=0.9)
        self.steps = 0

    def state(self):
        return {
            "params": self.params,
            "optimizer": self.optimizer.state_dict(),
            "loader": self.loader.state_dict(),
            "rng": self.rng,
            "steps": self.steps,
        }

    def resume(self, state):
        for name, values in state["params"].items():
            self.params[name].data = values
        self.optimizer.load_state_dict(state["optimizer"])
        self.loader.load_state_dict(state["loader"])
        self.rng.bit_generator.state = state["rng"]
        self.steps = state["steps"]

    def step(self, x, y):
        noisy = x + self.rng.normal(scale=0.1, size=x.shape)
        p = self.params
        loss = mg.mean((mg.tanh(noisy @ p["first"] + p["bias"]) @ p["second"] - y) ** 2)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.steps += 1

    def digest(self):
        """Of every bit that the next step depends on."""
        found = hashlib.sha256(repr((self.loader.state_dict(), self.rng.bit_generator.state, self.steps)).encode())
        kept = [x for x in leaves(self.optimizer.state_dict()) if isinstance(x, np.ndarray)]
        for array in (*(p.data for p in self.params.values()), *kept):
            found.update(array.tobytes())
        return found.hexdigest()


def train(path, note):
    """Train to the end, from the checkpoint if there is one; `note` the digest at the start and after each step."""
    run = Run()
    if os.path.exists(path):
        run.resume(load(path))
    note(run.steps, run.digest())
    while run.loader.epoch < EPOCHS:
        for x, y in run.loader:
            run.step(x, y)
            note(run.steps, run.digest())
            save(path, run.state())


def started(path, log):
    """The number of a new process that trains, and notes in a file."""
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        with open(log, "wb", buffering=0) as file:
            train(path, lambda steps, digest: file.write(f"{steps} {digest}\n".encode()))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def check_notes(log, reference):
    """Compare the notes of a process with those of the run that nobody has killed; returns how many there were."""
    lines = log.read_text().split("\n")[:-1] if log.exists() else []
    for line in lines:
        steps, digest = line.split()
        assert reference[int(steps)] == digest, f"after step {steps} this run is not what it would have been"
    return len(lines)


def kill(folder, ending, kills, rng):
    """Kill a run that often, and check it each time; returns counts of what was seen."""
    reference = {}
    train(folder / f"reference.{ending}", lambda steps, digest: reference.__setitem__(steps, digest))
    path, log = folder / f"run.{ending}", folder / "log"
    seen = dict.fromkeys(("kills", "resumes", "digests compared", "while saving", "finished"), 0)
    while seen["kills"] < kills:
        seen["resumes"] += path.exists()
        log.unlink(missing_ok=True)
        process = started(path, log)
        time.sleep(rng.uniform(0, SECONDS))
        os.kill(process, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        assert status in (0, -signal.SIGKILL), "the run has failed"
        seen["kills"] += status == -signal.SIGKILL
        seen["while saving"] += any(name.endswith(".tmp") for name in os.listdir(folder))
        seen["digests compared"] += check_notes(log, reference)
        if path.exists():
            load(path)
        if status == 0:
            seen["finished"] += 1
            assert len(os.listdir(folder)) == 3, "the last save has left something behind"
            path.unlink()
    return seen


def main(kills=200, seed=0):
    rng = np.random.default_rng(seed)
    for ending in ("npz", "safetensors"):
        with tempfile.TemporaryDirectory() as folder:
            seen = kill(pathlib.Path(folder), ending, kills // 2, rng)
        print(f"{ending}: " + ", ".join(f"{count} {name}" for name, count in seen.items()))
    print(f"{kills // 2 * 2} kills: no broken file, and every step after every resume is that of the uninterrupted run")


if __name__ == "__main__":
    if ONE_THREAD.items() <= os.environ.items():
        main(*map(int, sys.argv[1:]))
    else:  # NumPy asks when it is loaded, which it is
        os.execve(sys.executable, [sys.executable, "-m", __spec__.name, *sys.argv[1:]], os.environ | ONE_THREAD)
