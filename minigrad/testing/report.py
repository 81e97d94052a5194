"""The report of a gradient check: what was found, in words for a terminal."""

import dataclasses
from typing import NamedTuple

import numpy as np


@dataclasses.dataclass
class Report:
    """What a gradient check found. True when nothing speaks against the rule; `str` tells all.

    Attributes
    ----------
    outcome : str
        Failures: "cannot check" (bad input, or code that raised), "contract broken" (mutation,
        aliasing, dtype, shape, staleness, ...), "wrong", "wrong at a kink" (outside the interval
        of one-sided slopes). Passes: "passed", "passed at a kink", "unsure" (one measurement
        contradicts the rule and no second confirms it, or f's rounding hides a whole gradient;
        `check_vjp` warns).
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

    def fail(self, outcome, *lines):
        """The first failure names the outcome; more of them are told as well."""
        self.outcome = outcome if self else self.outcome
        self.findings.extend(lines)

    def remark(self, outcome, line):
        self.outcome = outcome if self.outcome == "passed" else self.outcome
        self.remarks.append(line)

    def not_finite(self, k, x, place, value):
        where = indexed(place, x.shape)
        self.fail("wrong", f"Gradient {k} at {where} is {value}, where f is finite.")

    def tie(self, value, members, verdict):
        j = int(np.argmax(verdict.wrong[0]))
        claimed, low, high = verdict.claimed[0, j], verdict.low[0, j], verdict.high[0, j]
        self.fail(
            "wrong at a kink",
            f"{members} inputs are tied at {value:g}. Moved together they change f by "
            f"{(low + high) / 2:.6g} +- {(high - low) / 2:.1g}, but their gradients add up to "
            f"{claimed:.6g}: is the tie counted {members} times?",
        )

    def add(self, entries):
        """Take in the judged entries of one gradient."""
        wrong, kinked = entries.wrong, entries.kinked & ~entries.outside
        share = f"of gradient {entries.k}"
        if wrong.any():
            at_kink = entries.kinked[wrong].all()
            self.fail("wrong at a kink" if at_kink else "wrong", *describe(entries, wrong))
        elif entries.outside.any():
            first, *_ = describe(entries, entries.outside)
            self.remark("unsure", f"One step size, and no other, contradicts the rule. {first}")
        if kinked.any():
            told = f"{count(entries, kinked)} {share} lie between the one-sided slopes of a kink."
            self.remark("passed at a kink", told)
        if entries.vague.any():
            seen = (entries.analytic != 0) & ~entries.vague
            hidden = count(entries, entries.vague)
            told = f"{hidden} {share} are below what f's rounding lets one see."
            self.remark("passed" if seen.any() else "unsure", told)


class Entries(NamedTuple):
    """Judged derivatives of outputs with respect to entries of input k; flat arrays."""

    k: int
    x: np.ndarray
    shape: tuple  # of the output
    place: np.ndarray  # which entry of x
    output: np.ndarray  # which output, -1 for a mixture of all
    analytic: np.ndarray
    low: np.ndarray
    high: np.ndarray
    outside: np.ndarray
    wrong: np.ndarray
    kinked: np.ndarray
    vague: np.ndarray

    @classmethod
    def of(cls, subject, k, verdict, sizes, place, output):
        """From a verdict on directions that move one entry each, by `sizes`."""
        v, column = verdict, (slice(None), None)
        numbers = [np.asarray(a) / sizes[column] for a in (v.claimed, v.low, v.high)]
        masks = v.outside, v.wrong, v.kinked, v.vague
        arrays = np.broadcast_arrays(place[column], output, *numbers, *masks)
        place, output, analytic, low, high, *masks = (a.reshape(-1) for a in arrays)
        low, high = np.minimum(low, high), np.maximum(low, high)  # sizes may be negative
        x = subject.inputs[k]
        return cls(k, x, subject.output.shape, place, output, analytic, low, high, *masks)

    @property
    def numeric(self):
        return (self.low + self.high) / 2


def describe(entries, wrong):
    """The worst of the wrong entries, then how many there are and what they have in common."""
    error = np.where(wrong, np.abs(entries.analytic - entries.numeric), -1)
    alone = wrong & (entries.output >= 0)  # one output says more than a mixture
    worst = int(np.argmax(np.where(alone, error, -1) if alone.any() else error))
    index, output = indexed(entries.place[worst], entries.x.shape), entries.output[worst]
    through = f"output {indexed(output, entries.shape)}" if output >= 0 else "a mixture of outputs"
    bar = (entries.high[worst] - entries.low[worst]) / 2
    yield (
        f"Gradient {entries.k} at {index}, through {through}: "
        f"analytic {entries.analytic[worst]:.10g}, "
        f"numeric {entries.numeric[worst]:.10g} +- {bar:.1g}."
    )
    patterns = common_ratio(entries, wrong), transposed(entries), located(entries, wrong)
    yield "Wrong: " + "; ".join([count(entries, wrong), *filter(None, patterns)])


def count(entries, mask):
    """'2 of 6 entries', where those are counted that were looked at."""
    seen, all_seen = np.unique(entries.place[mask]).size, np.unique(entries.place).size
    return f"{seen} of {all_seen} entries" + ("" if all_seen == entries.x.size else " looked at")


def indexed(i, shape):
    return "(" + ", ".join(str(j) for j in np.unravel_index(i, shape)) + ")"


def common_ratio(entries, wrong):
    """A factor that all wrong entries share, or what their small errors suggest."""
    analytic, numeric = entries.analytic[wrong], entries.numeric[wrong]
    if not analytic.any():
        return "the analytic value is zero"
    known = np.abs(numeric) > 1e3 * (entries.high - entries.low)[wrong]
    if not known.any():
        return ""
    ratio = analytic[known] / numeric[known]
    if np.max(np.abs(ratio - 1)) < 1e-6:
        return "off by less than 1e-6: single precision or a rounded constant inside the rule?"
    if known.all() and np.ptp(ratio) < 1e-3 * np.abs(ratio[0]):
        return f"analytic = {np.median(ratio):.4g} x numeric"
    return ""


def transposed(entries):
    """Whether the whole gradient (of a mixture of outputs) is that of a square matrix, flipped."""
    square = entries.x.ndim == 2 and entries.x.shape[0] == entries.x.shape[1] > 1
    mixture = np.flatnonzero(entries.output < 0)
    if not square or mixture.size == 0 or mixture.size % entries.x.size:
        return ""
    one = mixture[:: mixture.size // entries.x.size]  # one of the mixtures, at each entry
    analytic, numeric = (a[one].reshape(entries.x.shape) for a in (entries.analytic, entries.numeric))
    flipped = np.allclose(analytic, numeric.T, rtol=1e-6, atol=1e-9 * np.max(np.abs(numeric)))
    return "it is the transpose" if flipped else ""


def located(entries, wrong):
    """What tells the wrong entries from the right ones: a slab, a sign, a size."""
    bad = np.unique(entries.place[wrong])
    x = entries.x.reshape(-1)
    good = np.setdiff1d(entries.place, bad)
    if not good.size or not bad.size:
        return ""
    if bad.size > 1:
        for axis, indices in enumerate(np.unravel_index(bad, entries.x.shape)):
            if np.ptp(indices) == 0:
                return f"all at index {indices[0]} of axis {axis}"
    for name, test in (("zero", x == 0), ("negative", x < 0), ("positive", x > 0)):
        if test[bad].all() and not test[good].any():
            return f"exactly where input {entries.k} is {name}"
    if np.abs(x[bad]).min() > np.abs(x[good]).max():
        return f"only where |input {entries.k}| >= {np.abs(x[bad]).min():.3g}"
    return ""
