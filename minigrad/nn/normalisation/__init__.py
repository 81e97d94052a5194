"""Normalisation: deviations from the mean over their root mean square, times a weight, plus a bias."""

from .batch import BatchNorm, BatchNorm1d, BatchNorm2d, BatchNorm3d, batch_norm
from .instance import InstanceNorm, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d, instance_norm
from .layer import GroupNorm, LayerNorm, RMSNorm, group_norm, layer_norm, rms_norm

__all__ = [
    "BatchNorm",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "GroupNorm",
    "InstanceNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "RMSNorm",
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "rms_norm",
]
