"""Losses: how far an output is from its target, as one number to make small.

All take `reduction`: "mean", "sum", or "none" for the loss of each element or example by itself. Output and target
have the same shape, unless the target is an array of labels; nothing is broadcast.
"""

from .binary import (
    BCELoss,
    BCEWithLogitsLoss,
    HingeLoss,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    hinge_loss,
)
from .classification import CrossEntropyLoss, NLLLoss, cross_entropy, nll_loss
from .divergence import KLDivLoss, kl_div
from .regression import (
    HuberLoss,
    L1Loss,
    MSELoss,
    SmoothL1Loss,
    huber_loss,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HingeLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "SmoothL1Loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "hinge_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
]
