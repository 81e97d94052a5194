"""What each function becomes in a graph, by subject."""

from . import convolution, elementwise, indexing, normalisation, products, recurrent, reductions, structure
from .table import REWRITTEN, TRANSLATIONS

SUBJECTS = (convolution, elementwise, indexing, normalisation, products, recurrent, reductions, structure)
__all__ = ["REWRITTEN", "SUBJECTS", "TRANSLATIONS"]
