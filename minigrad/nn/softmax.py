"""Softmax, positive numbers that add up to 1 along an axis, and its kin."""

from typing import Any

from ..ops.functions import log_softmax, softmax
from .module import Module
from .precision import floating


def softmin(x: Any, axis: int = -1) -> Any:
    """``softmax(-x)`` along an axis: the smallest number has the largest share."""
    return softmax(-floating("softmin", x), axis=axis)


class Softmax(Module):
    """`functional.softmax` as a layer.

    Parameters
    ----------
    axis : int
        That of the classes: 1 for images of scores, (batch, classes, height, width).
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return softmax(x, axis=self.axis)


class LogSoftmax(Module):
    """`functional.log_softmax` as a layer.

    Parameters
    ----------
    axis : int
        As of `Softmax`.
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return log_softmax(x, axis=self.axis)


class Softmin(Module):
    """`functional.softmin` as a layer.

    Parameters
    ----------
    axis : int
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return softmin(x, self.axis)


class Softmax2d(Module):
    """Softmax over the channels of images: (batch, channels, height, width) or (channels, height, width)."""

    def forward(self, x: Any) -> Any:
        if x.ndim not in (3, 4):
            raise ValueError(
                f"Softmax2d takes arrays of shape (batch, channels, height, width) or (channels, height, width); got "
                f"{x.shape}"
            )
        return softmax(x, axis=-3)
