"""Minima of functions with a single number as their value."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from ...core.door import Watched
from ...core.tree import leaves
from ...errors import NoRuleError
from ...transforms.reverse import grad
from .problem import Problem, refuse_own

BY_SLOPES = ("cg", "bfgs", "l-bfgs-b", "tnc", "slsqp")
BY_PRODUCTS = ("newton-cg", "trust-ncg", "trust-krylov", "trust-constr")
BY_HESSIANS = ("dogleg", "trust-exact")
NEAR = 1e-8  # to a bound, relative to it or to 1: that of SciPy's interior methods
BY_VALUES = ("nelder-mead", "powell", "cobyla", "cobyqa")


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str | None = None,
    jac: None = None,
    hess: None = None,
    hessp: None = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Any = None,
    options: Any = None,
    compile: str | None = None,
) -> Any:
    """`scipy.optimize.minimize` with exact gradients, Hessians and Hessian products.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``, a single number, written with NumPy's functions or ours.
    x0 : array, or tree of arrays
        Where to start; `fun` takes such a tree, and `x` of the result is one. The minimum does not depend on it.
    args : tuple
        Further arguments of `fun`.
    method : str, optional
        SciPy's. It gets what it uses: gradients, Hessians, or products with Hessians.
    jac, hess, hessp : None
        They are minigrad's, and refused.
    bounds, constraints, tol, callback, options : as in SciPy
        Constraints that are functions of the vector of all numbers in x get Jacobians.
    compile : str, optional
        What SciPy calls is compiled for this backend, "numpy" or "native". See `minigrad.compile`.

    Returns
    -------
    scipy.optimize.OptimizeResult
        Where a derivative flows to `fun`, by args or from outside, `x` and `fun` are differentiable, to any order: x
        is where the gradient is zero, but for numbers at a bound, which stay there. The derivative is as accurate as
        x is. Inside of `vmap`, the result has the fields x and fun.

    Raises
    ------
    SolverError
        If the method fails, with SciPy's message; or in the derivative, if the Hessian is singular.
    NoRuleError
        If a derivative flows to `fun`, and there are constraints, or bounds that the method "trust-constr" keeps off.
    """
    refuse_own("minimize", jac=jac, hess=hess, hessp=hessp)
    problem = Problem(fun, x0, args, compile)
    box = limits(bounds, problem.flat.size)
    given = {"bounds": bounds, "constraints": with_jacobians(constraints), "tol": tol, "callback": callback}
    chosen = (method or default_method(bounds, constraints)).lower()

    def solve(start: Any) -> Any:
        f, more = as_called(problem, chosen)
        return scipy.optimize.minimize(f, start, method=chosen, options=options, **more, **given)

    def residual(x: Any) -> Any:
        return within(x, grad(problem.value)(x), box)

    result = problem.found("minimize", residual, solve, linear="auto")
    if any(isinstance(x, Watched) for x in leaves(result.x)):
        if has_constraints(constraints) or (chosen == "trust-constr" and bounds is not None):
            raise NoRuleError(
                f"a minimum with constraints, or with bounds by trust-constr, has no derivative rule, and one flows to "
                f"{getattr(fun, '__name__', 'the function')}. Detach what it uses, as x.detach(), or use bounds= with "
                f"L-BFGS-B"
            )
        result.fun = fun(result.x, *problem.args)
    return result


def as_called(problem: Problem, method: str) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The function that a method of SciPy's is to call, and the derivatives that it uses."""
    if method in BY_VALUES:
        return problem.plain_value, {}
    if method in BY_PRODUCTS:
        return problem.value_and_slope, {"jac": True, "hessp": problem.product}
    if method in BY_HESSIANS:
        return problem.value_and_slope, {"jac": True, "hess": problem.hessian}
    if method in BY_SLOPES:
        return problem.value_and_slope, {"jac": True}
    known = ", ".join(sorted((*BY_SLOPES, *BY_PRODUCTS, *BY_HESSIANS, *BY_VALUES)))
    raise ValueError(f"method is one of {known}; got {method!r}")


def has_constraints(constraints: Any) -> bool:
    """Whether there are constraints: one, or a sequence of them."""
    return not isinstance(constraints, list | tuple) or len(constraints) > 0


def default_method(bounds: Any, constraints: Any) -> str:
    """SciPy's."""
    return "slsqp" if has_constraints(constraints) else "bfgs" if bounds is None else "l-bfgs-b"


def with_jacobians(constraints: Any) -> Any:
    """Constraints with exact Jacobians, where SciPy would take differences."""
    if isinstance(constraints, list | tuple):
        return [with_jacobians(one) for one in constraints]
    if isinstance(constraints, dict) and callable(constraints.get("fun")) and constraints.get("jac") is None:
        return constraints | {"jac": jacobian_of_constraint(constraints["fun"])}
    if isinstance(constraints, scipy.optimize.NonlinearConstraint) and not callable(constraints.jac):
        return scipy.optimize.NonlinearConstraint(
            *(constraints.fun, constraints.lb, constraints.ub, jacobian_of_constraint(constraints.fun)),
            hess=constraints.hess,
            keep_feasible=constraints.keep_feasible,
        )
    return constraints


def jacobian_of_constraint(fun: Callable[..., Any]) -> Callable[..., Any]:
    """The Jacobian of the function of a constraint, for SciPy."""
    return lambda x, *args: Problem(fun, x, args).jacobian(np.asarray(x, np.float64))


def limits(bounds: Any, size: int) -> tuple[np.ndarray, np.ndarray] | None:
    """From where on each number is at a bound of `minimize`; None if there are no bounds."""
    if bounds is None:
        return None
    if isinstance(bounds, scipy.optimize.Bounds):
        return box_of(bounds.lb, bounds.ub, size)
    pairs = list(bounds)
    if len(pairs) != size or any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"bounds are {size} pairs (low, high), one for each number, or Bounds; got {bounds!r:.60}")
    low = [-np.inf if a is None else a for a, _ in pairs]
    return box_of(low, [np.inf if b is None else b for _, b in pairs], size)


def within(x: Any, slope: Any, box: tuple[np.ndarray, np.ndarray] | None) -> Any:
    """What is zero at a minimum: the slope, but for numbers that are held at their bound, as near as SciPy asks."""
    if box is None:
        return slope
    low, high = box
    return np.where(x <= low, x, np.where(x >= high, x, slope))


def box_of(low: Any, high: Any, size: int) -> tuple[np.ndarray, np.ndarray]:
    """From where on each number counts as being at its lower, and at its upper bound."""
    low, high = (np.broadcast_to(np.asarray(bound, float), size) for bound in (low, high))
    near_low, near_high = (
        NEAR * np.maximum(1, np.abs(bound, where=np.isfinite(bound), out=np.zeros(size))) for bound in (low, high)
    )
    return low + near_low, high - near_high
