"""Schedules: what sets the learning rates of an optimizer, once an epoch or a step."""

from .one_cycle import OneCycleLR
from .plateau import ReduceLROnPlateau
from .schedule import Schedule
from .schedules import CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR, MultiStepLR, SequentialLR, StepLR

__all__ = [
    "CosineAnnealingLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "Schedule",
    "SequentialLR",
    "StepLR",
]
