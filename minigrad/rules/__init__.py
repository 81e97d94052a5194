"""The calculus: every derivative rule, by subject. Importing the package fills the registry."""

from . import elementwise, indexing, linalg, network, reductions, structure

__all__ = ["elementwise", "indexing", "linalg", "network", "reductions", "structure"]
