"""Functions made of others, which have the rules: NumPy's other names and its ways to join, cut and contract.

Importing the package fills the registry.
"""

from . import (
    arranging,
    calculus,
    counting,
    creation,
    decompositions,
    einsum,
    elementwise,
    indexing,
    inverses,
    linalg,
    missing,
    padding,
    polynomials,
    reductions,
    selecting,
    statistics,
    structure,
    ufuncs,
)

__all__ = [
    "arranging",
    "calculus",
    "counting",
    "creation",
    "decompositions",
    "einsum",
    "elementwise",
    "indexing",
    "inverses",
    "linalg",
    "missing",
    "padding",
    "polynomials",
    "reductions",
    "selecting",
    "statistics",
    "structure",
    "ufuncs",
]
