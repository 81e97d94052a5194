"""A function and its derivative rule at one point, called with care.

Whatever someone else's code may do wrong when it is called (raise, return something odd, change a shape) becomes
`SubjectError` here, so that the rest sees arrays only.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import RuleError
from .numeric import size_of


class SubjectError(Exception):
    """The check ends here: `outcome` says of which kind, the text says why."""

    def __init__(self, outcome: str, text: str) -> None:
        super().__init__(text)
        self.outcome = outcome


def cannot_check(text: str) -> SubjectError:
    return SubjectError("cannot check", text)


def contract_broken(text: str) -> SubjectError:
    return SubjectError("contract broken", text)


@contextlib.contextmanager
def blaming(culprit: str) -> Iterator[None]:
    """Say of an exception who raised it."""
    try:
        yield
    except SubjectError:
        raise
    except RuleError as error:
        raise contract_broken(f"{error}.") from error
    except Exception as error:
        raise cannot_check(f"{culprit} raised {type(error).__name__}: {error}.") from error


class Subject:
    """The function `f(*inputs)` and its rule `vjp(g, y, *inputs)` at the given inputs.

    The floating inputs have derivatives. Their entries end to end are the `point`, `sizes` has their magnitudes, and
    `slots` says which input is where: pairs (input, slice). A direction is a pair: ascending places in the point, and
    values. `gradients` and `outputs` name what lies end to end: pairs (name, shape).
    """

    def __init__(self, f: Callable, vjp: Callable, inputs: Any, rng: np.random.Generator, names: Any = ()) -> None:
        self.f, self.vjp, self.inputs, self.rng = f, vjp, as_inputs(inputs), rng
        self.names = names or [str(k) for k in range(len(self.inputs))]
        self.saved = [x.copy(order="K") for x in self.inputs]
        self.moving = [k for k, x in enumerate(self.inputs) if x.dtype.kind == "f"]
        ends = np.cumsum([self.inputs[k].size for k in self.moving]).tolist()
        self.slots = [(k, slice(end - self.inputs[k].size, end)) for k, end in zip(self.moving, ends, strict=True)]
        self.point = np.concatenate([self.inputs[k].reshape(-1) for k in self.moving])
        self.sizes = np.concatenate([size_of(self.inputs[k]).reshape(-1) for k in self.moving])
        self.output = self.forward(self.inputs)
        self.outputs = [("output", self.output.shape)]
        self.gradients = [(self.names[k], self.inputs[k].shape) for k in self.moving]
        self.finite = np.isfinite(self.output).reshape(-1)  # other outputs have no derivative
        # The coarsest format bounds what can be seen.
        formats = [self.output.dtype, *(self.inputs[k].dtype for k in self.moving)]
        self.eps = float(max(np.finfo(dtype).eps for dtype in formats))

    def forward(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """The output, as an array of floats."""
        with blaming("f"):
            y = self.f(*inputs)
        if isinstance(y, np.ndarray | np.generic | float) and np.asarray(y).dtype.kind == "f":
            return np.asarray(y)
        raise cannot_check(f"f must return one array of floats; got {spoken(y)}.")

    def trial(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """The flat output near the point; NaN where f raises."""
        try:
            y = np.asarray(self.f(*inputs))
        except Exception:
            return np.full(self.output.size, np.nan)
        if y.shape == self.output.shape and y.dtype.kind in "fc":
            return y.reshape(-1)
        raise contract_broken(f"f returns {spoken(self.output)} at the inputs, but {spoken(y)} nearby.")

    def backward(self, g: np.ndarray, y: Any = None, inputs: Any = None) -> list[np.ndarray]:
        """One gradient for each moving input; None counts as zeros."""
        inputs = self.inputs if inputs is None else inputs
        with blaming("The rule"):
            gradients = self.vjp(g, self.output if y is None else y, *inputs)
        if len(inputs) == 1 and not isinstance(gradients, tuple | list):
            gradients = (gradients,)
        if not isinstance(gradients, tuple | list) or len(gradients) != len(inputs):
            returned = len(gradients) if isinstance(gradients, tuple | list) else spoken(gradients)
            raise contract_broken(
                f"The rule must return a tuple of {len(inputs)}, one gradient for each input (None for an input that "
                f"does not matter); got {returned}."
            )
        return [self.as_gradient(gradients[k], k) for k in self.moving]

    def as_gradient(self, gradient: Any, k: int) -> np.ndarray:
        """One gradient as an array, if it has the shape and the dtype of its input."""
        x = self.inputs[k]
        if gradient is None:
            return np.zeros_like(x)
        if isinstance(gradient, float) and x.ndim == 0:  # np.float64 is a float, too
            return np.asarray(gradient, dtype=x.dtype)
        if isinstance(gradient, np.ndarray | np.generic) and (gradient.shape, gradient.dtype) == (x.shape, x.dtype):
            return np.asarray(gradient)
        wanted = f"the shape and the dtype of its input, {spoken(x)}"
        raise contract_broken(f"Gradient {self.names[k]} must have {wanted}; got {spoken(gradient)}.")

    def direction(self, places: Any = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """A random direction: signs, and between half of and all of each entry's size, in six bits."""
        places = np.arange(self.point.size)[places]
        bits = self.rng.integers(32, 65, places.size) * self.rng.choice([-1, 1], places.size)
        return places, self.sizes[places] * (bits / 64)

    def cotangent(self) -> np.ndarray:
        """A random one for the output: both signs, between 0.5 and 1.5, so that no output counts for little."""
        size = self.rng.uniform(0.5, 1.5, self.output.shape) * self.rng.choice([-1.0, 1.0], self.output.shape)
        return np.asarray(size, dtype=self.output.dtype)

    def moved(self, direction: tuple[np.ndarray, np.ndarray], t: complex) -> list[np.ndarray]:
        """The inputs displaced by t along a direction, in the layout they have."""
        places, values = direction
        inputs, point = list(self.inputs), self.point.astype(complex) if isinstance(t, complex) else self.point.copy()
        point[places] += t * values
        for k, slot in self.slots:
            if places.size and places[0] < slot.stop and slot.start <= places[-1]:
                inputs[k] = laid_as(inputs[k], point[slot])
        return inputs

    def nearby(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """(output, inputs), with each input changed by a few percent."""
        inputs = self.moved(self.direction(), 2.0**-4)
        return self.trial(inputs).reshape(self.output.shape), inputs

    def nudged(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """(output, inputs), with each input changed in its last bits."""
        salt = self.rng.uniform(1e14, 1e15)
        near = list(self.inputs)
        for k in self.moving:
            near[k] = laid_as(near[k], near[k] * last_bits(near[k], salt))
        return self.trial(near).reshape(self.output.shape), near

    def restore(self) -> None:
        """Give the caller's inputs their values back, if somebody changed them."""
        for x, saved in zip(self.inputs, self.saved, strict=True):
            if x.flags.writeable:
                x[...] = saved


def laid_as(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A new array of these values, in the layout, shape and, if real, the dtype of `x`."""
    new = np.empty_like(x, values.dtype if values.dtype.kind == "c" else x.dtype)
    new[...] = values.reshape(x.shape)
    return new


def as_inputs(inputs: Any) -> tuple[np.ndarray, ...]:
    """The inputs as a tuple of arrays, at least one of them floating."""
    try:
        arrays = (inputs,) if isinstance(inputs, np.ndarray) else tuple(map(np.asarray, inputs))
    except (TypeError, ValueError) as error:
        raise cannot_check(f"inputs must be a tuple of arrays; NumPy says: {error}.") from error
    kinds = {x.dtype.kind for x in arrays}
    if "f" in kinds and kinds <= set("fiub"):
        return arrays
    came = ", ".join(map(spoken, arrays)) or "nothing"
    raise cannot_check(
        f"Derivatives are with respect to real floats; got {came}. Pass integers as x.astype(float), and complex "
        f"numbers as two inputs, x.real and x.imag."
    )


def last_bits(x: np.ndarray, salt: float) -> np.ndarray:
    """Factors of 1 - eps or 1 + eps, as good as random, but the same for equal values: a tie must stay one."""
    return (1 + np.finfo(x.dtype).eps * np.sign(np.sin(salt * np.frexp(x)[0]))).astype(x.dtype)


def spoken(value: Any) -> str:
    """'float64 of shape (2, 3)', or the name of a type that is no array."""
    if isinstance(value, np.ndarray | np.generic):
        return f"{value.dtype} of shape {value.shape}"
    return type(value).__name__


def located(parts: Sequence[tuple[str, tuple[int, ...]]], place: int) -> str:
    """'w at (1, 2)': a place among arrays that lie end to end, given as pairs (name, shape)."""
    sizes = [math.prod(shape) for _, shape in parts]
    k = int(np.searchsorted(np.cumsum(sizes), place, side="right"))
    name, shape = parts[k]
    return f"{name} at ({', '.join(str(i) for i in np.unravel_index(place - sum(sizes[:k]), shape))})"
