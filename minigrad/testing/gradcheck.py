"""The public checks of derivatives."""

import warnings
from collections.abc import Callable

import numpy as np

from minigrad.errors import GradientError
from minigrad.testing.compare import check_slopes
from minigrad.testing.hygiene import check_contract
from minigrad.testing.report import Report
from minigrad.testing.subject import Subject, SubjectError


def check_vjp(
    f: Callable,
    vjp: Callable,
    inputs: tuple,
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
        `vjp(g, y, *inputs)` returns one gradient for each input, of its shape and dtype: the
        derivative of `sum(g * f(*inputs))`. `y` is f's output, `g` has its shape. None stands for
        zeros. With a single input the gradient need not be in a tuple.
    inputs : tuple of arrays
        The point at which to check. Integer inputs are constants.
    rng : int, Generator or None
        Seed of the random directions. None draws a fresh one; the report names it.
    rtol : float
        Relative error that the rule may have, in addition to the measured error of the numeric
        derivative. There is no step size and no absolute tolerance to choose.
    order : 1
        A second-order rule is checked as a rule of its own, see the error for any other order.
    raise_exception : bool
        Whether to raise if the check fails; the report is returned otherwise.

    Returns
    -------
    Report
        True if nothing speaks against the rule. Where the evidence contradicts itself the outcome
        is "unsure": the report is true, but a warning says so.

    Raises
    ------
    GradientError
        If the check fails; its text is the report.
    """
    __tracebackhide__ = True
    if order != 1:
        raise ValueError(
            f"check_vjp sees a first-order rule, which tells nothing of order={order}. Check the "
            "rule of the rule: check_vjp(lambda g, *xs: vjp(g, f(*xs), *xs)[0], vjp2, (g, *inputs))"
        )
    report = examine(f, vjp, inputs, rng=rng, rtol=rtol)
    if raise_exception and not report:
        raise GradientError(str(report))
    if report.outcome == "unsure":
        warnings.warn(str(report), stacklevel=2)
    return report


def examine(f, vjp, inputs, *, rng=None, rtol=1e-9):
    """The report on a rule; never raises for what f, the rule or the inputs do wrong."""
    drawn = not isinstance(rng, int | np.integer)
    seed = int(np.random.default_rng(rng).integers(2**32)) if drawn else int(rng)
    report, rng, subject = Report(seed), np.random.default_rng(seed), None
    with np.errstate(all="ignore"):  # trial points may leave f's domain
        try:
            subject = Subject(f, vjp, inputs)
            check_contract(subject, rng)
            check_slopes(subject, rng, rtol, report)
        except SubjectError as error:
            report.fail(error.outcome, str(error))
        finally:
            if subject is not None:
                subject.restore()
    return report
