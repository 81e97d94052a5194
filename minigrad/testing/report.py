"""The report of a gradient check: what was found, in words for a terminal."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from .probe import Verdict
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


@dataclasses.dataclass
class Report:
    """What a gradient check found: true when nothing speaks against the rule; `str` tells all.

    Attributes
    ----------
    seed : int
        `rng=seed` repeats the check.
    outcome : str
        The gravest of `OUTCOMES` that was found.
    findings : list of str
        What decided the outcome, and what else is worth knowing.
    """

    seed: int
    outcome: str = OUTCOMES[0]
    findings: list[str] = dataclasses.field(default_factory=list)

    def __bool__(self) -> bool:
        return self.outcome in OUTCOMES[:3]

    def __str__(self) -> str:
        return "\n  ".join([f"Gradient check: {self.outcome}.", *self.findings, f"Repeat with rng={self.seed}."])

    def add(self, outcome: str, *lines: str) -> None:
        """Tell one more thing; the gravest outcome counts."""
        self.outcome = max(self.outcome, outcome, key=OUTCOMES.index)
        self.findings.extend(lines)


def describe(report: Report, subject: Subject, k: int, places: np.ndarray, verdict: Verdict, alone: int) -> None:
    """Tell of judged slopes (entry of gradient k, output); the first outputs are seen alone, the others mixtures."""
    unit = subject.sizes[places, None]
    verdict = verdict._replace(claimed=verdict.claimed / unit, low=verdict.low / unit, high=verdict.high / unit)
    claimed, wrong, outside, kinked = verdict.claimed, verdict.wrong, verdict.outside, verdict.kinked & ~verdict.outside
    share, size = f"of gradient {subject.names[k]}", subject.inputs[k].size
    # Not excluded, but neither would zero be, though the claim matters in its gradient; or nothing was measured at all.
    matters, width = np.abs(claimed) > 1e-3 * np.max(np.abs(claimed), axis=0), verdict.high - verdict.low
    vague = (matters & (width > np.abs(claimed)) | np.isinf(width)) & ~outside & ~kinked
    if wrong.any():
        told = "; ".join([counted(wrong, size), *patterns(subject, k, places, verdict)])
        outcome = "wrong at a kink" if verdict.kinked[wrong].all() else "wrong"
        report.add(outcome, worst(subject, places, verdict, wrong, alone), f"Wrong: {told}.")
    elif outside.any():
        told = worst(subject, places, verdict, outside, alone)
        report.add("unsure", f"One step size, and no other, contradicts the rule. {told}")
    if kinked.any():
        report.add("passed at a kink", f"{counted(kinked, size)} {share} lie between the one-sided slopes of a kink.")
    if vague.any():
        outcome = "passed" if ((claimed != 0) & ~vague).any() else "unsure"
        report.add(
            outcome, f"{counted(vague, size)} {share} cannot be seen: f's rounding, a jump or an edge hides them."
        )


def counted(mask: np.ndarray, size: int) -> str:
    """'2 of 6 entries', where those are counted that were looked at."""
    return f"{mask.any(axis=1).sum()} of {len(mask)} entries" + ("" if len(mask) == size else " looked at")


def worst(subject: Subject, places: np.ndarray, verdict: Verdict, wrong: np.ndarray, alone: int) -> str:
    """The worst of the wrong entries, with its error bar; one output says more than a mixture."""
    numeric = (verdict.low + verdict.high) / 2
    error = np.where(wrong, np.abs(verdict.claimed - numeric), -1)
    error[:, alone:] -= np.inf if wrong[:, :alone].any() else 0
    i, j = np.unravel_index(np.argmax(error), wrong.shape)
    through = located(subject.outputs, int(j)) if j < alone else "a mixture of outputs"
    return (
        f"Gradient {located(subject.gradients, places[i])}, through {through}: analytic {verdict.claimed[i, j]:.10g}, "
        f"numeric {numeric[i, j]:.10g} +- {(verdict.high[i, j] - verdict.low[i, j]) / 2:.1g}."
    )


def patterns(subject: Subject, k: int, places: np.ndarray, verdict: Verdict) -> Iterator[str]:
    """What wrong entries share: a ratio, or what small errors suggest; a transposition; a slab, a sign, a size."""
    x, values, numeric = subject.inputs[k], subject.point[places], (verdict.low + verdict.high) / 2
    bad, name = verdict.wrong.any(axis=1), f"input {subject.names[k]}"
    known = verdict.wrong & (np.abs(numeric) > 1e3 * (verdict.high - verdict.low))
    ratio = verdict.claimed[known] / numeric[known]
    if not verdict.claimed[verdict.wrong].any():
        yield "the analytic value is zero"
    elif known.any() and np.max(np.abs(ratio - 1)) < 1e-6:
        yield "off by less than 1e-6: single precision or a rounded constant inside the rule?"
    elif (known == verdict.wrong).all() and np.ptp(ratio) < 1e-3 * abs(ratio[0]):
        yield f"analytic = {np.median(ratio):.4g} x numeric"
    if x.ndim == 2 and x.shape[0] == x.shape[1] > 1 and len(places) == x.size:
        analytic, measured = (a[:, -1].reshape(x.shape) for a in (verdict.claimed, numeric))  # of a mixture of outputs
        if np.allclose(analytic, measured.T, rtol=1e-6, atol=1e-9 * np.max(np.abs(measured))):
            yield "it is the transpose"
    if bad.all():
        return
    for axis, i in enumerate(np.unravel_index(places[bad] - subject.slots[k].start, x.shape)):
        if bad.sum() > 1 and not np.ptp(i):
            yield f"all at index {i[0]} of axis {axis}"
    for sign, test in ("zero", values == 0), ("negative", values < 0), ("positive", values > 0):
        if (test == bad).all():
            yield f"exactly where {name} is {sign}"
    if np.abs(values[bad]).min() > np.abs(values[~bad]).max():
        yield f"only where |{name}| >= {np.abs(values[bad]).min():.3g}"
