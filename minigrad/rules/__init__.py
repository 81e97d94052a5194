"""The calculus: every derivative rule, by subject. Importing the package fills the registry."""

from . import creation, decompositions, elementwise, indexing, lengths, linalg, network, reductions, structure

__all__ = [
    "creation",
    "decompositions",
    "elementwise",
    "indexing",
    "lengths",
    "linalg",
    "network",
    "reductions",
    "structure",
]
