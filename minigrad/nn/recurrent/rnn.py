"""The simple recurrent network."""

from typing import Any

import numpy as np

from ...core.primitive import general
from ...core.short import public
from ..init import RNG
from .base import Recurrent, column, flat, in_order, in_steps

# The simple network: h = f(p + w h + b)


def rnn(arrays, relu=False):
    """The states of the network h = tanh(p + w h + b), or max(p + w h + b, 0), given [p, w, b, h]."""
    p, w, b, h = arrays
    p, states = p + column(b), [h := in_order(h)]
    for t in range(len(p)):
        z = p[t] + w @ h
        h = np.maximum(z, 0) if relu else np.tanh(z)
        states.append(h)
    return np.stack(states)


def _rnn_slope(y, relu):
    return (y[1:] > 0).astype(y.dtype) if relu else 1 - y[1:] * y[1:]


def _rnn(g, y, arrays, relu=False):
    p, w, _, _ = arrays
    slope, dh, dz = _rnn_slope(y, relu), g[-1], []
    for t in reversed(range(len(p))):
        dz.append(slope[t] * dh)
        dh = g[t] + w.T @ dz[-1]
    dz = flat(np.stack(dz[::-1]))
    return [in_steps(dz, len(p)), dz @ flat(y[:-1]).T, np.sum(dz, axis=1), dh]


def _rnn_forward(tangents, y, arrays, relu=False):
    (dp, dw, db, dh), w = tangents, arrays[1]
    given, slope, states = dp + dw @ y[:-1] + column(db), _rnn_slope(y, relu), [dh]
    for t in range(len(dp)):
        dh = slope[t] * (given[t] + w @ dh)
        states.append(dh)
    return np.stack(states)


rnn = public(general(rnn, _rnn, forward=[_rnn_forward], sequence=True))


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
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f'nonlinearity of RNN is "tanh" or "relu"; got {nonlinearity!r}')
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, rng)

    def scan(self, arrays: list[Any]) -> Any:
        y = rnn(arrays, self.nonlinearity == "relu")
        return y.reshape(1, *y.shape)
