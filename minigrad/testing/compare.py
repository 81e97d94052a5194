"""Claimed against measured slopes: entry by entry, or in bulk and then bisected."""

from typing import Any

import numpy as np

from .probe import Probe
from .report import Report, add_verdict
from .subject import Subject, located

# Up to here each entry is moved, and each output pulled, on its own. It is a choice of time: 160 entries take about a
# thousand calls of f.
MANY = 160


def check_slopes(subject: Subject, rtol: float, report: Report, many: int) -> None:
    """Judge every gradient, and tell the report."""
    probe, kinks = Probe(subject, rtol, many), []
    usable = finite_entries(probe, report)
    for k, slot in subject.slots:
        places = usable[(usable >= slot.start) & (usable < slot.stop)]
        if places.size > max(many, 1):
            places = suspects(probe, k, places, report)
        if places.size:
            sizes = subject.sizes[places]
            directions = alone(subject, places)
            verdict = probe.acquit(directions, probe.judge(directions))
            add_verdict(report, subject, k, places, verdict.scaled(sizes), probe.alone)
            kinks += places[verdict.kinked.any(axis=1)].tolist()
    check_ties(probe, kinks, report)


def alone(subject: Subject, places: Any) -> list[Any]:
    """Directions that move one entry each."""
    return [(np.array([i]), subject.sizes[i : i + 1]) for i in places]


def finite_entries(probe: Probe, report: Report) -> np.ndarray:
    """The finite entries of gradients at finite inputs; the others are judged here.

    Where f is finite NaN is wrong, and infinity is right only if f's slope has no bound. Where f or an input is not
    finite itself, nothing can be said.
    """
    subject, rows = probe.subject, probe.rows
    finite, known = np.isfinite(rows).all(axis=0), np.isfinite(subject.point)
    for i in np.flatnonzero(~finite & known & subject.finite.all())[:160]:
        if not unbounded(probe, i, rows[:, i]):
            value = rows[~np.isfinite(rows[:, i]), i][0]
            report.fail("wrong", f"Gradient {located(subject.gradients, i)} is {value}, where f is finite.")
            break
    rows[:, ~(finite & known)] = 0
    if not subject.finite.all():
        share = f"{np.count_nonzero(~subject.finite)} of {subject.finite.size}"
        report.remark("passed", f"Not checked: {share} outputs are not finite.")
    return np.flatnonzero(finite & known)


def unbounded(probe: Probe, place: int, claimed: np.ndarray) -> bool:
    """Whether f's quotients grow without end, with the claimed sign, on at least one side.

    Where a rule multiplies an infinite slope by a cotangent of zero, it gives NaN beside infinity. From one step to the
    other the slope of |x|^0.9 grows fourfold.
    """
    direction, infinite = alone(probe.subject, [place])[0], np.isinf(claimed)
    far, near = probe.sides(direction, 2.0**-10), probe.sides(direction, 2.0**-30)
    grown = (np.abs(near) > 3 * np.abs(far)) & (np.sign(near) == np.sign(claimed))
    return bool(infinite.any() and grown[:, infinite].all(axis=1).any())


def suspects(probe: Probe, k: int, usable: np.ndarray, report: Report) -> np.ndarray:
    """Single entries to look at in a large input: one that bulk directions convict, and some more.

    The bulk is all entries, and the ends of each axis. Several kinks may pull a sum apart on both sides, so a kink
    convicts a single entry only.
    """
    subject, bulk = probe.subject, [usable] * 4
    shape = subject.inputs[k].shape
    for axis, indices in enumerate(np.unravel_index(usable - dict(subject.slots)[k].start, shape)):
        if shape[axis] > 1:
            bulk += [usable[indices == end] for end in (0, shape[axis] - 1)]
    directions = [subject.direction(places) for places in bulk if places.size]
    some = subject.rng.choice(usable, 4)
    verdict = probe.judge(directions)
    if verdict.wrong.any():
        culprit = bisect(probe, directions[int(np.argmax(verdict.wrong.any(axis=1)))])
        if culprit[0].size == 1:
            return np.unique([*culprit[0], *some, *usable[:: max(1, usable.size // 40)]])
        if not probe.judge([culprit]).kinked.any():
            report.fail("wrong", f"Gradient {subject.names[k]} is wrong in sum, though no entry is found to be.")
    elif verdict.outside.any():
        report.remark("unsure", f"One step size, and no other, contradicts sums of gradient {subject.names[k]}.")
    return np.unique(some)


def bisect(probe: Probe, direction: Any) -> Any:
    """Halve a wrong direction as long as a half of it is wrong; at best one entry is left."""
    while direction[0].size > 1:
        halves = list(zip(*(np.array_split(part, 2) for part in direction), strict=True))
        wrong = probe.judge(halves).wrong.any(axis=1)
        if not wrong.any():
            break
        direction = halves[int(np.argmax(wrong))]
    return direction


def check_ties(probe: Probe, kinks: list[int], report: Report) -> None:
    """Inputs of equal value that each have a kink are moved together.

    max(a, a) has the slopes 0 and 1 on the two sides of each argument, so a rule may answer 1 for one of them; but
    not for both, as their sum is 1. Where the slopes of the members just add up, their kinks are independent, and
    together they tell nothing new.
    """
    point, sizes = probe.subject.point, probe.subject.sizes
    for value in np.unique(point[kinks]):
        members = np.array([i for i in kinks if point[i] == value])
        tie = members, sizes[members]
        apart, joint = sum(map(probe.sides, alone(probe.subject, members))), probe.sides(tie)
        additive = np.abs(joint - apart).max(axis=0) <= 1e-3 * np.abs(apart).max(axis=0)
        verdict = probe.judge([tie]).excuse(additive)
        if verdict.wrong.any():
            j = int(np.argmax(verdict.wrong[0]))
            claimed, low, high = verdict.claimed[0, j], verdict.low[0, j], verdict.high[0, j]
            report.fail(
                "wrong at a kink",
                f"{members.size} inputs are tied at {value:g}. Moved together they change f by {(low + high) / 2:.6g} "
                f"+- {(high - low) / 2:.1g}, but their gradients add up to {claimed:.6g}: is the tie counted "
                f"{members.size} times?",
            )
