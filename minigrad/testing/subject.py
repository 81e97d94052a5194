"""A function and its derivative rule at one point, called with care: `SubjectError` says what they do wrong."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import RuleError


class SubjectError(Exception):
    """The check ends here, with an outcome and the reason."""


def require(promise: Any, text: str, outcome: str = "contract broken") -> None:
    if not promise:
        raise SubjectError(outcome, f"{text}.")


def called(culprit: str, function: Callable[..., Any], *args: Any) -> Any:
    """What `function` returns; an exception says who raised it."""
    try:
        return function(*args)
    except SubjectError:
        raise
    except Exception as error:
        outcome = "contract broken" if isinstance(error, RuleError) else "cannot check"
        raise SubjectError(outcome, f"{culprit} raised {type(error).__name__}: {error}.") from error


class Subject:
    """The function `f(*inputs)` and its rules, at copies of the inputs; an array given twice is one.

    `vjp(g, y, *inputs)` returns the gradients, and `jvp(y, inputs, tangents)`, if there is one, a tangent. The
    floating inputs have derivatives. `point` has their entries end to end, `sizes` the magnitudes of these, and
    `slots` says where each input is: {input: slice}. A gradient or a direction is an array like `point`, and
    `gradients` names what lies in it: pairs (name, shape).
    """

    name = "f"

    def __init__(self, f: Callable, vjp: Callable, inputs: Any, rng: Any, names: Any = (), jvp: Any = None) -> None:
        kinds, came = {x.dtype.kind for x in inputs}, ", ".join(map(described, inputs)) or "nothing"
        advice = (
            "Pass integers as x.astype(float), complex numbers as two inputs, their real and imaginary parts, and the "
            "parameters of a module through nn.functional_call"
        )
        real = "f" in kinds and "c" not in kinds
        require(real, f"Derivatives are with respect to real floats; got {came}. {advice}", "cannot check")
        copies = {id(x): x.copy(order="K") for x in inputs}
        self.f, self.vjp, self.jvp, self.rng, self.originals = f, vjp, jvp, rng, inputs
        self.inputs = [copies[id(x)] for x in inputs]
        self.names = names or [str(k) for k in range(len(inputs))]
        floating = {k: x for k, x in enumerate(self.inputs) if x.dtype.kind == "f"}
        ends = np.cumsum([x.size for x in floating.values()]).tolist()
        self.slots = {k: slice(end - x.size, end) for (k, x), end in zip(floating.items(), ends, strict=True)}
        self.point = np.concatenate([x.reshape(-1) for x in floating.values()])
        self.sizes = np.concatenate([scale_of(x).reshape(-1) for x in floating.values()])
        self.output = self.forward(self.inputs)
        self.finite = np.isfinite(self.output)  # other outputs have no derivative
        self.gradients = [(self.names[k], x.shape) for k, x in floating.items()]
        # The coarsest format bounds what can be seen.
        self.eps = max(float(np.finfo(x.dtype).eps) for x in (self.output, *floating.values()))

    def forward(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """The output, as an array of floats."""
        y = as_0d(called("f", self.f, *inputs))
        floating = isinstance(y, np.ndarray) and y.dtype.kind == "f"
        came = "a Tensor, which gradcheck is for" if hasattr(y, "requires_grad") else described(y)
        require(floating, f"f must return one array of floats; got {came}", "cannot check")
        return y

    def placed(self, point: np.ndarray) -> list[np.ndarray]:
        """The inputs with other entries."""
        inputs = list(self.inputs)
        for k, slot in self.slots.items():
            inputs[k] = point[slot].reshape(inputs[k].shape).astype(inputs[k].dtype, copy=False)
        return inputs

    def trial(self, point: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """(output, inputs) at another point; NaN where f raises."""
        inputs = self.placed(point)
        try:
            y = np.asarray(self.f(*inputs))
        except Exception:
            y = np.full_like(self.output, np.nan)
        if y.shape != self.output.shape or y.dtype.kind != "f":
            require(False, f"f returns {described(self.output)} at the inputs, but {described(y)} nearby")
        return y, inputs

    def nearby(self, t: float = 2.0**-4) -> tuple[np.ndarray, list[np.ndarray]]:
        """(output, inputs), with each input changed by about the fraction t."""
        return self.trial(self.point + t * self.direction())

    def checked_gradients(self, g: np.ndarray, y: Any = None, inputs: Any = None) -> list[np.ndarray]:
        """One gradient for each floating input, of its shape and dtype; None counts as zeros."""
        inputs = inputs or self.inputs
        found = called("The rule", self.vjp, g, self.output if y is None else y, *inputs)
        found = (found,) if len(inputs) == 1 and not isinstance(found, tuple | list) else found
        came = len(found) if isinstance(found, tuple | list) else described(found)
        wanted = f"a tuple of {len(inputs)}, one gradient for each input (None for an input that does not matter)"
        require(came == len(inputs), f"The rule must return {wanted}; got {came}")
        gradients = [as_0d(np.zeros_like(inputs[k]) if found[k] is None else found[k]) for k in self.slots]
        for k, gradient in zip(self.slots, gradients, strict=True):
            x = inputs[k]
            if not isinstance(gradient, np.ndarray) or (gradient.shape, gradient.dtype) != (x.shape, x.dtype):
                wanted = f"the shape and the dtype of its input, {described(x)}"
                require(False, f"Gradient {self.names[k]} must have {wanted}; got {described(gradient)}")
        return gradients

    def pull(self, g: np.ndarray, y: Any = None, inputs: Any = None) -> np.ndarray:
        """The gradients end to end."""
        return np.concatenate([gradient.reshape(-1) for gradient in self.checked_gradients(g, y, inputs)])

    def wobble(self, g: np.ndarray) -> np.ndarray:
        """How far the gradients move when all that the rule is given changes in its last bits.

        A move by 1 % of the largest entry is no rounding, unless in half precision: the rule takes another branch.
        """

        def nudged(array: np.ndarray) -> np.ndarray:
            bits = np.finfo(array.dtype).eps * self.rng.choice([-1, 1], array.shape)
            return np.asarray(array + array * bits, dtype=array.dtype)

        base, near = self.pull(g), [self.nearby(4 * self.eps) for _ in range(3)]
        moved = [self.pull(nudged(g), nudged(y), inputs) for y, inputs in near]
        gap = np.max(np.nan_to_num(np.abs(moved - base), nan=0), axis=0)
        return np.where((gap > 0.01 * self.largest(base)) & (self.eps < 1e-4), 0, gap)

    def largest(self, gradient: np.ndarray) -> np.ndarray:
        """For each entry the largest finite one for the same input."""
        parts = [gradient[slot] for slot in self.slots.values()]
        tops = [np.max(np.abs(part), initial=0, where=np.isfinite(part)) for part in parts]
        return np.repeat(tops, [part.size for part in parts])

    def cotangent(self) -> np.ndarray:
        """A random one for the output: both signs, between 0.5 and 1.5, so that no output counts for little."""
        size = self.rng.uniform(0.5, 1.5, self.output.shape) * self.rng.choice([-1.0, 1.0], self.output.shape)
        return np.asarray(size, dtype=self.output.dtype)

    def direction(self) -> np.ndarray:
        """A random one: signs, and between half of and all of each entry's size, in six bits."""
        bits = self.rng.integers(32, 65, self.point.size) * self.rng.choice([-1, 1], self.point.size)
        return self.sizes * (bits / 64)


def scale_of(x: np.ndarray) -> np.ndarray:
    """A power of two just below each |x|; for zeros that of the largest entry, or 1. At least the smallest normal."""
    magnitude = np.where(np.isfinite(x), np.abs(x), 1)
    magnitude = np.where(x == 0, np.max(magnitude, initial=0) or 1, magnitude)
    return np.maximum(np.ldexp(1.0, np.frexp(magnitude)[1] - 1).astype(x.dtype), np.finfo(x.dtype).tiny)


def as_0d(x: Any) -> Any:
    """A number as the 0-d array that it stands for."""
    return np.asarray(x) if isinstance(x, np.generic | float) else x


def described(value: Any) -> str:
    """'float64 of shape (2, 3)', or the name of a type that is not an array."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "O" and not value.shape:
        value = value.item()
    return f"{value.dtype} of shape {value.shape}" if hasattr(value, "dtype") else type(value).__name__


def located(parts: Sequence[tuple[str, tuple[int, ...]]], place: int) -> str:
    """'w at (1, 2)': a place among arrays that lie end to end, given as pairs (name, shape)."""
    name, index = [(name, index) for name, shape in parts for index in np.ndindex(shape)][place]
    return f"{name} at {index}"
