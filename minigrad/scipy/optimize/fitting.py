"""Least squares, and curves through data."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from ...core.door import Watched, plain
from ...core.tree import leaves
from ...errors import NoRuleError, SolverError
from ...transforms.implicit import implicit, vector_of
from ...transforms.jacobian import jacobian
from ...transforms.reverse import grad
from .minima import box_of, within
from .problem import Problem, refuse_own

# How much a squared residual z counts, in place of z: SciPy's losses.
LOSSES: dict[str, Callable[[Any], Any]] = {
    "linear": lambda z: z,
    "soft_l1": lambda z: 2 * (np.sqrt(1 + z) - 1),
    "huber": lambda z: np.where(z <= 1, z, 2 * np.sqrt(np.where(z <= 1, 1, z)) - 1),
    "cauchy": np.log1p,
    "arctan": np.arctan,
}


def least_squares(
    fun: Callable[..., Any],
    x0: Any,
    jac: None = None,
    bounds: Any = (-np.inf, np.inf),
    method: str = "trf",
    *,
    loss: str = "linear",
    f_scale: float = 1.0,
    args: Any = (),
    kwargs: Any = None,
    compile: str | None = None,
    **options: Any,
) -> Any:
    """`scipy.optimize.least_squares` with exact Jacobians.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args, **kwargs)``, the residuals: an array, or a tree of arrays.
    x0 : array, or tree of arrays
        Where to start; `fun` takes such a tree, and `x` of the result is one.
    jac : None
        It is minigrad's, and refused.
    bounds, method, loss, f_scale, args, kwargs : as in SciPy
        A loss is named.
    compile : str, optional
        What SciPy calls is compiled for this backend, "numpy" or "native".
    **options
        SciPy's other options.

    Returns
    -------
    scipy.optimize.OptimizeResult
        Where a derivative flows to `fun`, `x`, `fun` and `cost` are differentiable, to any order, but that numbers
        at a bound stay there.

    Raises
    ------
    SolverError
        If the method fails, with SciPy's message; or in the derivative, if the Hessian of the cost is singular.
    """
    refuse_own("least_squares", jac=jac)
    if loss not in LOSSES:
        raise ValueError(f"loss is one of {', '.join(LOSSES)}; got {loss!r}")
    more = {} if kwargs is None else dict(kwargs)
    problem = Problem(lambda x, *args: fun(x, *args, **more), x0, args, compile)
    low, high = (bounds.lb, bounds.ub) if isinstance(bounds, scipy.optimize.Bounds) else bounds
    box = box_of(low, high, problem.flat.size)

    def solve(start: Any) -> Any:
        return scipy.optimize.least_squares(
            problem.plain_values,
            start,
            problem.jacobian,
            *(bounds, method),
            loss=loss,
            f_scale=f_scale,
            **options,
        )

    def cost(x: Any) -> Any:
        return f_scale**2 / 2 * np.sum(LOSSES[loss]((problem.values(x) / f_scale) ** 2))

    result = problem.found("least_squares", lambda x: within(x, grad(cost)(x), box), solve)
    if any(isinstance(x, Watched) for x in leaves(result.x)):
        x = vector_of(result.x)
        result.fun, result.cost = problem.values(x), cost(x)
    return result


def curve_fit(
    f: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    check_finite: bool | None = None,
    bounds: Any = (-np.inf, np.inf),
    method: str | None = None,
    jac: None = None,
    *,
    compile: str | None = None,
    **options: Any,
) -> tuple[Any, Any]:
    """`scipy.optimize.curve_fit` with exact Jacobians.

    Parameters
    ----------
    f : callable
        ``f(xdata, *parameters)``, an array of the shape of `ydata`.
    xdata, ydata, p0, sigma, absolute_sigma, check_finite, bounds, method : as in SciPy
        `sigma` is an array of standard deviations, or a matrix of covariances.
    jac : None
        It is minigrad's, and refused.
    compile : str, optional
        What SciPy calls is compiled for this backend, "numpy" or "native".
    **options
        SciPy's other options.

    Returns
    -------
    popt, pcov
        The parameters, and their covariances. Where a derivative flows to `f`, the data or `sigma`, both are
        differentiable, to any order.

    Raises
    ------
    SolverError
        If the method fails, with SciPy's message; or in the derivative, if the parameters are not determined.
    """
    refuse_own("curve_fit", jac=jac)
    if options.get("full_output"):
        raise NoRuleError("curve_fit returns (popt, pcov), and full_output= is not served. Use least_squares for more")
    xdata = np.asarray(xdata, float) if isinstance(xdata, list | tuple) else xdata  # as SciPy gives lists to f
    count = number_of_parameters(f) if p0 is None else np.size(plain(p0))
    start = np.ones(count) if p0 is None else p0
    problem = Problem(lambda p: f(xdata, *p), np.reshape(plain(start), -1), (), compile)
    whitened, size = whitening(sigma, ydata), vector_of(ydata).size
    found: list[Any] = []

    def solve(start: Any, *arrays: Any) -> Any:
        if (returned := problem.plain_values(start).size) != size:
            raise ValueError(
                f"curve_fit takes as many values of f as there are of ydata, {size}; f returned {returned}"
            )
        remaining = iter(arrays)
        x, y, error = (next(remaining) if isinstance(one, Watched) else one for one in (xdata, ydata, sigma))
        more = options if check_finite is None else options | {"check_finite": check_finite}
        try:
            found[:] = scipy.optimize.curve_fit(
                lambda x, *p: problem.plain_values(np.array(p)),
                *(x, y, start, error),
                absolute_sigma=absolute_sigma,
                bounds=bounds,
                method=method,
                jac=lambda x, *p: problem.jacobian(np.array(p)),
                **more,
            )
        except RuntimeError as error:
            raise SolverError(f"curve_fit has not converged: {error}") from error
        return found[0]

    def misfit(p: Any) -> Any:
        return whitened(problem.values(p))

    def residual(p: Any, *_: Any) -> Any:
        low, high = (bounds.lb, bounds.ub) if isinstance(bounds, scipy.optimize.Bounds) else bounds
        slope = grad(lambda p: np.sum(misfit(p) ** 2) / 2)(p)
        return within(p, slope, box_of(low, high, count))

    given = [problem.start, *(x for x in (xdata, ydata, sigma) if isinstance(x, Watched))]
    popt = implicit(residual, solve, given, "curve_fit", start=problem.start)
    return popt, covariance(misfit, popt, absolute_sigma) if isinstance(popt, Watched) else found[1]


def number_of_parameters(f: Callable[..., Any]) -> int:
    """How many parameters a function has by its signature, after the data."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    count = sum(p.kind in kinds for p in inspect.signature(f).parameters.values()) - 1
    if count < 1:
        raise ValueError("curve_fit counts the parameters of f(x, a, b, ...), and this one names none. Pass p0")
    return count


def whitening(sigma: Any, ydata: Any) -> Callable[[Any], Any]:
    """What makes of values the errors of the fit, in standard deviations."""
    y = vector_of(ydata)
    if sigma is None:
        return lambda values: values - y
    if np.ndim(sigma) == 2:
        root = np.linalg.cholesky(sigma)
        return lambda values: np.linalg.solve(root, values - y)
    return lambda values: (values - y) / sigma


def covariance(misfit: Callable[[Any], Any], p: Any, absolute: bool) -> Any:
    """The covariances of the parameters at a minimum, as curve_fit estimates them."""
    slopes = jacobian(misfit)(p)
    inverse = np.linalg.inv(slopes.mT @ slopes)
    m, n = slopes.shape
    return inverse if absolute else inverse * (np.sum(misfit(p) ** 2) / (m - n))
