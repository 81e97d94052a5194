"""Layers that pool."""

from typing import Any

from .functional.convolution import Counts
from .functional.pooling import avg_pool2d, max_pool2d, window_of
from .module import Module


class MaxPool2d(Module):
    """The largest number in each place of a window: (n, channels, height, width) -> (n, channels, ...).

    Parameters
    ----------
    kernel_size, stride, padding, dilation : as of `functional.max_pool2d`
        `stride` is `kernel_size` by default: windows lie side by side.
    """

    def __init__(
        self, kernel_size: Counts, stride: Counts | None = None, padding: Counts = 0, dilation: Counts = 1
    ) -> None:
        window_of("MaxPool2d", kernel_size, stride, padding, dilation)
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation

    def forward(self, x: Any) -> Any:  # (n, channels, height, width) -> (n, channels, places down, places across)
        return max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation)


class AvgPool2d(Module):
    """The mean of the numbers in each place of a window: (n, channels, height, width) -> (n, channels, ...).

    Parameters
    ----------
    kernel_size, stride, padding, count_include_pad : as of `functional.avg_pool2d`
        `stride` is `kernel_size` by default: windows lie side by side.
    """

    def __init__(
        self,
        kernel_size: Counts,
        stride: Counts | None = None,
        padding: Counts = 0,
        count_include_pad: bool = True,
    ) -> None:
        window_of("AvgPool2d", kernel_size, stride, padding)
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.count_include_pad = count_include_pad

    def forward(self, x: Any) -> Any:  # (n, channels, height, width) -> (n, channels, places down, places across)
        return avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.count_include_pad)
