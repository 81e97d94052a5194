"""Linear algebra by the names of the Array API's extension `linalg`."""

import numpy as np

from ..core.short import public

__all__ = [
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
    "vector_norm",
]

cholesky = public(np.linalg.cholesky)
cond = public(np.linalg.cond)
cross = public(np.linalg.cross)
det = public(np.linalg.det)
diagonal = public(np.linalg.diagonal)
eigh = public(np.linalg.eigh)
eigvalsh = public(np.linalg.eigvalsh)
inv = public(np.linalg.inv)
lstsq = public(np.linalg.lstsq)
matmul = public(np.linalg.matmul)
matrix_norm = public(np.linalg.matrix_norm)
matrix_power = public(np.linalg.matrix_power)
matrix_rank = public(np.linalg.matrix_rank)
matrix_transpose = public(np.linalg.matrix_transpose)
multi_dot = public(np.linalg.multi_dot)
norm = public(np.linalg.norm)
outer = public(np.linalg.outer)
pinv = public(np.linalg.pinv)
qr = public(np.linalg.qr)
slogdet = public(np.linalg.slogdet)
solve = public(np.linalg.solve)
svd = public(np.linalg.svd)
svdvals = public(np.linalg.svdvals)
tensordot = public(np.linalg.tensordot)
tensorinv = public(np.linalg.tensorinv)
tensorsolve = public(np.linalg.tensorsolve)
trace = public(np.linalg.trace)
vecdot = public(np.linalg.vecdot)
vector_norm = public(np.linalg.vector_norm)
