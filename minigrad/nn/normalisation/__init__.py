"""Normalisation: deviations from the mean over their root mean square, times a weight, plus a bias."""

from .batch import BatchNorm, BatchNorm1d, BatchNorm2d, batch_norm
from .layer import GroupNorm, LayerNorm, RMSNorm, group_norm, layer_norm, rms_norm

__all__ = [
    "BatchNorm",
    "BatchNorm1d",
    "BatchNorm2d",
    "GroupNorm",
    "LayerNorm",
    "RMSNorm",
    "batch_norm",
    "group_norm",
    "layer_norm",
    "rms_norm",
]
