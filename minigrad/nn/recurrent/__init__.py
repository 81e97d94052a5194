"""Recurrent layers. Their parameters have PyTorch's names and shapes, and their arguments its order."""

from .base import Recurrent
from .cell import Cell
from .gru import GRU, GRUCell
from .lstm import LSTM, LSTMCell
from .rnn import RNN, RNNCell

__all__ = ["GRU", "LSTM", "RNN", "Cell", "GRUCell", "LSTMCell", "RNNCell", "Recurrent"]
