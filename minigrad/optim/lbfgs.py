"""Limited-memory BFGS: steps along an estimate of Newton's direction, made from the last few gradients."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from ..core.context import enable_grad
from ..core.door import unwrap
from ..core.recorder import refuse_recording
from ..core.tape import gradient_of
from .hyperparameters import checked_integer, checked_number
from .line_search import Point, strong_wolfe
from .optimizer import Optimizer
from .rule import Rule
from .state import array_differences, saved_array

CURVED = 1e-10  # the least curvature, gradient change times step, of a step that is remembered
CHECKS: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(("max_iter", "max_eval", "history_size"), checked_integer),
    **dict.fromkeys(("tolerance_grad", "tolerance_change"), partial(checked_number, low=0.0)),
}


class LBFGS(Optimizer):
    """Steps along an estimate of Newton's direction, each as long as a line search finds good.

    For functions that give the same value whenever they are asked, such as a loss over all data. All parameters are
    one vector; one without a gradient counts as having a gradient of zero.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) pairs, or one group
        Leaves that require grad. Their memory is written to.
    lr : float >= 0
        The length that the search tries first, in units of the direction. 1 suits Newton's direction.
    max_iter : int
        Directions tried in a call of `step`.
    max_eval : int, optional
        Calls of the closure after which `step` tries no further direction, nor looks for a better point than one that
        it has found below its start; 1.25 times `max_iter` by default.
    tolerance_grad : float >= 0
        Stop where no element of the gradient is larger.
    tolerance_change : float >= 0
        Stop where the value changes by less, or no element of a step is larger.
    history_size : int
        Steps remembered, at the price of two vectors each.
    maximize : bool
        Go up: count the loss and its gradient with the opposite sign.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; there are several groups; or a
        number is out of bounds.

    References
    ----------
    Nocedal & Wright, Numerical optimization, 2nd edition, algorithms 7.4 and 7.5. When to stop, and the first step,
    ``min(1, 1 / sum(abs(gradient))) * lr`` down the gradient, are PyTorch's, whose ``line_search_fn="strong_wolfe"``
    is always on here. There, a search that `max_eval` ends before it has found a lower point does not move, so
    ``max_iter=1`` may stay where it is. Arrays are made in each step, and what is done depends on values, so it cannot
    be compiled.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        maximize: bool = False,
    ) -> None:
        self.max_iter = max_iter
        self.max_eval = self.max_iter * 5 // 4 if max_eval is None else max_eval
        self.tolerance_grad = tolerance_grad
        self.tolerance_change = tolerance_change
        self.history_size = history_size
        super().__init__(params, lr=lr, maximize=maximize)
        n = sum(p.size for p in self.params)
        self._steps: list[np.ndarray] = []  # those remembered, and by how much the gradient changed
        self._changes: list[np.ndarray] = []
        self._last: dict[str, Any] = {"step": np.zeros(n), "gradient": np.zeros(n), "scale": 1.0, "iterations": 0}

    @classmethod
    def rule(cls, **hyperparameters: Any) -> Rule:
        """Refused: what a step does depends on values, of as many calls of a closure as its search asks for."""
        raise TypeError(
            f"{cls.__name__} has no rule, as its step calls a closure as often as a line search asks for. Call step "
            f"of an optim.{cls.__name__}, or take the rule of another optimizer, such as optim.Adam.rule(lr=0.001)"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, CHECKS[name](name, value) if name in CHECKS else value)

    def _add(self, groups: Iterable[Mapping[str, Any]]) -> None:
        groups = list(groups)
        if len(self.param_groups) + len(groups) > 1:
            raise ValueError("LBFGS takes all parameters as one vector, so it has one group; got several")
        super()._add(groups)

    def step(self, closure: Callable[[], Any]) -> Any:  # pyrefly: ignore[bad-override]
        """Go down until a tolerance or a limit is reached.

        Parameters
        ----------
        closure : function
            Clears the gradients, computes the loss, calls its `backward` and returns it.

        Returns
        -------
        The loss that the closure returned first.

        Raises
        ------
        FloatingPointError
            If that loss, or its gradient, is not finite.
        ValueError
            If a parameter has ceased to require grad.

        Notes
        -----
        Whatever is raised, also by the closure, leaves the parameters and the memory as they were before the call.
        """
        refuse_recording(
            "takes a step of L-BFGS, whose line search decides by values how often it calls the closure",
            "Compile the closure, and call step(closure) uncompiled",
        )
        self._follow()
        frozen = [slot.name for slot in self._slots if slot.p.node is None]
        if frozen:
            raise ValueError(
                f"LBFGS moves its parameters as one vector, and {', '.join(frozen)} cannot move, having ceased to "
                f"require grad. Make one for the others"
            )
        origin, memory = self._place(), (dict(self._last), self._steps, self._changes)
        try:
            return self._descend(closure)
        except BaseException:
            self._last, self._steps, self._changes = memory
            if not np.array_equal(self._place(), origin, equal_nan=True):
                self._move(origin)
            raise

    def _descend(self, closure: Callable[[], Any]) -> Any:
        """Search along one direction after the other; the loss at the start."""
        loss, point = self._evaluate(closure)
        if not math.isfinite(point.value):
            raise FloatingPointError(f"LBFGS starts from a finite loss; the closure's is {point.value}")
        if not np.isfinite(point.gradient).all():
            raise FloatingPointError("LBFGS starts from a finite gradient; the closure's has NaN or infinity")
        made = 1
        for _ in range(self.max_iter):
            if largest(point.gradient) <= self.tolerance_grad:
                break
            before, (direction, t) = point, self._direction(point.gradient)
            start = before._replace(t=0.0, slope=float(point.gradient @ direction))
            self._last.update(gradient=start.gradient, step=0 * direction)
            if not start.slope <= -self.tolerance_change or not t:
                break
            point, calls = self._search(closure, start, direction, t, self.max_eval - made)
            made += calls
            self._last["step"] = point.t * direction
            flat = abs(point.value - before.value) < self.tolerance_change
            if made >= self.max_eval or flat or largest(self._last["step"]) <= self.tolerance_change:
                break
        return loss

    def _direction(self, gradient: np.ndarray) -> tuple[np.ndarray, float]:
        """Where to go next, and how far to try at first."""
        last, lr = self._last, self.param_groups[0]["lr"]
        last["iterations"] += 1
        if last["iterations"] == 1:
            return -gradient, min(1.0, 1.0 / float(np.abs(gradient).sum())) * lr
        self._remember(last["step"], gradient - last["gradient"])
        return two_loops(gradient, self._steps, self._changes, last["scale"]), lr

    def _remember(self, step: np.ndarray, change: np.ndarray) -> None:
        """Keep a step, unless the function did not curve upwards along it."""
        curvature = float(change @ step)
        if curvature > CURVED:
            self._steps = [*self._steps, step][-self.history_size :]
            self._changes = [*self._changes, change][-self.history_size :]
            self._last["scale"] = curvature / float(change @ change)

    def _search(
        self, closure: Callable[[], Any], start: Point, direction: np.ndarray, t: float, evaluations: int
    ) -> tuple[Point, int]:
        """Move to a good point of a line; returns it, and the number of calls of the closure."""
        origin = self._place()

        def at(t: float) -> Point:
            self._move(origin + t * direction)
            _, point = self._evaluate(closure)
            slope = float(point.gradient @ direction)
            # The search steps back from where there is no value, or no slope.
            value = point.value if math.isfinite(slope) and not math.isnan(point.value) else math.inf
            return Point(t, value, slope, point.gradient)

        found = strong_wolfe(at, start, t, self.tolerance_change / largest(direction), evaluations)
        self._move(origin + found[0].t * direction)
        return found

    def _evaluate(self, closure: Callable[[], Any]) -> tuple[Any, Point]:
        """The loss here, and the point: value and gradient."""
        with enable_grad():
            loss = closure()
        value = unwrap(loss)
        if isinstance(value, str) or np.size(value) != 1 or value is None:
            raise TypeError(f"the closure of LBFGS returns the loss, of one element; got {loss!r:.60}")
        given = [(p, None if p.node is None else gradient_of(p.node)) for p in self.params]
        gradients = [np.zeros_like(p.value) if g is None else unwrap(g) for p, g in given]
        sign = -1.0 if self.param_groups[0]["maximize"] else 1.0
        return loss, Point(0.0, sign * float(np.reshape(value, ())), 0.0, sign * self._flat(gradients))

    def _place(self) -> np.ndarray:
        """The values of all parameters."""
        return self._flat([p.value for p in self.params])

    def _flat(self, arrays: list[Any]) -> np.ndarray:
        """Arrays as one vector, in double precision, which the products of vectors need."""
        return np.concatenate([x.reshape(-1) for x in arrays]).astype(np.float64, copy=False)

    def _move(self, flat: np.ndarray) -> None:
        """Give the parameters the values of a vector."""
        start = 0
        for p in self.params:
            p.value[...] = flat[start : start + p.size].reshape(p.shape)
            p.changed()
            start += p.size

    def state_dict(self) -> dict[str, Any]:
        """As of any optimizer; ``state["memory"]`` has the steps remembered."""
        pairs = {name: np.array(x).reshape(-1, self._last["step"].size) for name, x in self._history().items()}
        return {**super().state_dict(), "memory": {**pairs, **{k: +v for k, v in self._last.items()}}}

    def _history(self) -> dict[str, list[np.ndarray]]:
        return {"steps": self._steps, "changes": self._changes}

    def _problems(self, state: Any) -> list[str]:
        if not isinstance(state, Mapping) or "memory" not in state:
            return [*super()._problems(state), "memory is missing"]
        memory = state["memory"]
        rows = saved_array(memory["steps"]).shape[:1] if isinstance(memory, Mapping) and "steps" in memory else ()
        history = np.zeros((*(rows or (0,)), self._last["step"].size))
        like = {k: np.asarray(v, float) for k, v in self._last.items()} | dict.fromkeys(self._history(), history)
        found = super()._problems({key: value for key, value in state.items() if key != "memory"})
        return found + array_differences("memory", memory, like)

    def _load(self, state: Any) -> None:
        super()._load({"groups": state["groups"]})
        memory = state["memory"]
        self._steps, self._changes = (list(np.array(memory[k], float))[-self.history_size :] for k in self._history())
        self._last = {
            "step": np.array(memory["step"], float),
            "gradient": np.array(memory["gradient"], float),
            "scale": float(memory["scale"]),
            "iterations": int(memory["iterations"]),
        }


def largest(x: np.ndarray) -> float:
    """The largest absolute value."""
    return float(np.abs(x).max(initial=0.0))


def two_loops(gradient: np.ndarray, steps: list[np.ndarray], changes: list[np.ndarray], scale: float) -> np.ndarray:
    """Minus the inverse Hessian times the gradient, as far as the steps tell (algorithm 7.4)."""
    q = -gradient
    weights = np.zeros(len(steps))
    for i in reversed(range(len(steps))):
        weights[i] = (steps[i] @ q) / (changes[i] @ steps[i])
        q -= weights[i] * changes[i]
    q *= scale
    for i, (s, y) in enumerate(zip(steps, changes, strict=True)):
        q += (weights[i] - (y @ q) / (y @ s)) * s
    return q
