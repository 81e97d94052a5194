"""Batches of a data set: in the same order for the same seed, and resumable in the middle of an epoch."""

from .loader import DataLoader

__all__ = ["DataLoader"]
