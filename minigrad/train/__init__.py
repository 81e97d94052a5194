"""A training loop: epochs, validation, early stopping, checkpoints. docs/training.md has the same written by hand."""

from .history import History
from .loop import fit

__all__ = ["History", "fit"]
