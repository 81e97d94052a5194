"""A search along a line for a step that satisfies the strong Wolfe conditions."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

ENOUGH_DECREASE, ENOUGH_CURVATURE = 1e-4, 0.9  # c1 and c2 of the conditions, as usual for quasi-Newton methods


PATIENCE = 25  # evaluations after which a search that has found no lower point gives up


class Point(NamedTuple):
    """A place on the line: how far, the value there, the slope along the line, and the gradient."""

    t: float
    value: float
    slope: float
    gradient: Any


def strong_wolfe(
    at: Callable[[float], Point], start: Point, t: float, smallest: float, evaluations: int
) -> tuple[Point, int]:
    """A point with ``value <= start.value + c1 * t * start.slope`` and ``abs(slope) <= c2 * abs(start.slope)``.

    Parameters
    ----------
    at : function of t
        Evaluates a point of the line.
    start : Point
        That of t = 0, where the slope is negative.
    t : float > 0
        The first guess.
    smallest : float
        The length of an interval that is not searched further.
    evaluations : int
        How many may be made after the first one, or up to 25 while no point lies below the start. If they do not
        suffice, the answer is the best point of the last interval.

    Returns
    -------
    Point, int
        And how many evaluations were made.

    References
    ----------
    Nocedal & Wright, Numerical optimization, 2nd edition, algorithms 3.5 and 3.6; the choice of trial points is that
    of minFunc (M. Schmidt, 2005), which PyTorch uses as well.
    """
    bracket, made = bracketed(at, start, t, evaluations)
    if len(bracket) == 1:
        return bracket[0], made
    return narrowed(at, start, bracket, smallest, made, evaluations)


def decreases(point: Point, start: Point) -> bool:
    """The first condition: the value has fallen by enough for the way gone."""
    return point.value <= start.value + ENOUGH_DECREASE * point.t * start.slope


def flattens(point: Point, start: Point) -> bool:
    """The second condition: the slope is small beside that at the start."""
    return abs(point.slope) <= -ENOUGH_CURVATURE * start.slope


def bracketed(at: Callable[[float], Point], start: Point, t: float, evaluations: int) -> tuple[list[Point], int]:
    """Go on until a point is good, which is answered alone, or one lies between the last two."""
    before, point = start, at(t)
    for made in range(evaluations):
        if not decreases(point, start) or (made > 1 and point.value >= before.value):
            return [before, point], made + 1
        if flattens(point, start):
            return [point], made + 1
        if point.slope >= 0:
            return [before, point], made + 1
        low, high = point.t + 0.01 * (point.t - before.t), 10 * point.t
        before, point = point, at(cubic_minimum(before, point, low, high))
    return [start, point], evaluations + 1


def narrowed(
    at: Callable[[float], Point], start: Point, bracket: list[Point], smallest: float, made: int, evaluations: int
) -> tuple[Point, int]:
    """Narrow an interval down until its lower end is good."""
    low, high = (0, 1) if bracket[0].value <= bracket[1].value else (1, 0)
    stalled = False
    while (made <= evaluations or (not bracket[low].t and made < PATIENCE)) and abs(
        bracket[1].t - bracket[0].t
    ) >= smallest:
        left, right = min(p.t for p in bracket), max(p.t for p in bracket)
        t, stalled = away_from_ends(cubic_minimum(bracket[0], bracket[1], left, right), left, right, stalled)
        point = at(t)
        made += 1
        if not decreases(point, start) or point.value >= bracket[low].value:
            bracket[high] = point
            low, high = (0, 1) if bracket[0].value <= bracket[1].value else (1, 0)
            continue
        if flattens(point, start):
            return point, made
        if point.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = point
    return bracket[low], made


def away_from_ends(t: float, low: float, high: float, stalled: bool) -> tuple[float, bool]:
    """A trial point that does not come near the same end twice, and whether this one does."""
    margin = 0.1 * (high - low)
    if min(high - t, t - low) >= margin:
        return t, False
    if stalled or t >= high or t <= low:
        return (high - margin if abs(t - high) < abs(t - low) else low + margin), False
    return t, True


def cubic_minimum(a: Point, b: Point, low: float, high: float) -> float:
    """Where the cubic with the values and slopes of two points is least, between `low` and `high`."""
    a, b = sorted((a, b), key=lambda p: p.t)
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:  # there is no minimum, or the values are not finite
        return (low + high) / 2
    d2 = math.sqrt(square)
    divisor = b.slope - a.slope + 2 * d2
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / divisor) if divisor else math.nan
    return min(max(t, low), high) if math.isfinite(t) else (low + high) / 2
