"""Gated recurrent units."""

from typing import Any

import numpy as np

from ...core.primitive import general
from ...core.short import public
from .base import Recurrent, by_gate, column, flat_steps, in_order, masked_state, only_alive, sigmoid, with_rest
from .cell import Cell
from .examples import with_examples_last

# Gated recurrent units, in the variant whose reset gate comes after the product: with (u, v, s) = w h + b,
# r = sigmoid(p0 + u), z = sigmoid(p1 + v), k = tanh(p2 + r s) and the next h = (1 - z) k + z h.


def gru(arrays, alive=None):
    """The states of gated recurrent units, given [p, w, b, h]; the gates are reset, update and new."""
    p, w, b, h = arrays
    h, b = in_order(h), column(b)
    n, states = len(h), [h]
    for t in range(len(p)):
        s = w @ h + b
        gates = sigmoid(p[t, : 2 * n] + s[: 2 * n])
        k = gates[:n] * s[2 * n :]
        k += p[t, 2 * n :]
        k = np.tanh(k)
        h = masked_state(alive, t, k + gates[n:] * (h - k), h)
        states.append(h)
    return np.stack(states)


def _gru_factors(y, arrays, alive):
    # Of dh in the cotangents of p; of dh in those of w h + b; and of dh in that of the state before, but for w.
    p, w, b, _ = arrays
    h, n = y[:-1], y.shape[1]
    s = w @ h + column(b)
    gates = sigmoid(p[:, : 2 * n] + s[:, : 2 * n])
    r, z, s = gates[:, :n], gates[:, n:], s[:, 2 * n :]
    k = np.tanh(p[:, 2 * n :] + r * s)
    new = (1 - z) * (1 - k * k)
    first = [new * s * r * (1 - r), (h - k) * z * (1 - z)]
    factors = np.stack([*first, new], axis=1), np.stack([*first, new * r], axis=1), z
    return [only_alive(alive, x) for x in factors]


def _gru(g, y, arrays, alive=None):
    p, w, _, _ = arrays
    of_input, of_state, z = _gru_factors(y, arrays, alive)
    dh, each = g[-1], []
    for t in reversed(range(len(p))):
        each.append(dh)
        before = g[t] + z[t] * dh + w.T @ (of_state[t] * dh).reshape(p.shape[1:])
        dh = with_rest(alive, t, before, dh)
    each = np.expand_dims(np.stack(each[::-1]), 1)
    ds = flat_steps((of_state * each).reshape(p.shape))
    return [(of_input * each).reshape(p.shape), ds @ flat_steps(y[:-1]).T, np.sum(ds, axis=1), dh]


def _gru_forward(tangents, y, arrays, alive=None):
    (dp, dw, db, dh), w = tangents, arrays[1]
    of_input, of_state, z = _gru_factors(y, arrays, alive)
    given = np.sum(of_input * by_gate(dp, 3), axis=1)
    given = given + np.sum(of_state * by_gate(dw @ y[:-1] + column(db), 3), axis=1)
    states = [dh]
    for t in range(len(dp)):
        after = given[t] + z[t] * dh + np.sum(of_state[t] * by_gate(w @ dh, 3), axis=0)
        dh = with_rest(alive, t, after, dh)
        states.append(dh)
    return np.stack(states)


gru = public(general(gru, _gru, forward=[_gru_forward], sequence=True, batch=with_examples_last(0)))


class GRU(Recurrent):
    """Gated recurrent units: gates reset, update and new, in this order of their weights' rows.

    With r, z, n = sigmoid, sigmoid, tanh of sums as in `RNN`, n having r times the part of the state,
    ``h = (1 - z) * n + z * h'``. Its parameters are those of `Recurrent`.

    References
    ----------
    Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, EMNLP 2014 (arXiv:1406.1078). Here as in
    PyTorch, the reset gate comes after the product with the state.
    """

    gates = 3

    def scan(self, arrays: list[Any], alive: Any) -> Any:
        y = gru(arrays, alive)
        return y.reshape(1, *y.shape)


class GRUCell(Cell):
    """One step of gated recurrent units. Its parameters are those of `Cell`."""

    gates = 3
    scan = GRU.scan
