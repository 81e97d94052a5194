"""Each gradient against the slopes that f shows, as a report in words for a terminal."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from .slopes import SlopeProbe, Verdict
from .subject import Subject, located

OUTCOMES = (  # ascending; the first three pass
    "passed",
    "passed at a kink",
    "unsure",  # one measurement contradicts the rule and no second confirms it, or f's rounding hides a whole gradient
    "wrong at a kink",  # outside the interval of one-sided slopes
    "wrong",
    "contract broken",  # mutation, aliasing, dtype, shape, staleness, ...
    "cannot check",  # bad input, or code that raised
)
# Up to here each entry is moved, and each output pulled, on its own. It is a choice of time: 160 entries take about a
# thousand calls of f.
MANY = 160


@dataclasses.dataclass
class Report:
    """What a gradient check found: true when nothing contradicts the rule; `str` gives the whole report."""

    seed: int  # `rng=seed` repeats the check
    outcome: str = OUTCOMES[0]  # the gravest that was found
    findings: list[str] = dataclasses.field(default_factory=list)  # what decided it, and what else is worth knowing

    def __bool__(self) -> bool:
        return self.outcome in OUTCOMES[:3]

    def __str__(self) -> str:
        return "\n  ".join([f"Gradient check: {self.outcome}.", *self.findings, f"Repeat with rng={self.seed}."])

    def add(self, outcome: str, *lines: str) -> None:
        """Tell one more thing; the gravest outcome counts."""
        self.outcome = max(self.outcome, outcome, key=OUTCOMES.index)
        self.findings.extend(lines)


def check_slopes(subject: Subject, rtol: float, report: Report, many: int) -> None:
    """Judge every gradient, and add to the report."""
    probe, kinks = SlopeProbe(subject, rtol, many), []
    usable = finite_entries(probe, report)
    for k, slot in subject.slots.items():
        places = np.arange(slot.start, slot.stop)[usable[slot]]
        places = chosen_places(probe, k, places, report, max(many, 1))
        if places.size:
            verdict = probe.judge(probe.entries(places))
            describe(report, probe, k, places, verdict)
            kinks += places[verdict.kinked.any(axis=1)].tolist()
    check_ties(probe, kinks, report)


def finite_entries(probe: SlopeProbe, report: Report) -> np.ndarray:
    """Which entries are finite in gradients and inputs; the others are judged here.

    Where f is finite NaN is wrong, and infinity is right only if f's quotients grow without end, with its sign, on at
    least one side: from one step to the other that of |x|^0.9 grows ninefold, that of x log(x) fivefold. Where a rule
    multiplies an infinite slope by a cotangent of zero, it gives NaN beside infinity.
    """
    subject, known = probe.subject, np.isfinite(probe.subject.point)
    usable = np.isfinite(probe.rows).all(axis=0) & known
    odd = np.flatnonzero(~usable & known)[:MANY]
    if not subject.finite.all():
        report.add("passed", f"Not checked: {(~subject.finite).sum()} of {subject.finite.size} outputs are not finite.")
    elif odd.size:
        claimed, moved, steps = probe.rows[:, odd].T, probe.entries(odd), np.array([[1.0], [-1.0]])
        far, near = ((probe.values(moved, t * steps) - probe.centre) / (t * steps) for t in (2.0**-8, 2.0**-40))
        grown = (np.abs(near) > 3 * np.abs(far)) & (np.sign(near) == np.sign(claimed)[:, None])
        endless = np.isinf(claimed) & grown.any(axis=1)
        wrong = ~endless & (np.isinf(claimed) | np.isnan(claimed) & ~endless.any(axis=1, keepdims=True))
        for i, j in np.argwhere(wrong)[:1]:
            place = located(subject.gradients, odd[i])
            report.add("wrong", f"Gradient {place} is {claimed[i, j]}, where f and its slope are finite.")
    probe.rows[:, ~usable] = 0
    return usable


def chosen_places(probe: SlopeProbe, k: int, places: np.ndarray, report: Report, many: int) -> np.ndarray:
    """At most `many` of the places: those of a block that is wrong as a whole, or some that are drawn.

    Several kinks may pull a sum apart on both sides, so a kink convicts single entries only.
    """
    subject = probe.subject
    while places.size > many:
        parts = np.array_split(places, min(8, places.size))
        blocks = [np.where(np.isin(np.arange(subject.point.size), part), subject.direction(), 0) for part in parts]
        verdict = probe.judge(np.stack(blocks))
        wrong = verdict.votes > 1
        if not wrong.any():
            return subject.rng.choice(places, min(4, places.size), replace=False)
        places, many = parts[np.argmax(wrong.any(axis=1))], max(many // 8, 1)
        if report and (wrong & ~verdict.kinked).any():
            report.add("wrong", f"Gradient {subject.names[k]} is wrong in a sum of {places.size} entries.")
    return places


def check_ties(probe: SlopeProbe, kinks: list[int], report: Report) -> None:
    """Inputs of equal value that each have a kink are moved together.

    max(a, a) has the slopes 0 and 1 on the two sides of each argument, so a rule may return 1 for one of them; but
    not for both, as their sum is 1. Where the slopes of the members just add up, their kinks are independent, and
    together they add nothing new.
    """
    point, t = probe.subject.point, 2.0**-16
    for value in np.unique(point[kinks]):
        members = probe.entries([i for i in kinks if point[i] == value])
        tie = members.sum(axis=0, keepdims=True)
        joint, *apart = probe.values(np.concatenate([tie, members]), [t, -t]) - probe.centre
        additive = np.abs(joint - sum(apart)).max(axis=0) <= 1e-3 * np.abs(sum(apart)).max(axis=0)
        verdict = probe.judge(tie)
        wrong = (verdict.votes > 1) & ~additive
        if wrong.any():
            claimed, numeric, bar = (part[wrong][0] for part in verdict[:3])
            report.add(
                "wrong at a kink",
                f"{len(members)} inputs are tied at {value:g}. Moved together they have the slope {numeric:.6g} +- "
                f"{bar:.1g}, but their gradients add up to {claimed:.6g}: is the tie counted {len(members)} times?",
            )


def describe(report: Report, probe: SlopeProbe, k: int, places: np.ndarray, verdict: Verdict) -> None:
    """Tell of judged slopes (entry of gradient k, output)."""
    (claimed, _, bar, kinked, votes), name = verdict, probe.subject.names[k]
    # Not excluded, but neither would zero be, though the claim matters in its gradient; or nothing was measured at all.
    matters = np.abs(claimed) > 1e-3 * np.max(np.abs(claimed), axis=0)
    vague = (matters & (2 * bar > np.abs(claimed)) | np.isinf(bar)) & (votes == 0) & ~kinked

    def counted(mask: np.ndarray) -> str:
        looked_at = "" if len(places) == probe.subject.inputs[k].size else " looked at"
        return f"{mask.any(axis=1).sum()} of {len(places)} entries{looked_at}"

    if (votes > 1).any():
        text = "; ".join([counted(votes > 1), *patterns(probe, k, places, verdict)])
        outcome = "wrong at a kink" if kinked[votes > 1].all() else "wrong"
        report.add(outcome, farthest(probe, places, verdict, votes > 1), f"Wrong: {text}.")
    elif votes.any():
        text = farthest(probe, places, verdict, votes > 0)
        report.add("unsure", f"One step size, and no other, contradicts the rule. {text}")
    if (kinked & (votes == 0)).any():
        text = f"{counted(kinked & (votes == 0))} of gradient {name} lie between the one-sided slopes of a kink."
        report.add("passed at a kink", text)
    if vague.any():
        text = f"{counted(vague)} of gradient {name} cannot be seen: f's rounding, a jump or an edge hides them."
        report.add("passed" if ((claimed != 0) & ~vague).any() else "unsure", text)


def farthest(probe: SlopeProbe, places: np.ndarray, verdict: Verdict, wrong: np.ndarray) -> str:
    """The entry farthest off, with its error bar; one output says more than a mixture."""
    error, subject = np.where(wrong, np.abs(verdict.claimed - verdict.numeric), -1), probe.subject
    error[:, probe.alone :] -= np.inf if wrong[:, : probe.alone].any() else 0
    i, j = np.unravel_index(np.argmax(error), wrong.shape)
    through = located([("output", subject.output.shape)], int(j)) if j < probe.alone else "a mixture of outputs"
    return (
        f"Gradient {located(subject.gradients, places[i])}, through {through}: analytic "
        f"{probe.rows[j, places[i]]:.10g}, numeric {verdict.numeric[i, j]:.10g} +- {verdict.bar[i, j]:.1g}."
    )


def patterns(probe: SlopeProbe, k: int, places: np.ndarray, verdict: Verdict) -> Iterator[str]:
    """What wrong entries share: a ratio, or what small errors suggest; a transposition; a slab, a sign."""
    subject, wrong = probe.subject, verdict.votes > 1
    x, values, bad = subject.inputs[k], subject.point[places], wrong.any(axis=1)
    known = wrong & (np.abs(verdict.numeric) > 2e3 * verdict.bar)
    ratio = verdict.claimed[known] / verdict.numeric[known]
    if known.any() and np.max(np.abs(ratio - 1)) < 1e-6:
        yield "off by less than 1e-6: single precision or a rounded constant inside the rule?"
    elif (known == wrong).all() and np.ptp(ratio) <= 1e-3 * abs(ratio[0]):
        yield f"analytic = {np.median(ratio):.4g} x numeric"
    if x.ndim == 2 and x.shape[0] == x.shape[1] > 1 and len(places) == x.size:
        claimed, numeric = (part[:, -1].reshape(x.shape) for part in verdict[:2])  # of a mixture of outputs
        if np.allclose(claimed, numeric.T, rtol=1e-6, atol=1e-9 * np.max(np.abs(numeric))):
            yield "it is the transpose"
    if bad.all():
        return
    for axis, i in enumerate(np.unravel_index(places[bad] - subject.slots[k].start, x.shape)):
        if bad.sum() > 1 and not np.ptp(i):
            yield f"all at index {i[0]} of axis {axis}"
    for sign, name in (0, "zero"), (-1, "negative"), (1, "positive"):
        if ((np.sign(values) == sign) == bad).all():
            yield f"exactly where input {subject.names[k]} is {name}"
