"""What the combinations are held against, NumPy and its differences; and the ways to differentiate."""

import numpy as np
import pytest

import minigrad as mg

# What may be raised in place of a number that would be wrong; NoRuleError is a TypeError.
REFUSALS = (TypeError, ValueError, mg.GraphError, mg.LevelError)


def leaf(*values, dtype=float):
    """A Tensor of one axis that requires grad."""
    return mg.tensor(np.array(values, dtype), requires_grad=True)


def plain(x):
    """The values of an array or a Tensor, as an ndarray."""
    return np.asarray(x.detach() if hasattr(x, "detach") else x)


def close(got, want, rtol=1e-12, atol=1e-14):
    """Hold an array or a Tensor against an array of the same shape; by default, to a few dozen roundings."""
    assert np.shape(plain(got)) == np.shape(want)
    np.testing.assert_allclose(plain(got), want, rtol=rtol, atol=atol)


def outcome(compute):
    """What `compute` returns, and None; or None, and the text of the error that it raises for the user."""
    try:
        return compute(), None
    except REFUSALS as error:
        return None, str(error)


def right_or_refused(compute, want, says="", **tolerances):
    """`compute` returns `want` or raises an error for the user, with `says` in its text; never another number."""
    got, refusal = outcome(compute)
    if refusal is None:
        close(got, want, **tolerances)
    else:
        assert says in refusal


def right_or_changed(compute, want):
    """`compute` returns `want`, or raises for a leaf that was changed; never another number."""
    right_or_refused(compute, want, says="changed")


def right_or_stale(loss, grads, want):
    """Sweep back from `loss`: `grads` returns `want`, a list, after it, or the sweep says that a leaf was changed."""
    _, refusal = outcome(loss.backward)
    if refusal is None:
        for got, one in zip(grads(), want, strict=True):
            close(got, one)
    else:
        assert "changed" in refusal


def units(shape, dtype=float):
    """The unit vectors of the arrays of a shape, in C order."""
    return np.eye(int(np.prod(shape)), dtype=dtype).reshape(-1, *shape)


def matrix_of(linear, shape):
    """The Jacobian of a linear function of NumPy arrays: its values at the unit vectors."""
    columns = np.stack([linear(e) for e in units(shape)], axis=-1)
    return columns.reshape(*columns.shape[:-1], *shape)


def slopes(f, x, h=1e-4):
    """The Jacobian of a function of an ndarray, by central differences of order 4: good to about 1e-10."""
    shifted = lambda e, k: np.asarray(f(x + k * h * e))
    columns = [8 * (shifted(e, 1) - shifted(e, -1)) - (shifted(e, 2) - shifted(e, -2)) for e in units(x.shape)]
    columns = np.stack(columns, axis=-1) / (12 * h)
    return columns.reshape(*columns.shape[:-1], *x.shape)


def slope(f, x):
    """The gradient of a function of an ndarray with a number as its value, by differences."""
    return slopes(lambda x: float(f(x)), x)


def curvature(f, x):
    """The Hessian of such a function, by differences of its differences: good to about 1e-8."""
    return slopes(lambda x: slopes(lambda x: float(f(x)), x, 1e-3), x, 1e-3)


# The gradient of a function of one array, by each way there is.


def by_backward(f, x):
    w = mg.tensor(x, requires_grad=True)
    f(w).backward()
    return w.grad


def by_create_graph(f, x):
    w = mg.tensor(x, requires_grad=True)
    f(w).backward(create_graph=True)
    return w.grad


def by_vjp(f, x):
    y, pull_back = mg.vjp(f, x)
    pull_back(np.ones_like(y))
    return pull_back(np.ones_like(y))[0]  # of the second call, which finds what the first left


def by_jvp(f, x):
    return np.reshape([plain(mg.jvp(f, (x,), (e,))[1]) for e in units(x.shape, x.dtype)], x.shape)


WAYS = {
    "backward": by_backward,
    "create_graph": by_create_graph,
    "grad": lambda f, x: mg.grad(f)(x),
    "vjp": by_vjp,
    "jvp": by_jvp,
    "jacobian": lambda f, x: mg.jacobian(f)(x),
    "checkpoint": lambda f, x: mg.grad(mg.checkpoint(f))(x),
    "checkpoint, backward": lambda f, x: by_backward(mg.checkpoint(f), x),
}


# The Hessian, by each nesting of two ways.


def twice_backward(f, x):
    w = mg.tensor(x, requires_grad=True)
    f(w).backward(create_graph=True)
    first, rows = w.grad, []
    for e in units(x.shape):
        w.grad = None
        first.backward(e, retain_graph=True)
        rows.append(plain(w.grad))
    return np.reshape(rows, x.shape * 2)


def reverse_over_forward(f, x):
    rows = [plain(mg.grad(lambda v, e=e: mg.jvp(f, (v,), (e,))[1])(x)) for e in units(x.shape)]
    return np.reshape(rows, x.shape * 2)


NESTED = {
    "hessian": lambda f, x: mg.hessian(f)(x),
    "twice backward": twice_backward,
    "reverse over forward": reverse_over_forward,
    "reverse over reverse": lambda f, x: np.reshape(
        [mg.grad(lambda v, e=e: np.sum(mg.grad(f)(v) * e))(x) for e in units(x.shape)], x.shape * 2
    ),
    "hessian of a checkpoint": lambda f, x: mg.hessian(mg.checkpoint(f))(x),
}

every_way = pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
every_nesting = pytest.mark.parametrize("nesting", NESTED.values(), ids=list(NESTED))


def read_only(x):
    """A copy that cannot be written to."""
    x = x.copy()
    x.flags.writeable = False
    return x
