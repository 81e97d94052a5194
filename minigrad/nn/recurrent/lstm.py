"""Long short-term memory."""

from typing import Any

import numpy as np

from ...core.primitive import general
from ...core.short import public
from ..init import RNG
from ..sizes import checked_count
from .base import Recurrent, by_gate, column, flat_steps, in_order, in_steps, masked_state, only_alive, with_rest
from .cell import Cell
from .examples import with_examples_last
from .run import LSTMRun, constants, have_one_dtype

# Long short-term memory: with gates i, f, o = sigmoid and k = tanh of p + w h + b, in the order i, f, k, o, the next
# c = f c + i k and h = o tanh(c).


def lstm(arrays, alive=None, run=None):
    """The states h and c of long short-term memory, (2, steps + 1, features, n), given [p, w, b, h, c].

    Given a new `LSTMRun`, they and the rule are computed in place where the arrays are ndarrays of one dtype.
    """
    p, w, b, h, c = arrays
    p, h, c = in_order(p), in_order(h), in_order(c)
    n, hs, cs = len(h), [h], [c]
    b, slope, shift = constants(b, h)
    for t in range(len(p)):
        gates = p[t] + w @ h + b
        gates *= slope
        gates = np.tanh(gates)
        gates *= slope
        gates += shift
        new = gates[n : 2 * n] * c
        new += gates[:n] * gates[2 * n : 3 * n]
        h = masked_state(alive, t, gates[3 * n :] * np.tanh(new), h)
        c = masked_state(alive, t, new, c)
        hs.append(h)
        cs.append(c)
    return np.stack([*hs, *cs]).reshape(2, len(hs), *h.shape)


def _lstm_factors(y, arrays, alive):
    # Of dc in the cotangents of the gates i, f, k; of dh in that of o; of dh in that of c; and of dc in the one before.
    p, w, b, _, _ = arrays
    b, slope, shift = constants(b, y[0, 0])
    gates = w @ y[0, :-1]
    gates += p
    gates += b
    gates *= slope
    gates = np.tanh(gates)
    gates *= slope
    gates += shift
    (i, f, k, o), top = (by_gate(gates, 4)[:, j] for j in range(4)), np.tanh(y[1, 1:])
    of_c = np.stack([(i - i * i) * k, (f - f * f) * y[1, :-1], (1 - k * k) * i], axis=1)
    of_o = np.expand_dims((o - o * o) * top, 1)
    factors = of_c, of_o, o - y[0, 1:] * top, f
    return [only_alive(alive, x) for x in factors]


def _lstm(g, y, arrays, alive=None, run=None):
    if run is not None and run.made(y, g, *arrays):
        return run.pull_back(g, arrays, alive)
    return _pull_back(g, y, arrays, alive)


def _pull_back(g, y, arrays, alive):
    p, w = arrays[:2]
    of_c, of_o, through, f = _lstm_factors(y, arrays, alive)
    dh, dc, dz = g[0, -1], g[1, -1], []
    for t in reversed(range(len(p))):
        of_state = dc + through[t] * dh
        dz.append(np.concatenate([of_c[t] * of_state, of_o[t] * dh]).reshape(p.shape[1:]))
        dh = with_rest(alive, t, g[0, t] + w.T @ dz[-1], dh)
        dc = with_rest(alive, t, g[1, t] + f[t] * of_state, dc)
    dz = np.concatenate(dz[::-1], axis=1)
    return [in_steps(dz, len(p)), dz @ flat_steps(y[0, :-1]).T, dz @ np.ones_like(dz, shape=dz.shape[1]), dh, dc]


def _lstm_forward(tangents, y, arrays, alive=None, run=None):
    (dp, dw, db, dh, dc), w = tangents, arrays[1]
    of_c, of_o, through, f = _lstm_factors(y, arrays, alive)
    given, hs, cs = dp + dw @ y[0, :-1] + column(db), [dh], [dc]
    for t in range(len(dp)):
        dz = by_gate(given[t] + w @ dh, 4)
        after = f[t] * dc + np.sum(of_c[t] * dz[:3], axis=0)
        dh = with_rest(alive, t, of_o[t, 0] * dz[3] + through[t] * after, dh)
        dc = with_rest(alive, t, after, dc)
        hs.append(dh)
        cs.append(dc)
    return np.stack([*hs, *cs]).reshape(y.shape)


_recorded = lstm


def _computed(arrays, alive=None, run=None):
    if run is not None and have_one_dtype(arrays):
        return run.states(arrays, alive)
    return _recorded(arrays, alive)


lstm = public(
    general(lstm, _lstm, forward=[_lstm_forward], compute=_computed, sequence=True, batch=with_examples_last(0))
)


class LSTM(Recurrent):
    """Long short-term memory: gates input, forget, cell and output, in this order of their weights' rows.

    With i, f, o = sigmoid and g = tanh of sums as in `RNN`, ``c = f * c' + i * g`` and ``h = o * tanh(c)``. Its
    state is a pair, (h, c).

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional : as of `Recurrent`
    proj_size : int
        The number of features of a projection, ``weight_hr @ h``, which is the output and the state h of the next step;
        less than `hidden_size`, and 0 for none.
    rng : as of `Recurrent`

    References
    ----------
    Hochreiter & Schmidhuber, Long Short-Term Memory, Neural Computation 1997; with the forget gate of Gers,
    Schmidhuber & Cummins, Learning to Forget, Neural Computation 2000. The projection is that of Sak, Senior &
    Beaufays, Long Short-Term Memory Based Recurrent Neural Network Architectures, 2014 (arXiv:1402.1128).
    """

    gates = 4
    kinds = ("h", "c")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        rng: RNG = None,
    ) -> None:
        self.proj_size = checked_count("proj_size of LSTM", proj_size, 0)
        if proj_size and proj_size >= hidden_size:
            raise ValueError(f"proj_size of LSTM is less than hidden_size, {hidden_size}; got {proj_size}")
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, rng)

    def widths(self) -> list[int]:
        return [self.proj_size or self.hidden_size, self.hidden_size]

    def shapes(self, rows: int, columns: int, bias: bool) -> dict[str, tuple[int, ...]]:
        shapes = super().shapes(rows, columns, bias)
        return shapes | ({"weight_hr": (self.proj_size, self.hidden_size)} if self.proj_size else {})

    def states(self, suffix: str, arrays: list[Any], alive: Any) -> tuple[Any, list[Any]]:
        if not self.proj_size:
            return super().states(suffix, arrays, alive)
        # With r = V h in the place of h, W r is (W V) h after the first step: there the network is a plain one.
        p, w, b, r, c = arrays
        v = getattr(self, f"weight_hr{suffix}")
        p = p + first_steps(alive, len(p)) * (w @ r)
        h = np.zeros_like(c)
        y, (h, c) = super().states(suffix, [p, w @ v, b, h, c], alive)
        return y @ v.T, [h @ v.T, c]

    def scan(self, arrays: list[Any], alive: Any) -> Any:
        return lstm(arrays, alive, LSTMRun())


def first_steps(alive: Any, steps: int) -> Any:
    """Booleans (steps, 1, n), or of n that broadcasts: whether a step is a sequence's first."""
    if alive is None:
        return np.arange(steps).reshape(-1, 1, 1) == 0
    first = alive.copy()
    first[1:] &= ~alive[:-1]
    return first.reshape(steps, 1, -1)


class LSTMCell(Cell):
    """One step of long short-term memory; its state is a pair, (h, c). Its parameters are those of `Cell`."""

    gates = 4
    kinds = ("h", "c")
    scan = LSTM.scan
