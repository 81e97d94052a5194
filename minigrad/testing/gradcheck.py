"""The public checks of derivatives."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import GradientError
from .compare import MANY, check_slopes
from .function import Function
from .hygiene import check_contract
from .modes import check_modes
from .report import Report
from .subject import Subject, SubjectError


def check_vjp(
    f: Callable[..., Any],
    vjp: Callable[..., Any],
    inputs: Any,
    *,
    rng: int | np.random.Generator | None = None,
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
        Whether to raise if the check fails; the report is returned otherwise.

    Returns
    -------
    Report
        True if nothing speaks against the rule. Where the evidence contradicts itself the outcome is "unsure": the
        report is true, but a warning says so.

    Raises
    ------
    GradientError
        If the check fails; its text is the report.
    """
    __tracebackhide__ = True
    if order != 1:
        raise ValueError(
            f"check_vjp sees a first-order rule, which tells nothing of order={order}. Check the rule of the rule: "
            "check_vjp(lambda g, *xs: vjp(g, f(*xs), *xs)[0], vjp2, (g, *inputs))"
        )
    report, rng = started(rng)

    def check(subject: Subject) -> None:
        check_contract(subject)
        check_slopes(subject, rtol, report, MANY)

    examine(report, lambda: Subject(f, vjp, inputs, rng), check)
    return judged(report, raise_exception)


def gradcheck(
    f: Callable[..., Any],
    inputs: Any,
    *,
    order: int = 1,
    rng: int | np.random.Generator | None = None,
    rtol: float = 1e-9,
    fast: bool = False,
    skip: str | Sequence[str] = (),
    raise_exception: bool = True,
) -> Report:
    """Check minigrad's derivatives of a function, and the rules that they are made of.

    Each rule that the function uses is called as it was there, and answers before the engine has cast or summed
    anything; reverse and forward mode are compared with each other; then the gradients with measured slopes.

    Parameters
    ----------
    f : callable
        Takes and returns Tensors or arrays, or nested lists, tuples and dicts of them.
    inputs : tuple of arguments, or a single one that is no tuple
        Every floating array or Tensor in it is checked, whether it requires grad or not; f gets Tensors for Tensors
        and arrays for arrays. All else is passed on as it is.
    order : 1 or 2
        With 2 the map (cotangent, inputs) -> gradients is checked in the same way, if f passes.
    rng, rtol, raise_exception
        As for `check_vjp`.
    fast : bool
        Compare along random directions and in a few entries, as is done for large inputs anyway.
    skip : name or names of primitives
        Whose rules differ from the derivative on purpose, such as a straight-through estimator. The other rules are
        then checked one by one.

    Returns
    -------
    Report

    Raises
    ------
    GradientError
        If the check fails; its text is the report.
    """
    __tracebackhide__ = True
    if order not in (1, 2):
        raise ValueError(f"order is 1 or 2; got {order!r}. For higher orders check a function that calls mg.grad")
    report, rng = started(rng)
    skipped = (skip,) if isinstance(skip, str) else skip

    def check(function: Function) -> None:
        check_function(function, rtol, 0 if fast else MANY, skipped, report)

    examine(report, lambda: Function(f, inputs, rng), check)
    if order == 2 and report:
        examine(report, lambda: Function(f, inputs, rng).gradient_map(), check)
    return judged(report, raise_exception)


def gradgradcheck(f: Callable[..., Any], inputs: Any, **options: Any) -> Report:
    """Check first and second derivatives: `gradcheck` with ``order=2``."""
    __tracebackhide__ = True
    return gradcheck(f, inputs, order=2, **options)


def started(rng: int | np.random.Generator | None) -> tuple[Report, np.random.Generator]:
    """An empty report that names its seed, and a generator of that seed."""
    drawn = not isinstance(rng, int | np.integer)
    seed = int(np.random.default_rng(rng).integers(2**32)) if drawn else int(rng)
    return Report(seed), np.random.default_rng(seed)


def judged(report: Report, raise_exception: bool) -> Report:
    """The report, if it does not raise."""
    __tracebackhide__ = True
    if raise_exception and not report:
        raise GradientError(str(report))
    if report.outcome == "unsure":
        warnings.warn(str(report), stacklevel=3)
    return report


def examine(report: Report, prepare: Callable[[], Any], check: Callable[[Any], None]) -> None:
    """Run a check; what f, the rules or the inputs do wrong ends up in the report."""
    subject = None
    with np.errstate(all="ignore"):  # trial points may leave f's domain
        try:
            subject = prepare()
            check(subject)
        except SubjectError as error:
            report.fail(error.outcome, str(error))
        finally:
            if subject is not None:
                subject.restore()


def check_function(function: Function, rtol: float, many: int, skip: Sequence[str], report: Report) -> None:
    """The rules' contracts one by one; then slopes of the whole, or of each rule if some are skipped."""
    calls = function.calls()
    others = [call for call in calls if call.primitive.name not in skip]
    for call in others:
        check_contract(call)
        check_modes(call, rtol)
    if len(others) == len(calls):
        check_contract(function)
        check_modes(function, rtol)
        check_slopes(function, rtol, report, many)
    else:
        report.remark("passed", f"Not checked, as asked: {', '.join(skip)}. The other rules were checked one by one.")
    if len(others) < len(calls) or not report:
        for call in others:
            own = Report(report.seed)
            check_slopes(call, rtol, own, many)
            if not own:
                report.fail(own.outcome, f"The rule of {call.primitive.name} is wrong by itself.", *own.findings)
