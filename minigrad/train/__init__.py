"""A training loop: epochs, validation, early stopping, checkpoints. docs/training.md has the same written by hand."""

from .history import History
from .loop import fit
from .use import evaluate, predict

__all__ = ["History", "evaluate", "fit", "predict"]
