"""The public checks of derivatives."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import GradientError
from .function import CheckedFunction
from .hygiene import check_contract, check_modes
from .report import MANY, Report, check_slopes
from .subject import Subject, SubjectError, called

Seed = int | np.random.Generator | None


def check_vjp(
    f: Callable,
    vjp: Callable,
    inputs: Any,
    *,
    rng: Seed = None,
    rtol: float = 1e-9,
    order: int = 1,
    raise_exception: bool = True,
) -> Report:
    """Check a derivative written by hand, in plain NumPy.

    Parameters
    ----------
    f : callable
        `f(*inputs)` returns one array of floats.
    vjp : callable
        `vjp(g, y, *inputs)` returns one gradient for each input, of its shape and dtype: the derivative of
        `sum(g * f(*inputs))`. `y` is f's output, `g` has its shape. None stands for zeros. With a single input the
        gradient need not be in a tuple.
    inputs : tuple of arrays
        The point at which to check. Integer inputs are constants.
    rng : int, Generator or None
        Seed of the random directions. None draws a fresh one; the report names it.
    rtol : float
        Relative error that the rule may have, in addition to the measured error of the numeric derivative. There is
        no step size and no absolute tolerance to choose.
    order : 1
        A second-order rule is checked as a rule of its own, see the error for any other order.
    raise_exception : bool
        Whether to raise `GradientError`, with the report as its text, if the check fails.

    Returns
    -------
    Report
        True if nothing speaks against the rule. Where it is "unsure" a warning says so.
    """
    __tracebackhide__ = True
    if order != 1:
        raise ValueError(
            f"check_vjp is given a first-order rule, which says nothing about order={order}. Check the rule of "
            "the rule: check_vjp(lambda g, *xs: vjp(g, f(*xs), *xs)[0], vjp2, (g, *inputs))"
        )

    def check(report: Report, rng: np.random.Generator) -> None:
        given = [inputs] if isinstance(inputs, np.ndarray) else inputs
        arrays = called("Reading the inputs as a tuple of arrays", lambda: list(map(np.asarray, given)))
        subject = Subject(f, vjp, arrays, rng)
        check_contract(subject)
        check_slopes(subject, rtol, report, MANY)

    return reported(check, rng, raise_exception)


def gradcheck(
    f: Callable[..., Any],
    inputs: Any,
    *,
    order: int = 1,
    rng: Seed = None,
    rtol: float = 1e-9,
    fast: bool = False,
    skip: str | Sequence[str] = (),
    raise_exception: bool = True,
) -> Report:
    """Check minigrad's derivatives of a function, and the rules that they are made of.

    Each rule that the function uses is called as it was there, and is checked before the engine has cast or summed
    anything; reverse and forward mode are compared with each other; then the gradients with measured slopes.

    Parameters
    ----------
    f : callable
        Takes and returns Tensors or arrays, or nested lists, tuples and dicts of them.
    inputs : tuple of arguments, or a single argument that is not a tuple
        Every floating array or Tensor in it is checked, whether it requires grad or not; f gets Tensors for Tensors
        and arrays for arrays. All else is passed on as it is.
    order : 1 or 2
        With 2 the map (cotangent, inputs) -> gradients is checked in the same way, if f passes.
    rng, rtol : as of `check_vjp`
        As are the report and what is raised.
    fast : bool
        Compare along random directions and in a few entries, as is done for large inputs anyway.
    skip : name or names of primitives
        Whose rules differ from the derivative on purpose, such as a straight-through estimator. The other rules are
        then checked one by one.
    raise_exception : as of `check_vjp`
    """
    __tracebackhide__ = True
    if order not in (1, 2):
        raise ValueError(f"order is 1 or 2; got {order!r}. For higher orders check a function that calls mg.grad")
    skipped, many = (skip,) if isinstance(skip, str) else skip, 0 if fast else MANY

    def check(report: Report, rng: np.random.Generator) -> None:
        function = CheckedFunction(f, dict(enumerate(inputs if type(inputs) is tuple else (inputs,))), rng)
        function.check_connected()
        check_whole(function, rtol, many, skipped, report)
        if order == 2 and report:
            check_whole(function.gradient_map(), rtol, many, skipped, report)

    return reported(check, rng, raise_exception)


def gradgradcheck(f: Callable[..., Any], inputs: Any, **options: Any) -> Report:
    """Check first and second derivatives: `gradcheck` with ``order=2``."""
    __tracebackhide__ = True
    return gradcheck(f, inputs, order=2, **options)


def reported(check: Callable[..., None], rng: Seed, raise_exception: bool) -> Report:
    """The report of a check, if it does not raise; what f, the rules or the inputs do wrong ends up in it."""
    __tracebackhide__ = True
    seed = int(rng if isinstance(rng, int | np.integer) else np.random.default_rng(rng).integers(2**32))
    report = Report(seed)
    with np.errstate(all="ignore"):  # trial points may leave f's domain
        try:
            check(report, np.random.default_rng(seed))
        except SubjectError as error:
            report.add(*error.args)
    if raise_exception and not report:
        raise GradientError(str(report))
    if report.outcome == "unsure":
        warnings.warn(str(report), stacklevel=3)
    return report


def check_whole(function: CheckedFunction, rtol: float, many: int, skip: Sequence[str], report: Report) -> None:
    """The rules' contracts one by one; then slopes of the whole, and of each if that is wrong or not checked."""
    calls = [call for call in function.calls() if call.name not in skip]
    for subject in calls if skip else [*calls, function]:
        check_contract(subject)
        check_modes(subject, rtol)
    if skip:
        report.add("passed", f"Not checked, as asked: {', '.join(skip)}. The other rules were checked one by one.")
    else:
        check_slopes(function, rtol, report, many)
    for call in calls if skip or not report else ():
        own = Report(report.seed)
        check_slopes(call, rtol, own, many)
        if not own:
            report.add(own.outcome, f"The rule of {call.name} is wrong by itself.", *own.findings)
