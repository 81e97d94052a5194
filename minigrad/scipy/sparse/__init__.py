"""Sparse matrices whose values have derivatives, by the names of `scipy.sparse` and `scipy.sparse.linalg`.

Constants of scipy.sparse need nothing from here, but for products ``S @ x``, which SciPy would compute without asking.
"""

from .matrices import csr_array, matmul
from .solving import cg, spsolve

__all__ = ["cg", "csr_array", "matmul", "spsolve"]
