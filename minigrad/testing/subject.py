"""A function and its derivative rule at one point, called with care.

Whatever someone else's code may do wrong when it is called (raise, return something odd, change a
shape) becomes `SubjectError` here, so that the rest sees arrays only.
"""

import numpy as np

from minigrad.testing.numeric import random_direction


class SubjectError(Exception):
    """The check ends here: `outcome` says of which kind, the text says why."""

    def __init__(self, outcome, text):
        super().__init__(text)
        self.outcome = outcome


def cannot_check(text):
    return SubjectError("cannot check", text)


def contract_broken(text):
    return SubjectError("contract broken", text)


class Subject:
    """The function `f(*inputs)` and its rule `vjp(g, y, *inputs)` at the given inputs.

    `moving` lists the inputs that have derivatives, the floating ones; `output` is f's answer, and
    `finite` (flat) marks its entries that can have a derivative.
    """

    def __init__(self, f, vjp, inputs):
        self.f, self.vjp, self.inputs = f, vjp, as_inputs(inputs)
        self.saved = [x.copy(order="K") for x in self.inputs]
        self.moving = [k for k, x in enumerate(self.inputs) if x.dtype.kind == "f"]
        self.output = self.forward(self.inputs)
        self.finite = np.isfinite(self.output).reshape(-1)
        # The coarsest format bounds what can be seen.
        formats = [self.output.dtype, *(self.inputs[k].dtype for k in self.moving)]
        self.eps = float(max(np.finfo(dtype).eps for dtype in formats))

    def forward(self, inputs):
        """The output, as an array of floats."""
        try:
            y = self.f(*inputs)
        except Exception as error:
            raise cannot_check(f"f raised {type(error).__name__}: {error}.") from error
        if isinstance(y, np.ndarray | np.generic | float) and np.asarray(y).dtype.kind == "f":
            return np.asarray(y)
        raise cannot_check(f"f must return one array of floats; got {spoken(y)}.")

    def trial(self, inputs):
        """The flat output near the point; NaN where f raises."""
        try:
            y = np.asarray(self.f(*inputs))
        except Exception:
            return np.full(self.output.size, np.nan)
        if y.shape == self.output.shape and y.dtype.kind in "fc":
            return y.reshape(-1)
        here, there = spoken(self.output), spoken(y)
        raise contract_broken(f"f returns {here} at the inputs, but {there} nearby.")

    def backward(self, g, y=None, inputs=None):
        """One gradient for each moving input; None counts as zeros."""
        inputs = self.inputs if inputs is None else inputs
        try:
            gradients = self.vjp(g, self.output if y is None else y, *inputs)
        except Exception as error:
            told = f"The rule raised {type(error).__name__}: {error}, for g of shape {g.shape}."
            raise cannot_check(told) from error
        if len(inputs) == 1 and not isinstance(gradients, tuple | list):
            gradients = (gradients,)
        if not isinstance(gradients, tuple | list) or len(gradients) != len(inputs):
            returned = len(gradients) if isinstance(gradients, tuple | list) else spoken(gradients)
            raise contract_broken(
                f"The rule must return a tuple of {len(inputs)}, one gradient for each input (None "
                f"for an input that does not matter); got {returned}.",
            )
        return [as_gradient(gradients[k], inputs[k], k) for k in self.moving]

    def direction(self, rng):
        """A random direction that moves every entry of every moving input."""
        inputs = enumerate(self.inputs)
        return tuple(random_direction(x, rng) if k in self.moving else None for k, x in inputs)

    def moved(self, direction, t):
        """The inputs displaced by t along a direction, in the layout they have."""
        return [
            x if v is None else np.add(x, t * v, out=np.empty_like(x, dtype=np.result_type(x, t)))
            for x, v in zip(self.inputs, direction, strict=True)
        ]

    def displaced(self, direction, t):
        """The flat output there."""
        return self.trial(self.moved(direction, t if isinstance(t, complex) else float(t)))

    def nudged(self, rng):
        """(output, inputs), with each input changed in its last bits."""
        salt, near = rng.uniform(1e14, 1e15), list(self.inputs)
        for k in self.moving:
            x = self.inputs[k]
            near[k] = np.multiply(x, last_bits(x, salt), out=np.empty_like(x))
        return self.trial(near).reshape(self.output.shape), near

    def restore(self):
        """Give the caller's inputs their values back, if somebody changed them."""
        for x, saved in zip(self.inputs, self.saved, strict=True):
            if x.flags.writeable:
                x[...] = saved


def as_inputs(inputs):
    """The inputs as a tuple of arrays, at least one of them floating."""
    try:
        arrays = (inputs,) if isinstance(inputs, np.ndarray) else tuple(map(np.asarray, inputs))
    except (TypeError, ValueError) as error:
        told = f"inputs must be a tuple of arrays; NumPy says: {error}."
        raise cannot_check(told) from error
    kinds = [x.dtype.kind for x in arrays]
    if "f" in kinds and set(kinds) <= set("fiub"):
        return arrays
    came = ", ".join(map(spoken, arrays)) or "nothing"
    raise cannot_check(
        f"Derivatives are with respect to real floats; got {came}. Pass integers as "
        f"x.astype(float), and complex numbers as two inputs, x.real and x.imag.",
    )


def as_gradient(gradient, x, k):
    """One gradient as an array, if it has the shape and the dtype of its input."""
    if gradient is None:
        return np.zeros_like(x)
    if isinstance(gradient, np.ndarray | np.generic):
        if gradient.shape == x.shape and gradient.dtype == x.dtype:
            return np.asarray(gradient)
    elif isinstance(gradient, float) and x.ndim == 0:
        return np.asarray(gradient, dtype=x.dtype)
    wanted = f"the shape and the dtype of its input, {spoken(x)}"
    raise contract_broken(f"Gradient {k} must have {wanted}; got {spoken(gradient)}.")


def last_bits(x, salt):
    """Factors of 1 - eps or 1 + eps, as good as random, but the same for equal values.

    A rule may treat a tie specially, and a tie must stay one.
    """
    return (1 + np.finfo(x.dtype).eps * np.sign(np.sin(salt * np.frexp(x)[0]))).astype(x.dtype)


def spoken(value):
    """'float64 of shape (2, 3)', or the name of a type that is no array."""
    if isinstance(value, np.ndarray | np.generic):
        return f"{value.dtype} of shape {value.shape}"
    return type(value).__name__
