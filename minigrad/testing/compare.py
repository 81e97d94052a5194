"""Claimed against measured slopes of each entry; of a large input in blocks, down to the entry that is wrong."""

import numpy as np

from .probe import Probe
from .report import Report, describe
from .subject import Subject, located

# Up to here each entry is moved, and each output pulled, on its own. It is a choice of time: 160 entries take about a
# thousand calls of f.
MANY = 160


def check_slopes(subject: Subject, rtol: float, report: Report, many: int) -> None:
    """Judge every gradient, and tell the report."""
    probe, kinks = Probe(subject, rtol, many), []
    usable = finite_entries(probe, report)
    for k, slot in subject.slots.items():
        places = usable[(usable >= slot.start) & (usable < slot.stop)]
        places = narrowed(probe, k, places, report, max(many, 1))
        if places.size:
            verdict = probe.judge(probe.entries(places))
            describe(report, subject, k, places, verdict, probe.alone)
            kinks += places[verdict.kinked.any(axis=1)].tolist()
    check_ties(probe, kinks, report)


def finite_entries(probe: Probe, report: Report) -> np.ndarray:
    """The finite entries of gradients at finite inputs; the others are judged here.

    Where f is finite NaN is wrong, and infinity is right only if f's quotients grow without end, with its sign, on at
    least one side: from one step to the other the slope of |x|^0.9 grows fourfold. (Where a rule multiplies an infinite
    slope by a cotangent of zero, it gives NaN beside infinity.) Where f or an input is not finite itself, nothing can
    be said.
    """
    subject, rows = probe.subject, probe.rows
    finite, known = np.isfinite(rows).all(axis=0), np.isfinite(subject.point)
    for i in np.flatnonzero(~finite & known & subject.finite.all())[:MANY]:
        far, near = (probe.sides(probe.entries([i]), t)[0] for t in (2.0**-10, 2.0**-30))
        grown = (np.abs(near) > 3 * np.abs(far)) & (np.sign(near) == np.sign(rows[:, i]))
        infinite = np.isinf(rows[:, i])
        if not (infinite.any() and grown[:, infinite].all(axis=1).any()):
            value = rows[~np.isfinite(rows[:, i]), i][0]
            report.add("wrong", f"Gradient {located(subject.gradients, i)} is {value}, where f is finite.")
            break
    rows[:, ~(finite & known)] = 0
    if not subject.finite.all():
        share = f"{np.count_nonzero(~subject.finite)} of {subject.finite.size}"
        report.add("passed", f"Not checked: {share} outputs are not finite.")
    return np.flatnonzero(finite & known)


def narrowed(probe: Probe, k: int, places: np.ndarray, report: Report, many: int) -> np.ndarray:
    """At most `many` of the places: those of a block that is wrong as a whole, or some that are drawn.

    Several kinks may pull a sum apart on both sides, so a kink convicts single entries only.
    """
    subject, name = probe.subject, probe.subject.names[k]
    while places.size > many:
        parts = np.array_split(places, min(8, places.size))
        blocks = np.zeros((len(parts), subject.point.size))
        for block, part in zip(blocks, parts, strict=True):
            block[part] = subject.direction()[part]
        verdict = probe.judge(blocks)
        wrong = verdict.wrong.any(axis=1)
        if not wrong.any():
            if verdict.outside.any():
                report.add("unsure", f"One step size, and no other, contradicts sums of gradient {name}.")
            return np.sort(subject.rng.choice(places, min(4, places.size), replace=False))
        places, many = parts[np.argmax(wrong)], max(many // 8, 1)
        if report and (verdict.wrong & ~verdict.kinked).any():
            report.add("wrong", f"Gradient {name} is wrong in a sum of {places.size} entries.")
    return places


def check_ties(probe: Probe, kinks: list[int], report: Report) -> None:
    """Inputs of equal value that each have a kink are moved together.

    max(a, a) has the slopes 0 and 1 on the two sides of each argument, so a rule may answer 1 for one of them; but
    not for both, as their sum is 1. Where the slopes of the members just add up, their kinks are independent, and
    together they tell nothing new.
    """
    point = probe.subject.point
    for value in np.unique(point[kinks]):
        members = probe.entries([i for i in kinks if point[i] == value])
        tie = members.sum(axis=0, keepdims=True)
        apart, joint = probe.sides(members).sum(axis=0), probe.sides(tie)[0]
        additive = np.abs(joint - apart).max(axis=0) <= 1e-3 * np.abs(apart).max(axis=0)
        verdict = probe.judge(tie)
        wrong = verdict.wrong[0] & ~additive
        if wrong.any():
            j = int(np.argmax(wrong))
            claimed, low, high = verdict.claimed[0, j], verdict.low[0, j], verdict.high[0, j]
            report.add(
                "wrong at a kink",
                f"{len(members)} inputs are tied at {value:g}. Moved together they change f by {(low + high) / 2:.6g} "
                f"+- {(high - low) / 2:.1g}, but their gradients add up to {claimed:.6g}: is the tie counted "
                f"{len(members)} times?",
            )
