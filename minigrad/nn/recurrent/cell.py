"""One step of a recurrent network, for loops that users write."""

from typing import Any

import numpy as np

from ..init import RNG
from ..precision import as_input
from ..sizes import checked_count, checked_flag
from .base import Network


class Cell(Network):
    """What the single steps of recurrent layers have in common; see `LSTM` and the others for what they compute.

    Parameters
    ----------
    input_size, hidden_size : int >= 1
        The numbers of features.
    bias : bool
        Whether there are biases: two, as in PyTorch.
    rng : np.random.Generator, seed or None
        Draws the parameters, uniformly in ±1 / sqrt(hidden_size).
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, rng: RNG = None) -> None:
        name = type(self).__name__
        self.input_size = checked_count(f"input_size of {name}", input_size, 1)
        self.hidden_size = checked_count(f"hidden_size of {name}", hidden_size, 1)
        self.draw("", input_size, checked_flag(f"bias of {name}", bias), np.random.default_rng(rng))

    def forward(self, x: Any, state: Any = None) -> Any:
        """The state after one step.

        Parameters
        ----------
        x : array of shape (n, input_size), or (input_size,)
        state : array of shape (n, hidden_size), or (hidden_size,), or for LSTMCell a pair of such, optional
            Zeros if not given.

        Returns
        -------
        state
            Like the argument.

        Raises
        ------
        ValueError
            If shapes do not fit.
        """
        x = as_input(x)
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size or x.size == 0:
            raise ValueError(
                f"{type(self).__name__} takes inputs of shape (n, {self.input_size}), at least one, or "
                f"({self.input_size},); got an array of shape {x.shape}"
            )
        leading = x.shape[:-1]
        starts = [start.reshape(-1, self.hidden_size) for start in self.checked_states(state, *leading)]
        _, ends = self.run("", x.reshape(1, -1, self.input_size), starts)
        ends = [end.reshape(*leading, self.hidden_size) for end in ends]
        return ends[0] if len(ends) == 1 else tuple(ends)
