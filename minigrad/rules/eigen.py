"""Eigenvalues and eigenvectors of symmetric matrices.

Of a symmetric matrix NumPy reads one triangle; all derivatives by it are symmetric, as that of Cholesky's factor.
"""

import numpy as np
from numpy.linalg import LinAlgError

from ..core.door import plain, raise_if
from ..core.primitive import general
from .batching import trailing
from .decompositions import rounding, symmetric

# Vectors whose values coincide are known up to a rotation, so that they have no derivative. A cotangent passes here
# for those that are not used, where it is 0; and so do its own derivatives.


def undetermined():
    return LinAlgError(
        "eigenvectors of eigenvalues that coincide, and singular vectors of singular values that coincide or are 0, "
        "are not determined and have no derivative, and such values have no second one. Use np.linalg.eigvalsh or "
        "np.linalg.svdvals for first derivatives of values, np.linalg.pinv for an inverse, or change the matrix a "
        "little so that the values differ"
    )


def determined(g, unknown):
    """`g`, which is 0 in the columns that are `unknown`."""
    raise_if((g != 0) & unknown[..., None, :], undetermined)
    return g


def _determined(g, y, x, unknown):
    return determined(g, unknown)


determined = general(determined, _determined, forward=[_determined], batch=trailing(2, 1), reads=[[1]])


def reciprocal(x, near):
    # 1 / x, and 0 where x is 0 but for rounding.
    return np.where(near, 0, 1 / np.where(near, 1, x))


def _gaps(w, near):
    """The reciprocals of all differences ``w[j] - w[i]``, and which of the values are not alone."""
    differences = w[..., None, :] - w[..., :, None]
    close = np.abs(plain(differences)) <= near[..., None]
    return reciprocal(differences, close), np.sum(close, axis=-1) > 1


def columns(w):
    return w[..., None, :]


# T. Giles, An extended collection of matrix derivative results (2008), section 3.1.


def eigenpairs(x, uplo="L"):
    """The eigenvalues of symmetric matrices, in a row above the eigenvectors, which are columns."""
    w, v = np.linalg.eigh(x, UPLO=uplo)
    return np.concatenate([columns(w), v], axis=-2)


def _size(w, x):
    return rounding(np.abs(plain(w)), x)


def _pairs(g, y, x, uplo="L"):
    w, v, gw, gv = y[..., 0, :], y[..., 1:, :], g[..., 0, :], g[..., 1:, :]
    f, unknown = _gaps(w, _size(w, x))
    inner = f * (v.mT @ determined(gv, unknown))
    return symmetric(v @ (inner @ v.mT + gw[..., :, None] * v.mT))


def _pairs_forward(t, y, x, uplo="L"):
    w, v = y[..., 0, :], y[..., 1:, :]
    f, unknown = _gaps(w, _size(w, x))
    raise_if(unknown, undetermined)
    c = v.mT @ symmetric(t) @ v
    return np.concatenate([columns(np.diagonal(c, 0, -2, -1)), v @ (f * c)], axis=-2)


eigenpairs = general(eigenpairs, _pairs, forward=[_pairs_forward], batch=trailing(2))

# Values alone have derivatives as singular ones have, see decompositions.py: the second one divides differences of
# the gradient g by those of the values.


def symmetric_spectral(g, x, uplo="L"):
    """Matrices with the eigenvectors of `x`, and `g` in place of the eigenvalues."""
    v = eigenpairs(x, uplo=uplo)[..., 1:, :]
    return (v * columns(g)) @ v.mT


def eigenvalues(x, uplo="L"):
    """The eigenvalues of symmetric matrices."""
    return np.linalg.eigvalsh(x, UPLO=uplo)


def _no_second():
    return LinAlgError(
        "eigenvalues that coincide have no second derivative one by one. Change the matrix a little so that the "
        "values differ, or use a function of the matrix itself, such as np.trace(x @ x) for the sum of their squares"
    )


def _values_along(t, y, x, uplo="L"):
    v = eigenpairs(x, uplo=uplo)[..., 1:, :]
    return np.sum(v * (symmetric(t) @ v), axis=-2)


def _spectral_along(t, y, g, x, uplo="L"):  # a symmetric map, so that it is its own transpose
    pairs = eigenpairs(x, uplo=uplo)
    w, v = pairs[..., 0, :], pairs[..., 1:, :]
    f, _ = _gaps(w, _size(w, x))
    differences = g[..., None, :] - g[..., :, None]
    raise_if((plain(f) == 0) & (plain(differences) != 0), _no_second)
    return v @ (f * differences * (v.mT @ symmetric(t) @ v)) @ v.mT


def _by_values(t, g, x, uplo, values):
    w = eigenpairs(x, uplo=uplo)[..., 0, :]
    raise_if(_gaps(w, _size(w, x))[1], _no_second)
    return values(t, x, uplo)


symmetric_spectral = general(
    symmetric_spectral,
    lambda t, y, g, x, uplo="L": _by_values(t, g, x, uplo, lambda t, x, uplo: _values_along(t, None, x, uplo)),
    _spectral_along,
    forward=[
        lambda t, y, g, x, uplo="L": _by_values(t, g, x, uplo, lambda t, x, uplo: symmetric_spectral(t, x, uplo=uplo)),
        _spectral_along,
    ],
    batch=trailing(1, 2),
)
eigenvalues = general(
    eigenvalues,
    lambda g, y, x, uplo="L": symmetric_spectral(g, x, uplo=uplo),
    forward=[_values_along],
    batch=trailing(2),
)
