"""The simple recurrent network."""

from typing import Any

import numpy as np

from ...core.primitive import general
from ...core.short import public
from ..init import RNG
from .base import Recurrent, column, flat_steps, in_order, in_steps, masked_state, only_alive, with_rest
from .cell import Cell
from .examples import with_examples_last

# The simple network: h = f(p + w h + b)


def rnn(arrays, relu=False, alive=None):
    """The states of the network h = tanh(p + w h + b), or max(p + w h + b, 0), given [p, w, b, h]."""
    p, w, b, h = arrays
    p, states = p + column(b), [h := in_order(h)]
    for t in range(len(p)):
        z = p[t] + w @ h
        h = masked_state(alive, t, np.maximum(z, 0) if relu else np.tanh(z), h)
        states.append(h)
    return np.stack(states)


def _rnn_slope(y, relu, alive):
    return only_alive(alive, (y[1:] > 0).astype(y.dtype) if relu else 1 - y[1:] * y[1:])


def _rnn(g, y, arrays, relu=False, alive=None):
    p, w, _, _ = arrays
    slope, dh, dz = _rnn_slope(y, relu, alive), g[-1], []
    for t in reversed(range(len(p))):
        dz.append(slope[t] * dh)
        dh = with_rest(alive, t, g[t] + w.T @ dz[-1], dh)
    dz = flat_steps(np.stack(dz[::-1]))
    return [in_steps(dz, len(p)), dz @ flat_steps(y[:-1]).T, np.sum(dz, axis=1), dh]


def _rnn_forward(tangents, y, arrays, relu=False, alive=None):
    (dp, dw, db, dh), w = tangents, arrays[1]
    given, slope, states = dp + dw @ y[:-1] + column(db), _rnn_slope(y, relu, alive), [dh]
    for t in range(len(dp)):
        dh = with_rest(alive, t, slope[t] * (given[t] + w @ dh), dh)
        states.append(dh)
    return np.stack(states)


rnn = public(general(rnn, _rnn, forward=[_rnn_forward], sequence=True, batch=with_examples_last(1)))


class RNN(Recurrent):
    """The simple recurrent network, h = tanh(W x + b + V h' + c) or relu of that, where h' is the state before.

    Parameters
    ----------
    input_size, hidden_size, num_layers : as of `Recurrent`
    nonlinearity : {"tanh", "relu"}
    bias, batch_first, dropout, bidirectional, rng : as of `Recurrent`
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        rng: RNG = None,
    ) -> None:
        self.nonlinearity = checked_nonlinearity("RNN", nonlinearity)
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, rng)

    def scan(self, arrays: list[Any], alive: Any) -> Any:
        y = rnn(arrays, self.nonlinearity == "relu", alive)
        return y.reshape(1, *y.shape)


class RNNCell(Cell):
    """One step of the simple recurrent network.

    Parameters
    ----------
    input_size, hidden_size, bias : as of `Cell`
    nonlinearity : {"tanh", "relu"}
    rng : as of `Cell`
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", rng: RNG = None
    ) -> None:
        self.nonlinearity = checked_nonlinearity("RNNCell", nonlinearity)
        super().__init__(input_size, hidden_size, bias, rng)

    scan = RNN.scan


def checked_nonlinearity(name: str, nonlinearity: str) -> str:
    """The name of a function that the network has."""
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f'nonlinearity of {name} is "tanh" or "relu"; got {nonlinearity!r}')
    return nonlinearity
