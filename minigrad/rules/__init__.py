"""The calculus: every derivative rule, by subject. Importing the package fills the registry."""

from . import attention, convolution, elementwise, indexing, linalg, network, pooling, recurrence, reductions, structure

__all__ = [
    "attention",
    "convolution",
    "elementwise",
    "indexing",
    "linalg",
    "network",
    "pooling",
    "recurrence",
    "reductions",
    "structure",
]
