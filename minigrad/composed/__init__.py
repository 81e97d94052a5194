"""Functions made of others, which have the rules: NumPy's other names and its ways to join, cut and contract.

Importing the package fills the registry.
"""

from . import (
    counting,
    creation,
    einsum,
    elementwise,
    indexing,
    linalg,
    missing,
    reductions,
    statistics,
    structure,
    ufuncs,
)

__all__ = [
    "counting",
    "creation",
    "einsum",
    "elementwise",
    "indexing",
    "linalg",
    "missing",
    "reductions",
    "statistics",
    "structure",
    "ufuncs",
]
