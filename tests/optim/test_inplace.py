"""The text that an update becomes, and the updates that have none."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def source(update, **hyperparameters):
    """The text of an elementwise update with a state m and a count of steps."""

    class Own(optim.Optimizer):
        elementwise = True

        def start(self, w, hyper):
            return {"step": 0.0, "m": np.zeros_like(w)}

    Own.update = update
    return Own([mg.tensor([1.0], requires_grad=True)], **hyperparameters)._slots[0].program.source


def test_numbers_are_computed_once_and_arrays_in_place():
    """A momentum with a factor for its start, that comes twice: arrays to compute in are used again."""

    def update(self, w, g, state, hyper):
        m = state.m
        m *= hyper.beta
        m += (1 - hyper.beta) * g
        w -= hyper.lr / (1 - hyper.beta**state.step) * m + (1 - hyper.beta) * np.sign(-m) ** 2

    assert source(update, lr=0.1, beta=0.9) == (
        "def numbers(step, lr, beta):\n"
        "    n1 = step + 1\n"
        "    n2 = 1 - beta\n"
        "    n3 = beta ** n1\n"
        "    n4 = 1 - n3\n"
        "    n5 = lr / n4\n"
        "    return (n1, ), (beta, n2, n5, )\n"
        "\n\n"
        "def run(w, g, arrays):\n"
        "    (m, s1, s2, s3, c1, c2, c3, ) = arrays\n"
        "    multiply(m, c1, m)\n"
        "    s1 = multiply(c2, g, s1)\n"
        "    add(m, s1, m)\n"
        "    s1 = multiply(c3, m, s1)\n"
        "    s2 = negative(m, s2)\n"
        "    s3 = sign(s2, s3)\n"
        "    s3 = square(s3, s3)\n"
        "    s3 = multiply(c2, s3, s3)\n"
        "    s1 = add(s1, s3, s1)\n"
        "    subtract(w, s1, w)\n"
    )


def test_an_update_that_does_nothing_is_one():
    text = source(lambda self, w, g, state, hyper: None, lr=0.1)
    assert text.endswith("def run(w, g, arrays):\n    (m, ) = arrays\n")


def test_every_operator_of_numbers_and_arrays_is_that_of_python():
    """An update with all of them has the weights that its expressions have by hand."""

    class Odd(optim.Optimizer):
        elementwise = True

        def update(self, w, g, state, hyper):
            a, b = hyper.a, hyper.b
            n = -a + 2 - (1 - b) * a / b**2 + 3 / a + 2**b + (a > b) + (a < b) + (a >= b) + (a <= b)
            x = np.maximum(abs(g) ** 0.5, n) ** 1.5
            x[...] = x / 2 - 1
            w -= n * x + np.exp(-g) * (2 - g) / b

    a, b = 1.5, 2.5
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    g = np.array([0.25, 400.0])
    n = -a + 2 - (1 - b) * a / b**2 + 3 / a + 2**b + 2
    expected = w.data - (n * (np.maximum(g**0.5, n) ** 1.5 / 2 - 1) + np.exp(-g) * (2 - g) / b)
    optimizer = Odd([w], a=a, b=b)
    w.grad = g
    optimizer.step()
    np.testing.assert_allclose(w.data, expected, rtol=1e-15)


REFUSED = [
    (lambda self, w, g, s, h: w.sum(), AttributeError, "an elementwise update knows nothing of sum. Leave elementwise"),
    (lambda self, w, g, s, h: np.where(g, w, 1), TypeError, "of the dtype of its arrays; got np.where. Leave element"),
    (lambda self, w, g, s, h: np.greater(g, w), TypeError, "got np.greater. Leave elementwise = False"),
    (lambda self, w, g, s, h: np.gcd(g, w), TypeError, "got np.gcd"),
    (lambda self, w, g, s, h: np.add.outer(g, w), TypeError, "got np.add"),
    (lambda self, w, g, s, h: w.__setitem__(0, g), TypeError, "got an index"),
    (lambda self, w, g, s, h: g * np.ones(3), TypeError, "got a ndarray"),
    (lambda self, w, g, s, h: np.sqrt(h.lr), TypeError, r"Python's operators, x \*\* 0.5 for a root; got np.sqrt"),
    (
        lambda self, w, g, s, h: w if h.lr > 1 else g,
        TypeError,
        "so it has no `if` on a number. Multiply by the co",
    ),
]


@pytest.mark.parametrize(("update", "error", "text"), REFUSED, ids=[text for *_, text in REFUSED])
def test_what_is_not_elementwise_is_refused_when_the_optimizer_is_made(update, error, text):
    """With the name of what it is, and what to do; as advised, it runs."""
    with pytest.raises(error, match=text):
        source(update, lr=0.1)


def test_the_advice_is_good():
    """Without `elementwise`, an update of any functions of NumPy's runs."""

    class Signs(optim.Optimizer):
        def update(self, w, g, state, hyper):
            w -= np.where(g > 0, hyper.lr, -hyper.lr)

    w = mg.tensor(np.float32([1.0, 2.0]), requires_grad=True)
    optimizer = Signs([w], lr=0.5)
    w.grad = [3.0, -3.0]
    optimizer.step()
    assert w.tolist() == [0.5, 2.5]
    assert w.dtype == np.float32
