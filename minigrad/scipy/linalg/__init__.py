"""Linear algebra beyond NumPy's, by the names of `scipy.linalg`.

All take stacks of matrices, of shape (..., m, n), where SciPy takes a matrix. Options to overwrite arguments are taken,
and have no effect.
"""

from .banded import cho_solve_banded, cholesky_banded, solve_banded, solveh_banded
from .functions import expm, logm, solve_continuous_lyapunov, solve_lyapunov, solve_sylvester, sqrtm
from .lu import lu_factor, lu_solve
from .structured import block_diag, solve_toeplitz, toeplitz
from .triangular import cho_factor, cho_solve, cholesky, solve_triangular

__all__ = [
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cho_solve_banded",
    "cholesky",
    "cholesky_banded",
    "expm",
    "logm",
    "lu_factor",
    "lu_solve",
    "solve_banded",
    "solve_continuous_lyapunov",
    "solve_lyapunov",
    "solve_sylvester",
    "solve_toeplitz",
    "solve_triangular",
    "solveh_banded",
    "sqrtm",
    "toeplitz",
]
