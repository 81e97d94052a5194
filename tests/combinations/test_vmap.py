"""Maps of transformations, and transformations of maps, for every layout and precision: each equals the loop."""

import numpy as np
import pytest

import minigrad as mg

rng = np.random.default_rng(0)
X, W = rng.normal(size=(4, 3)), rng.normal(size=3)


def curve(w):
    """An array of two numbers, of three."""
    return np.stack([np.sum(np.sin(w) * w[0]), np.prod(w)])


def number(w):
    return np.sum(curve(w) ** 2)


# Each makes of a function of three numbers, to one or two, another function of three numbers.
OF_ONE = {
    "grad": lambda f: mg.grad(lambda w: np.sum(f(w))),
    "value_and_grad": lambda f: lambda w: mg.value_and_grad(lambda v: np.sum(f(v)))(w),
    "vjp": lambda f: lambda w: mg.vjp(f, w)[1](f(w) * 0 + 1),
    "jvp": lambda f: lambda w: mg.jvp(f, (w,), (w * 0 + 1,)),
    "jacobian forward": lambda f: mg.jacobian(f, mode="forward"),
    "jacobian in reverse": lambda f: mg.jacobian(f, mode="reverse"),
    "jacobian in chunks": lambda f: mg.jacobian(f, chunk_size=2),
    "hessian": lambda f: mg.hessian(lambda w: np.sum(f(w))),
    "hvp": lambda f: lambda w: mg.hvp(lambda v: np.sum(f(v)), (w,), (w * 0 + 1,)),
    "checkpoint": lambda f: mg.grad(lambda w: np.sum(mg.checkpoint(f)(w))),
}
LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": lambda x: np.repeat(np.repeat(x, 2, 0), 2, 1)[::2, ::2],
}


def flat(tree):
    """The arrays of a tree, in order."""
    return [np.asarray(x) for part in tree for x in flat(part)] if isinstance(tree, tuple | list) else [tree]


def compare(got, wanted, dtype):
    """Equal but for rounding, and of the dtype that came."""
    for a, b in zip(flat(got), flat(wanted), strict=True):
        assert a.dtype == dtype
        assert a.shape == b.shape
        tolerance = {"rtol": 1e-12, "atol": 1e-12} if dtype == np.float64 else {"rtol": 2e-5, "atol": 1e-6}
        np.testing.assert_allclose(a, b, **tolerance)


def loop(f, x):
    """The results of all entries, part by part."""
    return [np.stack(parts) for parts in zip(*(flat(f(e)) for e in x), strict=True)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", OF_ONE)
def test_a_map_of_a_transformation_equals_the_loop(name, layout, dtype):
    """Derivatives of each entry, at once."""
    transformed = OF_ONE[name](curve)
    x = LAYOUTS[layout](X.astype(dtype))
    compare(mg.vmap(transformed)(x), loop(transformed, x), dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", OF_ONE)
def test_a_transformation_of_a_map_equals_that_of_the_loop(name, layout, dtype):
    """Derivatives of a map by what all entries share."""
    x = LAYOUTS[layout](X.astype(dtype))
    w = W.astype(dtype)
    mapped = OF_ONE[name](lambda v: np.reshape(mg.vmap(lambda e: curve(e * v))(x), -1))
    looped = OF_ONE[name](lambda v: np.concatenate([curve(e * v) for e in x]))
    compare(mapped(w), looped(w), dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("name", "backend"), [*((name, "numpy") for name in OF_ONE), ("grad", "native"), ("hessian", "native")]
)
def test_a_compiled_map_equals_the_loop(name, backend, dtype):
    """A map of a transformation, recorded once and replayed on other numbers."""
    if backend == "native":
        pytest.importorskip("llvmlite")
        pytest.importorskip("scipy")
    transformed = OF_ONE[name](curve)
    compiled = mg.compile(mg.vmap(transformed), backend=backend)
    for x in (X.astype(dtype), X[::-1].astype(dtype) / 2):
        compare(compiled(x), loop(transformed, x), dtype)


def test_a_map_of_a_compiled_function_equals_the_loop():
    """What was compiled for one entry is called with a batch."""
    compiled = mg.compile(mg.grad(number))
    compare(mg.vmap(compiled)(X), loop(mg.grad(number), X), np.float64)


@pytest.mark.parametrize("layout", ["F", "strided", "reversed", "read-only", "broadcast"])
def test_memory_of_every_layout(layout):
    """What the memory of an argument looks like changes nothing, and nothing is written to it."""
    x = {
        "F": np.asfortranarray(X),
        "strided": np.repeat(np.repeat(X, 2, 0), 2, 1)[::2, ::2],
        "reversed": X[::-1].copy()[::-1],
        "read-only": X.copy(),
        "broadcast": np.broadcast_to(X[0], X.shape),
    }[layout]
    if layout == "read-only":
        x.flags.writeable = False
    before = x.copy()

    def f(e):
        e = e * 1
        e[0] = e[1] ** 2
        return e @ W

    compare(mg.vmap(f)(x), loop(f, before), np.float64)
    compare(mg.vmap(mg.grad(f))(x), loop(mg.grad(f), before), np.float64)
    np.testing.assert_array_equal(x, before)
