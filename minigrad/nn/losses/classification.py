"""Losses of classes: labels, or a probability for each class."""

import math
from typing import Any

import numpy as np

from ...core.door import plain, raise_if, unwrap
from ...ops.functions import log_softmax, mean, moveaxis, reshape, take_along_axis
from ...ops.functions import sum as total
from ...rules.indexing import take_at
from ..precision import as_constant, as_input, rounded_back, widened
from ..sizes import checked_number
from .labels import Exponentials, label_loss
from .reduction import WeightedLoss, check_reduction, fitting, share, sizes


def cross_entropy(
    x: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    """The negative logarithm of the softmax of `x`, at the label or averaged with the probabilities of `target`.

    Parameters
    ----------
    x : array of shape (classes,), (batch, classes) or (batch, classes, ...)
        Scores of any size (logits).
    target : array
        Labels, integers from 0 to classes - 1, of the shape of x without its classes; or probabilities, floats of the
        shape of x.
    weight : array of shape (classes,), optional
        A factor for each class. The mean of labels is weighted: it divides by the sum of their weights.
    ignore_index : int, optional
        A label to leave out. None by default, where PyTorch takes -100.
    label_smoothing : float in [0, 1]
        This part of each target is spread evenly over all classes.
    reduction : {"mean", "sum", "none"}
        Over the examples and their places, not over classes; "none" gives an array of the shape of labels.

    Raises
    ------
    ValueError
        If shapes do not fit, a label or an option is out of range, or a mean has only labels that are ignored.
    """
    check_reduction(reduction)
    if not 0 <= checked_number("label_smoothing", label_smoothing) <= 1:
        raise ValueError(f"label_smoothing is from 0 to 1; got {label_smoothing!r}")
    given, x, target = x, widened("cross_entropy", x), as_input(target)
    if target.dtype.kind == "f":
        loss = of_probabilities(x, target, weight, ignore_index, label_smoothing, reduction)
        return loss if x is given else rounded_back(loss, given, target)
    rows, labels, counted, factor = labelled("cross_entropy", x, target, weight, ignore_index)
    if label_smoothing and weight is not None:
        log_p = log_softmax(rows)
        even = -total(share(of_classes(weight, rows), log_p), axis=1) / rows.shape[1]
        loss = (1 - label_smoothing) * times(factor, at_labels(log_p, labels)) + label_smoothing * times(counted, even)
    else:
        loss = times(factor, label_loss(rows, labels, Exponentials(unwrap(rows), label_smoothing > 0), label_smoothing))
    loss = weighted_reduction(loss, factor, target.shape, reduction)
    return loss if x is given else rounded_back(loss, given)


def nll_loss(
    log_p: Any, target: Any, weight: Any = None, ignore_index: int | None = None, reduction: str = "mean"
) -> Any:
    """``-log_p`` at the labels `target`: the `cross_entropy` of what has gone through log_softmax already.

    Parameters
    ----------
    log_p : array of shape (classes,), (batch, classes) or (batch, classes, ...)
        Logarithms of probabilities.
    target : array of integers
        Labels from 0 to classes - 1, of the shape of log_p without its classes.
    weight, ignore_index, reduction : as of `cross_entropy`
    """
    check_reduction(reduction)
    given, log_p = log_p, widened("nll_loss", log_p)
    rows, labels, _, factor = labelled("nll_loss", log_p, target, weight, ignore_index)
    loss = weighted_reduction(times(factor, at_labels(rows, labels)), factor, np.shape(target), reduction)
    return loss if log_p is given else rounded_back(loss, given)


def of_probabilities(x: Any, p: Any, weight: Any, ignore_index: int | None, smoothing: float, reduction: str) -> Any:
    """Cross entropy with a probability for each class; the mean is over examples."""
    if ignore_index is not None:
        raise ValueError("ignore_index is for labels; these targets are probabilities, none of which can be ignored")
    rows = class_rows("cross_entropy", x)
    if p.shape == labels_shape(x) != x.shape:
        raise ValueError(
            f"cross_entropy takes labels that are integers, or a probability for each class, of shape {x.shape}; got "
            f"{p.dtype} of {p.shape}. For labels, use target.astype(int)"
        )
    x, p, _ = fitting("cross_entropy", x, p)
    p = class_rows("cross_entropy", p)
    if smoothing:
        p = (1 - smoothing) * p + smoothing / rows.shape[1]
    p = p if weight is None else p * of_classes(weight, rows)
    loss = total(share(-p, log_softmax(rows)), axis=1)
    return weighted_reduction(loss, None, labels_shape(x), reduction)


def labelled(name: str, x: Any, target: Any, weight: Any, ignore_index: int | None) -> tuple[Any, Any, Any, Any]:
    """Rows of scores; their labels, 0 for those to ignore; whether each counts; and its factor. None: all count 1."""
    target = plain(as_input(target))
    rows, shape = class_rows(name, x), labels_shape(x)
    if target.dtype.kind not in "iu" or target.shape != shape:
        raise ValueError(
            f"{name} of scores {x.shape} takes labels, integers of shape {shape}; got {target.dtype} of "
            f"{target.shape}{label_remedy(x.shape, shape, target)}"
        )
    labels, classes, counted = np.reshape(target, -1), rows.shape[1], None
    bad = (labels < 0) | (labels >= classes)
    if ignore_index is not None:
        counted = labels != ignore_index
        bad, labels = bad & counted, np.where(counted, labels, 0)
    raise_if(
        bad,
        lambda: ValueError(f"{name} of {classes} classes takes labels 0 to {classes - 1}; {strangers(target, bad)}"),
    )
    counted = None if counted is None else counted.astype(rows.dtype)
    factor = counted if weight is None else times(counted, take_at(of_classes(weight, rows), labels))
    return rows, labels, counted, factor


def label_remedy(scores: tuple[int, ...], wanted: tuple[int, ...], got: Any) -> str:
    """How to make labels of shape `wanted` of what came for scores of that shape."""
    if got.shape == wanted:
        return ". Use target.astype(int)"
    if got.shape == scores:
        return ". Of a row for each class make labels, as target.argmax(axis=1)"
    if got.shape == scores[:-1]:
        return f". Classes are on axis 1: use np.moveaxis(output, -1, 1) for classes on the last of {len(scores)} axes"
    if math.prod(got.shape) == math.prod(wanted):
        return f". Use target.reshape({'-1' if len(wanted) == 1 else sizes(wanted)})"
    return ""


def strangers(labels: Any, bad: Any) -> str:
    """What came in place of labels."""
    first = int(unwrap(labels).reshape(-1)[unwrap(bad).reshape(-1)][0])
    return f"got {first}. To leave out a label, pass ignore_index={first}" if first < 0 else f"got {first}"


def class_rows(name: str, x: Any) -> Any:
    """Scores with the classes, axis 1 of many, as the last of two axes."""
    if not x.ndim:
        raise ValueError(f"{name} takes scores of shape (classes,), (batch, classes) or (batch, classes, ...); got ()")
    if x.ndim == 2:
        return x
    return reshape(x if x.ndim == 1 else moveaxis(x, 1, -1), (-1, x.shape[min(1, x.ndim - 1)]))


def labels_shape(x: Any) -> tuple[int, ...]:
    """The shape of the labels of scores: theirs without the classes."""
    return x.shape[:1] + x.shape[2:] if x.ndim > 1 else ()


def of_classes(weight: Any, rows: Any) -> Any:
    """The weights of the classes as a plain array."""
    weight = as_constant("weight of classes", weight) if hasattr(weight, "shape") else np.asarray(weight, rows.dtype)
    if weight.shape != rows.shape[1:]:
        remedy = ". Use weight.reshape(-1)" if weight.size == rows.shape[1] else ""
        raise ValueError(
            f"weight has a number for each of the {rows.shape[1]} classes; got shape {weight.shape}{remedy}"
        )
    return weight


def at_labels(log_p: Any, labels: Any) -> Any:
    """The negative of each row at its label."""
    return -reshape(take_along_axis(log_p, labels[:, None], axis=1), -1)


def times(factor: Any, loss: Any) -> Any:
    """The product, where None stands for 1; what counts nothing has no loss, not even an infinite one."""
    return loss if factor is None else share(factor, loss)


def weighted_reduction(loss: Any, factor: Any, shape: tuple[int, ...], reduction: str) -> Any:
    """Losses that have their factors, added up; the mean divides by the sum of the factors."""
    if reduction == "none":
        return reshape(loss, shape)
    if reduction == "sum" or factor is None:
        return mean(loss) if reduction == "mean" else total(loss)
    weight = np.sum(factor)
    raise_if(weight == 0, lambda: ValueError("no label counts: all are ignored or of weight 0, so there is no mean"))
    return total(loss) / weight


class CrossEntropyLoss(WeightedLoss):
    """`functional.cross_entropy` as a module.

    Parameters
    ----------
    weight : array of shape (classes,), optional
        Is part of the state.
    ignore_index : int, optional
    label_smoothing : float in [0, 1]
    reduction : {"mean", "sum", "none"}
    """

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, x: Any, target: Any) -> Any:
        options = self.weight, self.ignore_index, self.label_smoothing, self.reduction
        return cross_entropy(x, target, *options)


class NLLLoss(WeightedLoss):
    """`functional.nll_loss` as a module.

    Parameters
    ----------
    weight : array of shape (classes,), optional
        Is part of the state.
    ignore_index : int, optional
    reduction : {"mean", "sum", "none"}
    """

    def __init__(self, weight: Any = None, ignore_index: int | None = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, log_p: Any, target: Any) -> Any:
        return nll_loss(log_p, target, self.weight, self.ignore_index, self.reduction)
