"""Decompositions of matrices with NumPy's results, and what is solved by them."""

import numpy as np

from ..core.primitive import REASONS, composed
from ..rules.eigen import eigenpairs, eigenvalues
from ..rules.factors import orthogonal_triangular, parts_of_triples, singular_triples

# The types of NumPy's results, which have no public names.
EighResult = type(np.linalg.eigh(np.eye(1)))
QRResult = type(np.linalg.qr(np.eye(1)))
SVDResult = type(np.linalg.svd(np.eye(1)))


@composed(np.linalg.eigh)
def eigh(a, UPLO="L"):
    pairs = eigenpairs(a, uplo=UPLO)
    return EighResult(pairs[..., 0, :], pairs[..., 1:, :])


composed(np.linalg.eigvalsh)(lambda a, UPLO="L": eigenvalues(a, uplo=UPLO))
for function in (np.linalg.eig, np.linalg.eigvals):
    REASONS[function] = (
        f"numpy.linalg.{function.__name__} has no derivative: the eigenvalues of a real matrix that is not symmetric "
        f"may be complex, also next to a matrix where all are real. Use np.linalg.eigh or np.linalg.eigvalsh of a "
        f"symmetric matrix, np.linalg.svd of any, or x.detach() for the values alone"
    )


@composed(np.linalg.svd)
def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    if hermitian:
        return _of_symmetric(a, compute_uv)
    if not compute_uv:
        return np.linalg.svdvals(a)
    u, s, v = parts_of_triples(singular_triples(a, full=bool(full_matrices)), a, full_matrices)
    return SVDResult(u, s, v.mT)


def _of_symmetric(a, compute_uv):
    if not compute_uv:
        return np.flip(np.sort(np.abs(np.linalg.eigvalsh(a)), axis=-1), -1)
    w, u = np.linalg.eigh(a)
    order = np.flip(np.argsort(np.abs(w), axis=-1), -1)
    signs = np.take_along_axis(np.copysign(np.ones_like(w), w), order, axis=-1)  # none is 0
    u = np.take_along_axis(u, order[..., None, :], axis=-1)
    return SVDResult(u, np.take_along_axis(np.abs(w), order, axis=-1), (u * signs[..., None, :]).mT)


@composed(np.linalg.qr)
def qr(a, mode="reduced"):
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"qr of a Tensor has mode 'reduced', 'complete' or 'r'; got {mode!r}")
    both = orthogonal_triangular(a, mode="complete" if mode == "complete" else "reduced")
    m = a.shape[-2]
    q, r = both[..., :m, :], both[..., m:, :].mT
    return r if mode == "r" else QRResult(q, r)
