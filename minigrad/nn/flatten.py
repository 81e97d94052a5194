"""Several axes as one."""

from typing import Any

from ..ops.functions import reshape
from .module import Module


class Flatten(Module):
    """The axes from `start_axis` to `end_axis` as one: (batch, channels, height, width) -> (batch, all of them).

    Parameters
    ----------
    start_axis, end_axis : int
        The first and the last of the axes that become one; negative ones count from the end.
    """

    def __init__(self, start_axis: int = 1, end_axis: int = -1) -> None:
        self.start_axis = start_axis
        self.end_axis = end_axis

    def forward(self, x: Any) -> Any:
        start, end = self.start_axis % x.ndim, self.end_axis % x.ndim
        return reshape(x, (*x.shape[:start], -1, *x.shape[end + 1 :]))
