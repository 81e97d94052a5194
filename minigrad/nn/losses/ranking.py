"""Losses of order: which of two scores is larger, which of two vectors is nearer, and by what margin."""

from typing import Any

import numpy as np

from ...core.door import batch_of, plain, raise_if, unwrap
from ...ops.functions import minimum, reshape, sqrt, square, take_along_axis, where
from ...ops.functions import sum as total
from ..activations import relu
from ..distance import pairwise_distance
from ..precision import as_constant, as_input, rounded_back, widened
from ..sizes import checked_number
from .binary import bad_targets
from .classification import at_labels, class_rows, labelled, labels_shape, times
from .reduction import Loss, WeightedLoss, check_reduction, matched, reduced


def margin_ranking_loss(x1: Any, x2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """``max(0, margin - target * (x1 - x2))``: x1 is meant to be larger where the target is 1, smaller for -1.

    Parameters
    ----------
    x1, x2, target : arrays of the same shape
        Scores, and targets -1 and 1.
    margin : float
        The difference from which on there is no loss, and no gradient.
    reduction : {"mean", "sum", "none"}
        Over all elements; "none" for the loss of each, an array of the shape of x1.

    Raises
    ------
    ValueError
        If a target is neither -1 nor 1, or shapes differ.
    """
    (x1, x2), dtype = matched("margin_ranking_loss", x1, x2)
    target = as_input(target)
    check_signs("margin_ranking_loss", plain(target), x1.shape)
    signs = target if target.dtype.kind == "f" else target.astype(x1.dtype)
    return reduced(relu(margin - signs * (x1 - x2)), reduction, dtype)


def cosine_embedding_loss(x1: Any, x2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """``1 - cos(x1, x2)`` where the target is 1, and ``max(0, cos(x1, x2) - margin)`` where it is -1.

    Parameters
    ----------
    x1, x2 : arrays of the same shape, (features,) or (batch, features)
    target : array of shape () or (batch,)
        1 for vectors that are meant to have one direction, -1 for others.
    margin : float
        The cosine up to which other vectors cost nothing, from -1 to 1.
    reduction : {"mean", "sum", "none"}
        Over the examples.

    Raises
    ------
    ValueError
        If a target is neither -1 nor 1, or shapes do not fit.
    """
    (x1, x2), dtype = matched("cosine_embedding_loss", x1, x2)
    check_vectors("cosine_embedding_loss", x1)
    signs = as_constant("target", as_input(target))
    check_signs("cosine_embedding_loss", signs, x1.shape[:-1])
    tiny = 1e-12  # PyTorch adds this to the squares, so that zeros have a cosine of 0
    norms = sqrt((total(square(x1), axis=-1) + tiny) * (total(square(x2), axis=-1) + tiny))
    cosine = total(x1 * x2, axis=-1) / norms
    return reduced(where(signs == 1, 1 - cosine, relu(cosine - margin)), reduction, dtype)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)``, d being `pairwise_distance`.

    Parameters
    ----------
    anchor, positive, negative : arrays of the same shape, (features,) or (batch, features)
        What is compared, something alike, and something else.
    margin : float > 0
        By how much farther away the other is meant to be.
    p, eps : float
        As of `pairwise_distance`.
    swap : bool
        Whether to take the distance of the positive and the negative where it is smaller than that of the anchor and
        the negative.
    reduction : {"mean", "sum", "none"}
        Over the examples.

    References
    ----------
    Balntas, Riba, Ponsa & Mikolajczyk, Learning local feature descriptors with triplets, BMVC 2016.
    """
    if not checked_number("the margin of triplet_margin_loss", margin) > 0:
        raise ValueError(f"the margin of triplet_margin_loss is positive; got {margin!r}")
    (anchor, positive, negative), dtype = matched("triplet_margin_loss", anchor, positive, negative)
    check_vectors("triplet_margin_loss", anchor)
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced(relu(margin + near - far), reduction, dtype)


def multi_margin_loss(
    x: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
) -> Any:
    """The mean over the classes of ``max(0, margin - x[label] + x[class])**p``, the label's own class left out.

    Parameters
    ----------
    x : array of shape (classes,) or (batch, classes)
        Scores.
    target : array of integers, of shape () or (batch,)
        Labels from 0 to classes - 1.
    p : {1, 2}
    margin : float
        By how much the score of the label is meant to exceed the others.
    weight : array of shape (classes,), optional
        A factor for the examples of each class.
    reduction : {"mean", "sum", "none"}
        Over the examples.
    """
    check_reduction(reduction)
    if p not in (1, 2):
        raise ValueError(f"the power p of multi_margin_loss is 1 or 2; got {p!r}")
    given, x = x, widened("multi_margin_loss", x)
    check_vectors("multi_margin_loss", x)
    rows, labels, _, factor = labelled("multi_margin_loss", x, target, weight, None)
    gaps = relu(margin + at_labels(rows, labels)[:, None] + rows)
    elsewhere = (labels[:, None] != np.arange(rows.shape[1])).astype(rows.dtype)
    each = total((gaps if p == 1 else square(gaps)) * elsewhere, axis=1) / rows.shape[1]
    return rounded_back(reduced(reshape(times(factor, each), labels_shape(x)), reduction), given)


def multilabel_margin_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """The sum of ``max(0, 1 - x[label] + x[other])`` over all labels and all classes that are no labels, over classes.

    Parameters
    ----------
    x : array of shape (classes,) or (batch, classes)
        Scores.
    target : array of integers, of the same shape
        The labels of each example come first, from 0 to classes - 1; -1 ends them, and what follows does not count.
    reduction : {"mean", "sum", "none"}
        Over the examples.

    Raises
    ------
    ValueError
        If shapes differ, or a label is out of range.
    """
    check_reduction(reduction)
    given, x = x, widened("multilabel_margin_loss", x)
    check_vectors("multilabel_margin_loss", x)
    rows = class_rows("multilabel_margin_loss", x)
    labels, counted = leading_labels(x.shape, target)
    classes, scores = np.arange(rows.shape[1]), take_along_axis(rows, labels, axis=1)
    is_label = np.any((labels[:, :, None] == classes) & counted[:, :, None], axis=1)
    pairs = (counted[:, :, None] & ~is_label[:, None, :]).astype(rows.dtype)
    each = total(relu(1 - scores[:, :, None] + rows[:, None, :]) * pairs, axis=(1, 2)) / rows.shape[1]
    return rounded_back(reduced(reshape(each, labels_shape(x)), reduction), given)


def leading_labels(shape: tuple[int, ...], target: Any) -> tuple[Any, Any]:
    """The labels before the first -1 of each row, in as many columns as the longest row has, and which are some."""
    target = plain(as_input(target))
    if target.dtype.kind not in "iu" or target.shape != shape:
        raise ValueError(
            f"multilabel_margin_loss of scores {shape} takes labels, integers of the same shape with -1 after the "
            f"last; got {target.dtype} of {target.shape}"
        )
    target = np.reshape(target, (-1, shape[-1])).astype(np.int64)  # NumPy 2.0 crashes where unsigned ones meet -1
    classes, bad = shape[-1], (target < -1) | (target >= shape[-1])
    raise_if(
        bad,
        lambda: ValueError(
            f"multilabel_margin_loss of {classes} classes takes labels 0 to {classes - 1}; got "
            f"{int(unwrap(target)[unwrap(bad)][0])}"
        ),
    )
    counted = np.cumprod(target != -1, axis=1) > 0
    if batch_of(counted):  # others may have more of them
        return np.where(counted, target, 0), counted
    longest = int(np.max(np.sum(counted, axis=-1), initial=0))
    target, counted = target[:, :longest], counted[:, :longest]
    return np.where(counted, target, 0), counted


def check_signs(name: str, signs: Any, shape: tuple[int, ...]) -> None:
    """Refuse targets of another shape, and such as are neither -1 nor 1."""
    if signs.shape != shape:
        raise ValueError(f"{name} takes a target of shape {shape}, and does not broadcast; got {signs.shape}")
    raise_if(
        (signs != 1) & (signs != -1),
        lambda: ValueError(f"{name} takes targets -1 and 1; got {bad_targets(signs)}"),
    )


def check_vectors(name: str, x: Any) -> None:
    """Refuse arrays that are neither a vector nor a batch of vectors."""
    if x.ndim not in (1, 2):
        raise ValueError(f"{name} takes arrays of shape (features,) or (batch, features); got {x.shape}")


class MarginRankingLoss(Loss):
    """`functional.margin_ranking_loss` as a module.

    Parameters
    ----------
    margin : float
    reduction : {"mean", "sum", "none"}
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, x1: Any, x2: Any, target: Any) -> Any:
        return margin_ranking_loss(x1, x2, target, self.margin, self.reduction)


class CosineEmbeddingLoss(Loss):
    """`functional.cosine_embedding_loss` as a module.

    Parameters
    ----------
    margin : float
    reduction : {"mean", "sum", "none"}
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, x1: Any, x2: Any, target: Any) -> Any:
        return cosine_embedding_loss(x1, x2, target, self.margin, self.reduction)


class TripletMarginLoss(Loss):
    """`functional.triplet_margin_loss` as a module.

    Parameters
    ----------
    margin, p, eps : float
    swap : bool
    reduction : {"mean", "sum", "none"}
    """

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        options = self.margin, self.p, self.eps, self.swap, self.reduction
        return triplet_margin_loss(anchor, positive, negative, *options)


class MultiMarginLoss(WeightedLoss):
    """`functional.multi_margin_loss` as a module.

    Parameters
    ----------
    p : {1, 2}
    margin : float
    weight : array of shape (classes,), optional
        Is part of the state.
    reduction : {"mean", "sum", "none"}
    """

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.p = p
        self.margin = margin

    def forward(self, x: Any, target: Any) -> Any:
        return multi_margin_loss(x, target, self.p, self.margin, self.weight, self.reduction)


class MultiLabelMarginLoss(Loss):
    """`functional.multilabel_margin_loss` as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
    """

    def forward(self, x: Any, target: Any) -> Any:
        return multilabel_margin_loss(x, target, self.reduction)
