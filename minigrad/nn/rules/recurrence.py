"""Recurrent networks over a whole sequence: what they compute step by step, and their derivatives.

Each function answers with the states of all steps, the initial one first. As its rule knows all states, it has the
gates, and the factors that a step multiplies cotangents by, for all steps at once; only the rest goes step by step.

The shapes are (steps, features, n): then gates are runs of memory, and weights multiply from the left. The arguments
come as one list, for the one rule that answers for all of them: p, what a step gets from its input, for each gate in
turn; the weight w and the bias b of the state; and the initial state.
"""

import numpy as np

from ...core.primitive import general

# Gates: sigmoid(z) = (1 + tanh(z / 2)) / 2, which neither overflows nor needs two functions.


def _sigmoid(z):
    z = np.tanh(0.5 * z)
    z *= 0.5
    z += 0.5
    return z


def _flat(x):
    # (steps, features, n) as (features, steps * n), so that one product sums over all steps.
    return x.transpose(1, 0, 2).reshape(x.shape[1], x.shape[0] * x.shape[2])


def _in_steps(x, steps):
    # What `_flat` was made of, as a view.
    return x.reshape(len(x), steps, x.shape[1] // steps).transpose(1, 0, 2)


def _by_gate(x, gates):
    # (..., gates * features, n) as (..., gates, features, n).
    *steps, features, n = x.shape
    return x.reshape(*steps, gates, features // gates, n)


def _in_order(x):
    # Results take the order in memory of what they are made of, so that a first state out of order would slow all.
    return x.reshape(x.size).reshape(x.shape)


def _column(b):
    return b.reshape(len(b), 1)


# The simple network: h = f(p + w h + b)


def rnn(arrays, relu=False):
    """The states of the network h = tanh(p + w h + b), or max(p + w h + b, 0), given [p, w, b, h]."""
    p, w, b, h = arrays
    p, states = p + _column(b), [h := _in_order(h)]
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
    dz = _flat(np.stack(dz[::-1]))
    return [_in_steps(dz, len(p)), dz @ _flat(y[:-1]).T, np.sum(dz, axis=1), dh]


def _rnn_forward(tangents, y, arrays, relu=False):
    (dp, dw, db, dh), w = tangents, arrays[1]
    given, slope, states = dp + dw @ y[:-1] + _column(db), _rnn_slope(y, relu), [dh]
    for t in range(len(dp)):
        dh = slope[t] * (given[t] + w @ dh)
        states.append(dh)
    return np.stack(states)


rnn = general(rnn, _rnn, forward=[_rnn_forward], sequence=True)


# Gated recurrent units, in the variant whose reset gate comes after the product: with (u, v, s) = w h + b,
# r = sigmoid(p0 + u), z = sigmoid(p1 + v), k = tanh(p2 + r s) and the next h = (1 - z) k + z h.


def gru(arrays):
    """The states of gated recurrent units, given [p, w, b, h]; the gates are reset, update and new."""
    p, w, b, h = arrays
    h, b = _in_order(h), _column(b)
    n, states = len(h), [h]
    for t in range(len(p)):
        s = w @ h + b
        gates = _sigmoid(p[t, : 2 * n] + s[: 2 * n])
        k = gates[:n] * s[2 * n :]
        k += p[t, 2 * n :]
        k = np.tanh(k)
        h = k + gates[n:] * (h - k)
        states.append(h)
    return np.stack(states)


def _gru_factors(y, arrays):
    # Of dh in the cotangents of p; of dh in those of w h + b; and of dh in that of the state before, but for w.
    p, w, b, _ = arrays
    h, n = y[:-1], y.shape[1]
    s = w @ h + _column(b)
    gates = _sigmoid(p[:, : 2 * n] + s[:, : 2 * n])
    r, z, s = gates[:, :n], gates[:, n:], s[:, 2 * n :]
    k = np.tanh(p[:, 2 * n :] + r * s)
    new = (1 - z) * (1 - k * k)
    first = [new * s * r * (1 - r), (h - k) * z * (1 - z)]
    return np.stack([*first, new], axis=1), np.stack([*first, new * r], axis=1), z


def _gru(g, y, arrays):
    p, w, _, _ = arrays
    of_input, of_state, z = _gru_factors(y, arrays)
    dh, each = g[-1], []
    for t in reversed(range(len(p))):
        each.append(dh)
        dh = g[t] + z[t] * dh + w.T @ (of_state[t] * dh).reshape(p.shape[1:])
    each = np.expand_dims(np.stack(each[::-1]), 1)
    ds = _flat((of_state * each).reshape(p.shape))
    return [(of_input * each).reshape(p.shape), ds @ _flat(y[:-1]).T, np.sum(ds, axis=1), dh]


def _gru_forward(tangents, y, arrays):
    (dp, dw, db, dh), w = tangents, arrays[1]
    of_input, of_state, z = _gru_factors(y, arrays)
    given = np.sum(of_input * _by_gate(dp, 3), axis=1)
    given = given + np.sum(of_state * _by_gate(dw @ y[:-1] + _column(db), 3), axis=1)
    states = [dh]
    for t in range(len(dp)):
        dh = given[t] + z[t] * dh + np.sum(of_state[t] * _by_gate(w @ dh, 3), axis=0)
        states.append(dh)
    return np.stack(states)


gru = general(gru, _gru, forward=[_gru_forward], sequence=True)


# Long short-term memory: with gates i, f, o = sigmoid and k = tanh of p + w h + b, in the order i, f, k, o, the next
# c = f c + i k and h = o tanh(c).


def lstm(arrays):
    """The states h and c of long short-term memory, (2, steps + 1, features, n), given [p, w, b, h, c]."""
    p, w, b, h, c = arrays
    h, c = _in_order(h), _in_order(c)
    n, hs, cs = len(h), [h], [c]
    # The slopes of the gates' sigmoids and tanh, as 1/2 and 1: each gate is slope * tanh(slope * z) + 1 - slope.
    slope = np.full_like(h, 0.5, shape=(4 * n, h.shape[1]))
    slope[2 * n : 3 * n] = 1
    shift = 1 - slope
    p = p + _column(b)
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
    z = p + (w @ y[0, :-1] + _column(b))
    i_f, k, o = _sigmoid(z[:, : 2 * n]), np.tanh(z[:, 2 * n : 3 * n]), _sigmoid(z[:, 3 * n :])
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
    dz = _flat(np.stack(dz[::-1]))
    return [_in_steps(dz, len(p)), dz @ _flat(y[0, :-1]).T, np.sum(dz, axis=1), dh, dc]


def _lstm_forward(tangents, y, arrays):
    (dp, dw, db, dh, dc), w = tangents, arrays[1]
    of_c, of_o, through, f = _lstm_factors(y, arrays)
    given, hs, cs = dp + dw @ y[0, :-1] + _column(db), [dh], [dc]
    for t in range(len(dp)):
        dz = _by_gate(given[t] + w @ dh, 4)
        dc = f[t] * dc + np.sum(of_c[t] * dz[:3], axis=0)
        dh = of_o[t, 0] * dz[3] + through[t] * dc
        hs.append(dh)
        cs.append(dc)
    return np.stack([*hs, *cs]).reshape(y.shape)


lstm = general(lstm, _lstm, forward=[_lstm_forward], sequence=True)
