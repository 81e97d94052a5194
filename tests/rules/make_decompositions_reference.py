"""Write decompositions_reference.npz: values and gradients of decompositions as PyTorch computes them, in float64.

Run it where PyTorch is: python tests/rules/make_decompositions_reference.py
"""

import pathlib

import numpy as np
import torch

FILE = pathlib.Path(__file__).with_name("decompositions_reference.npz")
linalg = torch.linalg


def weighted(*parts):
    """A sum of squares of all elements with weights 1, 2, ..., on which signs of vectors have no influence."""
    return sum((torch.arange(1, x.numel() + 1).reshape(x.shape) * x * x).sum() for x in parts)


def cases(rng):
    for n in (1, 4):
        x = rng.normal(size=(n, n)) + np.diag(np.arange(n))
        symmetric = (x + x.T) / 2
        yield f"eigh {n}", lambda x: weighted(*linalg.eigh(x)), (symmetric,)
        yield f"eigh U {n}", lambda x: weighted(*linalg.eigh(x, UPLO="U")), (symmetric,)
        yield f"eigvalsh {n}", lambda x: weighted(linalg.eigvalsh(x)), (symmetric,)
        yield f"pinv hermitian {n}", lambda x: weighted(linalg.pinv(x, hermitian=True)), (symmetric,)
        for power in (-2, 0, 1, 5):
            yield f"matrix_power {power} {n}", lambda x, p=power: weighted(linalg.matrix_power(x, p)), (x,)
    for shape in ((3, 3), (5, 3), (3, 5), (2, 4, 3)):
        x, name = rng.normal(size=shape), " ".join(map(str, shape))
        yield f"svd {name}", lambda x: weighted(*linalg.svd(x, full_matrices=False)), (x,)
        yield f"svdvals {name}", lambda x: weighted(linalg.svdvals(x)), (x,)
        yield f"qr {name}", lambda x: weighted(*linalg.qr(x)), (x,)
        yield f"pinv {name}", lambda x: weighted(linalg.pinv(x)), (x,)
        if len(shape) == 2:
            b = rng.normal(size=(shape[0], 2))
            yield f"lstsq {name}", lambda a, b: weighted(linalg.pinv(a) @ b), (x, b)
    parts = [rng.normal(size=shape) for shape in ((3,), (3, 4), (4, 2), (2,))]
    yield "multi_dot", lambda *xs: weighted(linalg.multi_dot(xs)), parts
    yield "tensorinv", lambda x: weighted(linalg.tensorinv(x, ind=2)), (rng.normal(size=(2, 3, 3, 2)),)
    yield (
        "tensorsolve",
        lambda a, b: weighted(linalg.tensorsolve(a, b)),
        (
            rng.normal(size=(2, 3, 6)),
            rng.normal(size=(2, 3)),
        ),
    )
    yield "kron", lambda a, b: weighted(torch.kron(a, b)), (rng.normal(size=(2, 3)), rng.normal(size=(4,)))


def main():
    file = {}
    for name, f, arrays in cases(np.random.default_rng(0)):
        leaves = [torch.tensor(x, requires_grad=True) for x in arrays]
        y = f(*leaves)
        grads = torch.autograd.grad(y, leaves, allow_unused=True, materialize_grads=True) if y.requires_grad else ()
        file[f"{name}/value"] = y.detach().numpy()
        for i, x in enumerate(arrays):
            file[f"{name}/argument {i}"] = x
            file[f"{name}/gradient {i}"] = grads[i].numpy() if grads else np.zeros_like(x)
    np.savez_compressed(FILE, **file)
    print(f"{FILE.name}: {FILE.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
