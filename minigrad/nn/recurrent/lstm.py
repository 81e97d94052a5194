"""Long short-term memory."""

from typing import Any

import numpy as np

from ...core.primitive import general
from ...core.short import public
from .base import Recurrent, by_gate, column, flat, in_order, in_steps, sigmoid

# Long short-term memory: with gates i, f, o = sigmoid and k = tanh of p + w h + b, in the order i, f, k, o, the next
# c = f c + i k and h = o tanh(c).


def lstm(arrays):
    """The states h and c of long short-term memory, (2, steps + 1, features, n), given [p, w, b, h, c]."""
    p, w, b, h, c = arrays
    h, c = in_order(h), in_order(c)
    n, hs, cs = len(h), [h], [c]
    # The slopes of the gates' sigmoids and tanh, as 1/2 and 1: each gate is slope * tanh(slope * z) + 1 - slope.
    slope = np.full_like(h, 0.5, shape=(4 * n, h.shape[1]))
    slope[2 * n : 3 * n] = 1
    shift = 1 - slope
    p = p + column(b)
    for t in range(len(p)):
        z = p[t] + w @ h
        z *= slope
        gates = np.tanh(z)
        gates *= slope
        gates += shift
        c = gates[n : 2 * n] * c
        c += gates[:n] * gates[2 * n : 3 * n]
        h = gates[3 * n :] * np.tanh(c)
        hs.append(h)
        cs.append(c)
    return np.stack([*hs, *cs]).reshape(2, len(hs), *h.shape)


def _lstm_factors(y, arrays):
    # Of dc in the cotangents of the gates i, f, k; of dh in that of o; of dh in that of c; and of dc in the one before.
    p, w, b, _, _ = arrays
    n = y.shape[2]
    c, top = y[1, :-1], np.tanh(y[1, 1:])
    z = p + (w @ y[0, :-1] + column(b))
    i_f, k, o = sigmoid(z[:, : 2 * n]), np.tanh(z[:, 2 * n : 3 * n]), sigmoid(z[:, 3 * n :])
    i, f = i_f[:, :n], i_f[:, n:]
    of_c = np.stack([k * i * (1 - i), c * f * (1 - f), i * (1 - k * k)], axis=1)
    return of_c, np.expand_dims(top * o * (1 - o), 1), o * (1 - top * top), f


def _lstm(g, y, arrays):
    p, w = arrays[:2]
    of_c, of_o, through, f = _lstm_factors(y, arrays)
    dh, dc, dz = g[0, -1], g[1, -1], []
    for t in reversed(range(len(p))):
        dc = dc + through[t] * dh
        dz.append(np.concatenate([of_c[t] * dc, of_o[t] * dh]).reshape(p.shape[1:]))
        dh = g[0, t] + w.T @ dz[-1]
        dc = g[1, t] + f[t] * dc
    dz = flat(np.stack(dz[::-1]))
    return [in_steps(dz, len(p)), dz @ flat(y[0, :-1]).T, np.sum(dz, axis=1), dh, dc]


def _lstm_forward(tangents, y, arrays):
    (dp, dw, db, dh, dc), w = tangents, arrays[1]
    of_c, of_o, through, f = _lstm_factors(y, arrays)
    given, hs, cs = dp + dw @ y[0, :-1] + column(db), [dh], [dc]
    for t in range(len(dp)):
        dz = by_gate(given[t] + w @ dh, 4)
        dc = f[t] * dc + np.sum(of_c[t] * dz[:3], axis=0)
        dh = of_o[t, 0] * dz[3] + through[t] * dc
        hs.append(dh)
        cs.append(dc)
    return np.stack([*hs, *cs]).reshape(y.shape)


lstm = public(general(lstm, _lstm, forward=[_lstm_forward], sequence=True))


class LSTM(Recurrent):
    """Long short-term memory: gates input, forget, cell and output, in this order of their weights' rows.

    With i, f, o = sigmoid and g = tanh of sums as in `RNN`, ``c = f * c' + i * g`` and ``h = o * tanh(c)``. Its
    parameters are those of `Recurrent`; its state is a pair, (h, c).

    References
    ----------
    Hochreiter & Schmidhuber, Long Short-Term Memory, Neural Computation 1997; with the forget gate of Gers,
    Schmidhuber & Cummins, Learning to Forget, Neural Computation 2000.
    """

    gates = 4
    kinds = ("h", "c")

    def scan(self, arrays: list[Any]) -> Any:
        return lstm(arrays)
