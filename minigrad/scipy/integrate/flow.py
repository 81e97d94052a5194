"""The solution of a differential equation as a function of all that it depends on.

In reverse mode it is differentiated by the adjoint equation, which runs backward from one of the times to the one
before; there, the state is the one that was found. In forward mode, by the equation that tangents obey. Both are
differential equations of the same kind, solved by the same method to the same tolerances, so there are derivatives of
all orders. Where parameters are few, the tangents by all of them at once serve in reverse mode, too.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...core.context import USUAL, run_in
from ...core.door import Watched, batch_of, bind, plain
from ...core.primitive import Primitive
from ...core.recorder import refuse_recording
from ...transforms.arguments import zeros_like
from ...transforms.closed import Closed
from ...transforms.implicit import at_once, number
from ...transforms.jacobian import by_rows
from .method import EquationMethod

FEW = 200  # numbers in all tangents together: beyond, the adjoint equation is the smaller one


def flow(
    f: Callable[..., Any],
    y0: Any,
    t: Any,
    inputs: Sequence[Any],
    method: EquationMethod,
    value: Any = None,
    label: Any = "f",
) -> Any:
    """The states at times `t`, (times, n), of ``dy/dt = f(t, y, *inputs)`` from `y0` (n,) at the first of them.

    The value, if it is known already, need not be found. The label tells right-hand sides of one method apart.
    """
    refuse_recording(f"calls {method.name}, a solver in Python", "Compile what it solves, by compile='numpy'")
    y, times, *given = values = [plain(x) for x in (y0, t, *inputs)]
    solve = partial(method.solved, f, label)
    closed = Closed(f, times[0], y, *given)
    if value is None and batch_of(*values) is None:
        value = at_once(solve, values, not closed.outer)
    closed = Closed(f, times[0], y, *inputs)
    held = [i for i, x in enumerate(inputs) if not isinstance(x, Watched)]
    whole = Flow(closed, solve, value, method, held, isinstance(t, Watched))
    return bind(whole.primitive(), ([y0, t, *inputs, *closed.outer],))


class RightSide:
    """The right-hand side of an equation, and its derivatives by the state and all that it uses and is not held fixed.

    Compiled functions of these find little outside of them, which is to be compared at each call.
    """

    def __init__(self, closed: Closed, held: list[int]) -> None:
        self.closed, self.held = closed, held

    def free(self, used: Sequence[Any]) -> list[Any]:
        """Those of the arrays that a right-hand side uses which are not held fixed."""
        return [x for i, x in enumerate(used) if i not in self.held]

    def matrices(self, t: Any, y: Any, used: Any) -> tuple[Any, Any, Any]:
        """The right-hand side, its Jacobian by the state, and that by all that is used, after zeros for the state."""
        f, pull = self.pulled(t, y, used)
        arrays, n = [y, *self.free(used)], len(y)
        by_state, *rest = by_rows(pull, arrays, f, None)[0]
        return f, by_state, np.concatenate([np.zeros((n, n)), *(np.reshape(x, (n, -1)) for x in rest)], axis=1)

    def pulled(self, t: Any, y: Any, used: Any) -> tuple[Any, Callable[[Any], list[Any]]]:
        """The right-hand side, and what pulls cotangents back to the state and all that is used and not held fixed."""
        f, pull = self.closed.pulled([t, y, *used], [0, *(i + 2 for i in self.held)])
        arrays, places = [y, *self.free(used)], [1, *(i + 2 for i in range(len(used)) if i not in self.held)]

        def back(g: Any) -> list[Any]:
            found = pull(g)
            return [zeros_like(x) if found[i] is None else found[i] for i, x in zip(places, arrays, strict=True)]

        return f, back


class Flow:
    """States at times, as a function of the first state, the times, and what the right-hand side uses.

    These are its inputs, of which some are `held` fixed, and arrays from outside.
    """

    def __init__(
        self,
        closed: Closed,
        solve: Callable[..., Any],
        value: Any,
        method: EquationMethod,
        held: list[int],
        moving: bool,
    ) -> None:
        self.closed, self.solve, self.value, self.method = closed, solve, value, method
        self.right, self.held, self.moving = RightSide(closed, held), held, moving

    def primitive(self) -> Primitive:
        """The function and its rules."""

        def states(arrays: Sequence[Any]) -> Any:
            if self.value is not None:
                value, self.value = self.value, None
                return value
            return number(self.closed.plainly(self.solve, arrays, self.closed.count))

        states.__name__ = self.method.name
        return Primitive(states, [self.rule], "general", [self.forward], sequence=True)

    def rule(self, g: Any, y: Any, arrays: Sequence[Any]) -> list[Any]:
        """The cotangents of the first state, the times, and all that is used."""
        y0, t, *used = arrays
        back, total = self.by_tangents(g, y0, t, used) if self.few(y0, used) else self.by_adjoints(g, y, t, used)
        parts, start = [], 0
        for i, x in enumerate(used):
            if i in self.held:
                parts.append(None)
            else:
                parts.append(np.reshape(total[start : start + x.size], x.shape))
                start += x.size
        return [back, self.by_times(g, y, t, used, back) if self.moving else None, *parts]

    def forward(self, tangents: Sequence[Any], y: Any, arrays: Sequence[Any]) -> Any:
        """The tangents of the states, which obey a linear equation along them."""
        (s0, ts, *rest), (y0, t, *used), n = tangents, arrays, len(arrays[0])
        slopes = self.slopes(y, t, used) if self.moving else None
        s0, closed = s0 if slopes is None else s0 - slopes[0] * ts[0], self.closed
        if self.few(y0, used):
            s = self.tangents(y0, t, used) @ np.concatenate([s0, *(np.reshape(x, -1) for x in self.right.free(rest))])
            return s if slopes is None else s + slopes * ts[:, None]

        def along(t: Any, z: Any, used: Any, rest: Any) -> Any:
            return np.concatenate(closed.pushed([t, z[:n], *used], [None, z[n:], *rest]))

        tuples = (used, [None if i in self.held else x for i, x in enumerate(rest)])
        s = self.solved(along, np.concatenate([y0, s0]), t, *tuples)[:, n:]
        return s if slopes is None else s + slopes * ts[:, None]

    def by_tangents(self, g: Any, y0: Any, t: Any, used: list[Any]) -> tuple[Any, Any]:
        """The cotangents of the first state, and of all that is used along one axis, by tangents for each number."""
        total = np.einsum("tn,tnp->p", g, self.tangents(y0, t, used))
        return total[: y0.size], total[y0.size :]

    def few(self, y0: Any, used: list[Any]) -> bool:
        """Whether to solve for the tangents by all numbers at once."""
        if self.method.mode is None:
            return y0.size * (y0.size + sum(x.size for x in self.right.free(used))) <= FEW
        return self.method.mode == "forward"

    def tangents(self, y0: Any, t: Any, used: list[Any]) -> Any:
        """The derivatives of the states by each number of the first one, and of what is used: (times, n, numbers)."""
        n, k, matrices = y0.size, sum(x.size for x in self.right.free(used)), self.right.matrices

        def along(t: Any, z: Any, used: Any) -> Any:
            f, by_state, by_used = matrices(t, z[:n], used)
            pushed = by_state @ np.reshape(z[n:], (n, n + k))
            return np.concatenate([f, np.reshape(pushed + by_used, -1)])

        start = np.concatenate([y0, np.eye(n, n + k).ravel()])
        return np.reshape(self.solved(along, start, t, used)[:, n:], (-1, n, n + k))

    def by_adjoints(self, g: Any, y: Any, t: Any, used: list[Any]) -> tuple[Any, Any]:
        """The same by the adjoint equation, from each time to the one before."""
        n, last, pulled = y.shape[1], y.shape[0] - 1, self.right.pulled

        def back(t: Any, z: Any, used: Any) -> Any:
            f, pull = pulled(t, z[:n], used)
            return np.concatenate([f, *(np.reshape(c, -1) for c in pull(-z[n : 2 * n]))])

        adjoint, total = g[last], np.zeros(sum(x.size for x in self.right.free(used)))
        for i in range(last, 0, -1):
            start = np.concatenate([y[i], adjoint, total])
            z = self.solved(back, start, t[i - 1 : i + 1][::-1], used)[1]
            adjoint, total = z[n : 2 * n] + g[i - 1], z[2 * n :]
        return adjoint, total

    def by_times(self, g: Any, y: Any, t: Any, used: list[Any], back: Any) -> Any:
        """The cotangents of the times: a later one moves its state alone, and the first one all others."""
        slopes = self.slopes(y, t, used)
        later = np.sum(g * slopes, axis=1)
        first = np.sum((g[0] - back) * slopes[0])
        return np.concatenate([np.reshape(first, 1), later[1:]])

    def slopes(self, y: Any, t: Any, used: list[Any]) -> Any:
        """The right-hand side at all times."""
        return np.stack([self.right.pulled(t[i], y[i], used)[0] for i in range(len(y))])

    def solved(self, f: Callable[..., Any], y0: Any, t: Any, *trees: Any) -> Any:
        """The solution of an equation that belongs to this one; where nothing is watched, by SciPy alone."""
        if any(isinstance(x, Watched) for x in (y0, t, *(x for tree in trees for x in tree))):
            return flow(lambda t, y: f(t, y, *trees), y0, t, (), self.method, label=None)
        key = f.__code__, tuple(self.held), self.closed.count
        return run_in(USUAL, self.method.solved, f, None if self.closed.outer else key, y0, t, *trees)
