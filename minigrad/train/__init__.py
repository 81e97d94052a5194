"""A training loop: epochs, validation, early stopping, checkpoints. docs/training.md has the same written by hand."""

from .callbacks import Callback, CSVLog, SaveWeights, TensorBoard
from .history import History
from .loop import fit
from .metrics import EpochMetric, metric
from .use import evaluate, predict

__all__ = [
    "CSVLog",
    "Callback",
    "EpochMetric",
    "History",
    "SaveWeights",
    "TensorBoard",
    "evaluate",
    "fit",
    "metric",
    "predict",
]
