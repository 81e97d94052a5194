"""Linear algebra by the names of the Array API's extension `linalg`."""

import numpy as np

from ..core.short import public

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_transpose",
    "norm",
    "outer",
    "slogdet",
    "solve",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]

cholesky = public(np.linalg.cholesky)
cross = public(np.linalg.cross)
det = public(np.linalg.det)
diagonal = public(np.linalg.diagonal)
inv = public(np.linalg.inv)
matmul = public(np.linalg.matmul)
matrix_norm = public(np.linalg.matrix_norm)
matrix_transpose = public(np.linalg.matrix_transpose)
norm = public(np.linalg.norm)
outer = public(np.linalg.outer)
slogdet = public(np.linalg.slogdet)
solve = public(np.linalg.solve)
svdvals = public(np.linalg.svdvals)
tensordot = public(np.linalg.tensordot)
trace = public(np.linalg.trace)
vecdot = public(np.linalg.vecdot)
vector_norm = public(np.linalg.vector_norm)
