"""Trees of arrays and plain values in files that are whole or not there, and that run nothing when they are read."""

from .checkpoint import load, save
from .torch_files import load_torch

__all__ = ["load", "load_torch", "save"]
