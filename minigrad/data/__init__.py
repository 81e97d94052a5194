"""Batches of a data set: in the same order for the same seed, and resumable in the middle of an epoch."""

from .loader import DataLoader
from .parts import Mapped, Subset, random_split
from .samplers import Grouped, Weighted

__all__ = ["DataLoader", "Grouped", "Mapped", "Subset", "Weighted", "random_split"]
