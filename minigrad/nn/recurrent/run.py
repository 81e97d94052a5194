"""Long short-term memory of plain ndarrays: what lstm.py computes, in memory that is taken once.

A step is a dozen calls on arrays of a few kilobytes, where a new array takes as long as what is put into it.
"""

from typing import Any

import numpy as np

from .base import column, flat_steps, in_steps


def constants(b, like):
    """The bias beside states; and slope and shift of each gate, which is ``slope * tanh(slope * z) + shift``.

    Those of the sigmoids are 1/2, and 1 and 0 those of the tanh.
    """
    n = len(like)
    slope = np.full_like(like, 0.5, shape=(4 * n, like.shape[1]))
    slope[2 * n : 3 * n] = 1
    return column(b) + np.zeros_like(slope), slope, 1 - slope


def have_one_dtype(arrays):
    """Whether all are ndarrays of one dtype."""
    return all(type(x) is np.ndarray and x.dtype == arrays[0].dtype for x in arrays)


class LSTMRun:
    """One run over a sequence, which keeps the gates and the tanh of c for the rule, as PyTorch does.

    Gates have shape (steps, 4, features, n), in the order i, f, k, o.
    """

    y: Any = None
    gates: Any = None
    tops: Any = None

    def made(self, y, *arrays):
        """Whether the states `y` are of this run, and plain arrays."""
        return y is self.y and have_one_dtype(arrays)

    def states(self, arrays, alive):
        """The states, as the function `lstm` returns them."""
        p, w, b, h, c = arrays
        steps, shape, dtype = len(p), h.shape, h.dtype
        self.y, self.gates = np.empty((2, steps + 1, *shape), dtype), np.empty((steps, 4, *shape), dtype)
        self.tops, new = np.empty((steps, *shape), dtype), np.empty(shape, dtype)
        hs, cs = self.y
        hs[0], cs[0] = h, c
        b, slope, shift = constants(b, hs[0])
        for t, z in enumerate(self.gates.reshape(p.shape)):
            np.matmul(w, hs[t], out=z)
            z += p[t]
            z += b
            z *= slope
            np.tanh(z, out=z)
            z *= slope
            z += shift
            i, f, k, o = self.gates[t]
            c = np.multiply(f, cs[t], out=cs[t + 1])
            c += np.multiply(i, k, out=new)
            np.multiply(o, np.tanh(c, out=self.tops[t]), out=hs[t + 1])
            if alive is not None:
                np.copyto(self.y[:, t + 1], self.y[:, t], where=~alive[t])
        return self.y

    def _factors(self, alive):
        # Of dc in the cotangents of the gates i, f, k, and of dh in that of o, in one array; of dh in that of c; and of
        # dc in the one before.
        (i, f, k, o), (h, c) = self.gates.swapaxes(0, 1), self.y
        factors = self.gates * self.gates
        np.subtract(self.gates[:, :2], factors[:, :2], out=factors[:, :2])  # the slopes of sigmoids s are s - s * s
        np.subtract(1, factors[:, 2], out=factors[:, 2])
        np.subtract(o, factors[:, 3], out=factors[:, 3])
        for j, x in enumerate((k, c[:-1], i, self.tops)):
            factors[:, j] *= x
        through = h[1:] * self.tops
        np.subtract(o, through, out=through)
        if alive is None:
            return factors, through, f
        through *= alive[:, None]
        factors *= alive[:, None, None]
        return factors, through, f * alive[:, None]

    def pull_back(self, g, arrays, alive):
        """The cotangents of the arrays, from that of the states."""
        w = arrays[1].T
        dz, through, f = self._factors(alive)
        (gh, gc), rows = g, dz.reshape(len(dz), -1, g.shape[-1])
        dh, dc, of_state = gh[-1].copy(), gc[-1].copy(), np.empty_like(gc[-1])
        for t in reversed(range(len(dz))):
            rest = None if alive is None else ~alive[t] * np.stack([dh, dc])
            np.multiply(through[t], dh, out=of_state)
            of_state += dc
            dz[t, :3] *= of_state
            dz[t, 3] *= dh
            np.matmul(w, rows[t], out=dh)
            dh += gh[t]
            np.multiply(f[t], of_state, out=dc)
            dc += gc[t]
            if rest is not None:
                dh += rest[0]
                dc += rest[1]
        rows = flat_steps(rows)
        db = rows @ np.ones_like(rows, shape=rows.shape[1])
        return [in_steps(rows, len(dz)), rows @ flat_steps(self.y[0, :-1]).T, db, dh, dc]
