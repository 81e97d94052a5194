"""What a program reads of Tensors outside, in places where no derivative flows, and each way to change them."""

import copy

import numpy as np
import pytest

import minigrad as mg

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "native"])
CHANGES = {
    "in place": lambda t, values: t.data.__setitem__(..., values),
    "assigned": lambda t, values: t.__setitem__(..., values),
    "exchanged": lambda t, values: setattr(t, "data", np.array(values, t.dtype)),
}
READS = {
    "detached": lambda x, t, i, m: x * t.detach(),
    "detached answer": lambda x, t, i, m: t.detach(),
    "copied": lambda x, t, i, m: x * copy.copy(t),
    "deeply copied": lambda x, t, i, m: x * copy.deepcopy(t),
    "index": lambda x, t, i, m: x[i],
    "index of a column": lambda x, t, i, m: np.stack([x, t])[:, i],
    "written at an index": lambda x, t, i, m: written(x, i, 5.0),
    "written under a mask": lambda x, t, i, m: written(x, m, 5.0),
    "mask": lambda x, t, i, m: x[m],
    "open grid": lambda x, t, i, m: np.stack([x, t, x])[np.ix_(i, i)],
    "where of a sum": lambda x, t, i, m: x * np.sum(t, where=m),
    "take": lambda x, t, i, m: np.take(x, i),
    "cov": lambda x, t, i, m: x * np.cov(t),
    "median": lambda x, t, i, m: x * np.median(t),
    "interp": lambda x, t, i, m: x + np.interp(0.5, np.arange(3.0), t),
    "convolve": lambda x, t, i, m: x + np.convolve(t, t)[:3],
    "fft": lambda x, t, i, m: x + np.fft.rfft(t).real.sum(),
    "shape": lambda x, t, i, m: np.tile(x, i + 1),
    "widths": lambda x, t, i, m: np.pad(x, i[:2]),
}


def written(x, index, value):
    """A copy with something written into it."""
    y = mg.asarray(x) * 1
    y[index] = value
    return y


@BACKENDS
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("read", READS)
def test_a_tensor_outside_is_followed_wherever_it_is_read(read, change, backend):
    """As an index, a mask, an option, a shape, detached or copied, and by functions without a rule."""
    x = np.array([0.5, 2.0, -1.0])
    w = mg.tensor(np.ones(3), requires_grad=True)
    t, i = mg.tensor(np.array([1.0, 2.0, 4.0])), mg.tensor(np.array([0, 1, 2]))
    m = mg.tensor(np.array([True, False, True]))

    def step():
        y = mg.sum(READS[read](w * x, t, i, m) * 1.0)
        w.grad = None
        if y.requires_grad:
            y.backward()
        return y.detach()

    compiled = mg.compile(step, backend=backend)
    for tensor, values in [(t, t.data.copy())] * 2 + [  # one at a time, as another's change may end the program
        *((t, [2.0, 0.0, 1.0]), (i, [2, 2, 0]), (m, [False, True, True])),
        *((t, [1.0, 2.0, 4.0]), (i, [0, 1, 2]), (m, [True, False, True])),
    ]:
        CHANGES[change](tensor, values)
        got, slope = compiled(), w.grad
        want = step()
        np.testing.assert_allclose(got.data, want.data, rtol=1e-12)
        assert (slope is None) == (w.grad is None)
        if slope is not None:
            np.testing.assert_allclose(slope.data, w.grad.data, rtol=1e-12)
