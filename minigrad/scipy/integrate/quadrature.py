"""The integral of a function of a number, differentiated under the integral sign, and by its bounds."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.integrate

from ...core.door import Watched, batch_of, bind, plain
from ...core.primitive import Primitive
from ...core.recorder import refuse_recording
from ...errors import NoRuleError
from ...transforms.arguments import zeros_like
from ...transforms.closed import Closed
from ...transforms.implicit import at_once, number, vector_of

SERVED = ("epsabs", "epsrel", "limit", "points")


def quad(func: Callable[..., Any], a: Any, b: Any, args: Any = (), **options: Any) -> tuple[Any, float]:
    """`scipy.integrate.quad`, the integral of ``func(x, *args)`` from `a` to `b`.

    Parameters
    ----------
    func : callable
        Takes a number, and returns one.
    a, b : float
        The bounds, which may be infinite.
    args : tuple
        Further arguments of `func`.
    **options
        SciPy's `epsabs`, `epsrel`, `limit` and `points`. The derivatives are integrals of their own, of vectors, to
        the same tolerances.

    Returns
    -------
    integral, error
        The integral is a float, or an array of shape () that is differentiable where a derivative flows to `func`, by
        args or from outside, or to a finite bound. The estimate of the error is a float; in `vmap`, of the worst entry.

    Raises
    ------
    NoRuleError
        For other options of SciPy's.
    """
    args = args if isinstance(args, tuple) else (args,)
    for name in options.keys() - set(SERVED):
        raise NoRuleError(f"quad serves the options {', '.join(SERVED)}; {name}= has no derivative rule")
    errors: list[float] = []

    def solve(a: Any, b: Any) -> Any:
        def value(x: float) -> float:
            y = number(func(x, *args))
            if y.size != 1:
                raise ValueError(f"quad integrates a function with one number as its value; got shape {y.shape}")
            return float(y.reshape(()))

        found, error = scipy.integrate.quad(value, float(a), float(b), **options)
        errors.append(error)
        return np.asarray(found)

    bounds = [x if isinstance(x, Watched) else np.asarray(x, float) for x in (a, b)]
    y = integral(lambda x: np.reshape(func(x, *args), ()), bounds[0], bounds[1], solve, options)
    return (y if isinstance(y, Watched) else float(y)), max(errors)


def integral(f: Callable[[Any], Any], a: Any, b: Any, solve: Callable[..., Any], options: Any) -> Any:
    """The integral of a function whose values are arrays of one shape; ``solve(a, b)`` finds it for plain numbers."""
    refuse_recording("calls quad, which asks for values in Python", "Call it outside of the compiled function")
    values = [plain(x) for x in (a, b)]
    value = None if batch_of(*values) else at_once(solve, values)
    closed = Closed(f, between(*values))
    whole = Integral(closed, solve, value, [isinstance(x, Watched) for x in (a, b)], options)
    return bind(whole.primitive(), ([a, b, *closed.outer],))


def between(a: Any, b: Any) -> Any:
    """A number between two bounds."""
    finite = np.where(np.isfinite(a), a, np.where(np.isfinite(b), b - 1, 0.0))
    return np.where(np.isfinite(b), (finite + np.where(np.isfinite(b), b, 0)) / 2, finite + 1)


class Integral:
    """An integral as a function of its two bounds, and of what the integrand uses from outside."""

    def __init__(self, closed: Closed, solve: Callable[..., Any], value: Any, moving: list[bool], options: Any) -> None:
        self.closed, self.solve, self.value, self.moving, self.options = closed, solve, value, moving, options

    def primitive(self) -> Primitive:
        """The function and its rules."""

        def quad(arrays: Sequence[Any]) -> Any:
            if self.value is not None:
                return self.value
            return number(self.closed.plainly(self.solve, arrays, 2))

        return Primitive(quad, [self.rule], "general", [self.forward], sequence=True)

    def rule(self, g: Any, y: Any, arrays: Sequence[Any]) -> list[Any]:
        """The integrand at the bounds, and the integral of its cotangents."""
        a, b, *outer = arrays
        ends = [
            np.sum(sign * g * self.closed.pulled([x, *outer])[0]) if moves else zeros_like(x)
            for x, sign, moves in zip((a, b), (-1, 1), self.moving, strict=True)
        ]
        if not outer:
            return ends

        def pulled(x: Any) -> Any:
            parts = self.closed.pulled([x, *outer])[1](g)[1:]
            return vector_of([zeros_like(v) if part is None else part for v, part in zip(outer, parts, strict=True)])

        total, start, rest = self.of_vector(pulled, a, b), 0, []
        for x in outer:
            rest.append(np.reshape(total[start : start + x.size], x.shape))
            start += x.size
        return ends + rest

    def forward(self, tangents: Sequence[Any], y: Any, arrays: Sequence[Any]) -> Any:
        """What the bounds add, and the integral of the integrand's tangent."""
        (ta, tb, *rest), (a, b, *outer) = tangents, arrays
        total = 0 * y
        for x, t, moves in zip((a, b), (-ta, tb), self.moving, strict=True):
            total = total + t * self.closed.pulled([x, *outer])[0] if moves else total
        if not outer:
            return total
        return total + self.of_vector(lambda x: self.closed.pushed([x, *outer], [None, *rest])[1], a, b)

    def of_vector(self, f: Callable[[Any], Any], a: Any, b: Any) -> Any:
        """The integral of a function whose values are arrays."""
        chosen = {key: x for key, x in self.options.items() if key != "epsabs"}
        chosen |= {"epsabs": self.options.get("epsabs", 1.49e-8), "norm": "max"}
        chosen["epsrel"] = self.options.get("epsrel", 1.49e-8)

        def solve(a: Any, b: Any) -> Any:
            return scipy.integrate.quad_vec(lambda x: number(f(np.float64(x))), float(a), float(b), **chosen)[0]

        return integral(f, a, b, solve, self.options)
