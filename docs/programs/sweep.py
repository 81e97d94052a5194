"""One model a process: a sweep over learning rates, and the ensemble of what came out.

python sweep.py                                     # as many processes as cores
python sweep.py joblib
mpiexec -n 4 python -m mpi4py.futures sweep.py mpi  # one rank hands out work to three
"""

import os
import sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # cores / processes, before NumPy is imported; the processes inherit it

import numpy as np

from minigrad import distributed, nn, optim, train
from minigrad.data import DataLoader
from minigrad.nn import functional as F

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def trained(job):
    """The validation loss and the model of a learning rate and a seed."""
    lr, seed = job
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(2, 16, rng=rng), nn.Tanh(), nn.Linear(16, 2, rng=rng))
    loader = DataLoader((X[:300], Y[:300]), 50, shuffle=True, rng=rng)
    validation = DataLoader((X[300:], Y[300:]), 100)
    optimizer = optim.Adam(model.parameters(), lr=lr)
    with distributed.alone():  # else ranks of MPI would train one model together
        history = train.fit(model, F.cross_entropy, optimizer, loader, 10, validation=validation, progress=False)
    return history["validation_loss"][-1], model  # a module can be pickled, and so be sent


def mapped(by, function, jobs):
    """``[function(job) for job in jobs]``, in processes."""
    if by == "joblib":
        from joblib import Parallel, delayed

        return Parallel(n_jobs=-1)(delayed(function)(job) for job in jobs)
    if by == "mpi":
        from mpi4py.futures import MPIPoolExecutor as Executor
    else:
        from concurrent.futures import ProcessPoolExecutor as Executor
    with Executor() as executor:
        return list(executor.map(function, jobs))


if __name__ == "__main__":
    jobs = [(lr, seed) for lr in (0.001, 0.01, 0.1) for seed in range(3)]
    found = mapped(sys.argv[1] if len(sys.argv) > 1 else "processes", trained, jobs)
    for (lr, seed), (loss, _) in zip(jobs, found, strict=True):
        print(f"lr {lr:<6} seed {seed}: validation loss {loss:.4f}")
    best = sorted(found, key=lambda result: result[0])[:3]
    scores = sum(F.softmax(model(X[300:])) for _, model in best)
    print(f"the best three together: {np.mean(scores.argmax(axis=1) == Y[300:]):.0%} right")
