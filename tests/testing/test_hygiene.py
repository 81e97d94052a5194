"""Broken contracts, each with the sentence that tells it."""

import numpy as np
import pytest

from tests.testing.test_check_vjp import X, cosine, report

state = {}


def changes_g(g, y, x):
    g *= np.cos(x)
    return (g,)


def changes_y(g, y, x):
    y *= g
    return (y.copy(),)


def changes_x(g, y, x):
    x += 1
    return (g * np.cos(x - 1),)


def remembers(x):
    state["x"] = np.array(x)
    return np.sin(x)


def overwrites(x):
    return np.sin(x, out=state.setdefault("buffer", np.empty(3)))


def reuses(g, y, x):
    return (np.multiply(g, np.cos(x), out=state.setdefault("scratch", np.empty(3))),)


def adds_up(g, y, x):
    state["sum"] = state.get("sum", 0) + g * np.cos(x)
    return (state["sum"].copy(),)


def every_third(g, y, x):
    state["calls"] = state.get("calls", 0) + 1
    return (g * np.cos(x) * (1 + (state["calls"] % 3 == 0)),)


def late_overwrite(g, y, x):
    state.setdefault("all", []).append(g * np.cos(x))
    if len(state["all"]) > 5:
        state["all"][-3][:] = 0
    return (state["all"][-1],)


def unruly(x):
    state["n"] = state.get("n", 0) + 1
    return np.sin(x) * (1 + 1e-9 * state["n"])


def shrinks(x):
    state["calls"] = state.get("calls", 0) + 1
    return x[: 2 if state["calls"] == 2 else 3]


BROKEN = {
    "f changes its input": (
        lambda x: np.sin(np.add(x, 1, out=x)),
        cosine,
        "f changes input 0 in place",
    ),
    "f is random": (
        unruly,
        cosine,
        "f is random: two calls at the same inputs differ; output at (1,): 0.909",
    ),
    "f changes its shape": (shrinks, cosine, "inputs differ: shapes (2,) and (3,)"),
    "f overwrites": (overwrites, cosine, "f overwrites the output of its earlier call"),
    "rule changes g": (np.sin, changes_g, "The rule changes the cotangent g in place"),
    "rule changes y": (np.sin, changes_y, "The rule changes the saved output y in place"),
    "rule changes x": (np.sin, changes_x, "The rule changes input 0 in place"),
    "gradient is x": (
        lambda x: (x * x).sum() / 2,
        lambda g, y, x: (x if g == 1 else g * x,),
        "Gradient 0 shares memory with input 0; return a copy",
    ),
    "gradient is y": (np.exp, lambda g, y, x: (np.multiply(g, y, out=y),), "saved output y"),
    "scratch memory": (np.sin, reuses, "The rule changes the gradient of another call in place"),
    "one array for each g": (
        np.sum,
        lambda g, y, x: (state.setdefault(float(g), np.full(3, g)),),
        "shares memory with the gradient of another call",
    ),
    "accumulates": (np.sin, adds_up, "Two calls of the rule differ; gradient 0 at ("),
    "every third call": (np.sin, every_third, "Two calls of the rule differ"),
    "overwrites later": (np.sin, late_overwrite, "The rule changes the gradient of another call in place"),
    "stale": (
        remembers,
        lambda g, y, x: (g * np.cos(state["x"]),),
        "uses what the latest forward call left behind",
    ),
    "constant": (np.sin, lambda g, y, x: (g * np.cos(x) + 1,), "not zero for a cotangent of zeros"),
    "absolute": (np.sin, lambda g, y, x: (abs(g) * np.cos(x),), "it differs at g = -3 u"),
    "thresholds": (
        np.sin,
        lambda g, y, x: (g * (abs(g) > 1e-4) * np.cos(x),),
        "it differs at g = 1e-07 u",
    ),
}


@pytest.mark.parametrize(("f", "vjp", "text"), BROKEN.values(), ids=BROKEN)
def test_a_broken_contract_is_named(f, vjp, text):
    """Each broken promise has its own sentence."""
    state.clear()
    result = report(f, vjp, X.copy())
    assert result.outcome == "contract broken", result
    assert text in str(result)


LAYOUTS = {
    "cotangent": (
        lambda g, y, x: (g.ravel("K").reshape(x.shape) * np.cos(x),),
        "a cotangent in Fortran order",
    ),
    "inputs": (
        lambda g, y, x: (g * np.cos(x.ravel("K").reshape(x.shape)),),
        "inputs in Fortran order",
    ),
    "strides": (
        lambda g, y, x: (g * np.cos(x) * (1 + (g.strides[-1] == -16)),),
        "a cotangent in memory with gaps",
    ),
    "zero stride": (
        lambda g, y, x: (g * np.cos(x) * (1 + (g.strides == (0, 0))),),
        "a read-only cotangent of stride zero",
    ),
}


@pytest.mark.parametrize(("vjp", "text"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_rule_that_looks_at_memory_is_found(vjp, text):
    """The layout of an array is not part of its value."""
    x = np.arange(6.0).reshape(2, 3)
    assert text in str(report(np.sin, vjp, x))


def test_two_gradients_in_one_array_are_found():
    """Adding to one would change the other."""

    def rule(g, y, a, b):
        shared = 2 * g
        return shared, shared

    result = report(lambda a, b: 2 * a + 2 * b, rule, X, X.copy())
    assert "Gradient 1 shares memory with gradient 0" in str(result)


def test_cancellation_inside_a_rule_is_no_broken_contract():
    """Next to saturation softmax's gradient is the last digits of g y: not linear to 1e-6."""
    x = np.array([[60.0, 27.0, 30.0, -50.0]])

    def softmax(x):
        e = np.exp(x - x.max())
        return e / e.sum()

    assert report(softmax, lambda g, y, x: (y * (g - (g * y).sum()),), x)


def test_the_cotangent_itself_may_be_handed_on():
    """Returning g for both terms of a sum is common and safe."""
    assert report(np.add, lambda g, y, a, b: (g, g), X, X.copy())
