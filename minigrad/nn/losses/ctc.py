"""Connectionist temporal classification: the loss of a sequence of labels without their places in time."""

from typing import Any

import numpy as np

from ...core.door import plain, raise_if, unwrap
from ...core.primitive import general
from ...core.short import public
from ...ops.functions import logsumexp, mean, reshape, take_along_axis, where
from ...ops.functions import sum as total
from ...rules.indexing import take_at
from ...rules.network import softmax, vanishing_exp
from ..precision import as_constant, as_input, rounded_back, widened
from ..sizes import checked_integer
from .reduction import Loss, check_reduction

NEVER = -1e30  # the logarithm of what cannot be: unlike -inf, differences of it are numbers
INFINITE = 5e29  # a loss above this has something in it that cannot be

# A path goes through states, the labels with a blank before, between and behind them. From one time to the next it
# stays in its state, goes to the next one, or leaves a blank out; `jump` is 0 where it may, and NEVER elsewhere.


def _ways(before, jump):
    # The logarithms of where a path may come from: the state itself, the one before, and the one before that.
    none = np.full_like(before, NEVER, shape=(*before.shape[:-1], 2))
    wide = np.concatenate([none, before], axis=-1)
    return before, wide[..., 1:-1], wide[..., :-2] + jump


def path_sums(scores, jump):
    """The logarithm of the sum over all paths to each state at each time of the product of their probabilities.

    `scores`, of shape (time, batch, states), are the logarithms of the probability of each state's label; `jump` is of
    shape (batch, states). A path begins in one of the first two states.
    """
    first = np.where(np.arange(scores.shape[2], like=scores) < 2, 0.0, NEVER).astype(scores.dtype)
    sums = [scores[0] + first]
    for t in range(1, scores.shape[0]):
        stay, step, leap = _ways(sums[-1], jump)
        top = np.maximum(np.maximum(stay, step), leap)
        odds = vanishing_exp(stay - top) + vanishing_exp(step - top) + vanishing_exp(leap - top)
        sums.append(top + np.log(odds) + scores[t])
    return np.stack(sums)


# The partials are the shares that the ways have in their sum: those of all times are found together.


def _path_shares(y, jump):
    return softmax(np.stack(_ways(y[:-1], jump)), axis=0)


def _path_sums(g, y, scores, jump):
    if y.shape[0] == 1:
        return g
    stay, step, leap = _path_shares(y, jump)
    states = y.shape[2]
    none = np.zeros_like(g, shape=(g.shape[1], 2))
    pulled = [g[-1]]
    for t in range(g.shape[0] - 2, -1, -1):
        after = pulled[-1]
        one = np.concatenate([after * step[t], none], axis=1)[:, 1 : states + 1]
        two = np.concatenate([after * leap[t], none], axis=1)[:, 2:]
        pulled.append(g[t] + after * stay[t] + one + two)
    return np.stack(pulled[::-1])


def _path_sums_forward(t, y, scores, jump):
    if y.shape[0] == 1:
        return t
    stay, step, leap = _path_shares(y, jump)
    none = np.zeros_like(t, shape=(t.shape[1], 2))
    pushed = [t[0]]
    for i in range(1, t.shape[0]):
        before = np.concatenate([none, pushed[-1]], axis=1)
        pushed.append(t[i] + pushed[-1] * stay[i - 1] + before[:, 1:-1] * step[i - 1] + before[:, :-2] * leap[i - 1])
    return np.stack(pushed)


def _of_all_examples(call):
    scores, jump = np.swapaxes(call.full(0), 0, 1), call.full(1)
    times, _, _, states = scores.shape
    sums = call.result([np.reshape(scores, (times, -1, states)), np.reshape(jump, (-1, states))])
    return np.swapaxes(np.reshape(sums, (times, call.size, -1, states)), 0, 1)


path_sums = public(
    general(path_sums, _path_sums, None, forward=[_path_sums_forward, None], reads=[(1,)], batch=_of_all_examples)
)


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """The negative logarithm of the probability of a sequence of labels, whatever their places in time.

    A label may last several times, and any number of blanks may stand between labels, before and behind them.

    Parameters
    ----------
    log_probs : array of shape (time, batch, classes) or (time, classes)
        Logarithms of probabilities, as of log_softmax.
    targets : array of integers, of shape (batch, length), or (total,) for all sequences one after the other
        Labels from 0 to classes - 1 without the blank. What stands behind the end of a row does not count.
    input_lengths : integers, of shape (batch,) or ()
        How many times there are in each example, from 1 on.
    target_lengths : integers, of shape (batch,) or ()
        How many labels there are in each example.
    blank : int
        The class that stands for no label.
    reduction : {"mean", "sum", "none"}
        Over the examples; for the mean each loss is over the number of its labels, as in PyTorch.
    zero_infinity : bool
        Whether an infinite loss, as of a target that does not fit into the times there are, counts 0. It has a
        gradient of 0 in any case.

    Raises
    ------
    TypeError
        If the blank is not an integer.
    ValueError
        If shapes do not fit, or a label or a length is out of range.

    References
    ----------
    Graves, Fernández, Gomez & Schmidhuber, Connectionist temporal classification, ICML 2006.
    """
    check_reduction(reduction)
    wide = widened("ctc_loss", log_probs)
    if wide.ndim not in (2, 3) or not wide.size:
        raise ValueError(
            f"ctc_loss takes log_probs of shape (time, batch, classes) or (time, classes), none of them 0; got "
            f"{wide.shape}"
        )
    rows = wide if wide.ndim == 3 else wide[:, None]
    times, batch, classes = rows.shape
    if not 0 <= checked_integer("blank of ctc_loss", blank) < classes:
        raise ValueError(f"the blank is one of the {classes} classes, 0 to {classes - 1}; got {blank!r}")
    times = checked_lengths("input_lengths", input_lengths, batch, 1, times)
    counts = checked_lengths("target_lengths", target_lengths, batch, 0, None)
    labels = labels_of(targets, counts, classes, blank)
    loss = -likelihoods(where(plain(rows) < NEVER, NEVER, rows), labels, times, counts, blank)
    loss = where(plain(loss) > INFINITE, 0 if zero_infinity else np.inf, loss)
    if reduction == "mean":
        loss = mean(loss / np.maximum(counts, 1).astype(rows.dtype))
    elif reduction == "sum":
        loss = total(loss)
    return rounded_back(loss if wide.ndim == 3 or reduction != "none" else reshape(loss, ()), log_probs)


def likelihoods(rows: Any, labels: Any, times: Any, counts: Any, blank: int) -> Any:
    """The logarithm of the probability of each row of labels, of which the first `counts` count, at the end of time."""
    blanks = np.full_like(labels, blank)
    pairs = np.reshape(np.stack([blanks, labels], axis=2), (labels.shape[0], -1))
    states = np.concatenate([pairs, np.full_like(labels, blank, shape=(labels.shape[0], 1))], axis=1)
    earlier = np.concatenate([states[:, :2], states[:, :-2]], axis=1)
    jump = np.where((states == blank) | (states == earlier), NEVER, 0.0).astype(rows.dtype)
    indices = np.broadcast_to(states, (rows.shape[0], *states.shape))
    sums = path_sums(take_along_axis(rows, indices, axis=2), jump)
    examples = np.arange(labels.shape[0])
    last, before = (take_at(sums, (times - 1, examples, ends)) for ends in (2 * counts, np.maximum(2 * counts - 1, 0)))
    ends = [reshape(last, (-1, 1)), reshape(where(counts > 0, before, NEVER), (-1, 1))]
    return logsumexp(np.concatenate(ends, axis=1), axis=1)


def checked_lengths(name: str, given: Any, batch: int, low: int, high: int | None) -> Any:
    """Lengths as a plain array of integers, one for each example; refuses all else."""
    given = as_constant(name, as_input(given))
    if given.dtype.kind not in "iu" or given.shape not in ((batch,), () if batch == 1 else (batch,)):
        raise ValueError(
            f"{name} of ctc_loss are integers, one for each of the {batch} examples; got {given.dtype} of {given.shape}"
        )
    given = np.reshape(given, -1).astype(np.intp)
    wanted = f"at least {low}" if high is None else f"from {low} to {high}"
    raise_if(
        (given < low) | (given > (np.inf if high is None else high)),
        lambda: ValueError(f"{name} of ctc_loss are {wanted}; got {unwrap(given).min()} to {unwrap(given).max()}"),
    )
    return given


def labels_of(targets: Any, counts: Any, classes: int, blank: int) -> Any:
    """The labels in rows, with blanks behind their ends; refuses labels out of range."""
    targets, batch, longest = (
        as_constant("target", as_input(targets)),
        counts.shape[0],
        int(np.max(unwrap(counts))),
    )
    if targets.size and targets.dtype.kind not in "iu":
        raise ValueError(f"ctc_loss takes labels that are integers; got {targets.dtype}. Use targets.astype(int)")
    if targets.ndim == 1:
        total_length, given = np.sum(counts), targets.shape[0]
        raise_if(
            total_length != given,
            lambda: ValueError(
                f"targets one after the other are as many as target_lengths add up to, "
                f"{np.max(unwrap(total_length))}; got {given}"
            ),
        )
        places = (np.cumsum(counts) - counts)[:, None] + np.arange(longest)
        targets = take_at(targets, np.minimum(places, max(targets.shape[0] - 1, 0))) if longest else targets[:0]
        targets = np.reshape(targets, (batch, longest))
    elif targets.ndim != 2 or targets.shape[0] != batch or targets.shape[1] < longest:
        raise ValueError(
            f"ctc_loss takes targets of shape ({batch}, {longest}) or longer, or all of them one after the other; got "
            f"{targets.shape}"
        )
    targets = targets[:, :longest].astype(np.intp)
    counted = np.arange(longest) < counts[:, None]
    bad = ((targets < 0) | (targets >= classes) | (targets == blank)) & counted
    raise_if(
        bad,
        lambda: ValueError(
            f"ctc_loss of {classes} classes takes labels 0 to {classes - 1} other than the blank, {blank}; got "
            f"{int(np.broadcast_to(unwrap(targets), unwrap(bad).shape)[unwrap(bad)][0])}"
        ),
    )
    return np.where(counted, targets, blank)


class CTCLoss(Loss):
    """`functional.ctc_loss` as a module.

    Parameters
    ----------
    blank : int
    reduction : {"mean", "sum", "none"}
    zero_infinity : bool
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> Any:
        options = self.blank, self.reduction, self.zero_infinity
        return ctc_loss(log_probs, targets, input_lengths, target_lengths, *options)
