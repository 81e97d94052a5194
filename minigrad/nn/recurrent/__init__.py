"""Recurrent layers. Their parameters have PyTorch's names and shapes, and their arguments its order."""

from .base import Recurrent
from .gru import GRU
from .lstm import LSTM
from .rnn import RNN

__all__ = ["GRU", "LSTM", "RNN", "Recurrent"]
