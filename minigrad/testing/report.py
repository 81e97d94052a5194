"""The report of a gradient check: what was found, in words for a terminal."""

import dataclasses

import numpy as np

from .subject import Subject, located
from .verdict import Verdict


@dataclasses.dataclass
class Report:
    """What a gradient check found. True when nothing speaks against the rule; `str` tells all.

    Attributes
    ----------
    outcome : str
        Failures: "cannot check" (bad input, or code that raised), "contract broken" (mutation, aliasing, dtype, shape,
        staleness, ...), "wrong", "wrong at a kink" (outside the interval of one-sided slopes). Passes: "passed",
        "passed at a kink", "unsure" (one measurement contradicts the rule and no second confirms it, or f's rounding
        hides a whole gradient; the check warns).
    findings, remarks : list of str
        What failed the check; what else is worth knowing.
    seed : int
        `rng=seed` repeats the check.
    """

    seed: int
    outcome: str = "passed"
    findings: list[str] = dataclasses.field(default_factory=list)
    remarks: list[str] = dataclasses.field(default_factory=list)

    def __bool__(self) -> bool:
        return not self.findings

    def __str__(self) -> str:
        lines = [f"Gradient check: {self.outcome}.", *self.findings, *self.remarks]
        return "\n  ".join([*lines, f"Repeat with rng={self.seed}."])

    def fail(self, outcome: str, *lines: str) -> None:
        """The first failure names the outcome; more of them are told as well."""
        self.outcome = outcome if self else self.outcome
        self.findings.extend(lines)

    def remark(self, outcome: str, line: str) -> None:
        self.outcome = outcome if self.outcome == "passed" else self.outcome
        self.remarks.append(line)


def add_verdict(report: Report, subject: Subject, k: int, places: np.ndarray, verdict: Verdict, alone: int) -> None:
    """Tell of judged slopes (entry of gradient k, output); the first outputs are seen alone, the others mixtures."""
    wrong, outside, kinked, vague = verdict.wrong, verdict.outside, verdict.kinked, verdict.vague
    share = f"of gradient {subject.names[k]}"
    if wrong.any():
        patterns = (
            common_ratio(verdict, wrong),
            transposed(subject, k, verdict),
            pattern_of_places(subject, k, places, wrong),
        )
        told = "; ".join([counted(wrong, subject.inputs[k].size), *filter(None, patterns)])
        outcome = "wrong at a kink" if kinked[wrong].all() else "wrong"
        report.fail(outcome, worst(subject, places, verdict, wrong, alone), f"Wrong: {told}.")
    elif outside.any():
        told = worst(subject, places, verdict, outside, alone)
        report.remark("unsure", f"One step size, and no other, contradicts the rule. {told}")
    if (kinked & ~outside).any():
        told = counted(kinked & ~outside, subject.inputs[k].size)
        report.remark("passed at a kink", f"{told} {share} lie between the one-sided slopes of a kink.")
    if vague.any():
        seen = ((verdict.claimed != 0) & ~vague).any()
        told = f"{counted(vague, subject.inputs[k].size)} {share} are below what f's rounding lets one see."
        report.remark("passed" if seen else "unsure", told)


def worst(subject: Subject, places: np.ndarray, verdict: Verdict, wrong: np.ndarray, alone: int) -> str:
    """The worst of the wrong entries, with its error bar; one output says more than a mixture."""
    numeric = (verdict.low + verdict.high) / 2
    error = np.where(wrong, np.abs(verdict.claimed - numeric), -1)
    single = wrong & (np.arange(wrong.shape[1]) < alone)
    i, j = np.unravel_index(np.argmax(np.where(single, error, -1) if single.any() else error), wrong.shape)
    through = located(subject.outputs, int(j)) if j < alone else "a mixture of outputs"
    return (
        f"Gradient {located(subject.gradients, places[i])}, through {through}: analytic {verdict.claimed[i, j]:.10g}, "
        f"numeric {numeric[i, j]:.10g} +- {(verdict.high[i, j] - verdict.low[i, j]) / 2:.1g}."
    )


def counted(mask: np.ndarray, size: int) -> str:
    """'2 of 6 entries', where those are counted that were looked at."""
    return f"{mask.any(axis=1).sum()} of {len(mask)} entries" + ("" if len(mask) == size else " looked at")


def common_ratio(verdict: Verdict, wrong: np.ndarray) -> str:
    """A factor that all wrong entries share, or what their small errors suggest."""
    analytic, low, high = verdict.claimed[wrong], verdict.low[wrong], verdict.high[wrong]
    if not analytic.any():
        return "the analytic value is zero"
    known = np.abs(low + high) > 2e3 * (high - low)
    ratio = 2 * analytic[known] / (low + high)[known]
    if not known.any():
        return ""
    if np.max(np.abs(ratio - 1)) < 1e-6:
        return "off by less than 1e-6: single precision or a rounded constant inside the rule?"
    return (
        f"analytic = {np.median(ratio):.4g} x numeric" if known.all() and np.ptp(ratio) < 1e-3 * abs(ratio[0]) else ""
    )


def transposed(subject: Subject, k: int, verdict: Verdict) -> str:
    """Whether the whole gradient, of a mixture of outputs, is that of a square matrix, flipped."""
    x = subject.inputs[k]
    if x.ndim != 2 or x.size == 1 or x.shape[0] != x.shape[1] or len(verdict.claimed) != x.size:
        return ""
    analytic, numeric = (a[:, -1].reshape(x.shape) for a in (verdict.claimed, (verdict.low + verdict.high) / 2))
    flipped = np.allclose(analytic, numeric.T, rtol=1e-6, atol=1e-9 * np.max(np.abs(numeric)))
    return "it is the transpose" if flipped else ""


def pattern_of_places(subject: Subject, k: int, places: np.ndarray, wrong: np.ndarray) -> str:
    """What tells the wrong entries from the right ones: a slab, a sign, a size."""
    bad, x = wrong.any(axis=1), subject.point[places]
    if bad.all():
        return ""
    indices = np.unravel_index(places[bad] - dict(subject.slots)[k].start, subject.inputs[k].shape)
    slabs = [f"all at index {i[0]} of axis {axis}" for axis, i in enumerate(indices) if bad.sum() > 1 and not np.ptp(i)]
    tests = ("zero", x == 0), ("negative", x < 0), ("positive", x > 0)
    signs = [f"exactly where input {subject.names[k]} is {name}" for name, test in tests if (test == bad).all()]
    large = f"only where |input {subject.names[k]}| >= {np.abs(x[bad]).min():.3g}"
    return next(iter(slabs + signs), large if np.abs(x[bad]).min() > np.abs(x[~bad]).max() else "")
