"""The calculus: every derivative rule, by subject. Importing the package fills the registry."""

from . import (
    bessel,
    creation,
    decompositions,
    eigen,
    elementwise,
    factors,
    indexing,
    inverses,
    lengths,
    linalg,
    network,
    positions,
    reductions,
    sequences,
    structure,
)

__all__ = [
    "bessel",
    "creation",
    "decompositions",
    "eigen",
    "elementwise",
    "factors",
    "indexing",
    "inverses",
    "lengths",
    "linalg",
    "network",
    "positions",
    "reductions",
    "sequences",
    "structure",
]
