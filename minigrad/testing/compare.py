"""Claimed against measured slopes: entry by entry, or in bulk and then bisected."""

from itertools import compress

import numpy as np

from minigrad.testing import numeric
from minigrad.testing.hygiene import random_cotangent
from minigrad.testing.probe import Probe
from minigrad.testing.report import Entries

# Up to here each entry is moved, and each output pulled, on its own. It is a choice of time: 160
# entries take about a thousand calls of f.
MANY = 160


def check_slopes(subject, rng, rtol, report):
    """Judge every gradient, and tell the report."""
    m, kinks = subject.output.size, []
    mixtures = [random_cotangent(subject.output, rng).ravel() for _ in range(2 if m <= MANY else 6)]
    probe = Probe(subject, np.vstack([np.eye(m if m <= MANY else 0, m), *mixtures]), rng, rtol)
    for k, usable in zip(subject.moving, finite_entries(probe, report), strict=True):
        if usable.size <= MANY:
            directions = coordinates(subject, k, usable)
        else:
            directions = suspects(probe, k, sweeping(subject, k, usable, rng), usable, report)
        kinks += check_entries(probe, k, directions, report)
    check_ties(probe, kinks, report)


def finite_entries(probe, report):
    """For each gradient the finite entries of finite inputs; other gradients are judged here.

    Where f is finite NaN is wrong, and infinity is right only if f's slope has no bound. Where f
    or an input is not finite itself, nothing can be said.
    """
    subject, usable = probe.subject, []
    for k, rows in zip(subject.moving, probe.rows, strict=True):
        finite, known = np.isfinite(rows).all(axis=0), np.isfinite(subject.inputs[k]).reshape(-1)
        usable.append(np.flatnonzero(finite & known))
        for i in np.flatnonzero(~finite & known & subject.finite.all())[:MANY]:
            if not unbounded(probe, *coordinates(subject, k, [i]), rows[:, i]):
                report.not_finite(k, subject.inputs[k], i, rows[~np.isfinite(rows[:, i]), i][0])
                break
        rows[:, ~(finite & known)] = 0
    if not subject.finite.all():
        share = f"{np.count_nonzero(~subject.finite)} of {subject.finite.size}"
        report.remark("passed", f"Not checked: {share} outputs are not finite.")
    return usable


def unbounded(probe, direction, claimed):
    """Whether f's quotients grow without end, with the claimed sign, on at least one side.

    Where a rule multiplies an infinite slope by a cotangent of zero, it gives NaN beside infinity.
    """
    infinite, steps = np.isinf(claimed), np.array([2.0**-10, 2.0**-20, 2.0**-30])
    for side in (steps, -steps):
        slopes = (probe.values([direction], side) - probe.centre) / side[:, None]
        grown = (np.abs(slopes[1:]) > 2 * np.abs(slopes[:-1])).all(axis=0)
        if (grown & (np.sign(slopes[-1]) == np.sign(claimed)))[infinite].all():
            return bool(infinite.any())
    return False


def part(subject, k, v, places):
    """The direction that moves these entries of input k as v does, and nothing else."""
    moved = np.zeros_like(subject.inputs[k])
    moved.flat[places] = v.flat[places]
    return tuple(moved if j == k else None for j in range(len(subject.inputs)))


def coordinates(subject, k, places):
    """Directions that move one entry of input k each."""
    sizes = numeric.size_of(subject.inputs[k])
    return [part(subject, k, sizes, [i]) for i in places]


def sweeping(subject, k, usable, rng):
    """Random directions for a large input: of all its entries, and of the ends of each axis."""
    x, chosen = subject.inputs[k], [usable] * 4
    for axis, indices in enumerate(np.unravel_index(usable, x.shape)):
        if x.shape[axis] > 1:
            chosen += [usable[indices == end] for end in (0, x.shape[axis] - 1)]
    return [part(subject, k, numeric.random_direction(x, rng), p) for p in chosen if p.size]


def suspects(probe, k, directions, usable, report):
    """Single entries to look at in a large input: one that bulk directions convict, and some more.

    Several kinks may pull a sum apart on both sides, so a kink convicts a single entry only.
    """
    chosen = coordinates(probe.subject, k, probe.rng.choice(usable, MANY // 40))
    verdict = probe.judge(directions)
    if verdict.wrong.any():
        culprit = bisect(probe, k, directions[int(np.argmax(verdict.wrong.any(axis=1)))])
        if np.count_nonzero(culprit[k]) == 1:
            return [culprit, *chosen, *coordinates(probe.subject, k, usable[:: usable.size // 40])]
        if not probe.judge([culprit]).kinked.any():
            report.fail("wrong", f"Gradient {k} is wrong in sum, though no entry is found to be.")
    elif verdict.outside.any():
        report.remark("unsure", f"One step size, and no other, contradicts sums of gradient {k}.")
    return chosen


def bisect(probe, k, direction):
    """Halve a wrong direction as long as a half of it is wrong; at best one entry is left."""
    while np.count_nonzero(direction[k]) > 1:
        halves = np.array_split(np.flatnonzero(direction[k]), 2)
        halves = [part(probe.subject, k, direction[k], half) for half in halves]
        wrong = probe.judge(halves).wrong.any(axis=1)
        if not wrong.any():
            break
        direction = halves[int(np.argmax(wrong))]
    return direction


def check_entries(probe, k, directions, report):
    """Report on directions that move one entry of input k each; those that find a kink."""
    if not directions:
        return []
    verdict = probe.acquit(directions, probe.judge(directions))
    place = np.array([np.flatnonzero(d[k])[0] for d in directions])
    sizes = np.array([d[k].flat[i] for d, i in zip(directions, place, strict=True)])
    output = np.arange(verdict.claimed.shape[1])
    output[probe.alone :] = -1
    report.add(Entries.of(probe.subject, k, verdict, sizes, place, output))
    return list(compress(directions, verdict.kinked.any(axis=1)))


def check_ties(probe, kinks, report):
    """Inputs of equal value that each have a kink are moved together.

    max(a, a) has the slopes 0 and 1 on the two sides of each argument, so a rule may answer 1 for
    one of them; but not for both, as their sum is 1. Where the slopes of the members just add up,
    their kinks are independent, and together they tell nothing new.
    """
    groups = {}
    for direction in kinks:
        moves = zip(probe.subject.inputs, direction, strict=True)
        values = [float(x[v != 0][0]) for x, v in moves if v is not None]
        groups.setdefault(values[0], []).append(direction)
    for value, members in groups.items():
        tie = tuple(together(slot) for slot in zip(*members, strict=True))
        apart, joint = sum(map(probe.sides, members)), probe.sides(tie)
        additive = np.abs(joint - apart).max(axis=0) <= 1e-3 * np.abs(apart).max(axis=0)
        verdict = probe.judge([tie]).excuse(additive)
        if verdict.wrong.any():
            report.tie(value, len(members), verdict)


def together(vectors):
    """The sum of what several directions do to one input."""
    moving = [v for v in vectors if v is not None]
    return sum(moving) if moving else None
